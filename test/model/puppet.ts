import type { Answer, IpcRequest } from '../../src/index.ts';

type Command =
  | { readonly kind: 'yield'; readonly chunk: Buffer }
  | { readonly kind: 'read' | 'done' | 'fail' };

/** A handler of one request that does what it is told. */
export class Puppet {
  readonly #commands: Command[] = [];
  #wake: (() => void) | undefined;

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

  fail(): void {
    this.#give({ kind: 'fail' });
  }

  #give(command: Command): void {
    this.#commands.push(command);
    this.#wake?.();
  }

  async handle(request: IpcRequest, whole: string): Promise<Answer> {
    const first = await this.#next(request);
    return first.kind === 'done' ? whole : this.#chunks(first, request);
  }

  async *#chunks(first: Command, request: IpcRequest): AsyncGenerator<Buffer> {
    for (let command = first; command.kind !== 'done'; command = await this.#next(request)) {
      if (command.kind === 'yield') yield command.chunk;
    }
  }

  /** The next command to answer by. To read is done meanwhile. */
  async #next(request: IpcRequest): Promise<Command> {
    for (;;) {
      const command = this.#commands.shift();
      if (command === undefined) {
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
