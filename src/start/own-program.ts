import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Options of Node.js whose value is a module, or a file, that is looked for from the working directory. */
const MODULE = /^(?:--import|--loader|--experimental-loader)$/u;
const REQUIRED = /^(?:--require|-r)$/u;
const FILE = /^--env-file(?:-if-exists)?$/u;

/** The command of this very program in any other directory: Node.js, its options, and what it runs. */
export function ownProgram(): [string, ...string[]] {
  return [process.execPath, ...fromAnywhere(process.execArgv), process.argv[1] as string];
}

/** Options of Node.js with their relative files made absolute. The name of a package stays: it is found as it was, or not. */
export function fromAnywhere(options: readonly string[]): string[] {
  return options.map((word, index) => {
    const [option, value] = /^(--[\w-]+)=(.*)$/su.exec(word)?.slice(1) ?? [];
    if (option !== undefined && value !== undefined) return `${option}=${absolute(option, value)}`;
    return absolute(options[index - 1] ?? '', word);
  });
}

function absolute(option: string, value: string): string {
  if (FILE.test(option)) return resolve(value);
  if (!/^\.\.?(?:[\\/]|$)/u.test(value)) return value;
  if (REQUIRED.test(option)) return resolve(value);
  return MODULE.test(option) ? pathToFileURL(resolve(value)).href : value;
}
