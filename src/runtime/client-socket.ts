import { net } from './builtins.ts';
import { readBuffer } from './read-buffer.ts';

const { Socket } = net;

/** What a client hears from its socket. */
export interface ClientSocketOwner {
  /** The next bytes of the answer, valid during the call alone. False stops reading, until `resume`. */
  received(chunk: Buffer): boolean;
  /** Nothing that is written arrives any more. An answer may still be there to be read. */
  writeFailed(error: Error): void;
}

/**
 * A socket that loses nothing of an answer. An ordinary one throws away what it has read, and what still waits in the
 * kernel, as soon as a write fails or the connection is reset; and servers may close while we still send. So here bytes
 * go straight to the owner, and a write that fails leaves the reading side alone.
 */
export class ClientSocket extends Socket {
  /** Whether the kernel may have taken any byte. */
  wroteAny = false;
  readonly #owner: ClientSocketOwner;

  constructor(owner: ClientSocketOwner) {
    const buffer = readBuffer();
    super({
      allowHalfOpen: true,
      onread: { buffer, callback: (size: number) => owner.received(buffer.subarray(0, size)) },
    } as ConstructorParameters<typeof Socket>[0]);
    this.#owner = owner;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#attempt(chunk.length, done, (finished) => super._write(chunk, encoding, finished));
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const bytes = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0);
    this.#attempt(bytes, done, (finished) => super._writev?.(chunks, finished));
  }

  /**
   * A write that fails is told to the owner alone, and never finishes: an error given to the stream would destroy it. One
   * that fails at once has written nothing; one that fails later may have written a part.
   */
  #attempt(
    bytes: number,
    done: (error?: Error | null) => void,
    write: (finished: (error?: Error | null) => void) => void,
  ): void {
    let failed = false;
    write((error) => {
      if (error === null || error === undefined || this.destroyed) {
        done(error);
      } else {
        failed = true;
        this.#owner.writeFailed(error);
      }
    });
    if (!failed && bytes > 0) this.wroteAny = true;
  }
}
