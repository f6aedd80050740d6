import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { notifier } from '../../src/system/notify.ts';
import { peerTest, program, type PeerKind, type Program } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { manager, perl } from './manager.ts';

const systemd = program('systemd-notify', 'systemd');
const socat = program('socat');

/** What tells, and what is told. */
function withManager(helper: PeerKind<Program>): PeerKind<Program> {
  return {
    name: `${helper.name} and perl`,
    remedy: `${helper.remedy}, ${perl.remedy}`,
    find: () => perl.find() && helper.find(),
  };
}

/** An environment whose programs are these alone. */
function environmentWith(
  t: ExecutionContext,
  address: string,
  programs: readonly string[],
): NodeJS.ProcessEnv {
  const directory = temporaryDirectory(t);
  for (const bin of programs) symlinkSync(bin, join(directory, bin.slice(bin.lastIndexOf('/') + 1)));
  return { NOTIFY_SOCKET: address, PATH: directory };
}

/** An environment whose systemd-notify is that shell script. */
function environmentWithScript(t: ExecutionContext, script: string): NodeJS.ProcessEnv {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'systemd-notify');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return { NOTIFY_SOCKET: '/nowhere', PATH: directory };
}

const abstract = (t: ExecutionContext) => `@${temporaryDirectory(t)}`;

for (const [kind, barrier] of [
  [systemd, true],
  [socat, false],
] as const) {
  peerTest(withManager(kind))(
    `${kind.name} tells readiness, status and the end, in that order`,
    async (t, { bin }) => {
      const awkward = join(temporaryDirectory(t), 'a,b:c!d "e" (f)');
      mkdirSync(awkward);
      for (const address of [join(awkward, 'notify'), abstract(t)]) {
        const next = await manager(t, address);
        const notify = notifier(environmentWith(t, address, [bin]));
        const told = [
          notify('ready', { status: "50 % of it's done,\nand more" }),
          notify({ status: '' }),
          notify('stopping'),
        ];
        for (const message of ["READY=1|STATUS=50 % of it's done, and more", 'STATUS=', 'STOPPING=1']) {
          t.is(await next(), message);
          if (barrier) t.is(await next(), 'BARRIER=1');
        }
        t.deepEqual(await Promise.all(told), [undefined, undefined, undefined]);
      }
    },
  );

  peerTest(kind)(
    `${kind.name} that cannot tell is a problem, and none of the service's`,
    async (t, { bin }) => {
      const address = join(temporaryDirectory(t), 'nobody');
      const problem = await notifier(environmentWith(t, address, [bin]))('ready');
      t.regex(
        problem!,
        /^The service manager could not be told READY=1: \S+ ended with 1 \(.*No such file or directory.*\)\.$/s,
      );
    },
  );
}

test('without a service manager nothing is told', async (t) => {
  // Nor looked for: there is nothing on this PATH.
  t.is(await notifier({ PATH: '/nowhere' })('ready'), undefined);
  t.is(await notifier({ PATH: '/nowhere', NOTIFY_SOCKET: '' })('ready'), undefined);
});

test('children of the service do not speak for it', (t) => {
  const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: '/nowhere', HOME: '/' };
  notifier(environment);
  t.deepEqual(environment, { HOME: '/' });
});

test('without a helper it says what to do', async (t) => {
  const notify = notifier(environmentWith(t, '/nowhere', []));
  t.is(
    await notify('ready'),
    'The service manager could not be told READY=1: neither systemd-notify nor socat can send it. ' +
      'Install one of them, or use Type=exec in the service unit.',
  );
});

test('an address that only systemd-notify knows is not given to socat', async (t) => {
  const environment = environmentWith(t, 'vsock:2:1', [process.execPath]);
  t.regex(
    (await notifier(environment)('stopping'))!,
    /^The service manager could not be told STOPPING=1: neither/,
  );
});

test('a helper that says nothing when it fails', async (t) => {
  t.is(
    await notifier(environmentWithScript(t, 'exit 3'))('ready'),
    'The service manager could not be told READY=1: systemd-notify ended with 3 (it did not say why).',
  );
});

test('a helper that hangs is ended after two seconds', async (t) => {
  const started = performance.now();
  const problem = await notifier(environmentWithScript(t, 'while :; do :; done'))('ready');
  t.regex(problem!, /systemd-notify had not ended after 2000 ms\.$/);
  t.true(performance.now() - started < 15_000);
});

test('a helper that cannot be run', async (t) => {
  const environment = environmentWithScript(t, '');
  chmodSync(join(environment['PATH']!, 'systemd-notify'), 0o644);
  t.regex((await notifier(environment)('ready'))!, /READY=1: .*EACCES/);
});
