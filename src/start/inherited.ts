import type { StdioOptions } from 'node:child_process';
import { fs } from '../runtime/builtins.ts';
import { openFilesLimit } from '../runtime/proc.ts';

const { readdirSync, readFileSync } = fs;

/** O_CLOEXEC, as fdinfo shows flags: in octal. */
const CLOSED_BY_EXEC = 0o2000000;
const STDERR = 2;

/**
 * The descriptors above stderr that a program started by this process would have: those that this process was itself
 * given by who started it. Node.js marks all of its own to be closed, and of those that it was given the first ones: it stops
 * at the first number from 16 on that is not in use (uv_disable_stdio_inheritance), and shells like to use 63 and the like.
 * What a shell waits for ends only when nobody holds it any more, and so never where a server has it without knowing.
 *
 * On Linux, without those whose number is too near to the limit (`ulimit -n`), or above it since that was lowered: to be given
 * another file they take as many free numbers behind the last of them, and else nothing can be started. They stay open there.
 */
export function inheritedDescriptors(platform: string = process.platform): number[] {
  switch (platform) {
    case 'linux':
      return replaceable(descriptorsIn('/proc/self/fd').filter(isLeftOpen));
    case 'win32':
      return [];
    default:
      // Which of them are closed cannot be seen there.
      return descriptorsIn('/dev/fd');
  }
}

function descriptorsIn(directory: string): number[] {
  try {
    return readdirSync(directory)
      .map(Number)
      .filter((descriptor) => descriptor > STDERR);
  } catch {
    // Where it is not mounted nothing can be seen.
    return [];
  }
}

function replaceable(descriptors: readonly number[]): number[] {
  const needed = descriptors.length + STDERR + 2;
  if (descriptors.length === 0) return [];
  const limit = limitOfDescriptors();
  return descriptors.filter((descriptor) => descriptor + needed < limit);
}

function limitOfDescriptors(): number {
  try {
    return openFilesLimit();
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function isLeftOpen(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    return flags !== null && (Number.parseInt(flags[1]!, 8) & CLOSED_BY_EXEC) === 0;
  } catch {
    // The descriptor by which the directory was read.
    return false;
  }
}

/**
 * The descriptors of a process to be started: the first three, and `nothing`, which is `/dev/null`, for those that it would inherit:
 * to leave one out here does not close it there.
 */
export function descriptorsOf(
  first: readonly (number | 'pipe' | 'ignore')[],
  inherited: readonly number[],
  nothing: number | undefined,
): StdioOptions {
  const descriptors: (number | 'pipe' | 'ignore' | undefined)[] = [...first];
  for (const descriptor of inherited) descriptors[descriptor] = nothing;
  return Array.from(descriptors, (descriptor) => descriptor ?? 'ignore');
}
