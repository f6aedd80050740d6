import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type TracerProvider,
} from '@opentelemetry/sdk-trace';
import test from 'ava';
import { inspect } from 'node:util';
import { type Handler, request, serve, type Transition } from '../../src/index.ts';
import { ATTRIBUTES, DURATION_BUCKETS, METRICS } from '../../src/telemetry/conventions.ts';
import { openTelemetry, TelemetryError } from '../../src/telemetry/index.ts';
import type { Recorder } from '../../src/telemetry/observation.ts';
import { packet, rawClient } from '../support/raw-client.ts';
import { rawServer } from '../support/raw-server.ts';
import { gate, serving } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { observe } from './observed.ts';
import { type MemorySdk, memorySdk, milliseconds } from './sdk.ts';

const firstWord = (head: Uint8Array) => Buffer.from(head).toString('latin1').split(' ')[0];

const only = (spans: readonly ReadableSpan[], kind: SpanKind) => spans.filter((span) => span.kind === kind);

test('a request is one SERVER span', async (t) => {
  const sdk = memorySdk();
  const { path } = await serving(t, () => 'pong', {
    telemetry: openTelemetry({ ...sdk, classify: firstWord }),
  });
  t.is(await (await request(path, 'ping me')).text(), 'pong');

  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.name, 'ping');
  t.is(span.kind, SpanKind.SERVER);
  t.is(span.parentSpanContext, undefined);
  t.deepEqual(span.status, { code: SpanStatusCode.UNSET });
  t.is(span.instrumentationScope.name, 'simple-ipc');
  t.deepEqual(span.attributes, {
    'rpc.system.name': 'simple-ipc',
    'rpc.method': 'ping',
    'server.address': path,
    'network.transport': 'unix',
    'simple_ipc.outcome': 'answered',
    'simple_ipc.connection': 'c1',
    'simple_ipc.request.size': 7,
    'simple_ipc.request.packets': 1,
    'simple_ipc.response.size': 4,
    'simple_ipc.response.packets': 1,
  });
});

test('its phases are events, at the times of the transitions', async (t) => {
  const sdk = memorySdk();
  const { path, ended, transitions } = await serving(t, async () => 'pong', {
    telemetry: openTelemetry(sdk),
  });
  await (await request(path, 'ping')).text();
  await ended(1);

  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.name, 'simple-ipc');
  t.false('rpc.method' in span.attributes);
  const at = (fits: (transition: Transition) => boolean) =>
    Math.round((transitions.find((one) => one.actor === 'c1' && fits(one)) as Transition).at * 1000);
  const microseconds = (time: readonly [number, number]) => Math.round(milliseconds(time) * 1000);
  t.deepEqual(
    span.events.map(({ name, time }) => [name, microseconds(time)]),
    [
      ['reading-request', at(({ to }) => to === 'reading-request')],
      ['dispatching', at(({ to }) => to === 'dispatching')],
      ['streaming-response', at(({ to }) => to === 'streaming-response')],
    ],
  );
  t.is(
    microseconds(span.startTime),
    at(({ to }) => to === 'reading-request'),
  );
  t.is(
    microseconds(span.endTime),
    at(({ to }) => to === 'closed'),
  );
});

test('the wait for a slot is visible', async (t) => {
  const sdk = memorySdk();
  const hold = gate();
  const { path, until } = await serving(t, () => hold.promise, {
    concurrency: 1,
    telemetry: openTelemetry(sdk),
  });
  const first = request(path, 'first');
  await until(({ event }) => event === 'SLOT_GRANTED');
  const second = request(path, 'second');
  await until(({ event }) => event === 'SLOT_AWAITED');
  hold.resolve();
  await Promise.all([first, second]);

  const events = (await sdk.spans(2)).map((span) => span.events.map(({ name }) => name));
  t.deepEqual(events, [
    ['reading-request', 'dispatching', 'streaming-response'],
    ['reading-request', 'dispatching', 'waiting-for-slot', 'slot-granted', 'streaming-response'],
  ]);
});

