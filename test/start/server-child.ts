/**
 * A server to be started: server-child.ts PATH [WHAT] [MORE]. It adds its pid to PATH.pids, and then does WHAT. Its parent must not
 * matter to it; the test ends it.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Handler } from '../../src/index.ts';

const [path, what = 'serve', more = ''] = process.argv.slice(2) as [string, string?, string?];
appendFileSync(`${path}.pids`, `${process.pid}\n`);
const again = (doing: string, rest = '') => [fileURLToPath(import.meta.url), path, doing, rest];

switch (what) {
  case 'serve': {
    const index = await import('../../src/index.ts');
    const handler: Handler = async (request) => {
      switch (await request.text()) {
        case 'quit':
          return index.QUIT;
        // The first one dies of it.
        case 'die':
          if (readFileSync(`${path}.pids`, 'utf8').split('\n').length === 2)
            process.kill(process.pid, 'SIGKILL');
          return String(process.pid);
        case 'facts':
          return JSON.stringify({ pid: process.pid, cwd: process.cwd(), files: files(), env: process.env });
        default:
          return String(process.pid);
      }
    };
    await index.serve(path, handler, { control: true, takeover: more === 'takeover' });
    break;
  }
  case 'as': {
    const [program, version] = more.split('@') as [string, string];
    const { serve } = await import('../../src/index.ts');
    await serve(path, () => `${program} ${version}`, { program, version, control: true });
    break;
  }
  case 'exit':
    process.stderr.write(more);
    process.exitCode = 3;
    break;
  case 'die':
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'daemonise':
    spawn(process.execPath, again('serve'), { detached: true, stdio: 'inherit' }).unref();
    break;
  case 'elsewhere': {
    const { serve } = await import('../../src/index.ts');
    const server = await serve(more, () => 'elsewhere');
    process.once('SIGTERM', () => void server.close());
    break;
  }
  // Cannot be asked to end, nor can what it started.
  case 'stubborn':
    process.on('SIGTERM', () => undefined);
    if (more !== 'alone') spawn(process.execPath, again('stubborn', 'alone'), { stdio: 'inherit' });
    setInterval(() => undefined, 1000);
    break;
  case 'hang':
    process.stdout.write('hanging\n');
    setInterval(() => undefined, 1000);
    break;
  default:
    throw new Error(`what is ${what}?`);
}

/** What its descriptors are, by their numbers. */
function files(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      found[descriptor] = readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // The one by which the directory was read.
    }
  }
  return found;
}
