import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { cannotRun } from './errors.ts';
import { descriptorsOf, inheritedDescriptors } from './inherited.ts';
import type { Log } from './log.ts';
import type { StartPlan } from './options.ts';
import { checkDirectory } from './runnable.ts';
import { spawn } from './spawn.ts';
import { fs } from '../runtime/builtins.ts';
import { OWN_VARIABLES, variablesOf } from './variables.ts';

const { closeSync, constants, openSync } = fs;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a process group has left after SIGTERM, in milliseconds; and how often to see whether it is gone. */
const GRACE = 2_000;
const STEP = 10;
/** How long to wait for the system to end what was killed. */
const KILLED = 1_000;

const HAS_GROUPS = process.platform !== 'win32';

/** Those that nobody has let go yet: they end with this process. */
const onTrial = new Set<Detached>();

function killAll(): void {
  for (const child of onTrial) child.kill();
}

/**
 * Runs the command of a plan, in a session of its own: without a terminal, with nothing of this process's but its
 * environment, and its output in the log.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_START_FAILED` where it cannot be run.
 */
export async function runDetached(plan: StartPlan, log: Log): Promise<Detached> {
  checkDirectory(plan);
  const inherited = inheritedDescriptors();
  const nothing = inherited.length === 0 ? undefined : openSync(devNull, constants.O_RDWR);
  try {
    const child = spawn(plan.program, plan.args, {
      cwd: plan.cwd,
      env: { ...process.env, ...OWN_VARIABLES, ...variablesOf(plan) },
      detached: true,
      stdio: descriptorsOf(['ignore', log.descriptor, log.descriptor], inherited, nothing),
      windowsHide: true,
    });
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
    return new Detached(child);
  } catch (error) {
    throw cannotRun(plan, error);
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

/** A process that was started, and is this one's to end until it is let go. */
export class Detached {
  readonly pid: number;
  /** How it ended, once it has. */
  exit: Exit | undefined;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #isGroupGone = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid as number;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        this.runs();
        resolve();
      });
    });
    // A signal that could not be sent is looked at where it is sent.
    child.on('error', () => undefined);
    if (onTrial.size === 0) process.once('exit', killAll);
    onTrial.add(this);
  }

  /** Whether it, or anything else of its group, runs. To be asked often: the number of a group that is gone may become another's. */
  runs(): boolean {
    return this.#signal(0);
  }

  /** It serves: neither its end nor that of this process matters any more to the other. */
  letGo(): void {
    this.#child.unref();
    this.#forget();
  }

  /** Ends it, and all of its group: politely, and after 2 s by force. Says whether it took force. */
  async end(): Promise<boolean> {
    this.#signal('SIGTERM');
    for (const start = performance.now(); this.runs() && performance.now() - start < GRACE;)
      await sleep(STEP);
    const isForced = this.kill();
    const given = new AbortController();
    await Promise.race([
      this.#ended,
      sleep(KILLED, undefined, { signal: given.signal }).catch(() => undefined),
    ]);
    given.abort();
    this.#forget();
    return isForced;
  }

  kill(): boolean {
    return this.#signal('SIGKILL');
  }

  #forget(): void {
    onTrial.delete(this);
    if (onTrial.size === 0) process.off('exit', killAll);
  }

  /** Signals all of its group; says whether there was anybody. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (!HAS_GROUPS) return this.exit === undefined && this.#child.kill(signal);
    if (this.#isGroupGone) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch {
      this.#isGroupGone = true;
      return false;
    }
  }
}
