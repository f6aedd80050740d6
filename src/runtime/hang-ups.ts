/** Something that can find out whether its peer is gone. */
export interface Watched {
  checkForHangUp(): void;
}

/** How soon a silent hang-up is noticed, in milliseconds. */
const INTERVAL = 50;

/**
 * Connections that would not see a hang-up by reading: those that have seen an end of file, which a half-close and a full
 * close both give, and those that are paused. They are asked now and then to write nothing.
 */
export class HangUpWatch {
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  add(connection: Watched): void {
    this.#watched.add(connection);
    this.#timer ??= setInterval(() => this.#check(), INTERVAL).unref();
  }

  delete(connection: Watched): void {
    // Most connections never were in it.
    if (this.#watched.size > 0 && this.#watched.delete(connection) && this.#watched.size === 0) this.stop();
  }

  #check(): void {
    for (const connection of this.#watched) connection.checkForHangUp();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
