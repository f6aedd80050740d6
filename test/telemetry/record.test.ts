import test from 'ava';
import * as fc from 'fast-check';
import { NEVER, type RequestFacts } from '../../src/telemetry/facts.ts';
import { FLAG, hex, readRecord, wordOf, writeRecord } from '../../src/telemetry/record.ts';
import { Ring } from '../../src/telemetry/ring.ts';

const TEXTS = ['', '_OTHER', '/run/app.sock', 'query', 'answered', 'SIMPLE_IPC_HUNG_UP'];
const textOf = (number: number) => TEXTS[number] as string;
const IDS = {
  trace0: -1,
  trace1: 2,
  trace2: -3,
  trace3: 4,
  span0: -5,
  span1: 6,
  parent0: 7,
  parent1: -8,
};
const SERVER: RequestFacts = {
  side: 'server',
  path: '/run/app.sock',
  transport: 'unix',
  method: 'query',
  times: [1.5, 2.25, NEVER, NEVER, 4.125],
  endedAt: 1_000_000.5,
  outcome: 'answered',
  failure: undefined,
  connection: 4_000_000_000,
  requestBytes: 2 ** 40,
  requestPackets: 3_000_000_000,
  responseBytes: 2 ** 41,
  responsePackets: 5,
};

test('a record of the server is read as it was written, in every place of the ring', (t) => {
  const ring = new Ring(4);
  for (let record = 0; record < 4; record += 1) {
    const flags = FLAG.kept | FLAG.hasParent | FLAG.parentIsRemote;
    writeRecord(ring, record, { ...SERVER, endedAt: record }, { ...IDS, span1: record }, flags, {
      path: 2,
      method: 3,
      outcome: 4,
    });
  }
  for (let record = 0; record < 4; record += 1) {
    t.deepEqual(readRecord(ring, record, textOf), {
      facts: { ...SERVER, endedAt: record },
      kept: true,
      hasDetails: false,
      traceId: 'ffffffff00000002fffffffd00000004',
      spanId: `fffffffb0000000${record}`,
      span0: -5,
      span1: record,
      parent: { spanId: '00000007fffffff8', isRemote: true },
    });
  }
});

test('a record of a call that failed has four times, no connection, and its outcome for a type', (t) => {
  const ring = new Ring(1);
  const facts: RequestFacts = {
    ...SERVER,
    side: 'client',
    transport: 'pipe',
    method: undefined,
    times: [1, 2, 3, NEVER],
    outcome: 'SIMPLE_IPC_HUNG_UP',
    failure: { type: 'SIMPLE_IPC_HUNG_UP', message: 'the message travels otherwise' },
    connection: undefined,
  };
  writeRecord(ring, 0, facts, IDS, FLAG.client | FLAG.pipe | FLAG.failed | FLAG.hasDetails, {
    path: 2,
    method: 0,
    outcome: 5,
  });
  const { facts: read, ...rest } = readRecord(ring, 0, textOf);
  t.deepEqual(read, { ...facts, failure: { type: 'SIMPLE_IPC_HUNG_UP', message: '' } });
  t.like(rest, { kept: false, hasDetails: true, parent: undefined });
});

test('ids are words, and words ids', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 4 }), (words) => {
      const id = hex(...words);
      t.is(id.length, words.length * 8);
      t.deepEqual(
        words.map((_word, index) => wordOf(id, index)),
        words,
      );
    }),
  );
});
