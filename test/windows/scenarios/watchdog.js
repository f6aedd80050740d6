/** Ends a process that was forgotten: whatever becomes of a test, nothing of it stays. Loaded by each of its processes. */
export const watchdog = setTimeout(() => {
  console.error('This process was given up after 80 seconds.');
  process.exit(70);
}, 80_000);
watchdog.unref();
