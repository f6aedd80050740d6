import { join } from 'node:path';
import test from 'ava';
import { request, serve, type Transition } from '../../src/index.ts';
import type { RequestReport } from '../../src/telemetry/connection-trace.ts';
import { collectRequests } from '../../src/telemetry/requests.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { step, steps } from './steps.ts';

function collect(transitions: Iterable<Transition>): RequestReport[] {
  const reports: RequestReport[] = [];
  const observe = collectRequests((report) => reports.push(report));
  for (const transition of transitions) observe(transition);
  return reports;
}

test('the phases of a request, and what came of it', (t) => {
  t.deepEqual(collect(steps('c1')), [
    {
      connection: 'c1',
      outcome: 'answered',
      startedAt: 1_000,
      totalMs: 10,
      phases: [
        { state: 'listening', start: 0, ms: 1, waited: 0 },
        { state: 'reading-request', start: 1, ms: 2, waited: 0 },
        { state: 'dispatching', start: 3, ms: 5, waited: 3 },
        { state: 'streaming-response', start: 8, ms: 2, waited: 0 },
      ],
    },
  ]);
});

test('connections are told apart, and reported as they end, with the reason', (t) => {
  const [one, two] = [[...steps('c1')], [...steps('c2')]];
  const failed = step('c2', 'dispatching', 'HANDLER_FAILED', 'closed', 1_005, {
    reason: 'no',
    output: { outcome: 'handler-failed' },
  });
  const reports = collect([...one.slice(0, 3), ...two.slice(0, 3), failed, ...one.slice(3)]);
  t.deepEqual(
    reports.map(({ connection, outcome, reason, totalMs }) => ({ connection, outcome, reason, totalMs })),
    [
      { connection: 'c2', outcome: 'handler-failed', reason: 'no', totalMs: 5 },
      { connection: 'c1', outcome: 'answered', reason: undefined, totalMs: 10 },
    ],
  );
});

test('a wait that is cut off counts until then', (t) => {
  const [report] = collect([
    ...[...steps('c1')].slice(0, 4),
    step('c1', 'dispatching', 'HUNG_UP', 'closed', 1_007, { output: { outcome: 'hung-up' } }),
  ]);
  t.deepEqual(report?.phases.at(-1), { state: 'dispatching', start: 3, ms: 4, waited: 4 });
});

test('a crash, which the pool tells of, ends a connection as well', (t) => {
  const crash: Transition = {
    machine: 'pool',
    actor: 'pool',
    from: 'accepting',
    event: 'xstate.error.actor.c1',
    to: 'accepting',
    at: 1_004,
    reason: 'a defect',
  };
  const [report] = collect([...[...steps('c1')].slice(0, 3), crash]);
  t.like(report, { connection: 'c1', outcome: 'crashed', reason: 'a defect', totalMs: 4 });
});

for (const interpreted of [false, true]) {
  test(`a server's own transitions, ${interpreted ? 'interpreted' : 'compiled'}`, async (t) => {
    const reports: RequestReport[] = [];
    const server = await serve(join(temporaryDirectory(t), 'app.sock'), () => 'answer', {
      interpreted,
      onTransition: collectRequests((report) => reports.push(report)),
    });
    await (await request(server.path, 'one')).text();
    await (await request(server.path, 'two')).text();
    await server.close();
    t.deepEqual(
      reports.map(({ connection, outcome, phases }) => [
        connection,
        outcome,
        ...phases.map(({ state }) => state),
      ]),
      ['c1', 'c2'].map((name) => [
        name,
        'answered',
        'listening',
        'reading-request',
        'dispatching',
        'streaming-response',
      ]),
    );
    for (const { totalMs, phases } of reports) {
      t.true(Math.abs(phases.reduce((sum, { ms }) => sum + ms, 0) - totalMs) < 0.001);
    }
  });
}
