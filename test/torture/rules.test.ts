import test from 'ava';
import type { Asked, Ended, Entry, Started } from './entries.ts';
import { judge } from './rules.ts';

const PATH = '/somewhere/server.sock';
/** Pid 1 starts, and is reported after 100 ms; by its status it came at 10. */
const UP: Started = started(1, 0, 100, 10);

function started(pid: number, at: number, end: number, startedAt: number, takeover = false): Started {
  const about = { kind: 'start', by: 'test', path: PATH, manner: 'serve', outcome: 'ok' } as const;
  return { ...about, pid, at, end, startedAt, takeover };
}

function ended(pid: number, at: number, end: number, more: Partial<Ended> = {}): Ended {
  return { kind: 'end', by: 'test', path: PATH, manner: 'stop', outcome: 'ok', pid, at, end, ...more };
}

function asked(outcome: string, at: number, end: number, more: Partial<Asked> = {}): Asked {
  const about = { kind: 'request', by: 'test', path: PATH, id: 'r1', what: 'short' } as const;
  return { ...about, isCommand: false, mayStart: false, at, end, outcome, ...more };
}

function accepted(pid: number, at: number): Entry {
  return { kind: 'server', pid, at, event: 'accepted', id: 'r1' };
}

const probed = (at: number): Entry => ({
  kind: 'probe',
  by: 'driver',
  path: PATH,
  at,
  end: at + 1,
  outcome: 'not-listening (ENOENT)',
});

const rules = (...entries: Entry[]) => judge(entries).violations.map(({ rule }) => rule);

const NOT_LOST = 'no request is lost but by a kill';
const NOT_ABSENT = 'a path has a server when it should';

test('an answered request is fine, and one with a wrong answer is not', (t) => {
  t.deepEqual(rules(UP, asked('ok', 200, 210)), []);
  t.deepEqual(rules(UP, asked('wrong-answer', 200, 210)), ['a request that fails says why']);
  t.deepEqual(rules(UP, asked('SIMPLE_IPC_TIMED_OUT', 200, 210)), ['a request that fails says why']);
});

test('a request may be cut off by a kill of the server that had it, and by nothing else', (t) => {
  const kill = ended(1, 205, 208, { manner: 'kill' });
  t.deepEqual(rules(UP, asked('SIMPLE_IPC_HUNG_UP', 200, 210)), [NOT_LOST]);
  t.deepEqual(rules(UP, kill, asked('SIMPLE_IPC_HUNG_UP', 200, 210)), []);
  t.deepEqual(rules(UP, kill, accepted(1, 202), asked('SIMPLE_IPC_HUNG_UP', 200, 210)), []);
  t.deepEqual(rules(UP, kill, accepted(2, 202), asked('SIMPLE_IPC_HUNG_UP', 200, 210)), [NOT_LOST]);
  t.deepEqual(rules(UP, kill, asked('SIMPLE_IPC_HUNG_UP', 220, 230)), [NOT_LOST]);
  t.deepEqual(rules(UP, ended(1, 205, 208), asked('SIMPLE_IPC_HUNG_UP', 200, 210)), [NOT_LOST]);
  const elsewhere = { ...kill, path: '/elsewhere' };
  t.deepEqual(rules(UP, elsewhere, asked('SIMPLE_IPC_HUNG_UP', 200, 210)), [NOT_LOST]);
});

test('a request may be turned away while a server ends, but not where it might start one', (t) => {
  const stop = ended(1, 190, 205);
  t.deepEqual(rules(UP, asked('SIMPLE_IPC_BUSY', 200, 210)), [NOT_LOST]);
  t.deepEqual(rules(UP, stop, asked('SIMPLE_IPC_BUSY', 200, 210)), []);
  t.deepEqual(rules(UP, stop, asked('SIMPLE_IPC_BUSY', 200, 210, { mayStart: true })), [NOT_LOST]);
  t.deepEqual(rules(UP, stop, asked('SIMPLE_IPC_BUSY', 200, 210, { mayStart: true, what: 'streamed' })), []);
});

