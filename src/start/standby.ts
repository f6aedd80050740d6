import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { devNull } from 'node:os';
import { fs } from '../runtime/builtins.ts';
import { identityOf, STANDBY_VARIABLE, type Call } from './called.ts';
import type { Detached } from './detached.ts';
import { descriptorsOf, inheritedDescriptors } from './inherited.ts';
import type { Log } from './log.ts';
import type { StartPlan } from './options.ts';
import { spawn } from './spawn.ts';
import { LOG_VARIABLE, OWN_VARIABLES, variablesOf } from './variables.ts';

const { closeSync, constants, openSync } = fs;

/**
 * A process that is started before it is known whether it is needed, and for what: meanwhile it loads what it will run. One
 * that is never called ends with this process. See called.ts for its side.
 */
export class Standby {
  readonly #child: ChildProcess;
  readonly #end = () => void this.#child.kill('SIGKILL');

  constructor([program, ...args]: readonly [string, ...string[]]) {
    const inherited = inheritedDescriptors();
    const nothing = openSync(devNull, constants.O_RDWR);
    try {
      this.#child = spawn(program, args, {
        // That it will have a log is asked when modules are loaded; which one, it is told when it is called.
        env: { ...process.env, ...OWN_VARIABLES, [STANDBY_VARIABLE]: '1', [LOG_VARIABLE]: devNull },
        detached: true,
        stdio: descriptorsOf(['pipe', nothing, nothing], inherited, nothing),
        windowsHide: true,
      });
    } finally {
      closeSync(nothing);
    }
    process.once('exit', this.#end);
    // It keeps nobody from ending.
    this.#child.unref();
    (this.#child.stdin as Socket | null)?.unref();
    // One that could not be started, or has ended, is not called.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
  }

  /** Has it do what a plan says, in the place of a process that is started for it. */
  async call(plan: StartPlan, log: Log): Promise<Detached> {
    const [{ Detached, runDetached }, { checkDirectory }] = await Promise.all([
      import('./detached.ts'),
      import('./runnable.ts'),
    ]);
    const { pid, exitCode, signalCode, stdin } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return runDetached(plan, log);
    checkDirectory(plan);
    process.off('exit', this.#end);
    this.#child.ref();
    const { args, cwd, log: file } = plan;
    const call: Call = {
      args,
      cwd,
      env: Object.fromEntries(
        Object.entries(variablesOf(plan)).map(([name, value]) => [name, value ?? null]),
      ),
      log: { file, ...identityOf(log.descriptor) },
    };
    stdin!.end(JSON.stringify(call));
    return new Detached(this.#child);
  }
}
