/** A time for people: `0.04 ms`, `12.3 ms`, `4.20 s`. */
export function formatMs(ms: number): string {
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Text from elsewhere, on one line and without anything that a terminal would obey. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what must not come through
  return text.replace(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/gu, ' ');
}
