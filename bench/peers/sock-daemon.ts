import { relative } from 'node:path';

import type { MessageBase } from 'sock-daemon';

/** Messages are serialized as V8 does it, so bytes are bytes. */
export interface Packet extends MessageBase {
  bytes: Uint8Array;
}

/**
 * sock-daemon listens on `.NAME/daemon/socket` in the working directory, whatever it is told. A name that leads out of
 * it has it listen at `PATH.d/daemon/socket`.
 */
export function serviceNameFor(path: string): string {
  return `/${relative(process.cwd(), `${path}.d`)}`;
}
