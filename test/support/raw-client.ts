import { connect, type Socket } from 'node:net';
import { within } from './serving.ts';

/** A client that sends exactly what it is told, and shows exactly what it was sent. */
export interface RawClient {
  readonly socket: Socket;
  /** All bytes so far. */
  readonly received: () => string;
  /** Resolves with all bytes when the server has closed, whether cleanly or not. */
  readonly closed: Promise<string>;
  /** Resolves when the bytes so far hold `text`. */
  has(text: string): Promise<void>;
}

export async function rawClient(path: string, options: { reading?: boolean } = {}): Promise<RawClient> {
  const socket = connect({ path, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const received = () => Buffer.concat(chunks).toString('latin1');
  const listeners = new Set<() => void>();
  if (options.reading !== false) {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      for (const look of listeners) look();
    });
  }
  const over = new Promise<string>((resolve) => {
    socket.on('end', () => socket.destroy());
    socket.on('close', () => resolve(received()));
    // A reset is one of the ways in which a server closes.
    socket.on('error', () => resolve(received()));
  });
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    }),
    `could not connect to ${path}`,
  );
  return {
    socket,
    received,
    get closed() {
      return within(
        over,
        () => `the server did not close; received ${JSON.stringify(received().slice(0, 200))}`,
      );
    },
    has: (text) =>
      within(
        new Promise((resolve) => {
          const look = () => {
            if (!received().includes(text)) return;
            listeners.delete(look);
            resolve();
          };
          listeners.add(look);
          look();
        }),
        () => `received ${JSON.stringify(received().slice(0, 200))} and not ${JSON.stringify(text)}`,
      ),
  };
}

/** A packet with these bytes, written out by hand so that the encoder is not tested by itself. */
export function packet(data: string): string {
  return (Buffer.byteLength(data) + 4).toString(16).padStart(4, '0') + data;
}

/** A request of one packet. */
export function message(data: string): string {
  return `${packet(data)}0000`;
}
