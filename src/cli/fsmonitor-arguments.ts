import { integer } from '../apps/fsmonitor/values.ts';

/** Wrong usage, or a wish for help, in git's form. */
export class FsmonitorUsage extends Error {
  /** git's for this. */
  readonly exitCode = 129;
  /** Where it is to be said: help that was asked for goes to stdout. */
  readonly stream: 'stdout' | 'stderr';
  /** Whole lines. */
  readonly said: string;

  constructor(said: string, stream: 'stdout' | 'stderr' = 'stderr') {
    super(said.trimEnd());
    this.said = said;
    this.stream = stream;
  }
}

/** What stands behind `fsmonitor`. */
export interface FsmonitorWords {
  readonly subcommand: string;
  readonly ipcThreads: number | undefined;
  /** In seconds; below 0: without end. */
  readonly startTimeout: number | undefined;
  readonly detach: boolean;
  /** The options that git's daemon has not, as they were typed. */
  readonly own: readonly string[];
}

/** The options of serve that run and start have as well; those that take a value. */
const OWN_WITH_VALUE: ReadonlySet<string> = new Set([
  '--sample',
  '--keep-slower-than',
  '--service-name',
  '--events',
]);

const OPTIONS = ['detach', 'ipc-threads', 'start-timeout'] as const;
type Option = (typeof OPTIONS)[number];

const USAGE = `usage: simple-ipc fsmonitor start [<options>]
   or: simple-ipc fsmonitor run [<options>]
   or: simple-ipc fsmonitor stop
   or: simple-ipc fsmonitor status
   or: simple-ipc fsmonitor install [--global] [--undo] [--hook]

    --[no-]detach         detach from console
    --[no-]ipc-threads <n>
                          use <n> ipc worker threads
    --[no-]start-timeout <n>
                          max seconds to wait for background daemon startup

start and run take as well, as simple-ipc serve does:
    --trace[=<url>]       export a trace of each request to a collector
    --sample <ratio>      how many of the traces, from 0 to 1
    --keep-slower-than <ms>
                          export a trace that takes longer, whatever --sample says
    --service-name <name> what traces are found by
    --events <file>       add every transition to a file as a line of JSON

install has git ask this daemon, and says more with --help:
    --global              in all repositories of this user
    --undo                put everything back as it was
    --hook                by a hook, also where git has a client of its own

`;

/**
 * Reads what stands behind `fsmonitor` as git reads it behind `fsmonitor--daemon`: options anywhere, shortened where that is
 * clear, with `--no-` before them.
 *
 * @throws {FsmonitorUsage} In git's words.
 */
export function parseFsmonitor(words: readonly string[]): FsmonitorWords {
  const subcommands: string[] = [];
  const own: string[] = [];
  const values: { detach: boolean; 'ipc-threads'?: number; 'start-timeout'?: number } = { detach: false };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      subcommands.push(...rest.splice(0));
    } else if (isOwn(word)) {
      own.push(word, ...valueOfOwn(word, rest));
    } else if (word === '-h' || word === '--help' || word === '--help-all') {
      throw new FsmonitorUsage(USAGE, 'stdout');
    } else if (word.startsWith('--')) {
      const [name, value] = split(word);
      const { option, isOff } = optionOf(name);
      if (option === 'detach') {
        if (value !== undefined) throw wrong(`option \`${isOff ? 'no-' : ''}detach' takes no value`);
        values.detach = !isOff;
      } else if (isOff) {
        if (value !== undefined) throw wrong(`option \`no-${option}' takes no value`);
        values[option] = 0;
      } else {
        values[option] = numberFor(option, value ?? rest.shift());
      }
    } else if (word.startsWith('-') && word !== '-') {
      throw new FsmonitorUsage(`error: unknown switch \`${word[1]}'\n${USAGE}`);
    } else {
      subcommands.push(word);
    }
  }
  const [subcommand, ...more] = subcommands;
  if (subcommand === undefined || more.length > 0) throw new FsmonitorUsage(USAGE);
  return {
    subcommand,
    ipcThreads: values['ipc-threads'],
    startTimeout: values['start-timeout'],
    detach: values.detach,
    own,
  };
}

function isOwn(word: string): boolean {
  const [name] = split(word);
  return name === 'trace' || OWN_WITH_VALUE.has(`--${name}`);
}

function valueOfOwn(word: string, rest: string[]): string[] {
  if (word.includes('=')) return [];
  if (word === '--trace') return /^https?:/u.test(rest[0] ?? '') ? rest.splice(0, 1) : [];
  return rest.splice(0, 1);
}

function split(word: string): [name: string, value: string | undefined] {
  const end = word.indexOf('=');
  return end === -1 ? [word.slice(2), undefined] : [word.slice(2, end), word.slice(end + 1)];
}

function optionOf(name: string): { option: Option; isOff: boolean } {
  const all = OPTIONS.flatMap((option) => [
    { option, isOff: false, text: option as string },
    { option, isOff: true, text: `no-${option}` },
  ]);
  const exact = all.find(({ text }) => text === name);
  if (exact !== undefined) return exact;
  const [first, ...others] = all.filter(({ text }) => text.startsWith(name));
  if (first === undefined) throw new FsmonitorUsage(`error: unknown option \`${name}'\n${USAGE}`);
  const last = others.at(-1);
  if (last === undefined) return first;
  throw new FsmonitorUsage(
    `error: ambiguous option: ${name} (could be --${others.at(-2)?.text ?? first.text} or --${last.text})\n${USAGE}`,
  );
}

function numberFor(option: Exclude<Option, 'detach'>, value: string | undefined): number {
  if (value === undefined) throw wrong(`option \`${option}' requires a value`);
  if (value === '') throw wrong(`option \`${option}' expects a numerical value`);
  const number = integer(value);
  if (number === 'invalid unit')
    throw wrong(`option \`${option}' expects an integer value with an optional k/m/g suffix`);
  if (number === 'out of range')
    throw wrong(`value ${value} for option \`${option}' not in range [-2147483648,2147483647]`);
  return number;
}

function wrong(message: string): FsmonitorUsage {
  return new FsmonitorUsage(`error: ${message}\n`);
}
