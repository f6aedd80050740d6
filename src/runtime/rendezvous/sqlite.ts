import type { DatabaseSync } from 'node:sqlite';

import { noSqlite } from './errors.ts';

type Sqlite = { DatabaseSync: new (path: string, options?: { timeout?: number }) => DatabaseSync };

let loaded: Sqlite | undefined;

/** SQLite of this Node, loaded when it is first needed: only servers take locks. */
export function loadSqlite(): Sqlite {
  loaded ??= withoutItsWarning(() => process.getBuiltinModule('node:sqlite') as Sqlite | undefined);
  if (loaded === undefined) throw noSqlite();
  return loaded;
}

/**
 * Node 22 warns that its SQLite is experimental. What is used of it here is nothing but opening, locking and closing,
 * and the warning would stand in the output of every command: so this one warning is dropped, while this one module
 * is loaded, and no other.
 */
function withoutItsWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const isItsOwn = rest[0] === 'ExperimentalWarning' && String(warning).includes('SQLite');
    if (!isItsOwn) Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
