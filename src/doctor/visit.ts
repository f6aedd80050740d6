import { connect } from 'node:net';

import { withAddress } from '../runtime/rendezvous/address.ts';

/** A connection to a server, and what it does with it. */
export interface Visit {
  /** The system's error, when it could not be made. */
  readonly failure: Error | undefined;
  /** The first bytes that it sent, at most 64 of them, as Latin-1. */
  readonly said: string;
  readonly isClosed: boolean;
  /** Resolves when it says something or closes, and after `ms` milliseconds at the latest. */
  wait(ms: number): Promise<void>;
  send(text: string): void;
  leave(): void;
}

const MOST_SAID = 64;

/** Connects. Never rejects. */
export async function visit(path: string): Promise<Visit> {
  let said = '';
  let isClosed = false;
  let failure: Error | undefined;
  let wake = () => {};
  try {
    const socket = withAddress(path, (address) => connect({ path: address }));
    await new Promise<void>((resolve) => {
      let isConnected = false;
      socket.once('connect', () => {
        isConnected = true;
        resolve();
      });
      socket.on('error', (error) => {
        if (!isConnected) failure = error;
      });
      socket.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString('latin1')).slice(0, MOST_SAID);
        wake();
      });
      socket.on('close', () => {
        isClosed = true;
        resolve();
        wake();
      });
      socket.on('end', () => {
        isClosed = true;
        wake();
      });
    });
    return {
      get failure() {
        return failure;
      },
      get said() {
        return said;
      },
      get isClosed() {
        return isClosed;
      },
      wait(ms) {
        if (isClosed || said !== '') return Promise.resolve();
        return new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      },
      send: (text) => void socket.write(text),
      leave: () => void socket.destroy(),
    };
  } catch (error) {
    return {
      failure: error as Error,
      said,
      isClosed: true,
      wait: () => Promise.resolve(),
      send() {},
      leave() {},
    };
  }
}
