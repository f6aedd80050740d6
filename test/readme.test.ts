import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { stop } from '../src/index.ts';
import { REQUEST_DEFAULTS, SERVE_DEFAULTS } from '../src/runtime/options.ts';
import { temporaryDirectory } from './support/temporary.ts';

const run = promisify(execFile);
const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const readme = read('README.md');
const index = new URL('../src/index.ts', import.meta.url).href;
const telemetry = new URL('../src/telemetry/index.ts', import.meta.url).href;

function blocks(language: string, text = readme): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, code]) => code as string,
  );
}

/** Takes what is exported, in place of a Jaeger. */
async function collector(t: ExecutionContext): Promise<string> {
  const server = createServer((incoming, answer) => incoming.resume().on('end', () => answer.end()));
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Pages whose programs run. */
const PAGES: Readonly<Record<string, string>> = {
  'README.md': readme,
  'docs/telemetry.md': read('docs/telemetry.md'),
  'docs/lifecycle.md': read('docs/lifecycle.md'),
};

/** A program of a page, as it runs here: on the sources, with the page's own server in place of the one in /opt. */
function runnable(t: ExecutionContext, code: string): { file: string; directory: string } {
  const directory = temporaryDirectory(t);
  const here = (text: string) =>
    text
      .replaceAll("'simple-ipc'", `'${index}'`)
      .replaceAll("'simple-ipc/telemetry'", `'${telemetry}'`)
      .replaceAll('/opt/app/server.js', join(directory, 'server.js'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(directory, 'server.js'), here(blocks('js', PAGES['docs/lifecycle.md'])[0] as string));
  const file = join(directory, 'program.ts');
  writeFileSync(file, here(code));
  return { file, directory };
}

const programs = Object.entries(PAGES).flatMap(([page, text]) =>
  blocks('ts', text).map((code, place) => [`program ${place + 1} of ${page}`, code] as const),
);

for (const [name, code] of programs) {
  test(`${name} prints what its comments say`, async (t) => {
    const { file, directory } = runnable(t, code);
    const env = {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector(t),
      XDG_RUNTIME_DIR: directory,
      // What starts a server by the name of Node.js gets this one.
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
    };
    // Where it has started a server, that outlives it.
    t.teardown(() => stop(join(directory, 'app.sock')));
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: directory, timeout: 60_000, env });
    // One of them is there to print an error with its stack.
    if (code.includes('console.error')) t.regex(stderr, /^Error: no such row\n +at /);
    else t.is(stderr, '');
    const promised = [...code.matchAll(/console\.log\((.*)\); \/\/ '?(.*?)'?$/gm)]
      // What a template prints is not known before, nor what one of two is.
      .filter(([, printed]) => !/`| \? /.test(printed as string))
      .map(([, , line]) => line as string);
    for (const line of promised) t.true(stdout.split('\n').includes(line), `${line} is not in ${stdout}`);
    if (code.includes('a report'))
      t.true(stdout.startsWith('row 1 of a report\nrow 2 of a report\nrow 3 of a report\n'));
    if (code.includes('-- ${event}')) t.regex(stdout, /^c1: listening -- BYTES -> reading-request$/m);
  });
}

for (const [number, session] of blocks('console').entries()) {
  test(`session ${number + 1} of the README prints what it shows`, async (t) => {
    const directory = temporaryDirectory(t);
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    const command = new URL('../src/cli/main.ts', import.meta.url).pathname;
    writeFileSync(join(bin, 'simple-ipc'), `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`);
    chmodSync(join(bin, 'simple-ipc'), 0o755);
    const lines = session.trimEnd().split('\n');
    const commands = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
    const shown = lines.filter((line) => !line.startsWith('$ '));
    // What still serves at the end is ended, and waited for.
    const script = `${commands.join('\n')}\nkill $(jobs -p) 2>/dev/null\nwait\n`;
    const { stdout } = await run('bash', ['-c', script], {
      cwd: directory,
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
      timeout: 60_000,
    });
    // An answer is printed as it is, and most have no newline at their end.
    t.is(stdout.replaceAll('\n', ''), shown.join(''));
  });
}

test('the README says the defaults that the code has', (t) => {
  const numbers: Record<string, number> = { ...SERVE_DEFAULTS, ...REQUEST_DEFAULTS };
  let seen = 0;
  for (const [, names, told] of readme.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| ([^|]+?) \|/gm)) {
    for (const name of (names as string).replaceAll('`', '').split(', ')) {
      const value = numbers[name];
      if (value === undefined) continue;
      seen++;
      const [digits, unit] = (told as string).replaceAll(',', '').split(' ');
      if (digits === 'none') t.true(value === 0 || value === Number.POSITIVE_INFINITY, name);
      else t.is(Number(digits) * (unit === 'MiB' ? 2 ** 20 : 1), value, name);
    }
  }
  t.is(seen, Object.keys(numbers).length);
});
