/** What the bench is at, on stderr: one line that changes on a terminal, one for each scenario elsewhere. */
export interface Progress {
  /** The next part begins: the `number`th of `of`. */
  part(number: number, of: number, name: string): void;
  at(what: string): void;
  /** Something that is to stay. */
  note(text: string): void;
  /** Leaves the terminal clean. */
  done(): void;
}

const CLEAR_LINE = '\r\x1b[2K';

export function progressOn(stream: NodeJS.WriteStream): Progress {
  const isTerminal = stream.isTTY === true;
  let part = '';
  const show = (text: string) => stream.write(CLEAR_LINE + text.slice(0, (stream.columns ?? 80) - 1));
  return {
    part(number, of, name) {
      part = `[${number}/${of}] ${name}`;
      if (isTerminal) show(part);
      else stream.write(`${part}\n`);
    },
    at(what) {
      if (isTerminal) show(`${part}  ${what}`);
    },
    note(text) {
      stream.write(`${isTerminal ? CLEAR_LINE : ''}${text}\n`);
    },
    done() {
      if (isTerminal) stream.write(CLEAR_LINE);
    },
  };
}
