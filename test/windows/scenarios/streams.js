import assert from 'node:assert/strict';
import { request, serve } from 'simple-ipc';
import { pattern, temporaryPath } from './support.js';

const PIECE = 64 * 1024;
const PIECES = 1024;

// An answer that is sent while the request still comes: neither is ever in memory whole.
const path = temporaryPath();
const server = await serve(path, (incoming) => incoming, { window: 4 * PIECE });
const piece = pattern(PIECE);
function* message() {
  for (let number = 0; number < PIECES; number++) {
    const copy = Buffer.from(piece);
    copy.writeUInt32LE(number, 0);
    yield copy;
  }
}
let at = 0;
for await (const chunk of await request(path, message())) {
  for (let offset = 0; offset < chunk.length;) {
    const within = (at + offset) % PIECE;
    const length = Math.min(chunk.length - offset, PIECE - within);
    const expected = Buffer.from(piece);
    expected.writeUInt32LE(Math.floor((at + offset) / PIECE), 0);
    assert.ok(
      expected.subarray(within, within + length).equals(chunk.subarray(offset, offset + length)),
      `at ${at + offset}`,
    );
    offset += length;
  }
  at += chunk.length;
}
assert.equal(at, PIECE * PIECES);
await server.close();
assert.equal(server.stats.ended.answered, 1);
