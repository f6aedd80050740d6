import { formatMs } from '../telemetry/format.ts';

/** A time in microseconds, for people: `45 us`, `1.25 ms`, `4.20 s`; `-` for none. */
export function formatTime(us: number | null): string {
  if (us === null) return '-';
  return us < 999.5 ? `${us.toFixed(0)} us` : formatMs(us / 1_000);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size: `512 B`, `61.2 MiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 1_023.5 && unit < UNITS.length - 1; unit++) size /= 1_024;
  return `${unit === 0 || size >= 99.95 ? size.toFixed(0) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** How long something has gone on, in its two greatest units: `5 s`, `12 min 5 s`, `3 h 12 min`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1_000), 0);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([number]) => number > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .map(([number, unit]) => `${number} ${unit}`)
    .join(' ');
}

/** A number with its thousands apart. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A number in at most seven places: `12,345`, `1.23M`. */
export function formatShort(count: number): string {
  return count < 999_999.5
    ? formatCount(count)
    : new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 }).format(count);
}

/** The time of day, here: `07:38:49`. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** The day and the minute, here: `2026-11-23 07:38`. */
export function dayAndMinute(at: number): string {
  const date = new Date(at);
  const day = [String(date.getFullYear()), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join(
    '-',
  );
  return `${day} ${timeOfDay(at).slice(0, 5)}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
