import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run } from './command.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const wrong: Record<string, { args: string[]; says: RegExp }> = {
  'no command': { args: [], says: /Usage: simple-ipc/u },
  'an unknown command': { args: ['srve'], says: /^simple-ipc: unknown command 'srve'/u },
  'no path': { args: ['send'], says: /^simple-ipc: missing required argument 'PATH'/u },
  'an unknown option': { args: ['probe', 'x', '--jsn'], says: /^simple-ipc: unknown option '--jsn'/u },
  'too many arguments': { args: ['probe', 'x', 'y'], says: /^simple-ipc: too many arguments/u },
  'an app that there is not': { args: ['serve', 'x', '--app', 'y'], says: /Allowed choices are demo/u },
  'an app and a command': {
    args: ['serve', 'x', '--app', 'demo', '--exec', 'cat'],
    says: /cannot be used with/u,
  },
  'a command and a module': {
    args: ['serve', 'x', '--exec', 'cat', '--module', 'm'],
    says: /cannot be used with/u,
  },
  'no handler at once': {
    args: ['serve', 'x', '--concurrency', '0'],
    says: /a whole number from 1 on, or Infinity/u,
  },
  'half a connection': { args: ['serve', 'x', '--max-connections', '1.5'], says: /a whole number/u },
  'a negative time': { args: ['serve', 'x', '--read-timeout=-1'], says: /a whole number/u },
  'a time that no timer holds': {
    args: ['send', 'x', '--timeout', '2147483648'],
    says: /from 0 to 2147483647/u,
  },
  'a path for a time': {
    args: ['send', '--wait-if-busy', 'x', 'ping'],
    says: /put it at the end of the line/u,
  },
  'a command that does nothing': {
    args: ['serve', 'x', '--exec', ' '],
    says: /It is empty: give a command/u,
  },
  'a path that names nothing': { args: ['send', 'x/', 'ping'], says: /cannot name a socket/u },
  'a server at such a path': { args: ['serve', 'x/'], says: /cannot name a socket/u },
};

for (const [what, { args, says }] of Object.entries(wrong)) {
  test.serial(`wrong usage, exit code 2: ${what}`, async (t) => {
    const { code, stdout, stderr } = await run(t, args);
    t.is(code, 2);
    t.is(stdout.toString(), '');
    t.regex(stderr, says);
    t.notRegex(stderr, /\n {4}at /u);
  });
}

test.serial('--help and --version are answers on stdout, and fine', async (t) => {
  const help = await run(t, ['--help']);
  t.is(help.code, 0);
  t.regex(help.stdout.toString(), /Examples:\n {2}simple-ipc demo/u);
  t.is(help.stderr, '');
  const ofSend = await run(t, ['send', '--help']);
  t.is(ofSend.code, 0);
  t.regex(ofSend.stdout.toString(), /--wait-if-missing \[MS\]/u);
  const version = await run(t, ['--version']);
  t.is(version.code, 0);
  const { version: expected } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as {
    version: string;
  };
  t.is(version.stdout.toString(), `${expected}\n`);
});

test.serial('an operation that fails is told without a stack', async (t) => {
  const directory = temporaryDirectory(t);
  const { code, stderr } = await run(t, ['serve', join(directory, 'no', 'app.sock')]);
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: The directory of \S+ does not exist\. Create it: mkdir -m 700 -p \S+\n$/u);
});

test.serial('a command that was not asked for is not loaded', async (t) => {
  const directory = temporaryDirectory(t);
  // Coverage lists every script that was loaded.
  const coverage = join(directory, 'coverage');
  const { stderr } = await run(t, ['send', join(directory, 'app.sock'), 'ping'], {
    env: { NODE_V8_COVERAGE: coverage },
  });
  const [report] = readdirSync(coverage);
  const loaded = readFileSync(join(coverage, report as string), 'utf8');
  t.true(loaded.includes('src/runtime/client.ts'), 'what is loaded is told');
  for (const file of [
    'src/apps/',
    '@opentelemetry',
    'src/telemetry/index.ts',
    'run-server.ts',
    'live-view.ts',
  ]) {
    t.false(loaded.includes(file), file);
  }
  t.regex(stderr, /There is nothing at/u);
});
