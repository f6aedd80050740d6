/** What may happen in a worktree, and what is told of it. */
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { WatchedTree } from '../../support/watched.ts';

export type Tree = Pick<WatchedTree, 'worktree' | 'at' | 'write'>;

/** Something that happens, and all that is told of it. */
export interface Case {
  readonly files?: readonly string[];
  readonly happens: (tree: Tree) => void;
  /** Exactly these, or at least these where more would do no harm. */
  readonly told: readonly string[];
  readonly mayTell?: readonly string[];
}

export const cases: Record<string, Case> = {
  nothing: { files: ['a'], happens: () => {}, told: [] },
  'a file is made': { happens: ({ write }) => write('new'), told: ['new'] },
  'a file is written': { files: ['a'], happens: ({ at }) => appendFileSync(at('a'), 'x'), told: ['a'] },
  'a file is removed': { files: ['d/a'], happens: ({ at }) => unlinkSync(at('d/a')), told: ['d/a'] },
  'a file is made and removed': {
    happens: ({ at, write }) => {
      write('a');
      unlinkSync(at('a'));
    },
    told: ['a'],
  },
  'a file is renamed': { files: ['a'], happens: ({ at }) => renameSync(at('a'), at('b')), told: ['a', 'b'] },
  'the mode of a file': { files: ['a'], happens: ({ at }) => chmodSync(at('a'), 0o755), told: ['a'] },
  'the time of a file': { files: ['a'], happens: ({ at }) => utimesSync(at('a'), 1, 1), told: ['a'] },
  'the same path twice': {
    files: ['a'],
    happens: ({ write }) => {
      write('a', '1');
      write('a', '2');
    },
    told: ['a'],
  },
  'a link is made': { happens: ({ at }) => symlinkSync('nowhere', at('l')), told: ['l'] },
  'a link to a directory is not followed': {
    files: ['d/a'],
    happens: ({ at, write }) => {
      symlinkSync('d', at('l'));
      write('l/b');
    },
    told: ['d/b', 'l'],
  },
  'a hard link is made': {
    files: ['a'],
    happens: ({ at }) => linkSync(at('a'), at('b')),
    told: ['b'],
    mayTell: ['a'],
  },
  'an empty directory is made': {
    happens: ({ at }) => mkdirSync(at('d')),
    told: ['d', 'd/.simple-ipc-fsmonitor'],
  },
  'a directory is made with content': {
    happens: ({ write }) => write('d/e/f'),
    told: ['d', 'd/e', 'd/e/f'],
  },
  'a directory is moved in with content': {
    happens({ at, write, worktree }) {
      mkdirSync(join(dirname(worktree), 'outside/e'), { recursive: true });
      writeFileSync(join(dirname(worktree), 'outside/e/f'), '');
      renameSync(join(dirname(worktree), 'outside'), at('d'));
      write('d/e/g');
    },
    told: ['d', 'd/e', 'd/e/f', 'd/e/g'],
  },
  'a directory is moved out, and what then happens there': {
    files: ['d/e/f'],
    happens({ at, worktree }) {
      renameSync(at('d'), join(dirname(worktree), 'outside'));
      writeFileSync(join(dirname(worktree), 'outside/e/g'), '');
    },
    told: ['d'],
    mayTell: ['d/e/g'],
  },
  'a directory is removed with all in it': {
    files: ['d/e/f'],
    happens: ({ at }) => rmSync(at('d'), { recursive: true }),
    told: ['d', 'd/e', 'd/e/f'],
  },
  'a file in place of a directory': {
    files: ['d/e'],
    happens({ at, write }) {
      rmSync(at('d'), { recursive: true });
      write('d');
    },
    told: ['d', 'd/e'],
    mayTell: ['d/d'],
  },
  'a directory in place of a file': {
    files: ['d'],
    happens({ at, write }) {
      unlinkSync(at('d'));
      write('d/e/f');
    },
    told: ['d', 'd/e', 'd/e/f'],
  },
  'a link in place of a directory': {
    files: ['d/e', 'x/y'],
    happens({ at }) {
      renameSync(at('d'), at('moved'));
      symlinkSync('x', at('d'));
    },
    told: ['d', 'moved', 'moved/e'],
    mayTell: ['moved/d'],
  },
  'an empty directory in place of a full one': {
    files: ['d/e/f'],
    happens({ at, worktree }) {
      renameSync(at('d'), join(dirname(worktree), 'outside'));
      mkdirSync(at('d'));
    },
    told: ['d', 'd/.simple-ipc-fsmonitor'],
  },
  'a directory in a directory of the same name': {
    files: ['d/d/d'],
    happens: ({ at }) => rmSync(at('d/d'), { recursive: true }),
    told: ['d/d'],
    mayTell: ['d/d/d'],
  },
  'names with newlines, and with bytes that are no text': {
    happens({ worktree }) {
      mkdirSync(join(worktree, 'a\nb'));
      writeFileSync(Buffer.concat([Buffer.from(`${worktree}/a\nb/`), Buffer.of(0xff, 0x80, 0x0a)]), '');
    },
    told: ['a\nb', 'a\nb/\xff\x80\n'],
  },
  'what is in git’s directory': {
    happens({ write, at }) {
      write('.git/a');
      write('.git/some/00/1');
      rmSync(at('.git/some'), { recursive: true });
    },
    told: [],
  },
  'a name that begins as git’s directory does': {
    happens: ({ write }) => write('.gitignore'),
    told: ['.gitignore', '.simple-ipc-fsmonitor'],
  },
  'a name that git does not trust: what it is in is told': {
    files: ['d/e'],
    happens: ({ write }) => write('d/git~1'),
    told: ['d', 'd/.simple-ipc-fsmonitor', 'd/git~1'],
  },
  'a repository in the worktree: that it is one': {
    files: ['nested/a'],
    happens: ({ write }) => write('nested/.git/HEAD'),
    told: ['nested', 'nested/.simple-ipc-fsmonitor'],
  },
  'a repository in the worktree: what is deep in its directory is its own': {
    files: ['nested/.git/refs/heads/main'],
    happens: ({ write }) => write('nested/.git/refs/heads/main', 'x'),
    told: [],
  },
  'a deep tree': {
    happens: ({ write }) => write(`${'d/'.repeat(100)}f`),
    told: [...Array.from({ length: 100 }, (_, depth) => `${'d/'.repeat(depth)}d`), `${'d/'.repeat(100)}f`],
  },
};
