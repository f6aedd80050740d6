/**
 * Modules of Node.js that cost a start dearly to `import`, which reads each of their properties: for `node:fs` some of them load its promises
 * and streams, which nobody needs here. git waits for a start.
 */
export const fs = process.getBuiltinModule('node:fs');
export const childProcess = process.getBuiltinModule('node:child_process');
