import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { parseOptions } from '../../bench/options.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const parse = (...given: string[]) => parseOptions(['node', 'bench.ts', ...given]);
const BENCH = join(import.meta.dirname, '..', '..', 'bench', 'bench.ts');

async function fails(...given: string[]): Promise<{ code: number; stderr: string }> {
  try {
    await promisify(execFile)(process.execPath, [BENCH, ...given]);
  } catch (error) {
    return error as { code: number; stderr: string };
  }
  throw new Error('It did not fail.');
}

test('what is not asked for has its default; a quick run has less', (t) => {
  const { repeats, settle, quick, growth, load, scenarios } = parse();
  t.deepEqual({ repeats, settle, quick, growth }, { repeats: 5, settle: 3_000, quick: false, growth: true });
  t.deepEqual([load, scenarios], [{}, undefined]);
  const small = parse('--quick');
  t.deepEqual([small.repeats, small.settle, small.quick], [1, 50, true]);
});

test('what is asked of the load, and nothing else of it', (t) => {
  const { load, given } = parse('--connections', '3', '--rate', '100', '--warm-up', '0');
  t.deepEqual(load, { connections: 3, rate: 100, warmUp: 0 });
  t.deepEqual(given, ['--connections', '3', '--rate', '100', '--warm-up', '0']);
});

test('names with commas between; servers, whose names have commas, with semicolons', (t) => {
  t.deepEqual(parse('--scenarios', 'ping-1, ping-8').scenarios, ['ping-1', 'ping-8']);
  t.deepEqual(parse('--servers', 'git; simple-ipc, interpreted').servers, ['git', 'simple-ipc, interpreted']);
  t.false(parse('--scenarios', 'ping-1').growth);
});

test('what is wrong is said at once, with what to do, and nothing is measured', async (t) => {
  const directory = temporaryDirectory(t);
  const results = ['--page', join(directory, 'r.html'), '--json', join(directory, 'r.json')];
  const cases: [string[], RegExp][] = [
    [['--connections', '0'], /whole number, 1 or more/],
    [['--rate', 'fast'], /whole number, 0 or more/],
    [['--generator', 'rust'], /Allowed choices are c, node/],
    [['--otlp', 'http://127.0.0.1:4318'], /--otlp and --jaeger belong together/],
    [['--duration', '0'], /needs an --amount/],
    [['--update-docs', '--quick'], /takes the whole bench/],
    [['--page', '/nonexistent/page.html'], /ENOENT.*\/nonexistent/],
    [['--scenarios', 'pong'], /no scenario 'pong'.*ping-1/],
    [['--compare', join(directory, 'none.json')], /none\.json/],
    [['--compare', BENCH], /is no JSON/],
  ];
  for (const [given, message] of cases) {
    const { code, stderr } = await fails(...results, ...given);
    t.true(code > 0, given.join(' '));
    t.regex(stderr, message);
  }
});

test('--list names the scenarios with their servers', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--list', '--scenarios', 'ping-1']);
  t.regex(stdout, /^ping-1\t.*\tnode:net; simple-ipc; git\n$/);
});