test('nobody may be missing from the report of a start to the first end of it', (t) => {
  const missed = asked('SIMPLE_IPC_PATH_NOT_FOUND', 200, 210);
  t.deepEqual(rules(missed), []);
  t.deepEqual(rules(UP, missed), [NOT_ABSENT]);
  t.deepEqual(rules(UP, probed(50)), []);
  t.deepEqual(rules(UP, probed(150)), [NOT_ABSENT]);
  t.deepEqual(rules(UP, ended(1, 140, 160), probed(150)), []);
  t.deepEqual(rules(UP, ended(1, 160, 170), probed(150)), [NOT_ABSENT]);
  t.deepEqual(rules(UP, ended(1, 140, 160, { outcome: 'not-running' }), probed(150)), [NOT_ABSENT]);
});

test('the end of a server that was there before takes nothing away; that of one that took over may', (t) => {
  t.deepEqual(rules(UP, ended(7, 50, 160, { startedAt: 5 }), probed(150)), [NOT_ABSENT]);
  t.deepEqual(rules(UP, ended(7, 140, 160, { startedAt: 20 }), probed(150)), []);
  t.deepEqual(rules(UP, started(2, 110, 130, 20, true), probed(150)), [NOT_ABSENT]);
});

test('a pid that comes again is that of the later server', (t) => {
  const earlier: Entry = { kind: 'server', pid: 7, at: 2, path: PATH, event: 'PUBLISHED', startedAt: 5 };
  const later = started(7, 110, 130, 20, true);
  t.deepEqual(rules(earlier, UP, later, ended(7, 140, 160), probed(150)), []);
});

test('with `start`, nobody is missing unless the server was ended again', (t) => {
  const missed = asked('SIMPLE_IPC_NOT_LISTENING', 200, 210, { mayStart: true });
  t.deepEqual(rules(missed), ['with `start` nobody is missing']);
  t.deepEqual(rules(ended(3, 195, 205, { manner: 'kill' }), missed), []);
});

test('a second server needs the end of the first, or takes over', (t) => {
  t.deepEqual(rules(UP, started(2, 110, 130, 20)), ['one server owns a path']);
  t.deepEqual(rules(UP, ended(1, 105, 120), started(2, 110, 130, 20)), []);
  t.deepEqual(rules(UP, started(2, 110, 130, 20, true)), []);
});

test('starts and stops succeed, unless another server, or an end, was in their way', (t) => {
  const failed = (outcome: string, takeover = false): Started => ({
    ...started(2, 110, 130, 20, takeover),
    outcome,
  });
  t.deepEqual(rules(UP, failed('SIMPLE_IPC_ADDRESS_IN_USE')), []);
  t.deepEqual(rules(UP, failed('SIMPLE_IPC_ADDRESS_IN_USE', true)), ['a start succeeds']);
  t.deepEqual(rules(UP, failed('SIMPLE_IPC_LOCKED')), ['a start succeeds']);
  t.deepEqual(rules(UP, ended(2, 120, 125, { manner: 'kill' }), failed('SIGKILL')), []);
  t.deepEqual(rules(UP, ended(1, 120, 125, { outcome: 'SIMPLE_IPC_STOP_FAILED' })), ['a stop succeeds']);
});

test('a server in the foreground ends well', (t) => {
  const exit = (code: number | null, signal: string | null, said = ''): Entry => ({
    kind: 'exit',
    at: 200,
    path: PATH,
    pid: 1,
    code,
    signal,
    said,
  });
  t.deepEqual(rules(UP, exit(0, null)), []);
  t.deepEqual(rules(UP, exit(1, null)), ['a server ends well']);
  t.deepEqual(rules(UP, exit(null, 'SIGSEGV')), ['a server ends well']);
  t.deepEqual(rules(UP, ended(1, 150, 160, { manner: 'kill' }), exit(null, 'SIGKILL')), []);
  t.deepEqual(rules(UP, exit(1, null, 'The socket was replaced or deleted')), ['a server ends well']);
});
