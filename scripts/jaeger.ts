/** Brings up the Jaeger of docker-compose.yml and waits until it is healthy. Run by `npm run jaeger`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SERVICE = 'jaeger';
const FOLDER = fileURLToPath(new URL('..', import.meta.url));
/** How long it may take from its start until it is healthy, in milliseconds. It is two to five seconds. */
const PATIENCE = 60_000;
const POLL = 500;

interface Outcome {
  readonly ok: boolean;
  readonly out: string;
  /** What the program wrote to stderr, or why it could not be run. */
  readonly complaint: string;
}

function run(command: readonly string[], ...args: string[]): Outcome {
  const [program = '', ...rest] = command;
  const { status, error, stdout, stderr } = spawnSync(program, [...rest, ...args], {
    cwd: FOLDER,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const complaint = error === undefined ? stderr.trim() : error.message;
  return { ok: status === 0, out: (stdout ?? '').trim(), complaint };
}

/** Runs it with what it says on stderr, for stdout is the result's. */
function runAloud(command: readonly string[], ...args: string[]): boolean {
  const [program = '', ...rest] = command;
  say(`> ${[...command, ...args].join(' ')}`);
  return spawnSync(program, [...rest, ...args], { cwd: FOLDER, stdio: ['ignore', 2, 2] }).status === 0;
}

function say(message: string): void {
  console.error(message);
}

function fail(...lines: string[]): never {
  for (const line of lines) if (line !== '') say(line);
  process.exit(1);
}

function findCompose(): readonly string[] {
  if (!run(['docker'], '--version').ok) {
    fail(
      'There is no `docker` on the PATH, and Jaeger runs in it.',
      'Install Docker with its Compose plugin, or run a Jaeger of your own with OTLP on 4317 and 4318.',
    );
  }
  const compose = [['docker', 'compose'], ['docker-compose']].find((command) => run(command, 'version').ok);
  if (compose !== undefined) return compose;
  return fail(
    'Docker is here, but neither `docker compose` nor `docker-compose` is.',
    'Install the Compose plugin (docker-compose-plugin in the packages of Docker, docker-compose in Debian).',
  );
}

function checkDaemon(): void {
  const { ok, complaint } = run(['docker'], 'version', '--format', '{{.Server.Version}}');
  if (ok) return;
  const remedy = /permission denied/i.test(complaint)
    ? 'Let your user talk to it: join the group `docker`, or use rootless Docker.'
    : 'Start it: `sudo systemctl start docker`, or Docker Desktop. If it is elsewhere, set DOCKER_HOST.';
  fail(complaint, 'The Docker daemon does not answer.', remedy);
}

function stateOf(container: string): { status: string; health: string } {
  const format = '{{.State.Status}} {{.State.Health.Status}}';
  const { ok, out, complaint } = run(['docker'], 'inspect', '--format', format, container);
  if (!ok) fail(complaint, `The container of ${SERVICE} is gone. Was it stopped meanwhile?`);
  const [status = '', health = ''] = out.split(' ');
  return { status, health };
}

async function waitUntilHealthy(compose: readonly string[], container: string): Promise<void> {
  const start = performance.now();
  let told = '';
  for (;;) {
    const { status, health } = stateOf(container);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (health === 'healthy') return say(`healthy after ${seconds} s`);
    const failed = status === 'exited' || status === 'dead' || status === 'restarting';
    if (failed || performance.now() - start > PATIENCE) {
      runAloud(compose, 'logs', '--tail=20', SERVICE);
      fail(
        `Jaeger is not healthy after ${seconds} s: its container is ${status}, its health ${health}.`,
        `See what it logged above. Then: ${compose.join(' ')} down`,
      );
    }
    if (told !== health) say(`waiting until it is healthy (now ${health})`);
    told = health;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

const compose = findCompose();
checkDaemon();
if (!runAloud(compose, 'up', '-d', SERVICE)) {
  fail(
    'Compose could not start Jaeger. See what it said above.',
    'If a port is taken, another Jaeger or collector has it: end that one. If the image could not be pulled, is there a network?',
  );
}
const { ok, out: container, complaint } = run(compose, 'ps', '-q', SERVICE);
if (!ok || container === '') fail(complaint, `Compose started ${SERVICE}, and does not know its container.`);
await waitUntilHealthy(compose, container);
console.log(`Jaeger is at http://127.0.0.1:16686
It takes OTLP at http://127.0.0.1:4318 (HTTP) and 127.0.0.1:4317 (gRPC).
Stop it, in this folder, with: ${compose.join(' ')} down`);
