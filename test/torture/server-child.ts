/** A server as a program embeds it: server-child.ts PATH OPTIONS, these as JSON. It writes down what its pool goes through. */
import { serve, type Server, type ServeOptions } from '../../src/index.ts';
import { instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { now } from './entries.ts';
import { handler, life } from './handler.ts';

const [path, options] = process.argv.slice(2) as [string, string];
const { pid } = process;
let server: Server | undefined;
let isStopped = false;
const starting = new AbortController();
// Once: it has nothing to do with a second one.
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    isStopped = true;
    starting.abort(new Error(signal));
    void server?.close();
  });

try {
  server = await serve(path, handler, {
    control: true,
    pathCheckInterval: 1_000,
    ...(JSON.parse(options) as ServeOptions),
    signal: starting.signal,
    onTransition({ machine, event }) {
      if (machine === 'pool' && !event.startsWith('xstate.') && event !== 'CONNECTION')
        life.add({ kind: 'server', at: now(), pid, path, event, startedAt: startedAt() });
    },
  });
  process.stderr.write(`Listening at ${path}\n`);
  const { reason, error } = await server.closed;
  process.stderr.write(`Ended: ${reason}${error === undefined ? '' : ` ${error.stack}`}\n`);
  process.exit(reason === 'failed' ? 1 : 0);
} catch (error) {
  process.stderr.write(`${isStopped ? 'Ended: while it started. ' : ''}${String(error)}\n`);
  process.exit(1);
}

/** Which one it is among the servers of the path. */
function startedAt(): number | undefined {
  return instancesAt(path).find(({ status }) => status?.pid === pid)?.status?.startedAt;
}
