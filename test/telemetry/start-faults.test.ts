import { trace } from '@opentelemetry/api';
import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { request } from '../../src/index.ts';
import { type StartTelemetryOptions } from '../../src/telemetry/index.ts';
import type { Running, TelemetryStats } from '../../src/telemetry/start.ts';
import { eventually, serving } from '../support/serving.ts';
import { observe, OBSERVED_SERVER } from './observed.ts';
import { startWithCollector, type WithCollector } from './started.ts';

interface Started extends WithCollector {
  /** Ends telemetry, and gives how long that took, in milliseconds. */
  end(): Promise<number>;
}

async function started(
  t: ExecutionContext,
  options: StartTelemetryOptions = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const run = await startWithCollector(t, options, env);
  const { telemetry } = run;
  t.teardown(() => telemetry.shutdown());
  return {
    ...run,
    end: async () => {
      const before = performance.now();
      await telemetry.shutdown();
      return performance.now() - before;
    },
  };
}

/** A failing export is given up after half a second: not for tests that keep this thread busy, where the collector is. */
const IMPATIENT = { OTEL_EXPORTER_OTLP_TIMEOUT: '500' };

/** How much longer than its time-out something may take on a machine that is busy, in milliseconds. */
const SLACK = 1_000;

function droppedOf({ dropped }: TelemetryStats): number {
  return (
    dropped['queue-full'] + dropped['export-failed'] + dropped['exporter-crashed'] + dropped['shut-down']
  );
}

/** Nothing that was recorded is missing, and the collector has got what is said to be exported. */
function adds(t: ExecutionContext, { telemetry, to }: Started): void {
  const { stats } = telemetry;
  t.is(stats.unsampled + stats.exported + droppedOf(stats), stats.recorded, JSON.stringify(stats));
  t.is(to.spans.length, stats.exported);
  t.is(new Set(to.spans.map(({ spanId }) => spanId)).size, stats.exported);
}

for (const fault of ['is gone', 'has no time', 'hangs'] as const) {
  test.serial(`a collector that ${fault} costs what it was to get, and nothing else`, async (t) => {
    const run = await started(t, {}, IMPATIENT);
    const { telemetry, to, problems } = run;
    if (fault === 'is gone') await to.die();
    else to.mode = fault === 'hangs' ? 'hangs' : 'busy';
    const { path, server } = await serving(t, () => 'answer', { telemetry });
    for (let count = 0; count < 3; count += 1) t.is(await (await request(path, 'one')).text(), 'answer');
    for (let count = 0; count < 600; count += 1) observe(telemetry.recorder);
    await server.close();
    await eventually(() => telemetry.stats.dropped['export-failed'] === 603, 'all were given up');
    t.is(telemetry.stats.exported, 0);
    await eventually(() => problems.length > 0, 'it was told');
    t.is(problems.length, 1);
    t.regex(
      problems[0] as string,
      /^The collector takes no spans \(.+\), so they are dropped and counted\./u,
    );
    t.true((await run.end()) < 2_000 + SLACK);
    adds(t, run);
    t.is(problems.length, 2);
    t.is(problems[1], 'Telemetry has ended. Not exported: 603 export-failed.');
  });
}

