import { fstatSync } from 'node:fs';
import type { SpanContext } from '@opentelemetry/api';
import type { Command } from 'commander';
import type { IpcResponse } from '../index.ts';
import { milliseconds, optionalMilliseconds } from './arguments.ts';
import { Failure, quote, reasonOf, say } from './messages.ts';
import { writeOut } from './stdout.ts';
import {
  addPropagateOption,
  addTraceOptions,
  startTracing,
  tellingSpans,
  type TraceFlags,
  traceLink,
  webAddress,
} from './tracing.ts';

interface SendFlags extends TraceFlags {
  readonly timeout?: number;
  readonly deadline?: number;
  readonly waitIfBusy?: true | number;
  readonly waitIfMissing?: true | number;
  readonly whole?: true;
  readonly allowUntrusted?: true;
  readonly propagate?: true;
  readonly jaeger: string;
}

const JAEGER = 'http://127.0.0.1:16686';

const NOTES = `
The answer's bytes are printed as they come, exactly. Exit code 0 alone says that they are the whole answer.
Without MESSAGE the request is empty. A MESSAGE that begins with a dash goes after --; one that is a dash: printf - | ... -
`;

export function addSend(program: Command): void {
  const command = program
    .command('send')
    .description('Send one request to the server at PATH, and print its answer on stdout.')
    .argument('<PATH>', 'the socket')
    .argument('[MESSAGE]', 'the request; - sends what comes on stdin')
    .option(
      '--timeout <MS>',
      'give up after so long without progress; 0: never (default: 60000)',
      milliseconds,
    )
    .option('--deadline <MS>', 'give up after so long in all; 0: never (default: 0)', milliseconds)
    .option(
      '--wait-if-busy [MS]',
      'try again while the server is busy (1000 unless said)',
      optionalMilliseconds,
    )
    .option(
      '--wait-if-missing [MS]',
      'try again while there is no server (1000 unless said)',
      optionalMilliseconds,
    )
    .option('--whole', 'print nothing until the answer is complete; it is held in memory')
    .option('--allow-untrusted', 'ask although others may be behind the socket, or could replace it');
  addPropagateOption(addTraceOptions(command))
    .option('--jaeger <URL>', "where Jaeger's pages are, for the link of the trace", webAddress, JAEGER)
    .addHelpText('after', NOTES)
    .action(async (path: string, message: string | undefined, flags: SendFlags) => {
      await send(path, message, flags);
    });
}

async function send(
  path: string,
  message: string | undefined,
  { whole, trace, sample, keepSlowerThan, serviceName, propagate, jaeger, ...options }: SendFlags,
): Promise<void> {
  const { request } = await import('../index.ts');
  const tracing = await startTracing(
    { trace, sample, keepSlowerThan, serviceName },
    propagate === true ? { propagate } : {},
  );
  let span: SpanContext | undefined;
  const telemetry = tracing && tellingSpans(tracing.telemetry, (context) => (span = context));
  const interrupt = new AbortController();
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        reject(
          new Failure(`Given up by ${name}: what came of the answer from ${quote(path)} is not all of it.`),
        );
        interrupt.abort();
      });
    }
  });
  const asked = async () => {
    const content = message === '-' ? fromStdin() : message;
    const response = await request(path, content, {
      ...options,
      ...(telemetry === undefined ? undefined : { telemetry }),
      signal: interrupt.signal,
    });
    await print(response, whole === true);
  };
  // A stdout that nobody reads must not keep an interrupt waiting.
  try {
    await Promise.race([asked(), interrupted]);
  } finally {
    await tracing?.close();
    if (span !== undefined && (tracing?.exported() ?? 0) > 0) say(`Trace: ${traceLink(jaeger, span)}`);
  }
}

async function print(response: IpcResponse, whole: boolean): Promise<void> {
  if (whole) {
    await writeOut(await response.bytes());
    return;
  }
  for await (const chunk of response) await writeOut(chunk);
}

async function* fromStdin(): AsyncGenerator<Uint8Array, void> {
  try {
    // Node.js shows a directory as a stdin without content, and an empty request is one that is believed.
    if (process.platform !== 'win32' && fstatSync(0).isDirectory()) throw new Error('it is a directory');
    yield* process.stdin;
  } catch (error) {
    throw new Failure(`stdin could not be read (${reasonOf(error)}): the request was not sent whole.`);
  }
}
