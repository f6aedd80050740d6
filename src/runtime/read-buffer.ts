/** How much is read at once, in bytes: as much as Node.js itself reads. What a connection may hold beyond limits is one read. */
const READ_BYTES = 65_536;

/**
 * On Unix the kernel copies into it and it is read at once, so all sockets of this thread share it. On Windows a read is
 * begun with its buffer long before the bytes come, so there is none for all.
 */
export const sharedReadBuffer: Buffer | undefined =
  process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

/** A buffer for a socket to read into. What it reads must be copied before the next read of any. */
export function readBuffer(): Buffer {
  return sharedReadBuffer ?? Buffer.allocUnsafeSlow(READ_BYTES);
}