async function child(tracerProvider: TracerProvider): Promise<void> {
  await Promise.resolve();
  tracerProvider.getTracer('test').startActiveSpan('inner', (span) => span.end());
}

for (const [name, handlerOf] of [
  [
    'an async function',
    (sdk: MemorySdk): Handler =>
      async () =>
        child(sdk.tracerProvider),
  ],
  [
    'a generator',
    (sdk: MemorySdk): Handler =>
      async function* () {
        yield 'a';
        await child(sdk.tracerProvider);
        yield 'b';
      },
  ],
] as const) {
  test(`it is active while the handler runs: ${name}`, async (t) => {
    const sdk = memorySdk();
    const { path } = await serving(t, handlerOf(sdk), { telemetry: openTelemetry(sdk) });
    await (await request(path, 'x')).text();
    const spans = await sdk.spans(2);
    const server = spans.find(({ kind }) => kind === SpanKind.SERVER) as ReadableSpan;
    const inner = spans.find((span) => span.name === 'inner') as ReadableSpan;
    t.is(inner.parentSpanContext?.spanId, server.spanContext().spanId);
    t.is(inner.spanContext().traceId, server.spanContext().traceId);
  });
}

test('attributes that a handler adds are on the span', async (t) => {
  const sdk = memorySdk();
  const { path } = await serving(
    t,
    () => {
      trace.getActiveSpan()?.setAttribute('app.rows', 3);
    },
    { telemetry: openTelemetry(sdk) },
  );
  await (await request(path, 'x')).text();
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.attributes['app.rows'], 3);
});

test('a call is one CLIENT span', async (t) => {
  const sdk = memorySdk();
  const { path } = await serving(t, () => 'pong');
  const telemetry = openTelemetry({ ...sdk, classify: firstWord });
  await (await request(path, 'ping', { telemetry })).text();

  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.name, 'ping');
  t.is(span.kind, SpanKind.CLIENT);
  t.deepEqual(span.status, { code: SpanStatusCode.UNSET });
  t.deepEqual(
    span.events.map((event) => event.name),
    ['connecting', 'sending-request', 'awaiting-response', 'reading-response'],
  );
  t.like(span.attributes, { 'simple_ipc.request.size': 4, 'simple_ipc.response.size': 4 });
});

test('a call that fails says so', async (t) => {
  const sdk = memorySdk();
  const path = temporaryPath(t);
  await t.throwsAsync(request(path, 'ping', { telemetry: openTelemetry(sdk) }));
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.status.code, SpanStatusCode.ERROR);
  t.is(span.attributes['error.type'], 'SIMPLE_IPC_PATH_NOT_FOUND');
  t.regex(span.status.message ?? '', /There is nothing at/);
});

test('a request that fails says so', async (t) => {
  const sdk = memorySdk();
  const thrown = new RangeError('no such row');
  const { path } = await serving(
    t,
    () => {
      throw thrown;
    },
    { telemetry: openTelemetry(sdk) },
  );
  await t.throwsAsync(request(path, 'ping'));
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.status.code, SpanStatusCode.ERROR);
  t.regex(span.status.message ?? '', /no such row/);
  t.like(span.attributes, { 'error.type': 'handler-failed', 'simple_ipc.outcome': 'handler-failed' });
  const exception = span.events.at(-1);
  t.is(exception?.name, 'exception');
  t.deepEqual(exception?.attributes, {
    'exception.type': 'RangeError',
    'exception.message': 'no such row',
    'exception.stacktrace': thrown.stack,
  });
  t.deepEqual(exception?.time, span.endTime);
});

test('so does one that never came to a handler', async (t) => {
  const sdk = memorySdk();
  const { path, ended } = await serving(t, () => 'pong', { telemetry: openTelemetry(sdk) });
  const client = await rawClient(path);
  client.socket.write('nonsense');
  await ended(1);
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.attributes['error.type'], 'protocol-error');
  t.deepEqual(
    span.events.map((event) => event.name),
    ['reading-request'],
  );
});

