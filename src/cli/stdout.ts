import { Failure, reasonOf } from './messages.ts';

/**
 * Writes to stdout, and resolves when the system has taken it. A reader that has left is a failure without a message, as
 * everywhere in pipes; anything else says why.
 */
export async function writeOut(data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // The error also comes as an event, which nobody must miss.
    process.stdout.once('error', reject);
    process.stdout.write(data, (error) => {
      if (error) return;
      process.stdout.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw new Failure('');
    throw new Failure(`stdout could not be written (${reasonOf(error)}): what is there is not all.`);
  });
}
