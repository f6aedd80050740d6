/**
 * docker-compose.yml and `npm run jaeger`, with a Docker daemon of the test's own. No image is pulled: one with the real
 * program in it, built by .ci/peers/jaeger.sh, gets the name that the file pins. The ports are those of the file.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import { queryAt } from './support/jaeger.ts';
import { findOnPath } from '../bench/run/programs.ts';
import { findJaeger, peerTest, type PeerKind } from './support/peers.ts';
import { PATIENCE } from './support/serving.ts';
import { temporaryDirectory } from './support/temporary.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const SCRIPT = join(ROOT, 'scripts', 'jaeger.ts');
const QUERY = 'http://127.0.0.1:16686';

interface Docker {
  readonly dockerd: string;
  readonly busybox: string;
  readonly jaeger: string;
}

const docker: PeerKind<Docker> = {
  name: 'dockerd with compose and a Jaeger to run in it',
  remedy: 'run .ci/peers/jaeger.sh as root on Linux',
  find() {
    const [dockerd, client, busybox, tar] = ['dockerd', 'docker', 'busybox', 'tar'].map((name) =>
      findOnPath(name),
    );
    const jaeger = findJaeger()?.bin;
    if (!dockerd || !client || !busybox || !tar || !jaeger) return undefined;
    if (process.platform !== 'linux' || process.geteuid?.() !== 0) return undefined;
    const hasCompose =
      findOnPath('docker-compose') !== undefined || spawnSync('docker', ['compose', 'version']).status === 0;
    // The image has no libraries: ldd fails on a busybox that needs none.
    const isStatic = spawnSync('ldd', [busybox]).status !== 0;
    return hasCompose && isStatic ? { dockerd, busybox, jaeger } : undefined;
  },
};

const dockerTest = peerTest(docker);

dockerTest('npm run jaeger brings up a Jaeger; on disk, traces outlive it', async (t, peer) => {
  t.timeout(180_000, 'an image is made, and Jaeger is started three times');
  const env = await startDaemon(t, peer);
  t.pass();
  if (env === undefined) return;
  importImage(t, peer, env);

  const { stdout, stderr } = run(t, env, 'npm', 'run', '--silent', 'jaeger');
  t.regex(stderr, /healthy after \d/);
  t.true(stdout.startsWith(`Jaeger is at ${QUERY}\n`), stdout);
  t.regex(run(t, env, 'docker', 'ps', '--format', '{{.Status}}').stdout, /\(healthy\)/);

  const container = run(t, env, 'docker', 'ps', '--quiet').stdout.trim();
  const { HostConfig: limits } = JSON.parse(run(t, env, 'docker', 'inspect', container).stdout)[0];
  t.is(limits.Memory, 800 * 1024 ** 2);
  t.deepEqual(limits.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
  const published = Object.values<{ HostIp: string; HostPort: string }[]>(limits.PortBindings).flat();
  t.deepEqual(published.map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}`).toSorted(), [
    '127.0.0.1:13133',
    '127.0.0.1:16686',
    '127.0.0.1:4317',
    '127.0.0.1:4318',
  ]);

  const traceId = await postSpan(t, 'in-memory');
  const [trace] = await queryAt(QUERY).findTraces('in-memory');
  t.is(trace?.traceId, traceId);
  t.deepEqual(
    trace?.spans.map(({ name }) => name),
    ['a span'],
  );

  // The way to stop it that it told.
  const down = /^Stop it, in this folder, with: (.*)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
  run(t, env, ...down);
  t.is(run(t, env, 'docker', 'ps', '--all', '--quiet').stdout, '');

  // On disk, by what the comment in the file says.
  const compose = down.slice(0, -1);
  t.true(FILE.includes('#   docker compose --profile disk up -d jaeger-on-disk '));
  run(t, env, ...compose, '--profile', 'disk', 'up', '-d', 'jaeger-on-disk');
  await untilUp();
  const kept = await postSpan(t, 'on-disk');
  t.true(FILE.includes('#   docker compose --profile disk down '));
  run(t, env, ...compose, '--profile', 'disk', 'down');
  run(t, env, ...compose, '--profile', 'disk', 'up', '-d', 'jaeger-on-disk');
  await untilUp();
  t.is((await queryAt(QUERY).getTrace(kept)).length, 1);
  run(t, env, ...compose, '--profile', 'disk', 'down', '-v', '--timeout', '1');
  t.is(run(t, env, 'docker', 'volume', 'ls', '--quiet').stdout, '');
});

const onPosix = process.platform === 'win32' ? test.skip : test;

onPosix('npm run jaeger says what to do where Docker is missing', (t) => {
  const { status, stderr } = runScript(t, {});
  t.is(status, 1);
  t.regex(stderr, /no `docker` on the PATH[^]*Install Docker with its Compose plugin/);
});

onPosix('npm run jaeger says what to do where compose is missing', (t) => {
  const { status, stderr } = runScript(t, { docker: '[ "$1" = --version ]' });
  t.is(status, 1);
  t.regex(stderr, /neither `docker compose` nor `docker-compose`[^]*Install the Compose plugin/);
});

onPosix('npm run jaeger says what to do where the daemon does not run', (t) => {
  const daemonless = '[ "$1" != version ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }';
  const { status, stderr } = runScript(t, { docker: daemonless });
  t.is(status, 1);
  t.regex(stderr, /^Cannot connect to the Docker daemon\n[^]*does not answer[^]*Start it/);
});

onPosix('npm run jaeger says what to do where the daemon is not for this user', (t) => {
  const denied = '[ "$1" != version ] || { echo "permission denied while connecting" >&2; exit 1; }';
  const { status, stderr } = runScript(t, { docker: denied });
  t.is(status, 1);
  t.regex(stderr, /^permission denied[^]*join the group `docker`/);
});

onPosix('npm run jaeger says what to do where compose fails', (t) => {
  const portless = 'case "$*" in *up*) echo "port is already allocated" >&2; exit 1; esac';
  const { status, stderr } = runScript(t, { docker: 'exit 1', 'docker-compose': portless });
  t.is(status, 1);
  t.regex(stderr, /no `docker`/);
  const found = runScript(t, { docker: portless });
  t.is(found.status, 1);
  t.regex(found.stderr, /port is already allocated\n[^]*If a port is taken/);
});

onPosix('npm run jaeger shows the log of a Jaeger that ends', (t) => {
  const ending = `case "$*" in
    *' up '*) ;;
    *' ps '*) echo 0123456789ab ;;
    *logs*) echo "its last words" ;;
    inspect*) echo "exited unhealthy" ;;
  esac`;
  const { status, stdout, stderr } = runScript(t, { docker: ending });
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /its last words\n[^]*its container is exited[^]*Then: docker compose down/);
});

/** Runs the script with nothing on the PATH but these programs, given as what a shell does for them. */
function runScript(t: ExecutionContext, programs: Record<string, string>) {
  const directory = temporaryDirectory(t);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return spawnSync(process.execPath, [SCRIPT], {
    encoding: 'utf8',
    env: { ...process.env, PATH: directory },
    timeout: PATIENCE,
  });
}