test('a client that hangs up is no error of the server, and one that said nothing no span', async (t) => {
  const sdk = memorySdk();
  const { path, ended } = await serving(t, () => gate().promise, { telemetry: openTelemetry(sdk) });
  const ping = await rawClient(path);
  ping.socket.destroy();
  await ended(1);
  const client = await rawClient(path);
  client.socket.write('0008pi');
  client.socket.end();
  await ended(2);
  const spans = await sdk.spans(1);
  t.is(spans.length, 1);
  t.is((spans[0] as ReadableSpan).attributes['simple_ipc.outcome'], 'hung-up');
  t.deepEqual((spans[0] as ReadableSpan).status, { code: SpanStatusCode.UNSET });
  t.deepEqual(
    (await sdk.points(METRICS.serverDuration.name)).map(({ attributes }) => attributes),
    [{ 'rpc.system.name': 'simple-ipc' }],
  );
});

test('samplers see the attributes of the creation', async (t) => {
  const seen: Record<string, unknown>[] = [];
  const sampler: Sampler = {
    shouldSample(_context, _traceId, name, kind, attributes) {
      seen.push({ name, kind, ...attributes });
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    },
    toString: () => 'test',
  };
  const sdk = memorySdk(sampler);
  const { path } = await serving(t, () => 'pong', {
    telemetry: openTelemetry({ ...sdk, classify: firstWord }),
  });
  await (await request(path, 'ping')).text();
  await sdk.spans(1);
  t.deepEqual(seen, [
    {
      name: 'ping',
      kind: SpanKind.SERVER,
      'rpc.system.name': 'simple-ipc',
      'rpc.method': 'ping',
      'server.address': path,
      'network.transport': 'unix',
    },
  ]);
  t.deepEqual(
    Object.keys(seen[0] as object).filter((key) => key.includes('.')),
    Object.values(ATTRIBUTES)
      .filter(({ atCreation }) => atCreation)
      .map(({ name }) => name),
  );
});

// ---- Context over the wire.

test('a context sent by the client joins both', async (t) => {
  const sdk = memorySdk();
  const telemetry = openTelemetry({ ...sdk, propagate: true });
  const { path } = await serving(t, () => 'pong', { telemetry });
  t.is(await (await request(path, 'ping', { telemetry })).text(), 'pong');
  const spans = await sdk.spans(2);
  const [client] = only(spans, SpanKind.CLIENT) as [ReadableSpan];
  const [server] = only(spans, SpanKind.SERVER) as [ReadableSpan];
  t.deepEqual(
    [server.parentSpanContext?.traceId, server.parentSpanContext?.spanId, server.parentSpanContext?.isRemote],
    [client.spanContext().traceId, client.spanContext().spanId, true],
  );
});

for (const [name, message] of [
  ['an empty request', undefined],
  ['a long one', Buffer.alloc(300_000)],
  [
    'one in pieces',
    (async function* () {
      yield 'a';
      yield 'b';
    })(),
  ],
] as const) {
  test(`it is sent behind ${name}`, async (t) => {
    const sdk = memorySdk();
    const telemetry = openTelemetry({ ...sdk, propagate: true });
    const { path } = await serving(t, async (req) => String((await req.bytes()).length), { telemetry });
    const length = message === undefined ? '0' : 'next' in message ? '2' : '300000';
    t.is(await (await request(path, message, { telemetry })).text(), length);
    const [server] = only(await sdk.spans(2), SpanKind.SERVER) as [ReadableSpan];
    t.truthy(server.parentSpanContext ?? server.links[0]);
  });
}

test('a server that looks for no trailer is not disturbed by one', async (t) => {
  const { path } = await serving(t, async (req) => req.text());
  const telemetry = openTelemetry({ ...memorySdk(), propagate: true });
  t.is(await (await request(path, 'ping', { telemetry })).text(), 'ping');
});

test('it is sent only where it is wanted, and while the span is sampled', async (t) => {
  for (const options of [memorySdk(), { ...memorySdk(new AlwaysOffSampler()), propagate: true }]) {
    const received = gate<string>();
    const path = await rawServer(t, (socket) => {
      socket.once('data', (chunk) => {
        received.resolve(chunk.toString('latin1'));
        socket.end('0000');
      });
    });
    await (await request(path, 'ping', { telemetry: openTelemetry(options) })).text();
    t.is(await received.promise, '0008ping0000');
  }
});

