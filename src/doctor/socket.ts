import { accessSync, constants, lstatSync, realpathSync, statSync, type Stats } from 'node:fs';

import { errnoOf, reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { split } from '../runtime/rendezvous/endpoint.ts';
import { kindOf, shell } from '../runtime/rendezvous/errors.ts';
import { checkTrust } from '../runtime/rendezvous/trust.ts';
import { whereNothingStands } from './absent.ts';
import { danglingLink } from './directories.ts';
import { failed, fatal, ok } from './findings.ts';
import type { Finding, Scene } from './types.ts';

/** What stands at the path. Links are followed, as a connect follows them. */
export async function checkSocket(scene: Scene): Promise<Finding> {
  const { absolute } = scene.endpoint;
  const at = shell(absolute);
  let stats: Stats;
  try {
    stats = statSync(absolute);
    scene.target = realTarget(absolute);
    scene.boundAs = scene.target;
  } catch (error) {
    switch (errnoOf(error)) {
      case 'ENOENT':
        return danglingLink(absolute) ?? (await whereNothingStands(scene));
      case 'ELOOP':
        return fatal('dangling-link', `the links at ${at} lead in a circle`, { FILE: absolute });
      case 'EACCES':
        return fatal('permission-denied', `what ${at} leads to may not be looked at by this user`);
      default:
        return fatal('connect-failed', `${at} could not be looked at (${reasonOf(error)})`);
    }
  }
  if (!stats.isSocket()) return fatal('not-a-socket', `at ${at} stands ${kindOf(stats)}`, { FILE: absolute });
  return ok(
    scene.target === absolute ? 'a socket stands there' : `it links to the socket ${shell(scene.target)}`,
  );
}

/** Only the last part may be a link that counts: servers write down a path as they were given it. */
function realTarget(path: string): string {
  return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path;
}

/** Whose the socket is, whether this user may connect, and whether a client would. */
export function checkAccess({ endpoint, target }: Scene): Finding {
  const { uid, mode } = statSync(target);
  const whose = `the socket belongs to uid ${uid}, mode ${(mode & 0o7777).toString(8)}`;
  try {
    accessSync(target, constants.W_OK);
  } catch (error) {
    const why = `this user (${process.geteuid?.()}) may not connect (${reasonOf(error)})`;
    return fatal('permission-denied', `${whose}; ${why}`);
  }
  try {
    checkTrust(endpoint.absolute);
  } catch (error) {
    if (!(error instanceof SimpleIpcError)) throw error;
    return untrusted(error, [endpoint.directory, split(target).directory]);
  }
  return ok(`${whose}; this user (${process.geteuid?.()}) may connect`);
}

function untrusted(error: SimpleIpcError, directories: readonly string[]): Finding {
  const open = directories.find((directory) => isOwnAndOpen(statSync(directory)));
  if (open === undefined) return failed('owner-untrusted', error.message);
  return failed('directory-untrusted', error.message, { DIRECTORY: open });
}

function isOwnAndOpen({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
}
