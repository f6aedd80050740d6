/** What `bench/clients/*.ts` are: the way a peer's own client is driven by the generator in TypeScript. */

/** One simulated client. It makes one request at a time. */
export interface Client {
  /**
   * Sends a request of these bytes and takes the whole answer. Rejects where the answer is no whole one.
   * @returns how many bytes of answer there were, without framing
   */
  request(bytes: Uint8Array, marks: Marks): Promise<number>;
  /** Lets go of the connection, if it keeps one. */
  close(): void;
}

/** What a client tells the generator, of the request that it is at. Each at most once. */
export interface Marks {
  /** The connection stands. A client that keeps its connection does not tell. */
  connected(): void;
  /** The first byte of the answer is here. */
  firstByte(): void;
}

/** The module of a client, `bench/clients/NAME.ts`. A client whose peer keeps its connection connects here, once. */
export interface ClientModule {
  /** @param readRate how fast to take an answer, in bytes a second; 0, or without it: as fast as it comes */
  connect(path: string, readRate?: number): Promise<Client> | Client;
  /** That it heeds `readRate`. */
  readonly takesReadRate?: boolean;
}
