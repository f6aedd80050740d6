import { fs } from '../runtime/builtins.ts';

const { readdirSync, readFileSync } = fs;

/** O_CLOEXEC, as fdinfo shows flags: in octal. */
const CLOSED_BY_EXEC = 0o2000000;
const STDERR = 2;

/**
 * The descriptors above stderr that a program started by this process would have: those that this process was itself
 * given by who started it. Node.js marks all of its own to be closed, and of those that it was given the first ones: it stops
 * at the first number from 16 on that is not in use (uv_disable_stdio_inheritance), and shells like to use 63 and the like.
 * What a shell waits for ends only when nobody holds it any more, and so never where a server has it without knowing.
 */
export function inheritedDescriptors(platform: string = process.platform): number[] {
  switch (platform) {
    case 'linux':
      return descriptorsIn('/proc/self/fd').filter(isLeftOpen);
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

function isLeftOpen(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'));
    return flags !== null && (Number.parseInt(flags[1]!, 8) & CLOSED_BY_EXEC) === 0;
  } catch {
    // The descriptor by which the directory was read.
    return false;
  }
}
