import test from 'ava';

import {
  HEADER_BYTES,
  MAX_PACKET,
  MAX_PACKET_DATA,
  TERMINATOR_OF_LENGTH,
} from '../../src/protocol/pkt-line.ts';

test("the sizes are git's", (t) => {
  t.is(HEADER_BYTES, 4);
  t.is(MAX_PACKET_DATA, 65_516);
  t.is(MAX_PACKET, 65_520);
  t.is(MAX_PACKET.toString(16), 'fff0');
});

test('each length that ends a message has its name, and 3 has none', (t) => {
  t.deepEqual(TERMINATOR_OF_LENGTH, ['flush', 'delimiter', 'response-end', undefined, 'empty']);
});
