import { QUIT, type Answer, type Handler } from '../../index.ts';
import type { Cookies } from './cookies.ts';
import type { Journal } from './journal.ts';
import { anythingIn, bytesOf } from './paths.ts';
import { formatToken, parseToken, type Token } from './tokens.ts';
import type { Loss } from './watcher.ts';

/** Why a client is told that anything may have changed. */
export type TrivialReason =
  /** It asked for that. */
  | 'flush'
  /** It has no token yet. */
  | 'first-use'
  /** Its token is of another provider, or is none at all. */
  | 'other-provider'
  /** Its token is of another daemon, or of before something was lost. */
  | 'other-token-id'
  /** What changed since its token is not known any more. */
  | 'old-token'
  /** Its token was never given out. */
  | 'unknown-token'
  /** A client that does not frame cannot be sent so much. */
  | 'too-long'
  | 'cookie-timed-out'
  | 'cookie-failed'
  /** Whatever else makes it unsure; see `Doubt`. */
  | Doubt;

/** Why it is not sure what has changed. */
export type Doubt =
  | Loss
  /** Something was mounted or unmounted in the worktree. */
  | 'mount'
  /** There is a mount in it that changes without this machine's kernel knowing. */
  | 'remote-mount'
  /** There is a directory in it that cannot be watched. */
  | 'unwatchable';

/** What is known of an answer. */
export interface AnswerFacts {
  /** How many paths were told. */
  readonly paths: number;
  /** How many of them stand for all that is in a directory: see `withDirectories`. */
  readonly directories?: number;
  /** Why anything may have changed. Nothing: the paths are all that has. */
  readonly trivial?: TrivialReason;
  /** How long it took until all that had happened was told, in milliseconds. */
  readonly cookieWait?: number;
  /** Why a cookie could not be made. */
  readonly cause?: Error;
}

/** The state that is answered from. */
export interface State {
  readonly journal: Journal;
  readonly cookies: Cookies;
  /** All directories that git looks into. */
  directories(): Iterable<string>;
  /**
   * Whether all that changes is seen. Mends what can be.
   *
   * @param looks - Looks for what was mounted as well, of which nobody tells. That takes longer than all the rest, and is in time after a cookie.
   * @throws What keeps it from answering at all.
   */
  doubt(looks: boolean): Doubt | undefined;
}

/** The longest answer to a client that does not frame, in bytes: see `unframed` of `serve`. */
const UNFRAMED = 65_536;
/** How much of a long answer is sent at once, in paths. */
const CHUNK = 4_096;

/**
 * Answers git's questions what has changed since a token: with a new token, and the paths; or with `/`, where that is not sure. Where it is in doubt it never
 * says that nothing has. See `do_handle_client` in git's builtin/fsmonitor--daemon.c.
 */
export function answering(state: State, onAnswer: (facts: AnswerFacts) => void = () => {}): Handler {
  return async (request, { signal, framed }): Promise<Answer> => {
    const text = Buffer.from(await request.bytes()).toString('latin1');
    const command = framed ? text : commandOfHook(text);
    if (command === 'quit') return QUIT;
    const { token, paths, directories, ...facts } = await answerTo(command, state, signal);
    if (facts.trivial !== undefined) {
      onAnswer({ ...facts, paths: 0 });
      return trivialAnswer(token);
    }
    const told = framed ? withDirectories(paths, directories) : forHook(paths, directories);
    if (told === undefined) {
      onAnswer({ ...facts, paths: 0, trivial: 'too-long' });
      return trivialAnswer(state.journal.unsureToken());
    }
    onAnswer({ ...facts, paths: told.size, ...(directories && { directories: directories.length }) });
    return told.size <= CHUNK ? bytesOf(`${formatToken(token)}\0${joined(told)}`) : inChunks(token, told);
  };
}

function trivialAnswer(token: Token): Buffer {
  return bytesOf(`${formatToken(token)}\0/\0`);
}

