import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How long a process group has left after SIGTERM, in milliseconds. */
const GRACE = 2_000;

const HAS_GROUPS = process.platform !== 'win32';

/** How a command ended. */
interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A shell command at work, in a process group of its own. */
export class ShellCommand {
  /** Resolves when it runs; rejects when the system cannot start it. */
  readonly started: Promise<void>;
  /** Resolves when the shell has ended, or could not be started. */
  readonly ended: Promise<Exit | undefined>;
  readonly #command: string;
  readonly #child: ChildProcess;
  #hasEnded = false;
  #stopped = false;

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
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      this.started.catch(() => resolve(undefined));
    });
    void this.ended.then(() => (this.#hasEnded = true));
  }

  get stdin(): Writable {
    return this.#child.stdin as Writable;
  }

  get stdout(): Readable {
    return this.#child.stdout as Readable;
  }

  /** Resolves when it has ended well; rejects when it has not. */
  async succeeded(): Promise<void> {
    const exit = await this.ended;
    if (exit?.code === 0) return;
    const how =
      exit?.code == null ? `was ended by ${exit?.signal ?? 'the system'}` : `exited with ${exit.code}`;
    throw new Error(`The command ${how}: ${this.#command}`);
  }

  /** Ends it, and all that it started, unless it has ended by itself. */
  stop(): void {
    if (this.#stopped || this.#child.pid === undefined) return;
    if (this.#hasEnded && this.#child.stdout?.readableEnded === true) return;
    this.#stopped = true;
    this.#kill('SIGTERM');
    void this.#killWhatIsLeft();
  }

  async #killWhatIsLeft(): Promise<void> {
    const timer = setTimeout(() => this.#kill('SIGKILL'), GRACE);
    await this.ended;
    // Somebody who left the group may hold its stdout open; there is no use in waiting for that.
    this.#child.stdout?.destroy();
    if (!this.#kill(0)) clearTimeout(timer);
  }

  /** Signals all of its group; says whether there was anybody. */
  #kill(signal: NodeJS.Signals | 0): boolean {
    if (!HAS_GROUPS) return this.#child.kill(signal);
    try {
      return process.kill(-(this.#child.pid as number), signal);
    } catch {
      return false;
    }
  }
}
