import { once } from 'node:events';

/** What a service may tell its manager: that it serves, that it ends, or a line on how it is. */
export type ServiceState = 'ready' | 'stopping' | { readonly status: string };

/** Tells it, and gives what kept it from being told, in a sentence. Never rejects, and takes no longer than about 2 s. */
export type Notify = (...states: readonly ServiceState[]) => Promise<string | undefined>;

/** How long a helper may take, in milliseconds. systemd answers within a few. */
const TIMEOUT = 2_000;
/**
 * How long the sender of a message stays when nothing says that it was read, in milliseconds: systemd finds out the unit
 * of a message by its sender, as long as there is one. systemd-notify knows when it was read; for others this is a guess.
 */
const LINGER = 200;

/**
 * The way to tell the service manager of this process how it is: sd_notify(3) over `NOTIFY_SOCKET`, which is taken out of
 * the environment, so that no child speaks for it. Without that variable nothing is told, and nothing is wrong.
 *
 * Node.js has no Unix datagram sockets, so a helper sends it: `systemd-notify`, or `socat` where that is missing. Unless
 * this process is privileged, the message comes from a child for systemd, so the unit needs `NotifyAccess=all`; `main`
 * and `exec` are processes that systemd itself has started.
 */
export function notifier(environment: NodeJS.ProcessEnv = process.env): Notify {
  const { NOTIFY_SOCKET: address } = environment;
  delete environment['NOTIFY_SOCKET'];
  if (address === undefined || address === '') return async () => undefined;

  // One after the other: what is told last is what holds.
  let before: Promise<unknown> = Promise.resolve();
  return (...states) => {
    const message = states.map(assignment).join('\n');
    const told = before.then(() => tell(address, message, environment));
    before = told;
    return told;
  };
}

function assignment(state: ServiceState): string {
  if (state === 'ready') return 'READY=1';
  if (state === 'stopping') return 'STOPPING=1';
  return `STATUS=${state.status.replaceAll(/[\0\r\n]+/g, ' ')}`;
}

async function tell(
  address: string,
  message: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const [what] = message.split('\n', 1);
  const untold = (why: string) => `The service manager could not be told ${what}: ${why}`;
  try {
    const problem =
      (await systemdNotify(address, message, environment)) ??
      (await socat(address, message, environment)) ??
      'neither systemd-notify nor socat can send it. Install one of them, or use Type=exec in the service unit.';
    return problem === '' ? undefined : untold(problem);
  } catch (error) {
    return untold(error instanceof Error ? error.message : String(error));
  }
}

/** Says what went wrong, nothing (`''`) when it went well, and `undefined` when there is no such helper. */
type Outcome = Promise<string | undefined>;

/**
 * Assignments, because `--stopping` is newer than they are. Without `--pid`, which would also declare this process the
 * main one of its service: it is already, or the one that started it is.
 */
function systemdNotify(address: string, message: string, environment: NodeJS.ProcessEnv): Outcome {
  const env = { ...environment, NOTIFY_SOCKET: address };
  return run('systemd-notify', message.split('\n'), { env, input: '', linger: 0 });
}

async function socat(address: string, message: string, env: NodeJS.ProcessEnv): Outcome {
  const name = address.slice(1).replaceAll(/[\\:,!"'()[\]{}]/g, String.raw`\$&`);
  const target = { '/': `UNIX-SENDTO:/${name}`, '@': `ABSTRACT-SENDTO:${name}` }[address.slice(0, 1)];
  if (target === undefined) return undefined;
  return run('socat', ['-u', '-', target], { env, input: message, linger: LINGER });
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly input: string;
  /** How long to keep its stdin open, in milliseconds. */
  readonly linger: number;
}

async function run(program: string, args: string[], { env, input, linger }: RunOptions): Outcome {
  // Loaded here, because most processes have no service manager.
  const { spawn } = await import('node:child_process');
  const child = spawn(program, args, { env, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  // It may end without reading.
  child.stdin.on('error', () => undefined);
  if (input !== '') child.stdin.write(input);
  const ending = setTimeout(() => child.stdin.end(), linger);
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, TIMEOUT);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (isLate) return `${program} had not ended after ${TIMEOUT} ms.`;
    if (code === 0) return '';
    return `${program} ended with ${code ?? signal} (${said.trim() || 'it did not say why'}).`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    clearTimeout(ending);
    clearTimeout(late);
  }
}
