/** grpc-js, a channel and so an HTTP/2 connection for each client, one unary call at a time. */
import { credentials } from '@grpc/grpc-js';

import { options, Peer, type Packet, type PeerClient } from '../peers/grpc.ts';
import type { Client, Marks } from '../run/client.ts';

export const connectionPerRequest = false;

/** In milliseconds. */
const CONNECT_TIMEOUT = 5000;

export async function connect(path: string): Promise<Client> {
  // Channels to the same address share their connection otherwise.
  const own = { ...options, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Peer(`unix:${path}`, credentials.createInsecure(), own) as unknown as PeerClient;
  try {
    await ready(client);
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    request: (bytes, marks) => ask(client, { bytes }, marks),
    close: () => client.close(),
  };
}

function ready(client: PeerClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + CONNECT_TIMEOUT, (error) => (error ? reject(error) : resolve()));
  });
}

function ask(client: PeerClient, packet: Packet, marks: Marks): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = client.ask(packet, (error, answer) =>
      error ? reject(error) : resolve(answer?.bytes.byteLength ?? 0),
    );
    // The headers of the answer.
    call.on('metadata', () => marks.firstByte());
  });
}
