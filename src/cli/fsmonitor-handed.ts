import type { Repository } from '../apps/fsmonitor/repository.ts';

/**
 * The variable by which `start` tells the daemon what git has said of the repository: to ask git again would take a tenth of
 * the time in which a daemon is to be there.
 */
const VARIABLE = 'SIMPLE_IPC_FSMONITOR_REPOSITORY';

/** What was meant for the one who starts the daemon, and would be wrong for whatever that runs. */
const MEANT_FOR_ANOTHER = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_PREFIX',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_CEILING_DIRECTORIES',
];

/** The variables that a daemon is to be started with. */
export function handOver(repository: Repository): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(MEANT_FOR_ANOTHER.map((name) => [name, undefined])),
    [VARIABLE]: JSON.stringify(repository),
  };
}

/** The repository that was handed over, once. */
export function takeHanded(): Repository | undefined {
  const { [VARIABLE]: text } = process.env;
  delete process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Repository);
}
