import { createContextKey, isSpanContextValid, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import test from 'ava';
import { ActiveSpan } from '../../src/telemetry/active-span.ts';
import { Clock } from '../../src/telemetry/clock.ts';
import { IdSource } from '../../src/telemetry/ids.ts';
import { Sampler } from '../../src/telemetry/sampling.ts';

const ids = new IdSource();
function spanOf(ratio = 1, parent?: ConstructorParameters<typeof ActiveSpan>[3]): ActiveSpan {
  return new ActiveSpan(ids, new Clock(), new Sampler({ ratio, followsParent: true }), parent);
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
