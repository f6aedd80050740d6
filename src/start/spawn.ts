/** To `import` the module reads each of its properties, which takes 3 ms; who starts a server is waiting for it. */
export const { spawn } = process.getBuiltinModule('node:child_process');
