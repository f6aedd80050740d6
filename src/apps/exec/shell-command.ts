import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a process group has left after SIGTERM, in milliseconds; and how often to see whether it is gone. */
const GRACE = 2_000;
const STEP = 20;

const HAS_GROUPS = process.platform !== 'win32';

/** The commands whose groups have something to end yet: all of it, at the latest when this process ends. */
const atWork = new Set<ShellCommand>();

function killAll(): void {
  for (const command of atWork) command.kill();
}

/** How a command ended. */
interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A shell command at work, in a process group of its own. */
export class ShellCommand {
  /** Resolves when it runs; rejects when the system cannot start it. */
  readonly started: Promise<void>;
  readonly #command: string;
  readonly #child: ChildProcess;
  /** Resolves when the shell has ended, or could not be started. */
  readonly #ended: Promise<Exit | undefined>;
  #stopping: Promise<void> | undefined;

  constructor(command: string) {
    this.#command = command;
    const child = spawn(command, {
      shell: true,
      detached: HAS_GROUPS,
      stdio: ['pipe', 'pipe', 'inherit'],
      windowsHide: true,
    });
    this.#child = child;
    this.started = new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(new Error(`The system could not start ${command}`, { cause })));
    });
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve(undefined));
    });
    this.#remember();
    void this.#ended.then(() => this.#stopping === undefined && this.#forget());
  }

  get stdin(): Writable {
    return this.#child.stdin as Writable;
  }

  get stdout(): Readable {
    return this.#child.stdout as Readable;
  }

  /** Resolves when it has ended well; rejects when it has not. */
  async succeeded(): Promise<void> {
    const exit = await this.#ended;
    if (exit?.code === 0) return;
    const how =
      exit?.code == null ? `was ended by ${exit?.signal ?? 'the system'}` : `exited with ${exit.code}`;
    throw new Error(`The command ${how}: ${this.#command}`);
  }

  /** Ends it and all that it started, unless it has ended by itself. Resolves when the shell has ended. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const { pid, exitCode, signalCode, stdout } = this.#child;
    if (pid === undefined) return;
    const shellEnded = exitCode !== null || signalCode !== null;
    if (shellEnded && stdout?.readableEnded === true) return;
    void this.#endGroup();
    await this.#ended;
    // Somebody who left the group may hold it open still. There is no use in waiting for that.
    stdout?.destroy();
  }

  async #endGroup(): Promise<void> {
    this.#remember();
    this.#signal('SIGTERM');
    for (const start = performance.now(); this.#signal(0) && performance.now() - start < GRACE;)
      await sleep(STEP);
    this.kill();
    this.#forget();
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #remember(): void {
    if (atWork.size === 0) process.once('exit', killAll);
    atWork.add(this);
  }

  #forget(): void {
    atWork.delete(this);
    if (atWork.size === 0) process.off('exit', killAll);
  }

  /** Signals all of its group; says whether there was anybody. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (!HAS_GROUPS) return this.#child.kill(signal);
    try {
      return process.kill(-(this.#child.pid as number), signal);
    } catch {
      return false;
    }
  }
}
