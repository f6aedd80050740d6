import test from 'ava';
import { chosenScenarios } from '../../bench/choose.ts';
import { quick, SCENARIOS } from '../../bench/scenarios.ts';

const all = { scenarios: undefined, servers: undefined, load: {}, generator: undefined, quick: false };

test('all scenarios as they are, where nothing is asked', (t) => {
  t.deepEqual(chosenScenarios(all), [...SCENARIOS]);
});

test('names of scenarios are unique, and each has its baseline and its first figure', (t) => {
  t.is(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const { name, servers, baseline, figures } of SCENARIOS) {
    t.true(servers.includes(baseline), name);
    t.true(figures.length > 0, name);
  }
});

test('a quick run leaves out what is too large for it, unless it is asked for by name', (t) => {
  const large = 'fsmonitor-50k';
  const names = (asked: Partial<Parameters<typeof chosenScenarios>[0]>) =>
    chosenScenarios({ ...all, ...asked }).map(({ name }) => name);
  t.true(names({}).includes(large));
  t.deepEqual(
    names({ quick: true }),
    names({}).filter((name) => name !== large),
  );
  t.deepEqual(names({ quick: true, scenarios: [large] }), [large]);
});

test('scenarios and servers by name; a baseline that is left out gives way to the first that is left', (t) => {
  const [ping, start] = chosenScenarios({
    ...all,
    scenarios: ['ping-8', 'start'],
    servers: ['git', 'simple-ipc'],
  });
  t.deepEqual([ping?.name, ping?.servers, ping?.baseline], ['ping-8', ['simple-ipc', 'git'], 'simple-ipc']);
  t.is(start?.kind, 'start');
});

test('what is asked of the load holds for every scenario', (t) => {
  for (const { load } of chosenScenarios({ ...all, load: { connections: 3, rate: 10 } })) {
    t.is(load.connections, 3);
    t.is(load.rate, 10);
  }
});

test('the generator that is asked for', (t) => {
  t.true(chosenScenarios({ ...all, generator: 'node' }).every(({ generator }) => generator === 'node'));
});

test('names that are none are refused, with those that there are', (t) => {
  t.throws(() => chosenScenarios({ ...all, scenarios: ['pong'] }), {
    message: /'pong'.*ping-1, ping-8/,
  });
  t.throws(() => chosenScenarios({ ...all, servers: ['nginx'] }), {
    message: /'nginx'.*simple-ipc; git/,
  });
  t.throws(() => chosenScenarios({ ...all, scenarios: ['telemetry'], servers: ['git'] }), {
    message: /telemetry has none of these servers/,
  });
});

test('a quick run is small in every way, and otherwise the same', (t) => {
  for (const scenario of SCENARIOS) {
    const { load, ...rest } = quick(scenario);
    const { load: _, ...original } = scenario;
    t.deepEqual(rest, original);
    t.true(
      load.duration <= 150 && load.idle <= 200 && load.requestBytes <= 2 ** 22 && load.answerBytes <= 2 ** 22,
    );
    t.true(load.duration > 0 || load.amount > 0);
    t.true((load.tree?.directories ?? 0) <= 200 && (load.tree?.files ?? 0) <= 800);
    if (load.tree !== undefined) t.true(load.amount <= 2);
  }
});
