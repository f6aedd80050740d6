import { channel } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';
import { net } from './builtins.ts';
import { sharedReadBuffer } from './read-buffer.ts';

/** What a connection hears from its socket. */
export interface SocketOwner {
  /** The next bytes, `chunk[0..end)`, valid during the call alone. */
  received(chunk: Buffer, end: number): void;
  /** The client sends no more. */
  ended(): void;
  failed(error: Error): void;
}

/** A socket that a server has accepted: a direct one, or Node's own. */
export type AcceptedSocket = Socket & { owner?: SocketOwner | undefined };

/** Node's handle of a socket or pipe, as far as it is used here. */
interface Handle {
  onconnection?: unknown;
  readonly useUserBuffer?: unknown;
  close(): void;
}
type WithHandle = { _handle?: Handle | null };

/** Has what comes from the socket told to its owner. One set of listeners for all sockets: closures would cost each more. */
export function own(socket: AcceptedSocket, owner: SocketOwner): void {
  socket.owner = owner;
  if (!(socket instanceof DirectSocket)) socket.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Closes it at once: what the kernel has not taken by now is not sent. */
export function closeNow(socket: AcceptedSocket): void {
  if (socket instanceof DirectSocket) socket.closeNow();
  else socket.destroy();
}

function onData(this: AcceptedSocket, chunk: Buffer): void {
  this.owner?.received(chunk, chunk.length);
}

function onEnd(this: AcceptedSocket): void {
  this.owner?.ended();
}

function onError(this: AcceptedSocket, error: Error): void {
  this.owner?.failed(error);
}

/** The documented option `onread` of `net.Socket`, one for all of them: `this` is the socket that was read from. */
const onread = {
  buffer: sharedReadBuffer,
  callback(this: unknown, size: number): boolean {
    (this as DirectSocket).owner?.received(sharedReadBuffer as Buffer, size);
    return true;
  },
};

/**
 * A socket that tells its owner alone, without what Node's streams do for listeners that nobody has here: an ordinary one
 * allocates 64 KiB for each read and passes what came through a stream, and is closed with two callbacks and two events.
 * That is a fifth of what a short request costs on `node:net`.
 */
class DirectSocket extends net.Socket {
  owner: SocketOwner | undefined = undefined;

  constructor(handle: Handle) {
    super({ handle, allowHalfOpen: true, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
  }

  /** Of all that comes in only the end of file goes through the stream. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk === null) process.nextTick(onEnd.bind(this));
    return super.push(chunk, encoding);
  }

  /** The owner hears of an error as late as a listener would, for it may be in the middle of a write. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    super._destroy(null, done);
    if (error !== null && error !== undefined) process.nextTick(onError.bind(this), error);
  }

  /** It emits nothing then, and is not `destroyed`: nobody has it. A write that is under way fails, and destroys what is left. */
  closeNow(): void {
    const self = this as unknown as WithHandle;
    const handle = self._handle;
    self._handle = null;
    if (handle !== null && handle !== undefined) handle.close();
  }
}

const onAccepted = channel('net.server.socket');

/**
 * Has a server that listens give its connections direct sockets. Node.js has no public way to choose what an accepted socket is, so
 * this takes the place of what its handle calls. Where the handle is not as it is known (a version of Node.js to come, a worker of
 * `node:cluster` whose primary accepts), on Windows, and while somebody subscribes to `net.server.socket` of `node:diagnostics_channel`,
 * connections come as ever: by the `connection` event.
 */
export function acceptDirectly(server: Server, accept: (socket: AcceptedSocket) => void): void {
  const handle = (server as Server & WithHandle)._handle;
  const ordinary = handle?.onconnection;
  if (sharedReadBuffer === undefined || typeof ordinary !== 'function') return;
  if (typeof handle?.useUserBuffer !== 'function' || typeof handle.close !== 'function') return;
  handle.onconnection = function (this: Handle, status: number, client: Handle | undefined): void {
    // Whom Node.js tells of accepted sockets may want their events.
    if (status !== 0 || client === undefined || onAccepted.hasSubscribers)
      return ordinary.call(this, status, client);
    accept(new DirectSocket(client));
  };
}
