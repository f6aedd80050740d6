import { connect, type Socket } from 'node:net';

import type { Changes } from './changes.ts';

/** A client of plain sockets, so that the wire is seen. It sends what it is told, and reads or does not. */
export class Client {
  readonly socket: Socket;
  reading = false;
  readonly #changes: Changes;
  readonly #chunks: Buffer[] = [];

  constructor(path: string, changes: Changes, reading = true) {
    this.#changes = changes;
    this.socket = connect({ path, allowHalfOpen: true });
    if (reading) this.read();
    // Before it is connected: of a socket that is paused later, something has been read from the kernel already.
    else this.socket.pause();
    // A reset is one of the ways in which a connection ends.
    this.socket.on('error', () => undefined);
    this.socket.on('end', () => this.socket.destroy());
    this.socket.on('close', changes.note);
    this.socket.on('connect', changes.note);
  }

  read(): void {
    this.reading = true;
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#changes.note();
    });
    this.socket.resume();
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** Data as packets, written by the rules rather than by the encoder. */
export function packets(data: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; at += 65_516) {
    const piece = data.subarray(at, at + 65_516);
    pieces.push(Buffer.from((piece.length + 4).toString(16).padStart(4, '0')), piece);
  }
  return Buffer.concat(pieces);
}

export const FLUSH = Buffer.from('0000');
