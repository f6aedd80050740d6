import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import test, { type ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import { request } from '../../src/index.ts';
import { type StartTelemetryOptions, startTelemetry, TelemetryError } from '../../src/telemetry/index.ts';
import { DURATION_BUCKETS } from '../../src/telemetry/conventions.ts';
import { start } from '../../src/telemetry/start.ts';
import { eventually, gate, serving } from '../support/serving.ts';
import { type CollectedSpan, collector } from './collector.ts';
import { packet, rawClient } from '../support/raw-client.ts';
import { observe, OBSERVED_SERVER } from './observed.ts';
import { startWithCollector, type WithCollector } from './started.ts';

/** What tells of the handler's spans is the same for all of a process, so these tests come one after the other. */
interface Started extends WithCollector, AsyncDisposable {
  /** Ends telemetry, and gives the spans that have come: the newest last. */
  spans(): Promise<CollectedSpan[]>;
}

async function started(
  t: ExecutionContext,
  options: StartTelemetryOptions = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const run = await startWithCollector(t, { shutdownTimeout: 15_000, ...options }, env);
  const { telemetry, to, problems } = run;
  return {
    ...run,
    spans: async () => {
      await telemetry.shutdown();
      t.deepEqual(problems, []);
      return to.spans.toSorted((one, other) => one.start - other.start);
    },
    [Symbol.asyncDispose]: () => telemetry.shutdown(),
  };
}

test.serial('a request: the spans of both sides, as they were', async (t) => {
  await using run = await started(t, {
    serviceName: 'a service',
    classify: (head) => Buffer.from(head).toString(),
    propagate: true,
  });
  const { telemetry } = run;
  const { path, server } = await serving(t, () => 'answer', { telemetry });
  const before = Date.now();
  t.is(await (await request(path, 'query', { telemetry })).text(), 'answer');
  await server.close();
  const after = Date.now();

  const spans = await run.spans();
  const client = spans.find(({ kind }) => kind === 3);
  const served = spans.find(({ kind }) => kind === 2);
  t.is(spans.length, 2);
  t.like(client, {
    name: 'query',
    scope: 'simple-ipc',
    service: 'a service',
    parentSpanId: undefined,
    flags: 0x1_01,
    attributes: {
      'rpc.system.name': 'simple-ipc',
      'rpc.method': 'query',
      'server.address': path,
      'network.transport': 'unix',
      'simple_ipc.request.size': 5,
      'simple_ipc.request.packets': 1,
      'simple_ipc.response.size': 6,
      'simple_ipc.response.packets': 1,
    },
  });
  t.like(served, {
    name: 'query',
    traceId: client?.traceId as string,
    parentSpanId: client?.spanId as string,
    flags: 0x3_01,
    attributes: {
      'rpc.method': 'query',
      'server.address': path,
      'simple_ipc.request.size': 5,
      'simple_ipc.response.size': 6,
      'simple_ipc.outcome': 'answered',
      'simple_ipc.connection': 'c1',
    },
  });
  t.deepEqual(
    served?.events.map(({ name }) => name),
    ['reading-request', 'dispatching', 'streaming-response'],
  );
  t.deepEqual(
    client?.events.map(({ name }) => name),
    ['connecting', 'sending-request', 'awaiting-response', 'reading-response'],
  );
  for (const span of spans) {
    t.is(span.status.code, SpanStatusCode.UNSET);
    const times = [span.start, ...span.events.map(({ time }) => time), span.end];
    t.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    t.is(span.start, span.events[0]?.time as number);
    t.true(span.start >= before - 25 && span.end <= after + 25, `${before} ${times.join(' ')} ${after}`);
  }
  t.deepEqual(telemetry.stats, {
    recorded: 2,
    unsampled: 0,
    exported: 2,
    dropped: {
      'queue-full': 0,
      'export-failed': 0,
      'exporter-crashed': 0,
      'shut-down': 0,
    },
    withoutDetails: 0,
  });
});

test.serial('what a handler adds, and the spans that it makes', async (t) => {
  await using run = await started(t, { serviceName: 'handlers' });
  const { telemetry } = run;
  const tracer = trace.getTracer('an app', '1.2.3');
  const { path, server } = await serving(
    t,
    async () => {
      const span = trace.getActiveSpan();
      t.true(span?.isRecording());
      span?.setAttributes({ rows: 3, list: ['a', 'b'] }).addEvent('half way', { n: 1 });
      await new Promise(setImmediate);
      await tracer.startActiveSpan('child', { attributes: { of: 'handler' } }, async (child) => {
        child.addEvent('in it');
        await (await request(inner.path, 'inner', { telemetry })).text();
        child.setStatus({ code: SpanStatusCode.ERROR, message: 'not good' }).end();
      });
      span?.recordException(new Error('but it went on'));
      return 'answer';
    },
    { telemetry },
  );
  const inner = await serving(t, () => 'inner', { telemetry });
  await (await request(path, 'outer')).text();
  await Promise.all([server.close(), inner.server.close()]);

  const spans = await run.spans();
  const [outer, child, call, innerSpan] = ['outer', 'child', 'call', 'inner'].map((what) =>
    spans.find(
      ({ name, kind, attributes }) =>
        (what === 'child' && name === 'child') ||
        (what === 'call' && kind === 3) ||
        (kind === 2 && attributes['server.address'] === { outer: path, inner: inner.path }[what]),
    ),
  ) as [CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan];
  t.is(spans.length, 4);
  t.like(outer.attributes, { rows: 3 });
  t.deepEqual(outer.attributes['list'], ['a', 'b']);
  t.deepEqual(
    outer.events.filter(({ name }) => name === 'half way').map(({ attributes }) => attributes),
    [{ n: 1 }],
  );
  const exception = outer.events.find(({ name }) => name === 'exception');
  t.like(exception?.attributes, { 'exception.type': 'Error', 'exception.message': 'but it went on' });
  for (const { time } of outer.events) t.true(time >= outer.start && time <= outer.end);

  t.like(child, {
    traceId: outer.traceId,
    parentSpanId: outer.spanId,
    service: 'handlers',
    scope: 'an app',
    kind: 1,
    attributes: { of: 'handler' },
    status: { code: SpanStatusCode.ERROR, message: 'not good' },
  });
  t.is(child.events[0]?.name, 'in it');
  // A call belongs to the span in which it is made; its server was not told of it.
  t.like(call, { traceId: outer.traceId, parentSpanId: child.spanId });
  t.not(innerSpan.traceId, outer.traceId);
  t.is(telemetry.stats.recorded, 4);
  t.is(telemetry.stats.exported, 4);
});

test.serial('a client tells of its span, in time or late', async (t) => {
  await using run = await started(t);
  const client = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
  const trailer = `traceparent=00-${client.traceId}-${client.spanId}-01\n`;
  observe(run.telemetry.recorder, { trailer });
  observe(run.telemetry.recorder, { at: performance.now() + 1, run: (late) => late.trailer(trailer) });
  observe(run.telemetry.recorder, { at: performance.now() + 2, trailer, outcome: 'aborted', handled: false });
  const [inTime, late, aborted] = await run.spans();
  t.like(aborted, { traceId: client.traceId, parentSpanId: client.spanId });
  t.like(inTime, { traceId: client.traceId, parentSpanId: client.spanId });
  t.deepEqual(inTime?.links, []);
  t.not(late?.traceId, client.traceId);
  t.is(late?.parentSpanId, undefined);
  t.deepEqual(late?.links, [client]);
});

test.serial(
  'what is not sampled is kept where it failed or was slow, with what its handler added to it',
  async (t) => {
    await using run = await started(t, { sampleRatio: 0, keepSlowerThan: 100 });
    const { recorder } = run.telemetry;
    const look = () => {
      const span = trace.getActiveSpan();
      t.true(span?.isRecording());
      t.is(span?.spanContext().traceFlags, 0);
      span?.setAttribute('user', 'anna').recordException(new Error('no such row'));
      trace.getTracer('app').startActiveSpan('child', (child) => {
        t.false(child.isRecording());
        child.end();
      });
    };
    observe(recorder, { run: look });
    observe(recorder, { outcome: 'handler-failed', reason: new Error('the disk is full'), run: look });
    observe(recorder, { took: 99 });
    observe(recorder, { took: 101 });
    observe(recorder, { outcome: 'hung-up', reason: new Error('gone') });
    const spans = await run.spans();
    t.deepEqual(spans.map(({ attributes }) => attributes['simple_ipc.outcome']).toSorted(), [
      'answered',
      'handler-failed',
    ]);
    const failed = spans.find(({ attributes }) => attributes['error.type'] !== undefined);
    t.like(failed?.attributes, { 'error.type': 'handler-failed', user: 'anna' });
    t.like(failed?.events.find(({ name }) => name === 'exception')?.attributes, {
      'exception.message': 'no such row',
    });
    t.deepEqual(failed?.status, { code: SpanStatusCode.ERROR, message: 'the disk is full' });
    const slow = spans.find((span) => span !== failed) as CollectedSpan;
    t.true(Math.abs(slow.end - slow.start - 101) < 0.01);
    t.like(run.telemetry.stats, { recorded: 5, unsampled: 3, exported: 2 });
  },
);

test.serial('what a handler has thrown is an event of its span, with the stack', async (t) => {
  await using run = await started(t, { sampleRatio: 0 });
  const { recorder } = run.telemetry;
  const thrown = Object.assign(new RangeError('the disk is full'), { code: 'ENOSPC' });
  observe(recorder, { outcome: 'handler-failed', reason: new Error('the disk is full', { cause: thrown }) });
  observe(recorder, { outcome: 'timed-out', reason: new Error('too slow', { cause: thrown }) });
  observe(recorder, { outcome: 'handler-failed', reason: new Error('a text', { cause: 'a text' }) });
  const spans = await run.spans();
  t.is(spans.length, 3);
  const exceptions = spans.flatMap(({ end, events }) =>
    events.filter(({ name }) => name === 'exception').map((event) => ({ ...event, end })),
  );
  t.is(exceptions.length, 1);
  const [{ attributes, time, end }] = exceptions as [(typeof exceptions)[0]];
  t.deepEqual(attributes, {
    'exception.type': 'ENOSPC',
    'exception.message': 'the disk is full',
    'exception.stacktrace': thrown.stack,
  });
  t.true(Math.abs(time - end) < 0.01);
});

test.serial('failures may be left out as well: then nothing is collected', async (t) => {
  await using run = await started(t, { sampleRatio: 0, keepErrors: false });
  const look = () => t.false(trace.getActiveSpan()?.isRecording());
  observe(run.telemetry.recorder, { outcome: 'handler-failed', reason: new Error('no'), run: look });
  t.deepEqual(await run.spans(), []);
  t.like(run.telemetry.stats, { recorded: 1, unsampled: 1, exported: 0 });
});

test.serial('a client that has decided is followed; variables decide where no option does', async (t) => {
  const trailer = (flags: string) => `traceparent=00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-${flags}\n`;
  const off = { OTEL_TRACES_SAMPLER: 'parentbased_always_off' };
  for (const [options, env, kept] of [
    [{ sampleRatio: 0 }, {}, ['child']],
    [{}, off, ['child']],
    [{}, { OTEL_TRACES_SAMPLER: 'always_off' }, []],
    [{ sampleRatio: 1 }, off, ['child', 'root']],
  ] as const) {
    const run = await started(t, options, env);
    observe(run.telemetry.recorder, { trailer: trailer('01') });
    observe(run.telemetry.recorder, { trailer: trailer('00') });
    observe(run.telemetry.recorder);
    const spans = await run.spans();
    t.deepEqual(spans.map(({ parentSpanId }) => (parentSpanId === undefined ? 'root' : 'child')).toSorted(), [
      ...kept,
    ]);
  }
});

test.serial('metrics count every request, sampled or not, and show servers', async (t) => {
  await using run = await started(
    t,
    { sampleRatio: 0, keepErrors: false, classify: () => 'query' },
    { OTEL_METRICS_EXPORTER: 'otlp' },
  );
  const { recorder } = run.telemetry;
  recorder.server(OBSERVED_SERVER);
  const ended = recorder.server({ ...OBSERVED_SERVER, path: '/run/ended.sock' });
  ended.ended?.();
  for (let count = 0; count < 1_000; count += 1) observe(recorder);
  observe(recorder, { outcome: 'timed-out', reason: new Error('no') });
  t.deepEqual(await run.spans(), []);
  const points = (metric: string) => run.to.points.filter((point) => point.metric === metric);
  const durations = points('rpc.server.call.duration');
  t.deepEqual(
    durations.map(({ attributes, count }) => [attributes['error.type'], attributes['rpc.method'], count]),
    [
      [undefined, 'query', 1_000],
      ['timed-out', 'query', 1],
    ],
  );
  t.deepEqual(durations[0]?.bounds, [...DURATION_BUCKETS]);
  t.deepEqual(
    points('simple_ipc.server.io').map(({ value }) => value),
    [4_004, 100_100_000],
  );
  const at = (metric: string) =>
    points(metric).map(({ attributes, value }) => [attributes['server.address'], value]);
  t.deepEqual(at('simple_ipc.server.connections'), [['/run/app.sock', 3]]);
  t.deepEqual(at('simple_ipc.server.requests.waiting'), [['/run/app.sock', 1]]);
  t.deepEqual(at('simple_ipc.server.connections.refused').toSorted(), [
    ['/run/app.sock', 6],
    ['/run/ended.sock', 6],
  ]);
});

test.serial('with traces off there are metrics alone', async (t) => {
  await using run = await started(t, {}, { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'otlp' });
  observe(run.telemetry.recorder, { outcome: 'timed-out', took: 60_000 });
  t.deepEqual(await run.spans(), []);
  t.is(run.to.points.find(({ metric }) => metric === 'rpc.server.call.duration')?.count, 1);
  t.like(run.telemetry.stats, { recorded: 1, unsampled: 1 });
});

test.serial("an application's own provider and contexts are left alone", async (t) => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(provider);
  const contexts = new AsyncLocalStorageContextManager();
  t.teardown(() => {
    trace.disable();
    context.disable();
  });
  const isActive = () => {
    const some = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
    return context.with(
      trace.setSpanContext(ROOT_CONTEXT, some),
      () => trace.getActiveSpan()?.spanContext().spanId === some.spanId,
    );
  };
  for (const hasContexts of [false, true]) {
    if (hasContexts) context.setGlobalContextManager(contexts);
    exporter.reset();
    const run = await started(t);
    observe(run.telemetry.recorder, {
      run: () => trace.getTracer('app').startActiveSpan('child', (span) => span.end()),
    });
    const [served, ...others] = await run.spans();
    t.deepEqual(others, []);
    const [child] = exporter.getFinishedSpans();
    t.is(child?.parentSpanContext?.spanId, served?.spanId as string);
    t.is(child?.spanContext().traceId, served?.traceId as string);
    // What was registered here is gone, and what was there is still there.
    t.is(isActive(), hasContexts);
    t.true(trace.getTracer('app').startSpan('one more').isRecording());
  }
});

