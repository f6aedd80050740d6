/** Numbers for people. */
import type { Figure } from '../types.ts';

/** Whole numbers as they are, others with three digits, or all before the point: `6`, `1.23`, `12.3`, `12,345`. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : threeDigits(value);
}

/** `48 µs`, `1.23 ms`, `12.3 s`. */
export function formatTime(microseconds: number): string {
  if (microseconds < 999.5) return `${microseconds.toFixed(0)} µs`;
  if (microseconds < 999_500) return `${formatNumber(microseconds / 1e3)} ms`;
  return `${formatNumber(microseconds / 1e6)} s`;
}

/** `4 B`, `64 KiB`, `1 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let at = 0;
  let amount = bytes;
  while (amount >= 1_024 && at < units.length - 1) {
    amount /= 1_024;
    at++;
  }
  return `${amount.toLocaleString('en', { maximumFractionDigits: 1 })} ${units[at]}`;
}

/** `0.98×`, `12.3×`. */
export function formatRatio(ratio: number): string {
  return `${threeDigits(ratio)}×`;
}

/** How far a repeat was from the median at most: `±3 %`. Empty where there was one repeat only. */
export function formatSpread({ median, min, max, values }: Figure): string {
  if (values.length < 2) return '';
  const farthest = Math.max(max - median, median - min);
  const percent = Math.ceil((farthest / median) * 100 - 1e-9);
  // A percentage of next to nothing says nothing.
  return median > 0 && percent < 1_000 ? `±${percent} %` : `±${formatNumber(farthest)}`;
}

/** A share, 0 to 1, as a percentage: `97 %`, `0.02 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent.toLocaleString('en', decimals(percent > 0 && percent < 0.995 ? 2 : 0))} %`;
}

export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en')} ${amount === 1 ? one : many}`;
}

/** With the full stop that ends it, if it has none. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toLocaleString('en', decimals(size < 9.995 ? 2 : size < 99.95 ? 1 : 0));
}

function decimals(digits: number) {
  return { minimumFractionDigits: digits, maximumFractionDigits: digits };
}
