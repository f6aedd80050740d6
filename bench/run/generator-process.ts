/** A generator that runs, and the stages that it goes through. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { GeneratorResult, Stage } from './generator-output.ts';

export interface GeneratorProcess {
  /** Resolves when it has come to this stage, at which it waits; after the one before it, it goes on. */
  reaches(stage: Stage): Promise<void>;
  /** Lets it go on after the last stage, and resolves with what it measured when it has ended. */
  result(): Promise<GeneratorResult>;
  /** Ends it where it has not ended, and resolves when it is gone. */
  close(): Promise<void>;
}

/** @param timeout how long it may take altogether, in milliseconds: its own limits are below that */
export function startGenerator(
  program: string,
  parameters: readonly string[],
  timeout: number,
  signal?: AbortSignal,
): GeneratorProcess {
  const child = spawn(program, parameters, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  });
  const closed = once(child, 'close');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8_192)));
  // It may end before it is told to go on.
  child.stdin.on('error', () => {});
  const kill = () => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  closed.catch(() => {}).finally(() => signal?.removeEventListener('abort', kill));

  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done !== true) return JSON.parse(value);
    await closed;
    signal?.throwIfAborted();
    throw new Error(`The load generator ended with ${child.signalCode ?? child.exitCode}. It said:\n${said}`);
  };
  let waits = false;
  const goOn = () => {
    if (waits) child.stdin.write('\n');
    waits = false;
  };

  return {
    async reaches(stage) {
      goOn();
      const line = await nextLine();
      if (line.stage !== stage) throw new Error(`The load generator is at ${line.stage}, not ${stage}.`);
      waits = true;
    },
    async result() {
      goOn();
      const result = await nextLine();
      await closed;
      return result;
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) kill();
      await closed.catch(() => {});
    },
  };
}