test('a trailer that comes when the handler runs becomes a link', async (t) => {
  const sdk = memorySdk();
  const started = gate();
  const { path, ended } = await serving(
    t,
    async (req) => {
      started.resolve();
      await req.bytes();
    },
    { window: 10, telemetry: openTelemetry(sdk) },
  );
  const client = await rawClient(path);
  client.socket.write(packet('a'.repeat(100)));
  await started.promise;
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  client.socket.write(`0001${packet(`traceparent=${parent}\n`)}0000`);
  await client.closed;
  await ended(1);
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.parentSpanContext, undefined);
  t.is(span.links[0]?.context.spanId, 'b7ad6b7169203331');
});

for (const [name, trailer] of [
  ['none', ''],
  ['garbage', 'zzzzzzzz'],
  ['all zeros', packet(`traceparent=00-${'0'.repeat(32)}-${'0'.repeat(16)}-01\n`)],
  ['over-long', packet(`traceparent=00-${'a'.repeat(2_000)}`)],
  ['of a version that there is not', packet(`traceparent=ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)],
] as const) {
  test(`a request whose trailer is ${name} is answered, without a parent`, async (t) => {
    const sdk = memorySdk();
    const { path } = await serving(t, async (req) => req.text(), { telemetry: openTelemetry(sdk) });
    const client = await rawClient(path);
    client.socket.write(`${packet('ping')}0001${trailer}0000`);
    t.is(await client.closed, `${packet('ping')}0000`);
    const [span] = (await sdk.spans(1)) as [ReadableSpan];
    t.is(span.parentSpanContext, undefined);
    t.deepEqual(span.links, []);
  });
}

test('a request that ends while it waits for a slot has its parent, its method and the sampling of its trace', async (t) => {
  const seen: Record<string, unknown>[] = [];
  const sampler: Sampler = {
    shouldSample(from, _traceId, name) {
      seen.push({ name, parent: trace.getSpanContext(from)?.spanId });
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    },
    toString: () => 'test',
  };
  const sdk = memorySdk(sampler);
  const hold = gate();
  const { path, until, ended } = await serving(t, () => hold.promise, {
    concurrency: 1,
    telemetry: openTelemetry({ ...sdk, classify: firstWord }),
  });
  const first = request(path, 'first');
  await until(({ event }) => event === 'SLOT_GRANTED');
  const client = await rawClient(path);
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  client.socket.write(`${packet('second of two')}0001${packet(`traceparent=${parent}\n`)}0000`);
  await until(({ event }) => event === 'SLOT_AWAITED');
  client.socket.destroy();
  await ended(2);
  const [span] = (await sdk.spans(1)) as [ReadableSpan];
  t.is(span.name, 'second');
  t.is(span.parentSpanContext?.spanId, 'b7ad6b7169203331');
  t.is(span.spanContext().traceId, '0af7651916cd43dd8448eb211c80319c');
  t.deepEqual(seen.at(-1), { name: 'second', parent: 'b7ad6b7169203331' });
  hold.resolve();
  await first;
});

test('one of which nothing is left is named so, where there is a classifier', async (t) => {
  const sdk = memorySdk();
  const { path, ended } = await serving(t, () => 'pong', {
    telemetry: openTelemetry({ ...sdk, classify: firstWord }),
  });
  const client = await rawClient(path);
  client.socket.write('nonsense');
  await ended(1);
  t.is((await sdk.spans(1))[0]?.name, '_OTHER');
});

test('times are right after the clock was set, and one span has one clock', async (t) => {
  const { now } = Date;
  const passed = performance.now.bind(performance);
  const hour = 3_600_000;
  const sdk = memorySdk();
  const recorder = openTelemetry(sdk) as unknown as Recorder;
  try {
    for (const hours of [1, 5]) {
      Date.now = () => now() + hours * hour;
      performance.now = () => passed() + hours * 2_000;
      // It is set again while a handler runs.
      observe(recorder, {
        run: () => {
          Date.now = () => now() + (hours + 1) * hour;
          performance.now = () => passed() + (hours + 1) * 2_000;
        },
      });
    }
  } finally {
    Object.assign(Date, { now });
    Object.assign(performance, { now: passed });
  }
  for (const [index, span] of (await sdk.spans(2)).entries()) {
    const right = (time: readonly [number, number]) =>
      Math.abs(milliseconds(time) - now() - ([1, 5][index] as number) * hour) < 20_000;
    t.true(right(span.startTime));
    t.true(Math.abs(milliseconds(span.duration) - 10) < 0.01);
    t.true(span.events.every(({ time }) => right(time)));
  }
});

for (const [options, message] of [
  [{ classify: 'x' }, 'classify is "x": give a function.'],
  [{ propagate: 'no' }, 'propagate is "no": give true or false.'],
  [null, 'options is null: give an object.'],
] as const) {
  test(`a bad option: ${inspect(options)}`, (t) => {
    const error = t.throws(() => openTelemetry(options as never), { instanceOf: TelemetryError, message });
    t.is(error.code, 'TELEMETRY_INVALID_OPTION');
  });
}

// ---- Classifiers, metrics, and what must not break a request.

test('a classifier that throws, or names too much, costs no request', async (t) => {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  let calls = 0;
  const sdk = memorySdk();
  const { path } = await serving(t, () => 'pong', {
    telemetry: openTelemetry({
      ...sdk,
      classify() {
        calls++;
        if (calls <= 100) return `method-${calls}`;
        if (calls === 101) throw new Error('confused');
        return `method-${calls}`;
      },
    }),
  });
  for (let i = 0; i < 103; i++) t.is(await (await request(path, 'x')).text(), 'pong');
  const names = (await sdk.spans(103)).map((span) => span.name);
  t.deepEqual(names.slice(98), ['method-99', 'method-100', '_OTHER', '_OTHER', '_OTHER']);
  t.is((await sdk.points(METRICS.serverDuration.name)).length, 101);
  t.regex(warnings.join('\n'), /classify threw \(confused\)/);
});

test('metrics count every request', async (t) => {
  const sdk = memorySdk();
  const { path, ended } = await serving(t, () => 'pong', {
    maxConnections: 1,
    telemetry: openTelemetry({ ...sdk, classify: firstWord }),
  });
  const held = await rawClient(path);
  await t.throwsAsync(request(path, 'refused'));
  t.like((await sdk.points(METRICS.open.name))[0], { value: 1, attributes: { 'server.address': path } });
  held.socket.destroy();
  await ended(1);
  for (let i = 0; i < 3; i++) {
    await (await request(path, 'ping')).text();
    await ended(i + 3);
  }
  const durations = (await sdk.points(METRICS.serverDuration.name))[0] as {
    attributes: object;
    value: unknown;
  };
  t.deepEqual(durations.attributes, { 'rpc.system.name': 'simple-ipc', 'rpc.method': 'ping' });
  const { count, buckets } = durations.value as { count: number; buckets: { boundaries: number[] } };
  t.is(count, 3);
  t.deepEqual(buckets.boundaries, [...DURATION_BUCKETS]);
  t.like((await sdk.points(METRICS.refused.name))[0], { value: 1 });
  const io = await sdk.points(METRICS.io.name);
  t.deepEqual(
    io.map(({ attributes, value }) => [attributes['network.io.direction'], value]),
    [
      ['receive', 12],
      ['transmit', 12],
    ],
  );
});

test('telemetry that throws breaks no request', async (t) => {
  const fail = () => {
    throw new Error('telemetry is broken');
  };
  const path = temporaryPath(t);
  const server = await serve(path, () => 'pong', {
    telemetry: {
      server: () => ({
        connection: () => ({
          transition: fail,
          trailer: fail,
          crashed: fail,
          handle: (run, ...args) => run(...args),
        }),
      }),
      call: () => undefined,
    },
  });
  t.teardown(() => server.close());
  t.is(await (await request(path, 'ping')).text(), 'pong');
  t.is(server.stats.crashed, 0);
});
