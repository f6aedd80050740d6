/** Games in files: a line with the game, and a line for each operation. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Operation } from './operations.ts';
import type { Game } from './play.ts';

export function writeGame(file: string, game: Game, operations: readonly Operation[]): void {
  writeFileSync(file, [game, ...operations].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

export function readGame(file: string): { game: Game; operations: Operation[] } {
  const [game, ...operations] = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { game, operations };
}
