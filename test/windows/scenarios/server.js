/** A server in a process of its own: `server.js PATH`. It answers `quit` by stopping, and all else by what it was sent. */
import { QUIT, serve } from 'simple-ipc';

const server = await serve(
  process.argv[2],
  async (request) => {
    const bytes = await request.bytes();
    return Buffer.from('quit').equals(bytes) ? QUIT : bytes;
  },
  { control: true },
);
console.log('listening');
const { reason } = await server.closed;
console.log(`ended: ${reason}, ${JSON.stringify(server.stats.ended)}`);