test.serial('a port that speaks gRPC: which one is meant is said', async (t) => {
  // What a gRPC server begins with: a SETTINGS frame of HTTP/2.
  const server = createServer((socket) =>
    socket.on('error', () => undefined).end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const run = await started(t, { endpoint: `http://127.0.0.1:${port}` }, IMPATIENT);
  observe(run.telemetry.recorder);
  await eventually(() => run.problems.length > 0, 'it was told');
  t.regex(run.problems[0] as string, /^The collector takes no spans .* OTLP over HTTP has port 4318 /u);
  await run.end();
});

test.serial('a collector that dies and comes back gets what comes then', async (t) => {
  const run = await started(t, {}, IMPATIENT);
  const { telemetry, to } = run;
  for (let count = 0; count < 10; count += 1) observe(telemetry.recorder);
  await eventually(() => telemetry.stats.exported === 10, 'the first ones came');
  await to.die();
  for (let count = 0; count < 20; count += 1) observe(telemetry.recorder);
  await eventually(() => telemetry.stats.dropped['export-failed'] === 20, 'these were given up');
  await to.revive();
  for (let count = 0; count < 40; count += 1) observe(telemetry.recorder);
  await eventually(() => telemetry.stats.exported === 50, 'the last ones came');
  await run.end();
  adds(t, run);
});

test.serial('a collector that takes only some says so, and is believed', async (t) => {
  const run = await started(t);
  const { telemetry, to, problems } = run;
  // What comes after an export waits for more: so these are one batch.
  observe(telemetry.recorder);
  await eventually(() => telemetry.stats.exported === 1, 'the first one came');
  to.mode = { rejects: 3 };
  for (let count = 0; count < 10; count += 1) observe(telemetry.recorder);
  await run.end();
  t.like(telemetry.stats, { recorded: 11, exported: 8 });
  t.is(telemetry.stats.dropped['export-failed'], 3);
  t.regex(problems[0] as string, /did not take 3 spans/u);
});

test.serial('the end does not wait for a collector that hangs longer than it may', async (t) => {
  const run = await started(t, { shutdownTimeout: 700 });
  const { telemetry, to, problems } = run;
  to.mode = 'hangs';
  for (let count = 0; count < 700; count += 1) observe(telemetry.recorder);
  await eventually(() => to.requests === 1, 'the first batch was sent');
  const [took, same] = await Promise.all([run.end(), run.end()]);
  t.true(took >= 600 && took < 700 + SLACK, `${took}`);
  t.true(same < 700 + SLACK);
  t.is(telemetry.stats.dropped['shut-down'], 700);
  adds(t, run);
  t.deepEqual(problems, [
    'Telemetry has ended. It was not done after shutdownTimeout, 700 ms. Not exported: 700 shut-down.',
  ]);
});

test.serial('a burst is recorded or counted, to the last one', async (t) => {
  const run = await started(t, { records: 4_096, shutdownTimeout: 15_000 });
  const { telemetry } = run;
  for (let count = 0; count < 20_000; count += 1) observe(telemetry.recorder);
  t.is(telemetry.stats.recorded, 20_000);
  t.true(telemetry.stats.dropped['queue-full'] > 0);
  await run.end();
  t.is(telemetry.stats.exported, 20_000 - telemetry.stats.dropped['queue-full']);
  adds(t, run);
  t.true(
    run.problems.some((problem) => problem.includes(`${telemetry.stats.dropped['queue-full']} queue-full`)),
  );
});

test.serial('a burst of a hundred thousand adds up, and what comes after it is exported', async (t) => {
  const run = await started(t, { shutdownTimeout: 15_000, sampleRatio: 0.5 });
  const { telemetry } = run;
  for (let count = 0; count < 100_000; count += 1)
    observe(telemetry.recorder, count % 10 === 0 ? { outcome: 'timed-out', reason: new Error('slow') } : {});
  t.is(telemetry.stats.recorded, 100_000);
  t.true(telemetry.stats.dropped['queue-full'] > 0);
  await eventually(() => telemetry.recorder.waiting === 0, 'the ring is empty');
  observe(telemetry.recorder, { outcome: 'timed-out', reason: new Error('the last one') });
  await run.end();
  observe(telemetry.recorder);
  t.is(telemetry.stats.recorded, 100_002);
  t.is(telemetry.stats.dropped['shut-down'], 1);
  t.true(run.to.spans.some(({ status }) => status.message === 'the last one'));
  adds(t, run);
});

test.serial('a burst that fits is exported whole', async (t) => {
  const run = await started(t, { shutdownTimeout: 15_000 });
  for (let count = 0; count < 20_000; count += 1) observe(run.telemetry.recorder);
  await run.end();
  t.like(run.telemetry.stats, { recorded: 20_000, exported: 20_000 });
  adds(t, run);
  t.deepEqual(run.problems, []);
});

test.serial('spans go out in few requests', async (t) => {
  const run = await started(t, { shutdownTimeout: 15_000 });
  for (let count = 0; count < 4_096; count += 1) observe(run.telemetry.recorder);
  await run.end();
  t.is(run.telemetry.stats.exported, 4_096);
  t.true(run.to.requests <= 4, `${run.to.requests}`);
});

/** What handlers add, each time some 5,000 characters or as much. */
const LONG: Readonly<Record<string, () => void>> = {
  attributes: () => trace.getActiveSpan()?.setAttribute('text', 'x'.repeat(5_000)),
  links() {
    const span = trace.getActiveSpan();
    for (let count = 0; count < 80; count += 1) span?.addLink({ context: span.spanContext() });
  },
  'the names of their own spans': () => trace.getTracer('app').startSpan('n'.repeat(5_000)).end(),
};

for (const [what, run] of Object.entries(LONG)) {
  test.serial(`spans that are long go out in several requests: by ${what}`, async (t) => {
    const long = await started(t, { shutdownTimeout: 15_000 });
    for (let count = 0; count < 1_000; count += 1) observe(long.telemetry.recorder, { run });
    await long.end();
    t.is(long.telemetry.stats.dropped['export-failed'], 0);
    t.true(long.telemetry.stats.exported >= 1_000);
    t.true(long.to.requests >= 4, `${long.to.requests}`);
  });
}

test.serial('metrics stay whole while a collector of traces hangs', async (t) => {
  const run = await started(
    t,
    { records: 4_096, shutdownTimeout: 3_000 },
    {
      OTEL_EXPORTER_OTLP_TIMEOUT: '20000',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    },
  );
  const { telemetry, to } = run;
  to.mode = 'hangs';
  // All of these together are too much beside the ring, so what is dropped must make room.
  const text = 'x'.repeat(2_000);
  const add = () => trace.getActiveSpan()?.setAttribute('text', text);
  // The exporter takes 4,096 spans; as many wait in the ring as fill three quarters of it; the rest are for metrics alone.
  for (let round = 0; round < 40; round += 1) {
    for (let count = 0; count < 500; count += 1) observe(telemetry.recorder, { run: add });
    await eventually(() => telemetry.recorder.waiting <= 3_072, 'the exporter makes room');
  }
  t.is(telemetry.stats.dropped['queue-full'], 0);
  t.is(telemetry.stats.withoutDetails, 0);
  const held = 20_000 - telemetry.stats.dropped['export-failed'];
  t.true(held >= 5_000 && held <= 4_096 + 3_072, `${held}`);
  const counted = () => to.points.findLast(({ metric }) => metric === 'rpc.server.call.duration')?.count;
  await eventually(() => counted() === 20_000 - telemetry.recorder.waiting, 'all that were read count');
  t.true((await run.end()) < 3_000 + SLACK);
  adds(t, run);
});

test.serial('what travels beside the ring comes with its record, however close they are', async (t) => {
  const run = await started(t, { shutdownTimeout: 15_000 });
  const { telemetry, to } = run;
  observe(telemetry.recorder);
  await eventually(() => telemetry.stats.exported === 1, 'the exporter is at work');
  // It reads while these are written, one each fifth of a millisecond.
  const began = performance.now();
  for (let count = 0; count < 4_000; count += 1) {
    while (performance.now() < began + count / 5);
    const server = { ...OBSERVED_SERVER, path: `/run/${count}.sock` };
    observe(telemetry.recorder, { server, run: () => trace.getActiveSpan()?.setAttribute('count', count) });
  }
  await run.end();
  adds(t, run);
  t.is(telemetry.stats.exported, 4_001);
  const wrong = to.spans
    .slice(1)
    .filter(({ attributes: { count, 'server.address': path } }) => path !== `/run/${count as number}.sock`);
  t.deepEqual(wrong, []);
});

test.serial('what handlers add is bounded beside the ring as well', async (t) => {
  const run = await started(t, { shutdownTimeout: 10_000 });
  const { telemetry, to } = run;
  const text = 'x'.repeat(60_000);
  for (let count = 0; count < 1_000; count += 1)
    observe(telemetry.recorder, { run: () => trace.getActiveSpan()?.setAttribute('text', text) });
  const lost = telemetry.stats.withoutDetails;
  t.true(lost > 0 && lost < 1_000);
  await eventually(() => telemetry.stats.exported === 1_000, 'all came');
  t.is(to.spans.filter(({ attributes }) => attributes['text'] === undefined).length, lost);
  // There is room again.
  observe(telemetry.recorder, { run: () => trace.getActiveSpan()?.setAttribute('text', text) });
  await eventually(() => telemetry.stats.exported === 1_001, 'one more came');
  t.is(to.spans.at(-1)?.attributes['text'], text);
  t.is(telemetry.stats.withoutDetails, lost);
  await run.end();
});

for (const [how, crash] of [
  ['is terminated', (telemetry: Running) => telemetry.thread.worker.terminate()],
  ['crashes', (telemetry: Running) => telemetry.beside.tell({ kind: 'nonsense' } as never)],
] as const) {
  test.serial(`an exporter that ${how} is reported once, and serving goes on`, async (t) => {
    const run = await started(t);
    const { telemetry, problems } = run;
    const { path, server } = await serving(t, () => 'answer', { telemetry });
    t.is(await (await request(path, 'one')).text(), 'answer');
    await eventually(() => telemetry.stats.exported === 1, 'the first one came');
    await crash(telemetry);
    await eventually(() => telemetry.thread.crashed, 'it was noticed');
    for (let count = 0; count < 5; count += 1) t.is(await (await request(path, 'one')).text(), 'answer');
    await server.close();
    t.is(problems.length, 1);
    t.regex(problems[0] as string, /^The thread that exports telemetry ended \(.+\)\. .*serving goes on/u);
    if (how === 'crashes') t.regex(problems[0] as string, /nonsense/u);
    t.like(telemetry.stats, { recorded: 6, exported: 1 });
    t.is(telemetry.stats.dropped['exporter-crashed'], 5);
    t.true((await run.end()) < SLACK);
    t.is(problems.at(-1), 'Telemetry has ended. Not exported: 5 exporter-crashed.');
  });
}

test.serial('a collector that takes no metrics is reported as well', async (t) => {
  const run = await started(
    t,
    {},
    {
      ...IMPATIENT,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      OTEL_METRIC_EXPORT_TIMEOUT: '200',
    },
  );
  await run.to.die();
  observe(run.telemetry.recorder);
  await eventually(() => run.problems.length > 0, 'it was reported');
  t.regex(
    run.problems[0] as string,
    /^OpenTelemetry's SDK reports an error: .*metrics export failed[^\n]*$/u,
  );
  await run.end();
});

test.serial('what telemetry trips over breaks no request', async (t) => {
  const run = await started(t, {
    classify: () => {
      throw new Error('a bad classifier');
    },
  });
  const { telemetry, problems } = run;
  const { path, server } = await serving(t, () => 'answer', { telemetry });
  t.is(await (await request(path, 'one', { telemetry })).text(), 'answer');
  const { recorder } = telemetry;
  const odd = observe(recorder);
  Object.defineProperty(odd, 'path', {
    get: () => {
      throw new Error('no path');
    },
  });
  t.notThrows(() => recorder.end(odd));
  await server.close();
  await run.end();
  t.regex(problems[0] as string, /^classify threw \(a bad classifier\)/u);
  t.regex(problems[1] as string, /defect of it \(no path\)/u);
  adds(t, run);
  t.is(run.to.spans.length, 3);
});

test.serial('an onProblem that throws breaks nothing', async (t) => {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  const onProblem = () => {
    throw new Error('not now');
  };
  const run = await started(t, { onProblem }, IMPATIENT);
  await run.to.die();
  observe(run.telemetry.recorder);
  await run.end();
  await eventually(() => warnings.length > 0, 'a warning');
  t.regex(warnings[0] as string, /^onProblem threw \(not now\) when it was told: /u);
});
