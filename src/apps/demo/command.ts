import type { IpcRequest } from '../../index.ts';
import { Ballast } from './ballast.ts';

const SENDBYTES = Buffer.from('sendbytes ');

/** A request: a command, or the ballast that came with `sendbytes`, which may be of any length and is not kept. */
export interface Command {
  readonly name: Buffer;
  readonly ballast?: Ballast;
}

export async function readCommand(request: IpcRequest): Promise<Command> {
  let name: Buffer = Buffer.alloc(0);
  let ballast: Ballast | undefined;
  const rest: Uint8Array[] = [];
  for await (const chunk of request) {
    if (ballast !== undefined) {
      ballast.add(chunk);
    } else if (name.length >= SENDBYTES.length) {
      rest.push(chunk);
    } else {
      name = Buffer.concat([name, chunk]);
      if (name.subarray(0, SENDBYTES.length).equals(SENDBYTES)) {
        ballast = new Ballast();
        ballast.add(name.subarray(SENDBYTES.length));
      }
    }
  }
  if (ballast !== undefined) return { name: SENDBYTES, ballast };
  return { name: Buffer.concat([name, ...rest]) };
}
