/** sock-daemon. Before each request it looks at two files, to see whether the daemon's program has changed. */
import { access } from 'node:fs/promises';

import { SockDaemonClient } from 'sock-daemon';

import { firstByteOf } from '../peers/first-byte.ts';
import { serviceNameFor, type Packet } from '../peers/sock-daemon.ts';
import type { Client } from '../run/client.ts';

export const connectionPerRequest = false;

/** In milliseconds, of each attempt. */
const CONNECT_TIMEOUT = 1000;
const ATTEMPTS = 5;

export async function connect(path: string): Promise<Client> {
  // Where there is no socket it would start a daemon itself.
  await access(path);
  const client = await connected(path);
  const socket = client.connection!;
  // Else what is pending would pend forever.
  socket.on('close', () => client.clear());
  const expect = firstByteOf(socket);
  return {
    async request(bytes, marks) {
      if (socket.destroyed) throw new Error('The server closed the connection.');
      expect(marks);
      const { bytes: answer } = await client.request({ bytes });
      return answer.byteLength;
    },
    close: () => client.disconnect(),
  };
}

/**
 * It gives a connection up whose first ping takes more than 100 ms, as may be where many connect at once, and does not
 * tell; so another one tries again.
 */
async function connected(path: string, attempt = 1): Promise<SockDaemonClient<Packet, Packet>> {
  const client = clientAt(path);
  const late = setTimeout(() => client.clear(), CONNECT_TIMEOUT);
  try {
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    if (attempt === ATTEMPTS) throw error;
    return connected(path, attempt + 1);
  } finally {
    clearTimeout(late);
  }
}

function clientAt(path: string): SockDaemonClient<Packet, Packet> {
  class PeerClient extends SockDaemonClient<Packet, Packet> {
    static override get serviceName() {
      return serviceNameFor(path);
    }

    /** It must be there, though it is never of use: without a path to listen on it ends. */
    static override get daemonScript() {
      return new URL('../servers/sock-daemon.ts', import.meta.url);
    }
  }
  return new PeerClient();
}
