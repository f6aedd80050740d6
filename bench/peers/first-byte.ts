import type { Socket } from 'node:net';

import type { Marks } from '../run/client.ts';

/** For clients that show only whole answers: marks the first byte that comes after each call of what it returns. */
export function firstByteOf(socket: Socket): (marks: Marks) => void {
  let waiting: Marks | undefined;
  // Before the peer's own listener, which may do all of its work on the answer.
  socket.prependListener('data', () => {
    const marks = waiting;
    waiting = undefined;
    marks?.firstByte();
  });
  return (marks) => {
    waiting = marks;
  };
}
