/** Serves at a path until it is told to stop, and then prints its counters. descriptors-child.ts PATH */
import { serve } from '../../src/index.ts';

const server = await serve(process.argv[2] as string, (incoming) => incoming.text(), {
  onTransition: ({ machine, event }) => {
    if (machine === 'pool' && event === 'ACCEPT_FAILED') process.stdout.write('ACCEPT_FAILED\n');
  },
});
process.stdout.write('listening\n');
process.once('SIGTERM', async () => {
  await server.close();
  process.stdout.write(`${JSON.stringify(server.stats)}\n`);
});
