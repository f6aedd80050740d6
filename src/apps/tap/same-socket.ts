import { readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** More links than this behind each other are a circle. Linux gives up there, too. */
const MOST_LINKS = 40;

/**
 * Whether two paths lead to one socket: by another name of its directory, by a link, or by a hard link. It need not exist
 * yet, so a link that leads nowhere today is followed, too.
 */
export function isSameSocket(one: string, other: string): boolean {
  if (endOf(one) === endOf(other)) return true;
  const [first, second] = [lookAt(one), lookAt(other)];
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** Where a path leads in the end, whether anything is there or not. */
function endOf(path: string, links = MOST_LINKS): string {
  const place = join(realPath(dirname(path)), basename(path));
  const target = links === 0 ? undefined : linkAt(place);
  return target === undefined ? place : endOf(resolve(dirname(place), target), links - 1);
}

/** What cannot be looked at is no link, no directory and nothing known: whoever uses the path will be told. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function realPath(directory: string): string {
  return orUndefined(() => realpathSync(directory)) ?? resolve(directory);
}

function linkAt(path: string): string | undefined {
  return orUndefined(() => readlinkSync(path));
}

function lookAt(path: string): BigIntStats | undefined {
  return orUndefined(() => statSync(path, { bigint: true }));
}
