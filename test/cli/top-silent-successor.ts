// `top` of a server that hands its path over to one that never says who it is.
import { Command } from 'commander';
import { addTop, type TopSource } from '../../src/cli/top.ts';
import { second } from './top-summaries.ts';

let asked = 0;
const source: TopSource = {
  async status(path) {
    asked++;
    if (asked > 1) return new Promise<never>(() => setInterval(() => {}, 60_000));
    return { path, pid: process.pid, program: 'tested', version: null, startedAt: Date.now() };
  },
  async *watch() {
    yield second([], { end: { reason: 'handed-over' } as never });
  },
};
const program = new Command();
addTop(program, async () => source);
await program.parseAsync(['top', '/any'], { from: 'user' });
process.exit();
