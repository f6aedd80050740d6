/**
 * A client that uses blocking calls, as git's does: `c-client.js PIPE REQUEST`. Prints the answer's length, and what ended
 * it: `flush`, or the end of file, which is what a program in C takes a read of no bytes for.
 */
import { openSync, readSync, writeSync } from 'node:fs';

const [, , pipe, request] = process.argv;
const descriptor = openSync(pipe, 'r+');
writeSync(descriptor, `${(request.length + 4).toString(16).padStart(4, '0')}${request}0000`);

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(descriptor, bytes, at, length - at, null);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
}

let total = 0;
let end;
while (end === undefined) {
  const header = read(4)?.toString('latin1');
  if (header === undefined) end = 'end of file';
  else if (header === '0000') end = 'flush';
  else {
    const data = read(Number.parseInt(header, 16) - 4);
    if (data === undefined) end = 'end of file';
    else total += data.length;
  }
}
console.log(`${total} ${end}`);
