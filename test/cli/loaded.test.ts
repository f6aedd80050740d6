// A command that scripts and prompts run all day is over as soon as it has loaded what it needs: so it loads no more than that.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { serversAt } from '../start/servers.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { start, startServer } from './command.ts';

const HOOK = fileURLToPath(new URL('../support/note-loaded.ts', import.meta.url));

/** What a command prints, and the modules of src and of packages that its process loads, in their order. */
async function loadedBy(t: ExecutionContext, args: readonly string[]) {
  const list = join(temporaryDirectory(t), 'loaded');
  const command = start(t, args, { env: { NODE_OPTIONS: `--import=${HOOK}`, LOADED: list } });
  const { code, stdout, stderr } = await command.ended;
  t.is(stderr, '');
  t.is(code, 0);
  const modules = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${command.pid} file:`))
    .map((line) => line.replace(/^.*?\/(?=(?:src|node_modules)\/)/u, ''));
  return { answer: stdout.toString(), modules };
}

/** The parser, the machines, telemetry that nobody listens to, and what starts servers. */
const NOT_FOR_A_REQUEST =
  /commander|xstate|src\/(?:machines|start|control|cli\/(?:send|program))|telemetry\/(?!channels)/u;

test('a request without options loads neither parser, machines nor telemetry', async (t) => {
  const { path } = await startServer(t);
  const { answer, modules } = await loadedBy(t, ['send', path, 'ping']);
  t.is(answer, 'pong');
  t.true(modules.includes('src/runtime/exchange.ts'));
  t.deepEqual(
    modules.filter((module) => NOT_FOR_A_REQUEST.test(module)),
    [],
  );
});

test('with --start it loads what starts a server where there is none, and before what asks', async (t) => {
  const { path, command } = serversAt(t);
  const words = ['send', path, 'who', '--start', '--', ...command()];
  const first = await loadedBy(t, words);
  const [started, asked] = ['src/start/detached.ts', 'src/runtime/exchange.ts'].map((module) =>
    first.modules.indexOf(module),
  ) as [number, number];
  t.true(started > -1 && asked > started, first.modules.join('\n'));
  t.false(first.modules.some((module) => /commander|xstate|src\/machines/u.test(module)));

  const second = await loadedBy(t, words);
  t.is(second.answer, first.answer);
  t.false(second.modules.includes('src/start/start.ts'), second.modules.join('\n'));
});
