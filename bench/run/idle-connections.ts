/** Connections that are opened, say nothing, and stay open. */
import { connect, type Socket } from 'node:net';

export interface IdleConnections {
  /** How many of them the server has closed. */
  closed(): number;
}

export async function openIdle(path: string, amount: number, patience: number): Promise<IdleConnections> {
  const until = performance.now() + patience;
  let closed = 0;
  for (let i = 0; i < amount; i++) {
    const socket = await openOne(path, until);
    socket.once('close', () => closed++);
    // A server that says something, or hangs up, is noticed only by one that reads.
    socket.resume();
  }
  return { closed: () => closed };
}

/** A full backlog (EAGAIN) is tried again. */
async function openOne(path: string, until: number): Promise<Socket> {
  for (;;) {
    try {
      return await connected(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > until) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
