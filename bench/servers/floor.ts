/** node:net alone: what every Node.js server on this protocol costs at least. It reads a request, writes, and destroys. */
import { createServer, type Socket } from 'node:net';
import { answerPackets, isWholeRequest, RequestEnd } from '../run/pkt-line.ts';
import { serverChild } from '../run/server-child.ts';

/** An answer up to this length is written at once. */
const AT_ONCE = 2 ** 20;

let served = 0;
const { path, settings, listening } = serverChild({ counts: () => ({ served }) });
const { full, times, last } = answerPackets(settings.answerBytes);
const whole =
  settings.answerBytes <= AT_ONCE ? Buffer.concat([...Array<Buffer>(times).fill(full), last]) : undefined;
/** Those whose answer is under way although their client may have sent its last. */
const streaming = new WeakSet<Socket>();

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let end: RequestEnd | undefined;
  socket.on('data', (chunk) => {
    if (end === undefined && isWholeRequest(chunk)) return respond(socket);
    const state = (end ??= new RequestEnd()).read(chunk);
    if (state === 'whole') respond(socket);
    else if (state === 'malformed') socket.destroy();
  });
  socket.on('end', hungUp);
  socket.on('error', ignore);
});

function respond(socket: Socket): void {
  served++;
  if (whole === undefined) return stream(socket);
  socket.write(whole);
  finish(socket);
}

function stream(socket: Socket): void {
  let left = times;
  const more = () => {
    while (left > 0) {
      left--;
      if (!socket.write(full)) return;
    }
    socket.off('drain', more);
    socket.write(last);
    finish(socket);
  };
  streaming.add(socket);
  socket.on('drain', more);
  more();
}

/** `destroy` is cheaper than `end`, and as good where the kernel has all of the answer. */
function finish(socket: Socket): void {
  if (socket.writableLength === 0) socket.destroy();
  else socket.end();
}

/** Without a whole request; or while its answer is on its way. */
function hungUp(this: Socket): void {
  if (!this.writableEnded && !streaming.has(this)) this.destroy();
}

function ignore(): void {}

// As many wait as the kernel allows, as with simple-ipc.
server.listen({ path, backlog: 4096 }, () => listening({ version: process.version }));
