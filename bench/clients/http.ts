/** undici's Client: one connection, kept alive, one request on it at a time. */
import { Client as HttpClient } from 'undici';

import type { Client, Marks } from '../run/client.ts';

export const connectionPerRequest = false;

export async function connect(path: string): Promise<Client> {
  const client = new HttpClient('http://localhost', { socketPath: path, pipelining: 1 });
  // undici connects with the first request only.
  await client.request({ path: '/', method: 'HEAD' });
  return {
    request: (bytes, marks) => post(client, bytes, marks),
    close: () => void client.destroy(),
  };
}

/** By `dispatch`, which is the fastest of undici's ways: `request`, `stream` and `fetch` are made of it. */
function post(client: HttpClient, body: Uint8Array, marks: Marks): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0;
    client.dispatch(
      { path: '/', method: 'POST', body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status) {
          marks.firstByte();
          if (status !== 200) reject(new Error(`Answered with status ${status}.`));
        },
        onResponseData(_controller, chunk) {
          received += chunk.byteLength;
        },
        onResponseEnd: () => resolve(received),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}
