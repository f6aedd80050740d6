import { Socket } from 'node:net';

/** What a client hears from its socket. */
export interface ClientSocketOwner {
  /** The next bytes of the answer, valid during the call alone. False stops reading, until `resume`. */
  received(chunk: Buffer): boolean;
  /** Nothing that is written arrives any more. An answer may still be there to be read. */
  writeFailed(error: Error): void;
}

const READ_BYTES = 65_536;

/**
 * On Unix the kernel copies into it and it is read at once, so all sockets of this thread share it. On Windows a read is
 * begun with its buffer long before the bytes come, so each socket has its own.
 */
const shared = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * A socket that loses nothing of an answer. An ordinary one throws away what it has read, and what still waits in the
 * kernel, as soon as a write fails or the connection is reset; and servers may close while we still send. So here bytes
 * go straight to the owner, and a write that fails leaves the reading side alone.
 */
export class ClientSocket extends Socket {
  readonly #owner: ClientSocketOwner;

  constructor(owner: ClientSocketOwner) {
    const buffer = shared ?? Buffer.allocUnsafeSlow(READ_BYTES);
    super({
      allowHalfOpen: true,
      onread: { buffer, callback: (size: number) => owner.received(buffer.subarray(0, size)) },
    } as ConstructorParameters<typeof Socket>[0]);
    this.#owner = owner;
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, this.#unlessFailed(done));
  }

  override _writev(
    chunks: { chunk: unknown; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    super._writev?.(chunks, this.#unlessFailed(done));
  }

  /** A write that failed is told to the owner alone, and never ends: an error given to the stream would destroy it. */
  #unlessFailed(done: (error?: Error | null) => void): (error?: Error | null) => void {
    return (error) => {
      if (error === null || error === undefined || this.destroyed) done(error);
      else this.#owner.writeFailed(error);
    };
  }
}
