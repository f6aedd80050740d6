/** Choices that a seed determines. */
export interface Random {
  /** A number from 0 up to, and without, 1. */
  next(): number;
  /** A whole number of that range, both ends included. */
  between(least: number, most: number): number;
  /** Whether something happens whose probability that is. */
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** One of them, each as often as its number says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key;
}

/** By mulberry32 (Tommy Ettinger): small, and even enough to choose actions. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (choices) => choices[Math.floor(next() * choices.length)]!,
    weighted(weights) {
      const keys = Object.keys(weights) as (keyof typeof weights)[];
      let left = next() * keys.reduce((sum, key) => sum + weights[key], 0);
      return keys.find((key) => (left -= weights[key]) < 0) ?? keys[0]!;
    },
  };
}
