/** Finds the few operations of a failing game that matter: delta debugging, as Zeller and Hildebrandt describe it. */
import type { Operation } from './operations.ts';

/** Whether a list of operations fails. */
export type Fails = (operations: readonly Operation[]) => Promise<boolean>;

/**
 * Leaves out as many operations as it can while the rest fails, until nothing more can be left out or `until` (of
 * `performance.now()`). The list that is given has to fail.
 */
export async function shrink(
  operations: readonly Operation[],
  fails: Fails,
  until = Infinity,
): Promise<Operation[]> {
  let list = [...operations];
  // What matters is mostly near the end.
  for (let length = 4; length < list.length && performance.now() < until; length *= 2) {
    const end = list.slice(-length);
    if (await fails(end)) list = end;
  }
  let size = Math.ceil(list.length / 2);
  while (list.length > 1 && performance.now() < until) {
    const shorter = await leaveOut(list, size, fails, until);
    if (shorter !== undefined) {
      list = shorter;
      size = Math.min(size, Math.ceil(list.length / 2));
    } else if (size === 1) {
      break;
    } else {
      size = Math.ceil(size / 2);
    }
  }
  return list;
}

/** Goes once through the list, from its end, by pieces of that size; undefined where none could be left out. */
async function leaveOut(
  operations: readonly Operation[],
  size: number,
  fails: Fails,
  until: number,
): Promise<Operation[] | undefined> {
  let list = [...operations];
  for (let end = list.length; end > 0 && performance.now() < until; end -= size) {
    const rest = [...list.slice(0, Math.max(0, end - size)), ...list.slice(end)];
    if (rest.length > 0 && (await fails(rest))) list = rest;
  }
  return list.length < operations.length ? list : undefined;
}
