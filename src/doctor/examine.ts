import { errnoOf, reasonOf } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { resolveEndpoint, type Endpoint } from '../runtime/rendezvous/endpoint.ts';
import { checkAnswer, checkProtocol } from './answer.ts';
import { checkConnections } from './connections.ts';
import { checkDirectories, checkDirectory, checkFileSystem, checkLength } from './directories.ts';
import { fatal, ok, skipped, unknown } from './findings.ts';
import { checkListening } from './listening.ts';
import { checkDescriptors, checkNamespaces, checkProcess } from './process.ts';
import { explain, type Reason } from './reasons.ts';
import { checkAccess, checkSocket } from './socket.ts';
import { checkStatus } from './status.ts';
import { CHECKS, type CheckName, type Diagnosis, type ExamineOptions, type Examination } from './types.ts';
import type { Facts, Finding, Scene } from './types.ts';

const EXAMINATIONS: { readonly [Name in Exclude<CheckName, 'path'>]: Examination } = {
  length: checkLength,
  directories: checkDirectories,
  directory: checkDirectory,
  'file-system': checkFileSystem,
  socket: checkSocket,
  access: checkAccess,
  status: checkStatus,
  process: checkProcess,
  namespaces: checkNamespaces,
  listening: checkListening,
  descriptors: checkDescriptors,
  connections: checkConnections,
  answer: checkAnswer,
  protocol: checkProtocol,
};

/** Checks of files: on Windows a pipe is none. */
const OF_FILES: ReadonlySet<CheckName> = new Set([
  'length',
  'directories',
  'directory',
  'file-system',
  'socket',
  'access',
  'namespaces',
  'descriptors',
] as const);

/**
 * Finds out why the server at a path cannot be reached, from the directory to the answer. It changes nothing, and the
 * server's handler is not run: it connects, and asks the control endpoint, if there is one, for its status.
 *
 * A check that leaves nothing to be looked at behind it ends the walk, and is the reason; else that is the first check
 * that failed.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` when the time-out is no time. A path that cannot be one is a
 *   diagnosis.
 */
export async function examine(path: string, options: ExamineOptions = {}): Promise<Diagnosis> {
  const { timeout = 1000, deep = false } = options;
  time('timeout', timeout);
  const endpoint = endpointOf(path);
  if ('mark' in endpoint) return conclude(path, new Map([['path', endpoint]]), {}, false);
  const findings = new Map<CheckName, Finding>([['path', ok(`it can name a socket: ${endpoint.absolute}`)]]);
  const scene: Scene = {
    endpoint,
    timeout,
    deep,
    target: endpoint.absolute,
    boundAs: endpoint.absolute,
    network: undefined,
    instance: undefined,
    strays: [],
    pid: undefined,
    isProved: false,
    process: undefined,
    lacksDescriptors: false,
    isDirectoryClosed: false,
    hasAnswered: false,
  };
  for (const name of CHECKS) {
    if (name === 'path') continue;
    const finding = await look(name, scene);
    findings.set(name, finding);
    if (finding.isLast === true) break;
  }
  const { absolute, directory } = endpoint;
  const facts = { PATH: absolute, DIRECTORY: directory, ...(scene.isProved && { PID: scene.pid! }) };
  return conclude(path, findings, facts, scene.hasAnswered);
}

const DIRECTORY_GONE = 'The working directory is gone: give an absolute path.';

function endpointOf(path: string): Endpoint | Finding {
  try {
    return resolveEndpoint(path);
  } catch (error) {
    // Of what makes a path none, this alone has a cause.
    const isDirectoryGone = errnoOf((error as Error).cause) === 'ENOENT';
    return fatal('invalid-path', reasonOf(error), {}, isDirectoryGone ? DIRECTORY_GONE : undefined);
  }
}

async function look(name: Exclude<CheckName, 'path'>, scene: Scene): Promise<Finding> {
  if (process.platform === 'win32' && OF_FILES.has(name)) return skipped('a pipe of Windows is no file');
  try {
    return await EXAMINATIONS[name](scene);
  } catch (error) {
    // What was there for the check before it may be gone.
    return unknown(`it could not be looked at (${reasonOf(error)})`);
  }
}

function conclude(
  path: string,
  findings: ReadonlyMap<CheckName, Finding>,
  given: Facts,
  isAsked: boolean,
): Diagnosis {
  const found = Array.from(findings.entries());
  const [cause, decisive] =
    found.find(([, finding]) => finding.isLast) ??
    found.find(([, finding]) => finding.reason !== undefined) ??
    [];
  const reason: Reason = decisive?.reason ?? 'healthy';
  const checks = CHECKS.map((name) => {
    const { mark, detail } =
      findings.get(name) ?? skipped(`not looked at: it means nothing after what the check of ${cause} found`);
    return { name, mark, detail };
  });
  // Of what is no fault, the first that has something to be done about it.
  const telling = decisive ?? found.map(([, finding]) => finding).find(({ remedy }) => remedy !== undefined);
  const facts = { ...given, ...telling?.facts };
  const { meaning, remedy } = explain(reason, facts, { isAsked, given: telling?.remedy });
  return { path, healthy: reason === 'healthy', reason, meaning, remedy, checks };
}
