import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
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

for (const [number, code] of [...blocks('ts'), ...blocks('ts', read('docs/telemetry.md'))].entries()) {
  test(`program ${number + 1} of the README and of docs/telemetry.md prints what its comments say`, async (t) => {
    const directory = temporaryDirectory(t);
    const file = join(directory, 'program.ts');
    writeFileSync(
      file,
      code.replaceAll("'simple-ipc'", `'${index}'`).replaceAll("'simple-ipc/telemetry'", `'${telemetry}'`),
    );
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: await collector(t) };
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: directory, timeout: 60_000, env });
    // One of them is there to print an error with its stack.
    if (code.includes('console.error')) t.regex(stderr, /^Error: no such row\n +at /);
    else t.is(stderr, '');
    const promised = [...code.matchAll(/console\.log\(.*\); \/\/ '?(.*?)'?$/gm)].map(
      ([, line]) => line as string,
    );
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
