import { stripVTControlCharacters } from 'node:util';
import { hasColours, isUtf8 } from './messages.ts';
import { widthOf, type Look } from './top-text.ts';

/** The other screen, where nothing scrolls, without the cursor; and back, with what stood there before. */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
const CLEAR_REST_OF_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
const CLEAR_ALL = '\u001B[2J';

/** What Ctrl-C and Ctrl-Z send where the terminal does not make signals of them. */
const CTRL_C = '\u0003';
const CTRL_Z = '\u001A';

/** More than this waiting for the terminal, in bytes, and it is not drawn on again before that is gone. */
const STALLED = 65_536;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A terminal that is drawn on. */
export interface Screen {
  redraw(): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/**
 * Takes the terminal, and draws on it when it is told to and when the terminal's size changes. `quit` is called when the
 * user has had enough, with the signal where it was one; and when the terminal is gone.
 */
export function openScreen(
  draw: (look: Look) => readonly string[],
  quit: (signal?: NodeJS.Signals) => void,
): Screen {
  const { stdin, stdout } = process;
  const isRaw = stdin.isTTY === true;
  let isTaken = false;

  const take = () => {
    if (isTaken) return;
    isTaken = true;
    if (isRaw) stdin.setRawMode(true);
    stdout.write(ENTER);
  };
  const giveBack = () => {
    if (!isTaken) return;
    isTaken = false;
    stdout.write(LEAVE);
    if (isRaw) stdin.setRawMode(false);
  };
  const redraw = () => {
    if (!isTaken || stdout.writableLength >= STALLED) return;
    const look = lookOf(stdout);
    stdout.write(frame(draw(look), look));
  };
  const resume = () => {
    take();
    redraw();
  };
  const onResize = () => {
    // Terminals differ in what they make of what stood there.
    if (isTaken) stdout.write(CLEAR_ALL);
    redraw();
  };
  /** As the terminal would have done: everything of this job stops, until it is continued. */
  const sleep = () => {
    if (process.platform === 'win32') return;
    giveBack();
    process.once('SIGCONT', resume);
    process.kill(0, 'SIGTSTP');
  };
  const onKeys = (keys: Buffer) => {
    const text = keys.toString('latin1');
    if (/[qQ]/u.test(text) || text.includes(CTRL_C)) quit();
    else if (text.includes(CTRL_Z)) sleep();
  };
  const onSignal = (signal: NodeJS.Signals) => quit(signal);
  const onLost = () => quit();

  for (const signal of SIGNALS) process.on(signal, onSignal);
  // Whatever ends the process, the terminal is not left without its cursor.
  process.on('exit', giveBack);
  stdout.on('resize', onResize).on('error', onLost);
  if (isRaw) stdin.on('data', onKeys).on('error', onLost);
  take();

  return {
    redraw,
    close() {
      giveBack();
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('exit', giveBack).off('SIGCONT', resume);
      stdout.off('resize', onResize);
      if (isRaw) stdin.off('data', onKeys).pause();
    },
  };
}

/** What draws these lines in the place of what stands there. */
function frame(lines: readonly string[], { columns, rows }: Look): string {
  const drawn = lines.map((line, row) => {
    const width = widthOf(stripVTControlCharacters(line));
    // Behind a line that fills its row, the cursor still stands on its last character.
    return `\u001B[${row + 1};1H${line}${width < columns ? CLEAR_REST_OF_LINE : ''}`;
  });
  return drawn.join('') + (lines.length < rows ? `\u001B[${lines.length + 1};1H${CLEAR_BELOW}` : '');
}

function lookOf(stdout: NodeJS.WriteStream): Look {
  return {
    // A terminal that does not know its size says zero.
    columns: stdout.columns || 80,
    rows: stdout.rows || 24,
    colour: hasColours(stdout),
    unicode: showsUnicode(process.env),
  };
}

/** Whether a terminal shows block elements: by the locale, as everywhere. Linux's own console has no font for them. */
export function showsUnicode(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return env['WT_SESSION'] !== undefined || env['TERM_PROGRAM'] !== undefined;
  return isUtf8(env) && env['TERM'] !== 'linux';
}
