/** What goes wrong with a server of the bench. */
import { fileURLToPath } from 'node:url';
import { Unavailable } from '../types.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** @param said what came on its stderr */
export function startFailed(name: string, how: string, said: string): Error {
  if (!said.includes('ERR_MODULE_NOT_FOUND'))
    return new Error(`The server ${name} ${how}. It said:\n${said}`);
  return said.includes(DIST)
    ? new Error('dist is not there, and it is what the bench measures: npm run build')
    : new Unavailable(`${name} is not installed: npm ci --prefix bench`);
}

export function hasEnded(name: string, said: string): Error {
  return new Error(`The server ${name} has ended. It said:\n${said}`);
}
