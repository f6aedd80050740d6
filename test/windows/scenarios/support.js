/** What the scenarios share. They run under Node.js for Windows, in a copy of the built package, as plain JavaScript. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How long anything may take before it is given up, in milliseconds. Never waited for where all is well. */
export const PATIENCE = 20_000;

// For all that are started by this one, detached ones as well.
process.env.NODE_OPTIONS = `--import=${new URL('watchdog.js', import.meta.url)}`;
export { watchdog } from './watchdog.js';

const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-test-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

/** A path in a directory of this process's own. */
export function temporaryPath(name = 'test.ipc') {
  return join(directory, name);
}

/** The promise, or an error that says what did not happen. */
export async function within(promise, what, time = PATIENCE) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not come to pass: ${what}`)), time);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the condition holds; looks at it again and again. */
export async function eventually(condition, what) {
  const until = performance.now() + PATIENCE;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`It did not come to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Another Node.js, with a scenario's file or another script; ended with this process. */
export function start(script, ...args) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill();
  process.on('exit', kill);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
  const ended = once(child, 'close').then(([code]) => {
    process.off('exit', kill);
    return { code, ...said };
  });
  const says = (text) =>
    eventually(() => {
      if (said.out.includes(text) || said.err.includes(text)) return true;
      if (child.exitCode !== null)
        throw new Error(`${script} ended (${child.exitCode}): ${said.out}${said.err}`);
      return false;
    }, `${script} says '${text}'; it said: ${said.out}${said.err}`);
  return { child, says, ended: () => within(ended, `${script} ends`) };
}

/** The file of a scenario, or of a helper of it. */
export function beside(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The command. */
export const COMMAND = beside('../dist/cli/main.js');

/** Bytes that show where they belong: no two pieces of 4 KiB are alike. */
export function pattern(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return bytes;
}

/** The name of a path's pipe, by git's rule: the drive's colon becomes an underscore, and all of it stands behind `\\\\.\\pipe\\`. */
export function pipeNameOf(path) {
  return `\\\\.\\pipe\\${path.replace(':', '_')}`;
}
