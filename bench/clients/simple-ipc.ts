/** This package's own client: a connection for each request. */
import { request, type Telemetry } from '../../dist/index.js';
import type { Client, Marks } from '../run/client.ts';

/** A server whose backlog is full is asked again, for so many milliseconds. */
const WAIT_IF_BUSY = 10_000;

export const takesReadRate = true;

export function connect(path: string, readRate = 0): Client {
  return {
    async request(bytes, marks) {
      const answer = await request(path, bytes, {
        telemetry: tellConnected(marks),
        waitIfBusy: WAIT_IF_BUSY,
      });
      // It is there with its first byte.
      marks.firstByte();
      const began = performance.now();
      let received = 0;
      for await (const chunk of answer) {
        received += chunk.byteLength;
        if (readRate > 0) await until(began + (received / readRate) * 1_000);
      }
      return received;
    },
    close() {},
  };
}

/** What observes a call is the one way to learn when it was connected. */
function tellConnected(marks: Marks): Telemetry {
  return {
    call: () => ({
      trailer: () => undefined,
      state: (state) => {
        if (state === 'sending-request') marks.connected();
      },
      ended() {},
    }),
    server() {
      throw new Error('There is no server here.');
    },
  };
}

function until(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now()));
}
