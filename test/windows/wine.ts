/** Node.js for Windows, under Wine: where it is, and how a scenario is run by it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { findOnPath, isExecutable, peersDirectory } from '../../bench/run/programs.ts';
import type { PeerKind } from '../support/peers.ts';

export interface Wine {
  /** Runs what `node` runs, and prints what it printed when it has ended. */
  readonly node: string;
  /** A Wine prefix, which is left as it is. */
  readonly prefix: string;
  /** Wine's own server, which ends with `-k`, and all that runs in its prefix. */
  readonly server: string;
}

/** Node.js 22 for Windows, where `.ci/peers/wine.sh` puts it. */
export const wine: PeerKind<Wine> = {
  name: 'Node.js for Windows',
  remedy: 'run .ci/peers/wine.sh',
  find() {
    const home = join(peersDirectory(), 'wine');
    const node = join(home, 'bin', 'node');
    const server = findOnPath('wineserver');
    if (server === undefined || findOnPath('wine') === undefined || !isExecutable(node)) return undefined;
    return { node, server, prefix: join(home, 'prefix') };
  },
};

const root = dirname(dirname(import.meta.dirname));
/** What the package needs to run, of what it depends on. The rest of OpenTelemetry is for who has it. */
const PACKAGES = ['@opentelemetry/api', '@opentelemetry/semantic-conventions', 'commander', 'xstate'];
/** How long one scenario may take, in milliseconds. Most take two seconds, four of these processes at once take longer. */
const PATIENCE = 90_000;

/** A Windows for some tests: a copy of the package, built, and a Wine of their own. */
export interface Windows {
  /** Runs `scenarios/<name>.js`: the test passes if that exits with 0. One at a time, in the order of the calls. */
  run(t: ExecutionContext, name: string): Promise<void>;
  /** Ends whatever still runs there, and removes it. */
  remove(): void;
}

export function makeWindows({ node, prefix, server }: Wine): Windows {
  const home = mkdtempSync(join(tmpdir(), 'simple-ipc-windows-'));
  const ownPrefix = join(home, 'prefix');
  let queue: Promise<unknown> = Promise.resolve();
  let prepared: Promise<void> | undefined;

  const prepare = async () => {
    copyPrefix(prefix, ownPrefix);
    buildPackage(join(home, 'package'));
  };
  const run = async (t: ExecutionContext, name: string) => {
    t.timeout(PATIENCE);
    await (prepared ??= prepare());
    const { code, output, ms } = await runNode(
      node,
      join(home, 'package', 'scenarios', `${name}.js`),
      ownPrefix,
    );
    t.log(`${name}: ${(ms / 1000).toFixed(1)} s`);
    t.is(code, 0, `${name}.js says:\n${output}`);
  };
  return {
    async run(t, name) {
      t.timeout(20 * PATIENCE, 'it waits for the tests before it');
      const turn = queue.then(() => run(t, name));
      queue = turn.catch(() => undefined);
      await turn;
    },
    remove() {
      // It fails where nothing runs any more.
      const env = { ...process.env, WINEPREFIX: ownPrefix };
      const kill = spawnSync(server, ['-k'], { env, stdio: 'ignore' });
      if (kill.error) throw kill.error;
      rmSync(home, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function runNode(node: string, script: string, prefix: string) {
  const { HOME, PATH } = process.env;
  const started = performance.now();
  const child = spawn(node, [script], {
    env: { HOME, PATH, SIMPLE_IPC_WINE_PREFIX: prefix },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, output: out + err, ms: performance.now() - started };
}

/**
 * A Wine prefix that has its own processes, pipes, registry and folders of the user, and the drive C: of another one.
 * Making one afresh takes ten seconds and 700 MB.
 */
function copyPrefix(from: string, to: string): void {
  mkdirSync(join(to, 'dosdevices'), { recursive: true });
  symlinkSync('/', join(to, 'dosdevices', 'z:'));
  symlinkSync('../drive_c', join(to, 'dosdevices', 'c:'));
  for (const name of readdirSync(from)) {
    if (name.endsWith('.reg') || name === '.update-timestamp') cpSync(join(from, name), join(to, name));
  }
  mkdirSync(join(to, 'drive_c'));
  for (const name of readdirSync(join(from, 'drive_c'))) {
    const [source, target] = [join(from, 'drive_c', name), join(to, 'drive_c', name)];
    if (name === 'users') cpSync(source, target, { recursive: true, verbatimSymlinks: true });
    else symlinkSync(source, target);
  }
}

/** The package as it is published, and the scenarios in it, where they can import it by its name. */
function buildPackage(to: string): void {
  mkdirSync(to);
  cpSync(join(root, 'package.json'), join(to, 'package.json'));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const args = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(to, 'dist')];
  const { status, stdout } = spawnSync(tsc, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The package could not be built:\n${stdout}`);
  for (const name of PACKAGES) {
    // Wine has no symbolic links.
    cpSync(join(root, 'node_modules', name), join(to, 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  }
  cpSync(fileURLToPath(new URL('scenarios', import.meta.url)), join(to, 'scenarios'), { recursive: true });
}
