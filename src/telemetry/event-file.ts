import { close, constants, open, write } from 'node:fs';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';

/** How soon to try again where a FIFO is full, in milliseconds. */
const RETRY = 20;

type Done = (error?: Error | null) => void;

/**
 * Opens a file for events to be added to. A FIFO that nobody empties blocks neither the process nor a thread of it: it is
 * opened without blocking, and a write to it goes on when there is room.
 */
export async function openEventFile(path: string): Promise<Writable> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants;
  const fd = await promisify(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
  return new Writable({
    write: (data: Buffer, _encoding, done) => writeAll(fd, data, done),
    destroy: (error, done) => close(fd, (failure) => done(error ?? failure)),
  });
}

function writeAll(fd: number, data: Buffer, done: Done): void {
  write(fd, data, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(writeAll, RETRY, fd, data, done);
    else if (error !== null || written === data.length) done(error);
    else writeAll(fd, data.subarray(written), done);
  });
}
