import type { Server } from 'node:net';

/** Resolves when the server listens, rejects when it can't. */
export function listen(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      server.off('listening', settle);
      server.off('error', settle);
      if (error) reject(error);
      else resolve();
    };
    server.once('listening', settle);
    server.once('error', settle);
    try {
      start();
    } catch (error) {
      settle(error as Error);
    }
  });
}

/** Resolves when the server has closed, if it was open at all. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
