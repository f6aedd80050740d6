import { startJaeger } from '../../bench/run/jaeger.ts';
import { generate } from '../../bench/run/generate.ts';
import { slowest } from '../../bench/run/slowest.ts';
import { startServer } from '../../bench/run/start-server.ts';
import { runScenario } from '../../bench/pipeline.ts';
import { PING } from '../../bench/scenarios.ts';
import { jaeger, peerTest } from '../support/peers.ts';
import { queryAt } from '../support/jaeger.ts';

peerTest(jaeger)(
  'the slowest requests of a traced server are in Jaeger, the slowest first',
  async (t, { bin }) => {
    const { otlp, query, close } = await startJaeger(bin);
    t.teardown(close);
    const { results, skipped } = await runScenario(
      {
        name: 'traced',
        title: 'Traced',
        kind: 'load',
        generator: 'node',
        servers: ['simple-ipc, 100 % sampled'],
        baseline: 'simple-ipc, 100 % sampled',
        load: { ...PING, connections: 2, duration: 0, amount: 40, warmUp: 0 },
        fresh: false,
        figures: ['requests a second'],
      },
      {
        repeats: 1,
        settle: 0,
        otlp,
        trace: false,
        startServer,
        generate,
        progress: { part: () => {}, at: () => {}, note: () => {}, done: () => {} },
        // Spans are exported a moment after their requests.
        slowest: async (service) => {
          await queryAt(query).findTraces(service, { min: 40 });
          return slowest(query, service);
        },
      },
    );
    t.deepEqual(skipped, []);
    const found = results[0]!.slowest;
    t.is(found.length, 5);
    t.deepEqual(
      found,
      found.toSorted((a, b) => b.duration - a.duration),
    );
    const traces = await queryAt(query).findTraces((await queryAt(query).services())[0]!, { min: 40 });
    const durations = new Map(traces.map(({ traceId, spans }) => [traceId, spans[0]!]));
    t.true(found.every(({ traceId }) => durations.has(traceId)));
  },
);
