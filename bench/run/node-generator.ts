/**
 * The load generator in TypeScript, for peers that need their own client: `node node-generator.ts CLIENT FLAGS`, in a
 * process of its own, so that what it costs is not taken for anybody else's. It goes through the same stages as
 * generator.c, and prints the same.
 */
import { createInterface } from 'node:readline';
import type { ClientModule } from './client.ts';
import { fromFlags } from './generator-options.ts';
import type { GeneratorResult, Stage } from './generator-output.ts';
import { openIdle } from './idle-connections.ts';
import { makeLoad, PATIENCE } from './node-load.ts';

const [clientName, ...flags] = process.argv.slice(2);
const { path, requestText, answerBytes, load } = fromFlags(flags);
const { connect, takesReadRate = false } = (await import(`../clients/${clientName}.ts`)) as ClientModule;
if (!(load.connections >= 1)) throw new Error('A load needs at least one client: --connections.');
if (load.duration === 0 && load.amount === 0) throw new Error('A load needs an end: --duration or --amount.');
if (load.readRate > 0 && !takesReadRate)
  throw new Error(`The client ${clientName} takes answers as fast as they come.`);

const told = createInterface({ input: process.stdin });
// Whoever wanted to know has gone.
told.once('close', () => process.exit(1));

const clients = await Promise.all(
  Array.from({ length: load.connections }, () => connect(path, load.readRate)),
);
const common = {
  request: requestText === undefined ? Buffer.alloc(load.requestBytes, 'x') : Buffer.from(requestText),
  answerBytes,
  clients,
  reconnect: () => connect(path, load.readRate),
};

if (load.warmUp > 0) await makeLoad({ ...common, rate: load.rate, duration: load.warmUp, amount: 0 });
await stage('warm');
const idle = await openIdle(path, load.idle, PATIENCE);
// A server accepts in order: when this is answered, it has accepted all of the idle ones.
if (load.idle > 0) await makeLoad({ ...common, rate: 0, duration: PATIENCE, amount: 1 });
await stage('measuring');
const result = await makeLoad({ ...common, ...load });
await stage('measured');
process.stdout.write(`${JSON.stringify(withClosed(result, idle.closed()))}\n`, () => process.exit());

/** Says where it is, and goes on when told so. */
function stage(name: Stage): Promise<unknown> {
  process.stdout.write(`${JSON.stringify({ stage: name })}\n`);
  return new Promise((resolve) => told.once('line', resolve));
}

function withClosed(of: GeneratorResult, closed: number): GeneratorResult {
  if (closed === 0) return of;
  return {
    ...of,
    errors: of.errors + closed,
    errorKinds: { ...of.errorKinds, 'an idle connection was closed': closed },
  };
}
