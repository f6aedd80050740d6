import { type Answer, type IpcRequest, QUIT } from '../../src/index.ts';
import type { Changes } from './changes.ts';

type Command =
  | { readonly kind: 'yield'; readonly chunk: Buffer }
  | { readonly kind: 'read' | 'done' | 'quit' | 'fail' };

/** A handler of one request that does what it is told. */
export class Puppet {
  /** It was called, has done all that it was told, and waits to be told more. */
  idle = false;
  readonly #changes: Changes;
  readonly #commands: Command[] = [];
  #wake: (() => void) | undefined;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** Sends a chunk of an answer. */
  yield(chunk: Buffer): void {
    this.#give({ kind: 'yield', chunk });
  }

  /** Begins to read the request, to its end. */
  read(): void {
    this.#give({ kind: 'read' });
  }

  /** Ends; where it has yielded nothing, with the answer in one piece. */
  done(): void {
    this.#give({ kind: 'done' });
  }

  /** Ends, and the server with it. */
  quit(): void {
    this.#give({ kind: 'quit' });
  }

  fail(): void {
    this.#give({ kind: 'fail' });
  }

  #give(command: Command): void {
    this.idle = false;
    this.#commands.push(command);
    this.#wake?.();
  }

  async handle(request: IpcRequest, whole: string): Promise<Answer> {
    const first = await this.#next(request);
    if (first.kind === 'quit') return QUIT;
    return first.kind === 'done' ? whole : this.#chunks(first, request);
  }

  async *#chunks(first: Command, request: IpcRequest): AsyncGenerator<Buffer, typeof QUIT | undefined> {
    for (let command = first; command.kind !== 'done'; command = await this.#next(request)) {
      if (command.kind === 'quit') return QUIT;
      if (command.kind === 'yield') yield command.chunk;
    }
    return undefined;
  }

  /** The next command to answer by. To read is done meanwhile. */
  async #next(request: IpcRequest): Promise<Command> {
    for (;;) {
      const command = this.#commands.shift();
      if (command === undefined) {
        this.idle = true;
        this.#changes.note();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (command.kind === 'read') {
        void readAll(request);
      } else if (command.kind === 'fail') {
        throw new Error('told to fail');
      } else {
        return command;
      }
    }
  }
}

async function readAll(request: IpcRequest): Promise<void> {
  try {
    await request.bytes();
  } catch {
    // The request fails with its connection.
  }
}
