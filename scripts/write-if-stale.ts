import { readFileSync, writeFileSync } from 'node:fs';

/** Writes a file of the repository, unless it says that already, and says which of the two it was. */
export function writeIfStale(file: URL, current: string): void {
  const isStale = readFileSync(file, { encoding: 'utf8', flag: 'a+' }) !== current;
  if (isStale) writeFileSync(file, current);
  const [, name] = file.pathname.split(new URL('..', import.meta.url).pathname);
  console.log(`${name} is ${isStale ? 'written' : 'up to date'}.`);
}
