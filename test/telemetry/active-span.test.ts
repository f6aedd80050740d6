import { createContextKey, isSpanContextValid, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import test from 'ava';
import { ActiveSpan } from '../../src/telemetry/active-span.ts';
import { Clock } from '../../src/telemetry/clock.ts';
import { IdSource } from '../../src/telemetry/ids.ts';
import { Sampler } from '../../src/telemetry/sampling.ts';

const ids = new IdSource();
function spanOf(
  ratio = 1,
  parent?: ConstructorParameters<typeof ActiveSpan>[1],
  collectsUnsampled = false,
): ActiveSpan {
  const sampler = new Sampler({ ratio, followsParent: true });
  return new ActiveSpan({ ids, clock: new Clock(), sampler, collectsUnsampled }, parent);
}

test('it is a span with valid ids, and the context that has it', (t) => {
  const span = spanOf();
  t.true(isSpanContextValid(span.spanContext()));
  t.is(span.spanContext().traceFlags, 1);
  t.is(trace.getSpan(span), span as Span);
  const key = createContextKey('a test');
  const more = span.setValue(key, 1);
  t.is(more.getValue(key), 1);
  t.is(trace.getSpan(more), span as Span);
  t.is(span.getValue(key), undefined);
  t.is(trace.getSpan(trace.deleteSpan(span)), undefined);
  t.is(trace.getSpan(trace.deleteSpan(more)), undefined);
  t.is(trace.getSpan(span.deleteValue(key)), span as Span);
});

test('it belongs to its parent: the trace, the flags, and who that was', (t) => {
  const parent = {
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: 'fedcba9876543210',
    traceFlags: 0,
    isRemote: true,
  };
  const span = spanOf(1, parent);
  t.like(span.spanContext(), { traceId: parent.traceId, traceFlags: 0 });
  t.not(span.spanContext().spanId, parent.spanId);
  t.like(span, { hasParent: true, parentIsRemote: true, parent0: 0xfedcba98 | 0, parent1: 0x76543210 });

  const local = spanOf();
  const child = spanOf(0, local);
  t.is(child.spanContext().traceId, local.spanContext().traceId);
  t.true(child.isSampled);
  t.false(child.parentIsRemote);
  t.is(child.parent0, local.span0);
});

test('what it is given is kept until it is over', (t) => {
  const span = spanOf();
  t.is(span.details, undefined);
  const before = performance.timeOrigin + performance.now();
  const other = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  span
    .setAttribute('rows', 3)
    .setAttribute('nothing', undefined)
    .setAttributes({ list: ['a', 'b'], deep: { flag: true } })
    .addEvent('at last')
    .addEvent('then', { n: 1 }, 1_700_000_000_000)
    .addEvent('when', new Date(1_700_000_000_001))
    .addEvent('since the start', 5)
    .addLink({ context: other, attributes: { why: 'so' } })
    .setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
    .updateName('better');
  span.recordException(new RangeError('too far'));
  span.end();
  span.setAttribute('after the end', true);
  span.over();
  span.setAttribute('late', 1).addEvent('late').updateName('late');
  t.false(span.isRecording());

  const { events = [], ...rest } = span.details ?? {};
  t.deepEqual(rest, {
    attributes: { rows: 3, list: ['a', 'b'], deep: { flag: true }, 'after the end': true },
    links: [{ ...other, attributes: { why: 'so' } }],
    status: { code: SpanStatusCode.ERROR, message: 'no' },
    name: 'better',
  });
  t.deepEqual(
    events.map(({ name }) => name),
    ['at last', 'then', 'when', 'since the start', 'exception'],
  );
  t.true(Math.abs((events[0]?.time as number) - before) < 1_000);
  t.deepEqual(events[1], { name: 'then', time: 1_700_000_000_000, attributes: { n: 1 } });
  t.is(events[2]?.time, 1_700_000_000_001);
  t.is(events[3]?.time, performance.timeOrigin + 5);
  t.like(events[4]?.attributes, { 'exception.type': 'RangeError', 'exception.message': 'too far' });
});

test('one that is not sampled keeps nothing', (t) => {
  const span = spanOf(0);
  t.false(span.isRecording());
  t.is(span.spanContext().traceFlags, 0);
  span
    .setAttribute('a', 1)
    .addEvent('b')
    .addLink({ context: span.spanContext() })
    .setStatus({ code: 1 })
    .updateName('c');
  span.recordException('no');
  t.is(span.details, undefined);
});

test('what it keeps is bounded, and can go to another thread', (t) => {
  const span = spanOf();
  for (let count = 0; count < 1_000; count += 1) span.setAttribute(`k${count}`, count).addEvent(`e${count}`);
  span.setAttribute('k3', 'changed');
  t.is(Object.keys(span.details?.attributes ?? {}).length, 128);
  t.is(span.details?.attributes?.['k3'], 'changed');
  t.is(span.details?.events?.length, 128);

  const large = spanOf();
  for (let count = 0; count < 100; count += 1) {
    large.setAttribute(`k${count}`, 'x'.repeat(50_000)).addEvent('e', { bytes: new Uint8Array(50_000) });
  }
  t.true(JSON.stringify(large.details?.attributes).length < 70_000);
  t.true(large.weight < 80_000);

  const odd = spanOf();
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  odd.setAttributes({
    circle,
    fine: null,
    call: () => 1,
    big: 1n,
    symbol: Symbol('no'),
    date: new Date(),
    mixed: [1, undefined, 'a', () => 1],
  });
  t.notThrows(() => structuredClone(odd.details));
  t.deepEqual(Object.keys(odd.details?.attributes ?? {}), ['circle', 'fine', 'mixed']);
  t.deepEqual(odd.details?.attributes?.['mixed'], [1, null, 'a', null]);
});

test('what is given in place of something weighs what it weighs, and no more', (t) => {
  const span = spanOf();
  for (let row = 0; row < 3_000; row += 1) {
    span
      .setAttribute('progress', `row ${row} of 3000`)
      .setAttribute('list', ['some', 'more', row])
      .setAttribute('bytes', new Uint8Array(500))
      .setStatus({ code: SpanStatusCode.ERROR, message: `no row ${row}` })
      .updateName(`row ${row}`);
  }
  span.setAttribute('user', 'anna').addEvent('done');
  t.like(span.details, {
    name: 'row 2999',
    status: { code: SpanStatusCode.ERROR, message: 'no row 2999' },
    attributes: { progress: 'row 2999 of 3000', list: ['some', 'more', 2_999], user: 'anna' },
  });
  t.is(span.details?.events?.length, 1);
  t.true(span.weight < 2_000, `${span.weight}`);
});

test('what finds no room is not there at all, and what was there stays', (t) => {
  const span = spanOf();
  span
    .updateName('a name')
    .setAttribute('small', 'first')
    .setAttribute('large', 'x'.repeat(100_000))
    .setAttribute('late', 'y')
    .setAttribute('count', 1)
    .setAttribute('small', 'a text that is longer than the first')
    .setAttribute('small', 'again')
    .addEvent('late')
    .setStatus({ code: SpanStatusCode.ERROR, message: 'late' })
    .updateName('late name');
  span.failed('the disk is full');
  const { name, attributes = {}, events, status, message } = span.details ?? {};
  t.is(name, 'a name');
  t.deepEqual(Object.keys(attributes), ['small', 'large']);
  t.is(attributes['small'], 'again');
  t.deepEqual(events, []);
  t.deepEqual(status, { code: SpanStatusCode.ERROR });
  t.is(message, 'the disk is full');
  t.true(span.weight < 67_000);
  const before = span.weight;
  const thrown = { name: 'E', message: 'x'.repeat(1_000), stack: 'x'.repeat(8_000), code: 'C' };
  span.failed('x'.repeat(10_000), thrown);
  t.is(span.details?.message?.length, 1_024);
  t.deepEqual(span.details?.thrown, thrown);
  t.is(span.weight, before - 'the disk is full'.length + 1_024 + 9_002);

  // There is room again.
  span.setAttribute('large', 'z').setAttribute('late', 'y');
  t.like(span.details?.attributes, { large: 'z', late: 'y' });
});

for (const ratio of [0, 1]) {
  test(`nothing in place of something breaks no handler: sampled ${ratio}`, (t) => {
    const span = spanOf(ratio) as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const nothing of [undefined, null]) {
      for (const name of ['setAttributes', 'addLink', 'addLinks', 'setStatus', 'recordException'])
        t.notThrows(() => (span[name] as (it: unknown) => unknown).call(span, nothing), name);
      t.notThrows(() => (span as unknown as ActiveSpan).addEvent('event', nothing));
    }
  });
}

test('one that may be kept although it is not sampled keeps what it is given, and nothing before that', (t) => {
  const span = spanOf(0, undefined, true);
  t.true(span.isRecording());
  t.is(span.details, undefined);
  t.is(span.spanContext().traceFlags, 0);
  t.false(spanOf(1, span.spanContext()).isSampled);
  span.setAttribute('user', 'anna').recordException(new Error('no such row'));
  t.like(span.details, { attributes: { user: 'anna' } });
  t.is(span.details?.events?.[0]?.name, 'exception');
  span.over();
  t.false(span.isRecording());
});

test('bytes are copied', (t) => {
  const span = spanOf();
  const bytes = Buffer.from('before');
  span.setAttribute('bytes', bytes);
  bytes.fill(0);
  t.deepEqual(span.details?.attributes?.['bytes'], new Uint8Array(Buffer.from('before')));
});
