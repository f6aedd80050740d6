/**
 * A token says up to where a client knows of all changes: `builtin:<id>:<sequence>`. Sequence numbers can be compared only where the ids are the
 * same: a new id means that something may have been missed. See "Token Format" in git's builtin/fsmonitor--daemon.c.
 */
export interface Token {
  readonly id: string;
  readonly sequence: number;
}

const PREFIX = 'builtin:';

export function formatToken({ id, sequence }: Token): string {
  return `${PREFIX}${id}:${sequence}`;
}

/** The token that a request is; or in a word what it is instead. */
export function parseToken(request: string): Token | 'first-use' | 'other-provider' {
  // What git sends when it has no token: "builtin:fake"; up to 2.39 or so, the time in nanoseconds.
  if (request === 'builtin:fake' || /^\d+$/u.test(request)) return 'first-use';
  const [, id, digits] = /^builtin:([^:]*):(\d+)$/u.exec(request) ?? [];
  const sequence = Number(digits);
  return id === undefined || !Number.isSafeInteger(sequence) ? 'other-provider' : { id, sequence };
}

/** Gives a new id each time. With `GIT_TEST_FSMONITOR_TOKEN`, those of git's tests: `test_00000001` and so on. */
export function tokenIds(env: NodeJS.ProcessEnv = process.env): () => string {
  const isTest = isTestToken(env);
  let count = 0;
  return () => {
    const number = count++;
    if (isTest) return `test_${(number + 1).toString(16).padStart(8, '0')}`;
    // 2026-11-22T08:03:03.441Z as 20261122T080303.441000Z: git's has microseconds.
    const time = new Date().toISOString().replaceAll(/[-:]/gu, '').replace('Z', '000Z');
    return `${number}.${process.pid}.${time}`;
  };
}

/** git's own tests want to see what changed before anybody had asked. */
export function isTestToken({ GIT_TEST_FSMONITOR_TOKEN: value = '' }: NodeJS.ProcessEnv): boolean {
  return !/^(?:|0|no|off|false)$/iu.test(value);
}