test.serial('after its end telemetry can be started again, and the old one records no more', async (t) => {
  const first = await started(t);
  observe(first.telemetry.recorder);
  t.is((await first.spans()).length, 1);
  t.false(trace.getTracer('app').startSpan('nobody').isRecording());
  await using second = await started(t);
  observe(second.telemetry.recorder, {
    run: () => trace.getTracer('app').startActiveSpan('child', (span) => span.end()),
  });
  observe(first.telemetry.recorder);
  await first.telemetry.shutdown();
  t.is((await second.spans()).length, 2);
  t.is(first.telemetry.stats.dropped['shut-down'], 1);
});

test.serial(
  'two in one process: each has its own, and the end of one is not that of the other',
  async (t) => {
    await using first = await started(t, { serviceName: 'first' });
    await using second = await started(t, { serviceName: 'second' });
    const tracer = trace.getTracer('app');
    const handler = (name: string) => () => {
      t.true(trace.getActiveSpan()?.isRecording());
      tracer.startActiveSpan(name, (child) => {
        tracer.startActiveSpan(`${name} below`, (grandchild) => grandchild.end());
        child.end();
      });
    };
    observe(first.telemetry.recorder, { run: handler('of the first') });
    observe(second.telemetry.recorder, { run: handler('of the second') });
    tracer.startSpan('of none').end();
    const names = (spans: readonly CollectedSpan[]) => spans.map(({ name }) => name).toSorted();
    t.deepEqual(names(await first.spans()), ['of the first', 'of the first below', 'simple-ipc']);

    observe(second.telemetry.recorder, { run: handler('later') });
    const spans = await second.spans();
    t.deepEqual(names(spans), [
      'later',
      'later below',
      'of none',
      'of the second',
      'of the second below',
      'simple-ipc',
      'simple-ipc',
    ]);
    const later = spans.find(({ name }) => name === 'later');
    t.true(spans.some(({ spanId, kind }) => spanId === later?.parentSpanId && kind === 2));
    t.false(trace.getTracer('app').startSpan('nobody').isRecording());

    // A tracer from before is as good as a new one.
    await using third = await started(t);
    observe(third.telemetry.recorder, { run: handler('again') });
    t.deepEqual(names(await third.spans()), ['again', 'again below', 'simple-ipc']);
  },
);

