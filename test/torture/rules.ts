/** What must hold of a run, read off what its processes wrote down. */
import type { Asked, Ended, EndManner, Entry, Exited, Lived, Looked, Probed, Started } from './entries.ts';

export interface Violation {
  readonly rule: string;
  readonly what: string;
  /** The entry that shows it. */
  readonly entry: Entry;
}

/** An entry was right, and why it was. */
const FINE = undefined;

/** How many requests were cut off by a kill, and the like: by outcome. */
export interface Verdict {
  readonly violations: readonly Violation[];
}

export function judge(entries: readonly Entry[]): Verdict {
  const run = new Run(entries);
  const violations = entries.flatMap((entry): Violation[] => {
    const wrong = wrongWith(entry, run);
    return wrong === FINE ? [] : [{ ...wrong, entry }];
  });
  return { violations };
}

type Fault = Omit<Violation, 'entry'> | typeof FINE;

function wrongWith(entry: Entry, run: Run): Fault {
  switch (entry.kind) {
    case 'request':
      return request(entry, run);
    case 'probe':
      return probe(entry, run);
    case 'status':
      return status(entry, run);
    case 'start':
      return entry.outcome === 'ok' ? second(entry, run) : start(entry, run);
    case 'end':
      return end(entry);
    case 'exit':
      return exit(entry, run);
    case 'server':
      return FINE;
    case 'process':
      return FINE;
    case 'wrong':
      return { rule: entry.rule, what: entry.what };
  }
}

/** A request that fails was with a server that was killed, or nobody was meant to be there. */
function request(entry: Asked, run: Run): Fault {
  const { outcome, mayStart } = entry;
  switch (outcome) {
    case 'ok':
      return FINE;
    case 'SIMPLE_IPC_HUNG_UP':
      if (run.cutOff(entry)) return FINE;
      return {
        rule: 'no request is lost but by a kill',
        what: 'it was cut off, and its server was not killed',
      };
    // Nothing was sent: it had come just when the path was given up, or its server was killed before it read anything.
    case 'SIMPLE_IPC_BUSY':
      if (run.endsWithin(entry).some(({ manner }) => isKill(manner) || !mustBeServed(entry))) return FINE;
      return {
        rule: 'no request is lost but by a kill',
        what: mustBeServed(entry)
          ? 'it was turned away, and might have started a server'
          : 'it was turned away, and no server was ending',
      };
    case 'SIMPLE_IPC_PATH_NOT_FOUND':
    case 'SIMPLE_IPC_NOT_LISTENING':
      if (mayStart) {
        // A call starts one server. What has ended that before it was asked is to be found.
        if (run.endsWithin(entry).length > 0) return FINE;
        return { rule: 'with `start` nobody is missing', what: 'no server was ended meanwhile' };
      }
      if (!run.isDue(entry)) return FINE;
      return { rule: 'a path has a server when it should', what: 'a request found none' };
    case 'SIMPLE_IPC_START_FAILED':
      if (mayStart && run.endsWithin(entry).length > 0) return FINE;
      return { rule: 'a start succeeds', what: 'the server of a request did not start, and was not ended' };
    default:
      return { rule: 'a request that fails says why', what: `it failed with ${outcome}` };
  }
}

/** It starts a server where none is left, and asks again. What comes in pieces, as on stdin, can be asked for once. */
function mustBeServed({ mayStart, what, isCommand }: Asked): boolean {
  return mayStart && what !== 'streamed' && !isCommand;
}

function probe(entry: Probed, run: Run): Fault {
  if (!run.isDue(entry)) return FINE;
  return { rule: 'a path has a server when it should', what: `a probe found ${entry.outcome}` };
}

/** The status of a server is known where there is one; while it ends it may be silent. */
function status(entry: Looked, run: Run): Fault {
  const { outcome, detail } = entry;
  if (outcome === 'ok') return FINE;
  const isMissing = outcome === 'SIMPLE_IPC_PATH_NOT_FOUND' || outcome === 'SIMPLE_IPC_NOT_LISTENING';
  if (isMissing && !run.isDue(entry)) return FINE;
  if (outcome === 'silent' && (run.changesWithin(entry) || !run.isDue(entry))) return FINE;
  return { rule: 'a status is told', what: `it was ${outcome}: ${detail}` };
}

/** A start that fails found another server, or was ended itself. */
function start(entry: Started, run: Run): Fault {
  const { outcome, takeover, pid } = entry;
  if (outcome === 'running') return FINE;
  if (outcome === 'SIMPLE_IPC_ADDRESS_IN_USE' && !takeover) return FINE;
  // Somebody has ended it, or taken over from it, before its starter saw it.
  if (outcome === 'ended' && run.changesWithin(entry)) return FINE;
  const ends = outcome === 'UNKNOWN' ? [] : run.endsWithin(entry);
  if (pid !== undefined && ends.some((other) => other.pid === pid)) return FINE;
  if (entry.manner !== 'serve' && outcome !== 'SIMPLE_IPC_LOCKED' && ends.length > 0) return FINE;
  return { rule: 'a start succeeds', what: `it failed with ${outcome}` };
}

/** One that does not take over came to a path that nobody had. */
function second(entry: Started, run: Run): Fault {
  if (entry.takeover) return FINE;
  const before = run.predecessor(entry);
  if (before === undefined || before.endsItself || run.endsOf(before, entry.end).length > 0) return FINE;
  return {
    rule: 'one server owns a path',
    what: `process ${entry.pid} took it, and process ${before.pid} had it and was not ended`,
  };
}

