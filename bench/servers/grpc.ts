/** grpc-js, one unary method. */
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

import { options, Peer, type Packet } from '../peers/grpc.ts';
import { peerServer, versionOf } from '../peers/server.ts';

const { path, answer, served, listening } = peerServer();
const packet: Packet = { bytes: answer };

const ask: handleUnaryCall<Packet, Packet> = (_call, callback) => {
  served();
  callback(null, packet);
};

const server = new Server(options);
server.addService(Peer.service, { ask });
server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  listening(versionOf('@grpc/grpc-js'));
});
