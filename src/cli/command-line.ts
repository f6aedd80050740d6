import { realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative, sep } from 'node:path';
import { quote } from './messages.ts';

/** How this process was started. */
export interface Start {
  /** The program that Node.js was told to run, as it was named. */
  readonly script: string;
  /** The Node.js that runs it. */
  readonly node: string;
  readonly cwd: string;
  readonly path: string;
}

const here = (): Start => ({
  script: process.argv[1] ?? 'simple-ipc',
  node: process.execPath,
  cwd: process.cwd(),
  path: process.env['PATH'] ?? '',
});

/**
 * What to type in a second terminal to run this command again, from the same directory: `simple-ipc` where it is
 * installed, `npx simple-ipc` where npm put it beside a project, and in a checkout Node.js with the file. npm puts
 * directories into the PATH of its scripts that a terminal does not have, so those do not count.
 */
export function commandLine(start: Start = here()): string {
  const { script, node, cwd, path } = start;
  const directories = path.split(delimiter).filter((directory) => !isNpms(directory));
  if (isNpms(dirname(script)) || script.includes(`${sep}node_modules${sep}`)) return 'npx simple-ipc';
  if (basename(script, '.cmd') === 'simple-ipc' && directories.includes(dirname(script))) return 'simple-ipc';
  const isDefault =
    directories.map((directory) => realPath(join(directory, basename(node)))).find(Boolean) ===
    realPath(node);
  return `${isDefault ? 'node' : quote(nearest(node, cwd))} ${quote(nearest(script, cwd))}`;
}

function isNpms(directory: string): boolean {
  return directory.endsWith(join('node_modules', '.bin')) || directory.endsWith('node-gyp-bin');
}

/** The path from here where that is downwards, else from the root. */
function nearest(file: string, cwd: string): string {
  const way = relative(cwd, file);
  return way.startsWith('..') ? file : way;
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