test.serial('those that begin and end at once leave nothing behind', async (t) => {
  const both = await Promise.all([started(t), started(t)]);
  t.true(trace.getTracer('app').startSpan('one').isRecording());
  await Promise.all(both.map(({ telemetry }) => telemetry.shutdown()));
  t.false(trace.getTracer('app').startSpan('nobody').isRecording());
});

test.serial('what cannot be sent to another thread is left out, and breaks nothing', async (t) => {
  await using run = await started(t);
  const { telemetry } = run;
  const no = (() => 1) as never;
  const reason = new Error('a reason', { cause: new Error('what was thrown') });
  for (const add of [
    () => trace.getActiveSpan()?.addEvent('event', {}, no),
    () => trace.getActiveSpan()?.setStatus({ code: no }),
  ])
    observe(telemetry.recorder, { run: add, outcome: 'handler-failed', reason });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const value of [{ call: no }, circle, [no]]) {
    const span = trace.getTracer('app').startSpan('odd', { attributes: { value: value as never } });
    span.addEvent('event', { value: value as never }).setStatus({ code: no });
    t.notThrows(() => span.end());
  }
  await telemetry.shutdown();
  t.like(telemetry.stats, { recorded: 5, exported: 5, withoutDetails: 5 });
  t.deepEqual(
    run.to.spans.map(({ name, status }) => [name, status.message]),
    [
      ['odd', undefined],
      ['odd', undefined],
      ['odd', undefined],
      ['simple-ipc', 'a reason'],
      ['simple-ipc', 'a reason'],
    ],
  );
  t.deepEqual(
    run.to.spans
      .flatMap(({ events }) => events.map(({ attributes }) => attributes['exception.message'] ?? ''))
      .filter(Boolean),
    ['what was thrown', 'what was thrown'],
  );
  t.deepEqual(run.problems, [
    'Telemetry has ended. Not exported: no spans. Without what their handlers added to them: 5 spans.',
  ]);
});