/**
 * Starts a Docker daemon that leaves the machine's network and its other containers alone, and gives the environment to
 * talk to it. `undefined`, with a note in the test's log, where none can run and none is required.
 */
async function startDaemon(t: ExecutionContext, { dockerd }: Docker): Promise<NodeJS.ProcessEnv | undefined> {
  const directory = temporaryDirectory(t);
  const host = `unix://${join(directory, 'docker.sock')}`;
  const log = join(directory, 'log');
  const output = openSync(log, 'w');
  const options = [
    `--host=${host}`,
    `--pidfile=${join(directory, 'pid')}`,
    `--data-root=${join(directory, 'data')}`,
    `--exec-root=${join(directory, 'exec')}`,
    // Where the machine has a containerd, this one uses it.
    '--containerd-namespace=simple-ipc-test',
    '--containerd-plugins-namespace=simple-ipc-test-plugins',
    // Ports are published by its proxy, which does without a firewall and forwarding.
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
  ];
  const daemon = spawn(dockerd, options, { stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(daemon, 'exit');
  const env = { ...process.env, DOCKER_HOST: host };
  t.teardown(async () => {
    daemon.kill('SIGTERM');
    await ended;
  });

  const hasEnded = () => daemon.exitCode !== null || daemon.signalCode !== null;
  const isUp = () => spawnSync('docker', ['version'], { env }).status === 0;
  await until('dockerd answers', () => hasEnded() || isUp());
  if (!hasEnded()) {
    t.teardown(() => removeAll(env));
    return env;
  }
  const why = `dockerd cannot run here:\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-3).join('\n')}`;
  if (process.env['SIMPLE_IPC_PEERS'] === 'required') throw new Error(why);
  t.log(`skipped: ${why}`);
  return undefined;
}

/** Leaves no container and no network, whatever came of the test. */
function removeAll(env: NodeJS.ProcessEnv): void {
  const options = { env, encoding: 'utf8', timeout: PATIENCE } as const;
  const containers = spawnSync('docker', ['ps', '--all', '--quiet'], options)
    .stdout.split('\n')
    .filter(Boolean);
  if (containers.length > 0) spawnSync('docker', ['rm', '--force', ...containers], options);
  spawnSync('docker', ['network', 'prune', '--force'], options);
}

/** Makes what stands in for the image: the program, and the two of Alpine's that docker-compose.yml needs. */
function importImage(t: ExecutionContext, { busybox, jaeger }: Docker, env: NodeJS.ProcessEnv): void {
  const name = /^ {4}image: (jaegertracing\/jaeger:\d+\.\d+\.\d+)$/m.exec(FILE)?.[1] ?? '';
  t.not(name, '', 'docker-compose.yml pins the version');
  const directory = temporaryDirectory(t);
  const tarball = `${directory}/image.tar`;
  const root = join(directory, 'root');
  for (const folder of ['bin', 'tmp', 'cmd/jaeger']) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['.', 'bin', 'cmd', 'cmd/jaeger']) chmodSync(join(root, folder), 0o755);
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const tool of ['sh', 'wget', 'chown']) symlinkSync('busybox', join(root, 'bin', tool));
  copyFileSync(jaeger, join(root, 'cmd/jaeger/jaeger-linux'));
  for (const program of ['bin/busybox', 'cmd/jaeger/jaeger-linux']) chmodSync(join(root, program), 0o755);
  run(t, env, 'tar', '-C', root, '--owner=0', '--group=0', '-cf', tarball, '.');
  const like = [
    'ENV JAEGER_LISTEN_HOST=0.0.0.0',
    'USER 10001',
    'ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]',
  ].flatMap((instruction) => ['--change', instruction]);
  run(t, env, 'docker', 'import', ...like, tarball, name);
}

