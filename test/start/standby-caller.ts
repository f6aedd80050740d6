/** Who starts a process that stands by, and never calls it: standby-caller.ts FILE. It ends when it is told to. */
import { fileURLToPath } from 'node:url';
import { Standby } from '../../src/start/standby.ts';

const child = fileURLToPath(new URL('standby-child.ts', import.meta.url));
void new Standby([process.execPath, child, process.argv[2] as string]);
process.stdin.once('data', () => process.exit());
