/** What Linux shows of processes and sockets in /proc. Elsewhere, and where this user may not look, there is none of it. */
import { fs } from './builtins.ts';

const { readFileSync } = fs;

/** A process, as proc_pid_stat(5) has it. */
export interface ProcessStat {
  /** As ps shows it: `R`, `S`, `T`, `Z`, ... */
  readonly state: string;
  readonly parent: number;
  readonly threads: number;
  /** In clock ticks since the machine was started. */
  readonly startTime: string;
}

/** Places behind the name, which may have spaces and parentheses itself. */
const STATE = 0;
const PARENT = 1;
const THREADS = 17;
const START_TIME = 19;

export function processStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      state: fields[STATE] as string,
      parent: Number(fields[PARENT]),
      threads: Number(fields[THREADS]),
      startTime: fields[START_TIME] as string,
    };
  } catch {
    return undefined;
  }
}

/**
 * How many descriptors a process may have open: its soft limit (`ulimit -n`).
 *
 * @throws The system's error where it cannot be read.
 */
export function openFilesLimit(pid: number | 'self' = 'self'): number {
  const soft = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** A Unix socket: a row of /proc/net/unix, as unix_seq_show in net/unix/af_unix.c prints it. */
export interface UnixSocket {
  /** As fstat(2) has it of a descriptor of the socket; `0` for a connection that nobody has accepted yet. */
  readonly inode: string;
  /** SOCK_STREAM is `0001`. */
  readonly type: string;
  /** SO_ACCEPTCON is set. */
  readonly listens: boolean;
  /** SS_CONNECTING is `02`, SS_CONNECTED `03`. */
  readonly state: string;
  /** What it was bound to; empty where it was not. */
  readonly name: string;
}

const SO_ACCEPTCON = '00010000';

/**
 * The Unix sockets of the network namespace that a process is in.
 *
 * @throws The system's error where they cannot be read.
 */
export function unixSockets(pid: number | 'self' = 'self'): UnixSocket[] {
  return tableRows(readFileSync(`/proc/${pid}/net/unix`, 'utf8')).flatMap((row) => {
    // Num RefCount Protocol Flags Type St Inode Path
    const match = /^\S+ \S+ \S+ (\S+) (\S+) (\S+) +(\d+)(?: (.*))?$/s.exec(row);
    if (match === null) return [];
    const [, flags, type, state, inode, name = ''] = match as unknown as string[];
    return [{ inode, type, listens: flags === SO_ACCEPTCON, state, name } as UnixSocket];
  });
}

/** The rows of one of the tables in /proc/net: a name may hold a line break, and a row begins with a number and a colon. */
export function tableRows(table: string): string[] {
  return table.trimEnd().split(/\n(?= *[\da-f]+: )/);
}

/** How a socket shows among a process's descriptors. */
export function socketLink({ inode }: Pick<UnixSocket, 'inode'>): string {
  return `socket:[${inode}]`;
}
