/** What `sendbytes` brings: so many of one letter. Counts them, and those that are another. Ends at a NUL, as in git. */
export class Ballast {
  #letter: number | undefined;
  #length = 0;
  #errors = 0;
  #over = false;

  add(chunk: Uint8Array): void {
    if (this.#over) return;
    const end = chunk.indexOf(0);
    this.#over = end !== -1;
    const bytes = this.#over ? chunk.subarray(0, end) : chunk;
    this.#letter ??= bytes[0];
    this.#length += bytes.length;
    for (const byte of bytes) if (byte !== this.#letter) this.#errors++;
  }

  report(): Buffer {
    if (this.#errors > 0) return Buffer.from(`errs:${this.#errors}\n`);
    // Without ballast git formats the NUL that ends the string as the letter.
    const letter = Buffer.of(this.#letter ?? 0);
    return Buffer.concat([
      Buffer.from('rcvd:'),
      letter,
      Buffer.from(`${String(this.#length).padStart(8, '0')}\n`),
    ]);
  }
}
