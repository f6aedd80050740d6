import type { Socket } from 'node:net';
import { openFilesLimit } from './proc.ts';

/** Descriptors that are left to the rest of the program when connections are refused for want of them. */
export const RESERVE = 8;

/**
 * Whether so few descriptors are left that a connection just accepted is to be refused. Where none is left, libuv accepts
 * and drops connections without a word to anybody; refusing them a little earlier, they can be counted and reported.
 */
export type Shortage = (accepted: Socket) => boolean;

/** The shortage under this process's limit (`ulimit -n`). It can be seen on Linux alone; elsewhere there is none. */
export function descriptorShortage(): Shortage {
  // Node raises it to the hard one as it starts.
  const limit = process.platform === 'linux' ? openFilesLimit() : Number.POSITIVE_INFINITY;
  if (limit === Number.POSITIVE_INFINITY) return () => false;
  // The system gives the lowest descriptor that is free, so a high one means that all below it are taken. Node has no
  // public way to it; without it nothing is refused.
  return (accepted) => {
    const { fd } = (accepted as Socket & { _handle?: { fd?: number } })._handle ?? {};
    return fd !== undefined && fd >= limit - RESERVE;
  };
}
