import { resolve } from 'node:path';
import type { ObserveFlags } from './observing.ts';

/**
 * The options that git's daemon has not, read as those of `serve` are.
 *
 * @throws What the parser throws: wrong usage.
 */
export async function readOwn(own: readonly string[]): Promise<ObserveFlags> {
  if (own.length === 0) return {};
  const [{ Command }, { addTraceOptions }, { say }] = await Promise.all([
    import('commander'),
    import('./tracing.ts'),
    import('./messages.ts'),
  ]);
  const command = addTraceOptions(new Command('fsmonitor'))
    .option('--events <FILE>', 'add every transition to FILE as a line of JSON; -: to stdout')
    .exitOverride()
    .configureOutput({ outputError: (text) => say(text.replace(/^error: /u, '').trimEnd()) });
  return command.parse(own, { from: 'user' }).opts<ObserveFlags>();
}

/** The same options with their file from the root: the daemon may run elsewhere. */
export function absoluteFiles(own: readonly string[]): string[] {
  return own.map((word, index) => {
    if (own[index - 1] === '--events' && word !== '-') return resolve(word);
    const [, file] = /^--events=(.*)$/su.exec(word) ?? [];
    return file === undefined || file === '-' ? word : `--events=${resolve(file)}`;
  });
}
