/** How a server looks in the pictures. Rows carry its name, so a colour has to tell four kinds apart and no more. */
import type { ServerName } from '../types.ts';

/** Custom properties of style.css, which have a value for each colour scheme. Blue and orange are told apart by all. */
export function colourOf(server: ServerName): string {
  if (server === 'simple-ipc') return 'var(--ours)';
  if (server.startsWith('simple-ipc')) return 'var(--ours-soft)';
  if (server === 'git') return 'var(--git)';
  return server === 'node:net' ? 'var(--floor)' : 'var(--other)';
}

/** The name, at its comma on two lines: names of variants are long. */
export function labelOf(server: ServerName): string {
  return server.replace(', ', '\n');
}
