/** Starts `simple-ipc serve` on demand, and ends: `starter.js PATH`. Prints what came of it. */
import { start } from 'simple-ipc';
import { COMMAND } from './support.js';

const path = process.argv[2];
console.log(JSON.stringify(await start(path, { command: [process.execPath, COMMAND, 'serve', path] })));
process.exit();