/**
 * Git knows what is untracked of each directory, and looks again where it was told of a change. After an answer that was trivial, some of its commands (commit and add
 * among them) keep the new token, but believe what they knew: files that are new since are missed by the next `git status`. So whoever asks with such a token is told once
 * that something has changed in each directory; git then looks again, whatever the command is.
 */
function withDirectories(
  paths: ReadonlySet<string>,
  directories: readonly string[] = [],
): ReadonlySet<string> {
  if (directories.length === 0) return paths;
  const all = new Set(paths);
  for (const directory of directories) all.add(anythingIn(directory));
  return all;
}

/** As much as may be told by a bare answer: with the directories, without them where those are too many, or nothing. */
function forHook(
  paths: ReadonlySet<string>,
  directories: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  return [withDirectories(paths, directories), paths].find((told) => lengthOf(told) <= UNFRAMED - 1_024);
}

/** What a hook asks: `hook 2 <token>`. */
function commandOfHook(line: string): string {
  const [, token] = /^hook 2 (.*)$/su.exec(line) ?? [];
  if (token !== undefined) return token;
  throw new Error(
    `A request that is not framed has to be "hook 2 <token>"; this one is something else, of ${line.length} bytes.`,
  );
}

interface Answered {
  readonly token: Token;
  readonly paths: ReadonlySet<string>;
  /** Where the token may be of somebody who was told that anything may have changed: all directories. */
  readonly directories?: readonly string[];
  readonly trivial?: TrivialReason;
  readonly cookieWait?: number;
  readonly cause?: Error;
}

const NOTHING: ReadonlySet<string> = new Set();

async function answerTo(command: string, state: State, signal: AbortSignal): Promise<Answered> {
  const { journal, cookies } = state;
  const trivial = (reason: TrivialReason, more?: Pick<Answered, 'cookieWait' | 'cause'>): Answered => ({
    // Whoever is told this looks at everything after it: what changes from now on is all that it needs to be told next.
    token: journal.unsureToken(),
    paths: NOTHING,
    trivial: reason,
    ...more,
  });
  if (command === 'flush') {
    journal.renew();
    return trivial('flush');
  }
  const doubt = state.doubt(false);
  if (doubt !== undefined) return trivial(doubt);
  const since = parseToken(command);
  if (typeof since === 'string') return trivial(since);
  if (since.id !== journal.id) return trivial('other-token-id');

  const began = performance.now();
  const { result, ...failure } = await cookies.wait(signal);
  const waited = { cookieWait: performance.now() - began };
  signal.throwIfAborted();
  // At the end of this turn of the event loop it is known whether events were lost in it.
  await new Promise(setImmediate);
  const doubtSince = state.doubt(true);
  if (doubtSince !== undefined) return trivial(doubtSince, waited);
  if (result === 'timed-out') return trivial('cookie-timed-out', waited);
  if (result !== 'seen') return trivial('cookie-failed', { ...waited, ...failure });
  const isUnsure = journal.isUnsure(since);
  const token = journal.token(isUnsure);
  const paths = journal.since(since, token);
  if (typeof paths === 'string') return trivial(paths, waited);
  journal.trim(since);
  return { token, paths, ...waited, ...(isUnsure && { directories: [...state.directories()] }) };
}

function joined(paths: Iterable<string>): string {
  let text = '';
  for (const path of paths) text += `${path}\0`;
  return text;
}

function lengthOf(paths: ReadonlySet<string>): number {
  let length = 0;
  for (const path of paths) length += path.length + 1;
  return length;
}

function* inChunks(token: Token, paths: ReadonlySet<string>): Generator<Buffer, void> {
  yield bytesOf(`${formatToken(token)}\0`);
  let chunk: string[] = [];
  for (const path of paths) {
    if (chunk.push(path) < CHUNK) continue;
    yield bytesOf(joined(chunk));
    chunk = [];
  }
  yield bytesOf(joined(chunk));
}
