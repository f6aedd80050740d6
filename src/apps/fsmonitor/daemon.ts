import type { Handler } from '../../index.ts';
import { answering, type AnswerFacts, type Doubt } from './answer.ts';
import { Cookies } from './cookies.ts';
import { Journal } from './journal.ts';
import { Mounts } from './mounts.ts';
import { EventQueue } from './overflow.ts';
import { Place } from './place.ts';
import { RecursiveWatch } from './recursive.ts';
import type { Repository } from './repository.ts';
import { isTestToken, tokenIds } from './tokens.ts';
import { eventTrace } from './trace.ts';
import { Tree } from './tree.ts';
import { isElsewhere } from './watch-errors.ts';
import type { Watched, Watcher } from './watcher.ts';

export type { AnswerFacts } from './answer.ts';

export interface DaemonOptions {
  /** Told of each answer, while its request is handled. */
  readonly onAnswer?: (facts: AnswerFacts) => void;
  /** Told of what does not keep it from going on. */
  readonly onProblem?: (message: string) => void;
}

/** What answers for a worktree. */
export interface Daemon {
  /** For `serve`, with `unframed`. */
  readonly handler: Handler;
  /** What a request asks for, for telemetry. */
  readonly classify: (head: Uint8Array) => string;
  /** Resolves with the reason when it cannot go on. Until it is closed, it answers nobody. */
  readonly ended: Promise<Error>;
  /** Lets all watches go. */
  close(): void;
}

/**
 * Watches a worktree, and answers git's questions what has changed in it. When it returns, all of it is watched.
 *
 * @throws {FsmonitorError} When it cannot be watched: what to do is in the message.
 */
export function watchRepository(repository: Repository, options: DaemonOptions = {}): Daemon {
  const { worktree, gitDirectory } = repository;
  const { onAnswer, onProblem } = options;
  // Elsewhere the system has one watch for all of a worktree.
  const isTree = process.platform === 'linux';
  const { promise: ended, resolve: end } = Promise.withResolvers<Error>();
  const journal = new Journal(tokenIds(), { isTest: isTestToken(process.env) });
  const trace = eventTrace(process.env, onProblem);
  const place = new Place(repository);
  const mounts = new Mounts(worktree);
  let lost: Doubt | undefined;
  let failure: Error | undefined;

  const lose = (reason: Doubt) => {
    lost ??= reason;
    cookies.abandon();
  };
  const fail = (error: Error) => {
    failure ??= error;
    cookies.abandon();
    end(failure);
  };
  const watched: Watched = {
    get isLost() {
      return lost !== undefined || failure !== undefined;
    },
    changed(path) {
      trace?.(path);
      journal.add(path);
    },
    lost: lose,
    moved() {
      const directory = place.lost();
      if (directory !== undefined) fail(isElsewhere(directory));
    },
    failed: fail,
  };
  const queue = new EventQueue(() => lose('overflow'));
  const cookies = new Cookies(gitDirectory, isTree ? queue : undefined);
  const watcher: Watcher = isTree
    ? new Tree(worktree, queue, watched, mounts)
    : new RecursiveWatch(repository, watched, cookies);

  const doubt = (looks: boolean): Doubt | undefined => {
    watched.moved();
    if (failure !== undefined) throw failure;
    // Where something stands against any answer, it may be gone.
    const isStuck = mounts.remote !== undefined || watcher.blind !== undefined;
    if ((looks || isStuck) && mounts.changed()) lose('mount');
    if (lost !== undefined) return rebuild(lost);
    if (mounts.remote !== undefined) return 'remote-mount';
    return watcher.blind === undefined ? undefined : 'unwatchable';
  };
  const rebuild = (reason: Doubt): Doubt => {
    try {
      watcher.rebuild();
    } catch (error) {
      fail(error as Error);
      throw error;
    }
    journal.renew();
    lost = undefined;
    return reason;
  };

  return {
    handler: answering({ journal, cookies, doubt, directories: () => watcher.directories() }, onAnswer),
    classify,
    ended,
    close() {
      watcher.close();
      cookies.close();
      queue.close();
      mounts.close();
    },
  };
}

function classify(head: Uint8Array): string {
  const command = Buffer.from(head.subarray(0, 8)).toString('latin1');
  if (command === 'quit' || command === 'flush') return command;
  return 'query';
}
