/** Plays a game: does its operations, and compares what git says with the daemon and without. */
import { unlinkSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { AnswerReader, type Answers } from './answers.ts';
import { compare, type Difference } from './compare.ts';
import { hookFor, startDaemon, type Daemon, type Kind } from './daemons.ts';
import { Excuse } from './excuse.ts';
import { inside } from './files.ts';
import {
  changeFiles,
  runGit,
  wait,
  type Comparison,
  type DaemonOperation,
  type Operation,
} from './operations.ts';
import { git, makeRepository, removeRepository, type GitProgram, type Repository } from './repository.ts';
import type { Variant } from './choose.ts';

/** All that decides a game, but for its operations. */
export interface Game extends Variant {
  readonly seed: number;
  readonly daemon: Kind;
  readonly untrackedCache: boolean;
  readonly linked: boolean;
  /** Whether errors of git itself count too: see excuse.ts. */
  readonly strict: boolean;
}

/** The next operation, chosen by what is there or read from a list; undefined at the end. */
export type Source = (repository: Repository) => Operation | undefined;

export interface Statistics extends Answers {
  operations: number;
  /** Operations that had something to do. */
  effective: number;
  comparisons: number;
  statuses: number;
  /** Differences that are git's own: see excuse.ts. */
  excused: number;
}

export interface Failure {
  readonly what: string;
  readonly difference?: Difference;
  /** Whether git says the same when it is asked again. */
  readonly lasts?: boolean;
}

export interface Played {
  readonly operations: readonly Operation[];
  readonly failure?: Failure;
}

/** The kernel's queue in a game that makes it overflow: enough for an ordinary operation, and not for a burst. */
const SMALL_QUEUE = 128;
/** How long git has for asking a daemon that is stopped, until that goes on: in milliseconds. */
const HOLDING = 8;
/** What asks the daemon, or does something to it. */
const WITH_GIT: ReadonlySet<Operation['do']> = new Set([
  'git',
  'move',
  'nest',
  'ask',
  'kill',
  'start',
  'overflow',
  'stall',
]);
/** Clients that do nothing, kept at once. */
const STALLED = 20;

export function noStatistics(): Statistics {
  return {
    operations: 0,
    effective: 0,
    comparisons: 0,
    statuses: 0,
    excused: 0,
    asked: 0,
    trivial: 0,
    failed: 0,
  };
}

/** Plays until the source ends or the first difference. */
export async function play(
  game: Game,
  program: GitProgram,
  source: Source,
  statistics: Statistics = noStatistics(),
): Promise<Played> {
  const repository = await makeRepository(program, {
    linked: game.linked,
    untrackedCache: game.untrackedCache,
    fsmonitor: game.daemon !== 'none',
    ...(game.daemon === 'hook' && { hook: await hookFor() }),
  });
  const player = new Player(game, repository, statistics);
  const operations: Operation[] = [];
  try {
    await player.start();
    for (;;) {
      const operation = source(repository);
      if (operation === undefined) return { operations };
      operations.push(operation);
      const failure = await player.perform(operation);
      if (failure !== undefined) return { operations, failure };
    }
  } finally {
    await player.end();
    removeRepository(repository);
  }
}

class Player {
  readonly #game: Game;
  readonly #repository: Repository;
  readonly #statistics: Statistics;
  readonly #stalled: Socket[] = [];
  #asking: Promise<unknown>[] = [];
  readonly #answers: AnswerReader;
  readonly #excuse = new Excuse();
  #daemon: Daemon | undefined;
  /** Whether it is stopped. */
  #isHeld = false;

  constructor(game: Game, repository: Repository, statistics: Statistics) {
    this.#game = game;
    this.#repository = repository;
    this.#statistics = statistics;
    this.#answers = new AnswerReader(repository);
  }

  async start(): Promise<void> {
    const queue = this.#game.overflow ? SMALL_QUEUE : undefined;
    this.#daemon = await startDaemon(this.#game.daemon, this.#repository, queue);
  }

  async end(): Promise<void> {
    for (const socket of this.#stalled) socket.destroy();
    await Promise.allSettled(this.#asking);
    await this.#daemon?.kill();
  }

  async perform(operation: Operation): Promise<Failure | undefined> {
    this.#statistics.operations++;
    if (WITH_GIT.has(operation.do)) this.#release();
    switch (operation.do) {
      case 'compare':
        return this.#compare(operation);
      case 'wait':
        await wait(operation.milliseconds);
        break;
      case 'git':
      case 'move':
      case 'nest':
        if (await runGit(this.#repository, operation)) this.#statistics.effective++;
        return undefined;
      case 'kill':
      case 'start':
      case 'hold':
      case 'overflow':
      case 'stall':
      case 'ask':
        await this.#disturb(operation);
        break;
      default:
        try {
          changeFiles(this.#repository, operation);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
          return undefined;
        }
    }
    this.#statistics.effective++;
    return undefined;
  }

  async #compare(comparison: Comparison): Promise<Failure | undefined> {
    // Those who ask already are waited for, and a daemon that is held answers nobody.
    if (this.#asking.length > 0) this.#release();
    await Promise.all(this.#asking);
    this.#asking = [];
    this.#note();
    this.#statistics.comparisons++;
    this.#statistics.statuses += comparison.clients;
    if (this.#isHeld) setTimeout(() => this.#release(), HOLDING);
    const difference = await compare(this.#repository, comparison);
    if (this.#daemon?.isAlive() === false)
      return {
        what: `The daemon has ended with ${await this.#daemon.lastWords()}`,
        ...(difference && { difference }),
      };
    this.#note();
    if (difference === undefined) return undefined;
    if (this.#game.untrackedCache && !this.#game.strict && this.#excuse.covers(difference)) {
      this.#statistics.excused++;
      await this.#excuse.mend(this.#repository);
      return undefined;
    }
    const again = await compare(this.#repository, comparison);
    return { what: 'git status differs', difference, lasts: again !== undefined };
  }

  /** Adds up what was answered to the last gits. */
  #note(): void {
    const answers = this.#answers.read();
    for (const key of ['asked', 'trivial', 'failed'] as const) this.#statistics[key] += answers[key];
    this.#excuse.note(answers);
  }

  async #disturb(operation: DaemonOperation): Promise<void> {
    switch (operation.do) {
      case 'kill':
        await this.#daemon?.kill();
        this.#daemon = undefined;
        return;
      case 'start':
        if (this.#daemon === undefined) await this.start();
        return;
      case 'hold':
        this.#isHeld = this.#daemon !== undefined;
        this.#daemon?.signal('SIGSTOP');
        return;
      case 'overflow':
        return this.#overflow(operation.path);
      case 'stall':
        return this.#stall(operation.sent);
      case 'ask':
        this.#statistics.statuses += operation.clients;
        for (let client = 0; client < operation.clients; client++)
          this.#asking.push(git(this.#repository, ['status', '--porcelain=v2', '-z']));
        return;
    }
  }

  #release(): void {
    if (this.#isHeld) this.#daemon?.signal('SIGCONT');
    this.#isHeld = false;
  }

  #overflow(path: string): void {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.queue === Infinity) return;
    daemon.signal('SIGSTOP');
    try {
      // Each is made and removed: two events, of which the kernel makes no one.
      for (let index = 0; index * 2 <= daemon.queue; index++) {
        const place = inside(this.#repository.directory, `${path}/overflow-${index}`);
        writeFileSync(place, '');
        unlinkSync(place);
      }
    } finally {
      daemon.signal('SIGCONT');
    }
  }

  #stall(sent: string): void {
    const socket = createConnection(this.#repository.socket);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(sent);
    this.#stalled.push(socket);
    if (this.#stalled.length > STALLED) this.#stalled.shift()?.destroy();
  }
}
