import { ROOT_CONTEXT, SamplingDecision, trace } from '@opentelemetry/api';
import { ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import test from 'ava';
import * as fc from 'fast-check';
import { IdSource } from '../../src/telemetry/ids.ts';
import { hex } from '../../src/telemetry/record.ts';
import { Sampler, samplingFromEnvironment } from '../../src/telemetry/sampling.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const RATIOS = [0, 0.000_001, 0.01, 0.25, 0.5, 0.999_999, 1];

test('it decides as the SDK does, by the id of the trace', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...RATIOS), fc.tuple(word, word, word, word), (ratio, words) => {
      fc.pre(words.some((one) => one !== 0));
      const theirs = new TraceIdRatioBasedSampler(ratio).shouldSample(ROOT_CONTEXT, hex(...words));
      const sampler = new Sampler({ ratio, followsParent: true });
      t.is(sampler.isSampled(...words), theirs.decision === SamplingDecision.RECORD_AND_SAMPLED);
      t.is(sampler.forSdk.shouldSample(ROOT_CONTEXT, hex(...words)).decision, theirs.decision);
    }),
    { numRuns: 2_000 },
  );
});

test('about as many are kept as it says', (t) => {
  const ids = new IdSource();
  const sampler = new Sampler({ ratio: 0.1, followsParent: true });
  let kept = 0;
  for (let count = 0; count < 50_000; count += 1) {
    const at = ids.draw();
    const [a, b, c, d] = ids.words.subarray(at, at + 4) as unknown as [number, number, number, number];
    if (sampler.isSampled(a, b, c, d)) kept += 1;
  }
  // Ten times the standard deviation, 67.
  t.true(Math.abs(kept - 5_000) < 670, `${kept}`);
});

test('a parent decides, where it is to', (t) => {
  const [never, always] = [0, 1].map((ratio) => new Sampler({ ratio, followsParent: true })) as [
    Sampler,
    Sampler,
  ];
  t.true(never.isSampled(1, 2, 3, 4, 1));
  t.false(always.isSampled(1, 2, 3, 4, 0));
  t.false(new Sampler({ ratio: 0, followsParent: false }).isSampled(1, 2, 3, 4, 1));

  const traceId = hex(1, 2, 3, 4);
  for (const traceFlags of [0, 1]) {
    const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: hex(5, 6), traceFlags });
    for (const [ratio, sampler] of [never, always].entries()) {
      const theirs = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
      t.is(
        sampler.forSdk.shouldSample(parent, traceId).decision,
        theirs.shouldSample(parent, traceId, '', 0, {}, []).decision,
      );
    }
  }
});

test('ids are drawn anew each time', (t) => {
  const ids = new IdSource();
  const seen = new Set<string>();
  for (let count = 0; count < 5_000; count += 1) {
    const at = ids.draw();
    t.true(at >= 0 && at + 6 <= ids.words.length);
    seen.add(hex(...ids.words.subarray(at, at + 6)));
  }
  t.is(seen.size, 5_000);
});

test('the variables of OpenTelemetry', (t) => {
  const problems: string[] = [];
  const read = (name?: string, arg?: string) =>
    samplingFromEnvironment({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg }, (message) =>
      problems.push(message),
    );
  t.is(read(), undefined);
  t.is(read(' '), undefined);
  t.deepEqual(read('always_on'), { ratio: 1, followsParent: false });
  t.deepEqual(read('always_off'), { ratio: 0, followsParent: false });
  t.deepEqual(read('parentbased_always_off'), { ratio: 0, followsParent: true });
  t.deepEqual(read('traceidratio', '0.25'), { ratio: 0.25, followsParent: false });
  t.deepEqual(read('parentbased_traceidratio', '0.5'), { ratio: 0.5, followsParent: true });
  t.deepEqual(problems, []);

  t.deepEqual(read('traceidratio', ''), { ratio: 1, followsParent: false });
  t.deepEqual(read('traceidratio', '1.5'), { ratio: 1, followsParent: false });
  t.is(read('some_of_them'), undefined);
  t.is(problems.length, 3);
  t.regex(problems[1] as string, /OTEL_TRACES_SAMPLER_ARG is "1.5".*from 0 to 1/u);
  t.regex(problems[2] as string, /OTEL_TRACES_SAMPLER is "some_of_them"/u);
});
