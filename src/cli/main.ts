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
  const { run } = await import('./run.ts');
  await run(process.argv);
}