function end({ outcome, manner }: Ended): Fault {
  if (outcome === 'ok' || outcome === 'not-running') return FINE;
  return { rule: 'a stop succeeds', what: `${manner} failed with ${outcome}` };
}

/** A server in the foreground ends well, or by a signal that it was sent. */
function exit({ pid, path, code, signal, said }: Exited, run: Run): Fault {
  if (code === 0 || run.kills.has(pid) || run.terminated.has(pid)) return FINE;
  // It found out by itself, because the one that had taken over was killed before it could tell.
  if (said.includes('was replaced or deleted') && run.hasTakeover(path)) return FINE;
  if (/A server listens at/u.test(said)) return FINE;
  return { rule: 'a server ends well', what: `process ${pid} ended with ${code ?? signal}` };
}

/** The entries, so that they can be asked. */
class Run {
  readonly #ends: readonly Ended[];
  readonly #starts: readonly Started[];
  readonly #accepted: ReadonlyMap<string, readonly Lived[]>;
  /** Who was killed, and when. */
  readonly kills: ReadonlyMap<number, Ended>;
  readonly terminated: ReadonlySet<number>;

  constructor(entries: readonly Entry[]) {
    const lives = entries.filter((entry) => entry.kind === 'server');
    this.#starts = entries
      .filter((entry) => entry.kind === 'start')
      .filter(({ outcome }) => outcome === 'ok');
    const servers = [...this.#starts, ...lives, ...entries.filter((one) => one.kind === 'end')];
    /** Which server a process was then: in a long run a pid comes again. */
    const startOf = (pid: number | undefined, until: number) =>
      servers
        .filter((one) => one.pid === pid && one.startedAt !== undefined && one.at <= until)
        .toSorted((a, b) => a.at - b.at)
        .at(-1)?.startedAt;
    this.#ends = [
      ...entries
        .filter((entry) => entry.kind === 'end')
        .filter(({ outcome }) => outcome !== 'not-running')
        .map((entry) => ({
          ...entry,
          startedAt: entry.startedAt ?? (entry.pid === undefined ? undefined : startOf(entry.pid, entry.end)),
        })),
      ...lives.filter(({ event }) => event === 'IDLE').map(idleExit),
    ];
    this.#accepted = Map.groupBy(
      lives.filter(({ event }) => event === 'accepted'),
      ({ id }) => id as string,
    );
    const killed = this.#ends.filter(({ manner }) => isKill(manner));
    this.kills = new Map(killed.map((entry) => [entry.pid as number, entry]));
    this.terminated = new Set(
      this.#ends.filter(({ manner }) => manner === 'terminate').map(({ pid }) => pid as number),
    );
  }

  /** What ended a server at the path, or might have, in that time. */
  endsWithin({ path, at, end: until }: { path: string; at: number; end: number }): Ended[] {
    return this.#ends.filter((one) => one.path === path && one.at <= until && one.end >= at);
  }

  /** Whether a server at the path was ended in that time, or taken over from. */
  changesWithin(time: { path: string; at: number; end: number }): boolean {
    const { path, at, end: until } = time;
    return (
      this.endsWithin(time).length > 0 ||
      this.#starts.some((one) => one.path === path && one.takeover && one.at <= until && one.end >= at)
    );
  }

  /** Whether the server that had the request was killed before it had answered it; or where it is not known, any one was. */
  cutOff(entry: Asked): boolean {
    const kills = this.endsWithin(entry).filter(({ pid }) => this.kills.has(pid as number));
    const had = this.#accepted.get(entry.id);
    if (had === undefined) return kills.length > 0;
    return kills.some(({ pid }) => had.some((one) => one.pid === pid));
  }

  /** Whether, all that time, somebody should have been there: a server that was reported, and that nobody was ending. */
  isDue({ path, at, end: until }: { path: string; at: number; end: number }): boolean {
    return this.#starts.some((one) => {
      // One that had ended before it could be looked at may have been ended by anything.
      if (one.path !== path || one.end > at || one.startedAt === undefined || one.endsItself) return false;
      return !this.#ends.some((other) => other.path === path && other.at <= until && mayEnd(other, one));
    });
  }

  /** The one that was at the path before it. */
  predecessor({ path, startedAt, pid }: Started): Started | undefined {
    if (startedAt === undefined) return undefined;
    return this.#starts
      .filter((one) => one.path === path && one.pid !== pid && (one.startedAt ?? Number.NaN) < startedAt)
      .toSorted((a, b) => (b.startedAt as number) - (a.startedAt as number))[0];
  }

  /** What has ended that server until then, or might have. */
  endsOf(one: Started, until: number): Ended[] {
    return this.#ends.filter((other) => other.path === one.path && other.at <= until && mayEnd(other, one));
  }

  hasTakeover(path: string): boolean {
    return this.#starts.some((one) => one.path === path && one.takeover) || this.kills.size > 0;
  }
}

/** Whether it may have left the path of that server empty: it ended that one, or one that had taken the path from it. */
function mayEnd(other: Ended, one: Started): boolean {
  if (other.pid === one.pid) return true;
  if (other.end < one.at) return false;
  return other.startedAt === undefined || other.startedAt >= (one.startedAt as number);
}

function isKill(manner: EndManner): boolean {
  return manner === 'kill' || manner === 'kill-starting';
}

function idleExit({ at, pid, path, startedAt }: Lived): Ended {
  const times = { at, end: at + 1_000 };
  return {
    kind: 'end',
    ...times,
    by: 'itself',
    path: path as string,
    manner: 'idle',
    pid,
    startedAt,
    outcome: 'ok',
  };
}