test.serial(
  'a request that ended before its handler has its parent, its sampling and its method',
  async (t) => {
    await using run = await started(t, { classify: (head) => Buffer.from(head).toString() });
    const hold = gate();
    const { telemetry } = run;
    const { path, server, until, ended } = await serving(t, () => hold.promise, {
      concurrency: 1,
      telemetry,
    });
    const first = request(path, 'first');
    await until(({ event }) => event === 'SLOT_GRANTED');
    for (const [number, flags] of [
      [2, '01'],
      [3, '00'],
    ] as const) {
      const client = await rawClient(path);
      const parent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-${flags}`;
      client.socket.write(`${packet('second')}0001${packet(`traceparent=${parent}\n`)}0000`);
      await until(({ actor, event }) => actor === `c${number}` && event === 'SLOT_AWAITED');
      client.socket.destroy();
      await ended(number);
    }
    const broken = await rawClient(path);
    broken.socket.write('nonsense');
    await ended(4);
    hold.resolve();
    await first;
    await server.close();
    const spans = await run.spans();
    t.deepEqual(spans.map(({ name }) => name).toSorted(), ['_OTHER', 'first', 'second']);
    t.like(
      spans.find(({ name }) => name === 'second'),
      { traceId: 'ab'.repeat(16), parentSpanId: 'cd'.repeat(8) },
    );
    t.like(telemetry.stats, { recorded: 4, unsampled: 1 });
  },
);

test.serial('a span that ends after its request is recorded all the same', async (t) => {
  await using run = await started(t);
  const { telemetry } = run;
  const later = gate();
  const { path, server } = await serving(
    t,
    async function* handler() {
      const span = trace.getTracer('app').startSpan('later');
      void later.promise.then(() => span.end());
      yield 'answer';
    },
    { telemetry },
  );
  await (await request(path, 'one')).text();
  await server.close();
  await eventually(() => telemetry.stats.exported === 1, 'the span of the request came');
  later.resolve();
  await later.promise;
  const spans = await run.spans();
  const served = spans.find(({ kind }) => kind === 2) as CollectedSpan;
  t.deepEqual(
    spans.filter(({ parentSpanId }) => parentSpanId === served.spanId).map(({ name }) => name),
    ['later'],
  );
});

test.serial('times are right again after the clock was set, or the machine slept', async (t) => {
  await using run = await started(t);
  const { now } = Date;
  t.teardown(() => Object.assign(Date, { now }));
  const hour = 3_600_000;
  // What tells the time is asked once a second.
  Date.now = () => now() + hour;
  const before = now();
  await eventually(() => run.telemetry.recorder.origin > performance.timeOrigin + hour / 2, 'it was noticed');
  observe(run.telemetry.recorder, { run: () => trace.getActiveSpan()?.addEvent('now') });
  await eventually(() => run.telemetry.stats.exported === 1, 'it came');
  const [span] = await run.spans();
  for (const time of [span?.start, ...(span?.events.map((event) => event.time) ?? [])])
    t.true(Math.abs((time as number) - before - hour) < 10_000);
});

test.serial('it keeps no process alive', async (t) => {
  const to = await collector(t);
  const script = `
    import { startTelemetry } from ${JSON.stringify(new URL('../../src/telemetry/index.ts', import.meta.url).href)};
    const telemetry = await startTelemetry({ endpoint: ${JSON.stringify(to.endpoint)} });
    telemetry.server({ path: '/x', transport: 'unix', stats: () => ({}) });
    console.log('started');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 15_000,
  });
  t.is(stdout, 'started\n');
});

