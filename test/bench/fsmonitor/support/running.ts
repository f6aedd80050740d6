import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runScenario, type Pipeline } from '../../../../bench/pipeline.ts';
import { quick, SCENARIOS } from '../../../../bench/scenarios.ts';
import type { Scenario, ScenarioResult, ServerName } from '../../../../bench/types.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

/** The scenario with a tree that is made within no time. */
export function tiny(...servers: ServerName[]): Scenario {
  const scenario = quick(SCENARIOS.find(({ name }) => name === 'fsmonitor-5k')!);
  return { ...scenario, servers, load: { ...scenario.load, tree: { directories: 20, files: 40 } } };
}

/** Runs it in a directory for temporary files of its own, of which nothing may be left. One at a time. */
export async function run(
  t: ExecutionContext,
  scenario: Scenario,
  said: Partial<Pipeline> = {},
): Promise<ScenarioResult & { readonly log: readonly string[] }> {
  const directory = temporaryDirectory(t);
  const restore = withVariable('TMPDIR', directory);
  const log: string[] = [];
  try {
    const result = await runScenario(scenario, {
      repeats: 1,
      settle: 0,
      otlp: undefined,
      trace: false,
      startServer: () => Promise.reject(new Error('A server was started.')),
      generate: () => Promise.reject(new Error('A load was made.')),
      slowest: async () => [],
      progress: { part: () => {}, at: (what) => void log.push(what), note: () => {}, done: () => {} },
      ...said,
    });
    return { ...result, log };
  } finally {
    restore();
    t.deepEqual(readdirSync(directory), [], 'nothing is left behind');
  }
}

/**
 * Has the bench find a program in place of git: `script` is in shell, `"$@"` are its arguments and `"$git"` is the real
 * one, which runs after it. Gives the way back.
 */
export function pretend(t: ExecutionContext, real: string, script: string): () => void {
  const path = join(temporaryDirectory(t), 'git');
  writeFileSync(path, `#!/bin/sh\ngit='${real}'\n${script}\nexec "$git" "$@"\n`);
  chmodSync(path, 0o755);
  return withVariable('SIMPLE_IPC_GIT', path);
}

/** Sets a variable of the environment, and gives the way back. */
export function withVariable(name: string, value: string): () => void {
  const before = process.env[name];
  process.env[name] = value;
  return () => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  };
}
