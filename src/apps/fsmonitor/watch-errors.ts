import { FsmonitorError } from './errors.ts';

/** Limits of Linux that are hit, and what raises them. See inotify(7). */
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC:
    'this user has no inotify watches left, and one a directory is needed. Raise their number: sudo sysctl fs.inotify.max_user_watches=1048576 (for good: a line in /etc/sysctl.d)',
  EMFILE:
    'this user has no inotify instances left, or this process no descriptors. Raise their number: sudo sysctl fs.inotify.max_user_instances=1024 (for good: a line in /etc/sysctl.d), or ulimit -n',
  ENFILE: 'the system has no open files left. Raise their number: sudo sysctl fs.file-max=...',
};

export function cannotWatch(directory: string, cause: unknown): FsmonitorError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new FsmonitorError(`cannot watch '${directory}': ${LIMITS[code] ?? message}`, { cause });
}

export function isElsewhere(directory: string): FsmonitorError {
  return new FsmonitorError(`'${directory}' was moved, replaced or deleted, so it is not watched any more`);
}
