/** What bench.proto describes, for the server and the clients. */
import { fileURLToPath } from 'node:url';

import {
  loadPackageDefinition,
  type ChannelOptions,
  type Client,
  type ClientUnaryCall,
  type requestCallback,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface Packet {
  readonly bytes: Uint8Array;
}

export interface PeerClient extends Client {
  ask(request: Packet, callback: requestCallback<Packet>): ClientUnaryCall;
}

const definition = loadSync(fileURLToPath(new URL('bench.proto', import.meta.url)));
const { bench } = loadPackageDefinition(definition) as unknown as {
  bench: { Peer: ServiceClientConstructor };
};
export const { Peer } = bench;

export const options: ChannelOptions = {
  // Messages may be of any length: 4 MiB is the default of what is received.
  'grpc.max_receive_message_length': -1,
  // With HTTP/2's own 64 KiB a request of 1 MiB takes about 1.5 times as long.
  'grpc-node.flow_control_window': 8 * 1024 * 1024,
};