test.serial('nothing is started where OTEL_SDK_DISABLED says so', async (t) => {
  const telemetry = await start({}, { env: { OTEL_SDK_DISABLED: 'true' } });
  t.false('thread' in telemetry);
  t.is(telemetry.server(OBSERVED_SERVER).connection({} as never), undefined);
  t.is(telemetry.call({} as never), undefined);
  await telemetry.shutdown();
  t.is(telemetry.stats.recorded, 0);
});

test.serial('a missing SDK is told before anything is started', async (t) => {
  const error = await t.throwsAsync(
    start(
      {},
      {
        resolve: (name) => {
          throw new Error(`Cannot find package '${name}'`);
        },
      },
    ),
    { instanceOf: TelemetryError },
  );
  t.is(error.code, 'TELEMETRY_SDK_MISSING');
  t.is(
    error.message,
    'Telemetry needs the package @opentelemetry/sdk-node, which is not installed. Install it: npm install @opentelemetry/sdk-node',
  );
  t.false(trace.getTracer('app').startSpan('nobody').isRecording());
});

for (const [options, message] of [
  [
    { endpoint: 'localhost:4318' },
    /^endpoint is "localhost:4318": give the URL .*http:\/\/127\.0\.0\.1:4318/u,
  ],
  [{ endpoint: 4_318 }, /^endpoint is 4318: /u],
  [{ sampleRatio: 1.01 }, /^sampleRatio is 1\.01: give a number from 0 to 1\.$/u],
  [{ sampleRatio: -0.1 }, /^sampleRatio/u],
  [{ sampleRatio: Number.NaN }, /^sampleRatio is NaN/u],
  [{ sampleRatio: '1' }, /^sampleRatio is "1"/u],
  [{ keepSlowerThan: -1 }, /^keepSlowerThan is -1: give a number of milliseconds, 0 or more\.$/u],
  [{ shutdownTimeout: -1 }, /^shutdownTimeout is -1/u],
  [{ shutdownTimeout: Infinity }, /^shutdownTimeout is Infinity/u],
  [{ records: 0 }, /^records is 0: give a whole number/u],
  [{ records: 1.5 }, /^records/u],
  [{ records: 2 ** 21 }, /^records/u],
  [{ serviceName: '' }, /^serviceName is ""/u],
  [{ keepErrors: 'no' }, /^keepErrors is "no": give true or false\.$/u],
  [{ propagate: 1 }, /^propagate/u],
  [{ classify: 'x' }, /^classify is "x": give a function\.$/u],
  [{ onProblem: true }, /^onProblem/u],
  [null, /^options is null: give an object\.$/u],
] as const) {
  test.serial(`a bad option: ${inspect(options)}`, async (t) => {
    const error = await t.throwsAsync(startTelemetry(options as unknown as StartTelemetryOptions), {
      instanceOf: TelemetryError,
      message,
    });
    t.is(error.code, 'TELEMETRY_INVALID_OPTION');
  });
}

test.serial('a bad endpoint in the environment is told by its name', async (t) => {
  await t.throwsAsync(start({}, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' } }), {
    instanceOf: TelemetryError,
    message: /^OTEL_EXPORTER_OTLP_ENDPOINT is "collector": /u,
  });
});

test.serial('which process it was is told, and not what stood behind the program', async (t) => {
  const program = process.argv.slice(0, 2);
  process.argv.push('a secret');
  t.teardown(() => process.argv.pop());
  await using run = await started(t);
  const { path } = await serving(t, () => 'answer');
  await (await request(path, 'query', { telemetry: run.telemetry })).bytes();
  const [span] = await run.spans();
  t.is(span?.resource['process.pid'], process.pid);
  t.deepEqual(span?.resource['process.command_args'], program);
  t.notRegex(JSON.stringify(span?.resource), /a secret/u);
});
