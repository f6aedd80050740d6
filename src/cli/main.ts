#!/usr/bin/env node
// Before anything is loaded that an older Node.js would choke on.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 20)) {
  process.stderr.write(
    `simple-ipc: this is Node.js ${process.versions.node}, and 22.20 or newer is needed. Install one, or use the one of the ` +
      'checkout, as npm start does: node_modules/.bin/node\n',
  );
  process.exitCode = 1;
} else {
  // Sources are left to Node.js, which has their types to take out.
  if (import.meta.url.endsWith('.js')) loadSooner(new URL('..', import.meta.url).href);
  const { run } = await import('./run.ts');
  await run(process.argv);
}

/**
 * Loading is most of what a short command does, and most of that is to find out where each module really is, and of what type.
 * The modules of this program, below `own`, are where they are said to be, and ES modules: so they are read at once.
 */
function loadSooner(own: string): void {
  const { registerHooks } = process.getBuiltinModule('node:module');
  const { readFileSync } = process.getBuiltinModule('node:fs');
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (!specifier.startsWith('.') || parentURL?.startsWith(own) !== true) return next(specifier, context);
      return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
    },
    load(url, context, next) {
      if (!url.startsWith(own) || !url.endsWith('.js')) return next(url, context);
      return { format: 'module', source: readFileSync(new URL(url)), shortCircuit: true };
    },
  });
}
