import { DOT_GIT, rawPath } from './paths.ts';
import { fs } from './builtins.ts';

const { closeSync, openSync, readSync } = fs;

/** One line of mountinfo: its id, where it is mounted, and what kind of file system it is. See proc_pid_mountinfo(5). */
const LINE = /^(\d+) \d+ \S+ \S+ (\S+) .* - (\S+) /u;

/** File systems that change without this machine's kernel knowing, by their names there. */
const REMOTE =
  /^(?:nfs|cifs|smb|9p|ceph|afs|fuse|lustre|gfs|ocfs|gpfs|virtiofs|vboxsf|prl_fs|coda|beegfs|glusterfs)/u;

/**
 * What is mounted below a directory. A mount hides what is below it and shows something else there, and no watch tells of it.
 * Elsewhere than on Linux nothing is known of mounts, and nothing is said.
 */
export class Mounts {
  readonly #prefix: string;
  #file: number | undefined;
  #buffer = Buffer.allocUnsafe(16_384);
  #last: Buffer = Buffer.alloc(0);
  #below = '';
  #remote: string | undefined;

  constructor(worktree: string) {
    this.#prefix = worktree === '/' ? '/' : `${rawPath(worktree)}/`;
    this.#file = openTable();
    this.changed();
  }

  /** The mount below the directory whose changes this machine may not see. */
  get remote(): string | undefined {
    return this.#remote;
  }

  /** Whether nothing is known to be mounted there. */
  get areNone(): boolean {
    return this.#file !== undefined && this.#below === '';
  }

  /** Whether anything was mounted or unmounted there since this was last asked. */
  changed(): boolean {
    if (this.#file === undefined) return false;
    const table = this.#read(this.#file);
    if (table.equals(this.#last)) return false;
    this.#last = Buffer.from(table);
    const mounts = this.#mountsBelow(table.toString('latin1'));
    this.#remote = mounts.find(({ type }) => REMOTE.test(type))?.point;
    const below = mounts.map(({ id, point }) => `${id} ${point}`).join('\n');
    if (below === this.#below) return false;
    this.#below = below;
    return true;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #mountsBelow(table: string): { id: string; point: string; type: string }[] {
    return table.split('\n').flatMap((line) => {
      const [, id = '', escaped = '', type = ''] = LINE.exec(line) ?? [];
      const point = unescape(escaped);
      if (!point.startsWith(this.#prefix)) return [];
      const [first] = point.slice(this.#prefix.length).split('/');
      return first === DOT_GIT ? [] : [{ id, point, type }];
    });
  }

  #read(file: number): Buffer {
    for (;;) {
      let length = 0;
      for (let read = -1; read !== 0 && length < this.#buffer.length; length += read)
        read = readSync(file, this.#buffer, length, this.#buffer.length - length, length);
      if (length < this.#buffer.length) return this.#buffer.subarray(0, length);
      this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 2);
    }
  }
}

function openTable(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync('/proc/self/mountinfo', 'r');
  } catch {
    return undefined;
  }
}

/** Blanks, newlines and backslashes are octal there. */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/gu, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