function run(t: ExecutionContext, env: NodeJS.ProcessEnv, ...command: string[]) {
  const [program = '', ...args] = command;
  const outcome = spawnSync(program, args, { cwd: ROOT, env, encoding: 'utf8', timeout: 90_000 });
  const what = `'${command.join(' ')}' exited with ${outcome.status ?? outcome.error?.message}`;
  t.is(outcome.status, 0, `${what}:\n${outcome.stdout}${outcome.stderr}`);
  return outcome;
}

/** Sends a span by OTLP, as JSON. Gives its trace's id. */
async function postSpan(t: ExecutionContext, service: string): Promise<string> {
  const traceId = randomBytes(16).toString('hex');
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: 'a span',
    kind: 2,
    startTimeUnixNano: `${now}`,
    endTimeUnixNano: `${now + 1_000_000n}`,
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
  const response = await fetch('http://127.0.0.1:4318/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
  });
  t.is(response.status, 200, await response.text());
  return traceId;
}

function untilUp(): Promise<void> {
  return until('Jaeger is healthy', async () => {
    try {
      return (await fetch('http://127.0.0.1:13133/status')).ok;
    } catch (error) {
      // Not listening yet.
      if (error instanceof TypeError) return false;
      throw error;
    }
  });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 2 * PATIENCE;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It did not come to pass: ${what}`);
    await sleep(100);
  }
}
