import { delimiter, isAbsolute, join } from 'node:path';

import { fs } from '../runtime/builtins.ts';
import { errnoOf } from '../runtime/errors.ts';
import { cannotRun, noDirectory } from './errors.ts';
import { openLog } from './log.ts';
import type { StartPlan } from './options.ts';

const { accessSync, constants, statSync } = fs;

/**
 * Whether the command of a plan could be run, as far as that can be seen before: its directory, its program, its log.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_START_FAILED`, as `start` would.
 */
export function checkRunnable(plan: StartPlan): void {
  checkDirectory(plan);
  // Windows finds a program by rules of its own.
  if (process.platform !== 'win32') checkProgram(plan);
  openLog(plan).close();
}

/** The system says the same of a directory that is missing as of a program that is. */
export function checkDirectory(plan: StartPlan): void {
  try {
    if (!statSync(plan.cwd).isDirectory()) throw new Error('it is no directory');
    accessSync(plan.cwd, constants.X_OK);
  } catch (error) {
    throw noDirectory(plan, error);
  }
}

/** As execvp(3) looks for it: a file that may not be run is passed over, and told if there is no other. */
function checkProgram(plan: StartPlan): void {
  let fault: unknown;
  for (const file of candidates(plan)) {
    try {
      if (!statSync(file).isFile()) throw Object.assign(new Error('it is no file'), { code: 'EACCES' });
      accessSync(file, constants.X_OK);
      return;
    } catch (error) {
      if (fault === undefined || errnoOf(error) === 'EACCES') fault = error;
    }
  }
  if (fault !== undefined) throw cannotRun(plan, fault);
}

/** None where the system looks in places of its own. */
function candidates({ program, cwd, env }: StartPlan): readonly string[] {
  if (isAbsolute(program)) return [program];
  const path = 'PATH' in env ? env['PATH'] : process.env['PATH'];
  return path === undefined
    ? []
    : path
        .split(delimiter)
        .map((directory) => join(isAbsolute(directory) ? directory : join(cwd, directory), program));
}
