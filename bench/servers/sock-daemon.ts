/** sock-daemon. PATH leads to its socket, which is where sock-daemon wants it. */
import { symlinkSync } from 'node:fs';

import { SockDaemonServer } from 'sock-daemon';

import { peerServer, versionOf } from '../peers/server.ts';
import { serviceNameFor, type Packet } from '../peers/sock-daemon.ts';

const { path, answer, served, listening } = peerServer();

class Server extends SockDaemonServer<Packet, Packet> {
  static override get serviceName() {
    return serviceNameFor(path);
  }

  handle() {
    served();
    return { bytes: answer };
  }
}

// With the default time-outs it closes connections after a second, and ends after ten, without a request.
const server = new Server({ connectionTimeout: 0, idleTimeout: 0 });
// This is how it tells that it listens.
console.log = (state) => {
  if (state !== 'READY') throw new Error(`sock-daemon does not listen, but is ${state}.`);
  symlinkSync(server.socket, path);
  listening(versionOf('sock-daemon'));
};
await server.listen();
