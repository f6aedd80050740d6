import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { serve } from '../../index.ts';
import { shellWord, shellWords } from './shell.ts';
import { TRIED } from './tried.ts';

/** What a hook sends a request with, and takes the answer by: a command that has the first on stdin, and the second on stdout. */
export interface Transport {
  readonly name: string;
  /** In the directory of the socket, whose name is in `$name`. */
  readonly command: string;
}

/** How long it waits for an answer, in seconds: the daemon itself waits 1 s at most for what has happened to be told. */
const PATIENCE = 10;

const PERL = [
  'use strict; use Socket;',
  `alarm ${PATIENCE};`,
  'my $s; socket($s, PF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un($ARGV[0])) or exit 1;',
  'my $request = <STDIN>; syswrite($s, $request) == length $request or exit 1;',
  'my $answer = ""; while (my $n = sysread($s, $answer, 65536, length $answer)) {}',
  'exit 1 if $answer eq ""; print $answer;',
].join(' ');

/** From the fastest to the one that most machines have. Which of them work here is tried: there are many programs called nc. */
const TRANSPORTS: readonly Transport[] = [
  { name: 'nc', command: `nc -w ${PATIENCE} -U "$name"` },
  { name: 'socat', command: `socat -t ${PATIENCE} -T ${PATIENCE} STDIO "UNIX-CONNECT:$name"` },
  { name: 'ncat', command: `ncat -w ${PATIENCE} -U "$name"` },
  { name: 'perl', command: `perl -e ${shellWord(PERL)} "$name"` },
];

/** What a hook is written for. */
export interface HookOptions {
  readonly transport: Transport;
  /** This program, from anywhere. */
  readonly command: readonly string[];
  /** A worktree whose socket is not in git's directory, and that socket. */
  readonly elsewhere?: { readonly worktree: string; readonly socket: string } | undefined;
}

/**
 * A hook for a git that has no client of its own for a daemon: git runs it with the version, 2, and its token, in the top of
 * the worktree, and reads the answer from its stdout. Where it fails, git looks at every file. See "fsmonitor-watchman" in
 * githooks(5). It starts no git, for that takes as long as all the rest.
 */
export function hookScript({ transport, command, elsewhere }: HookOptions): string {
  const special =
    elsewhere === undefined
      ? ''
      : `case $top in ${shellWord(elsewhere.worktree)}) dir=${shellWord(dirname(elsewhere.socket))} name=${shellWord(basename(elsewhere.socket))} ;; esac\n`;
  return `#!/bin/sh
# Asks the daemon of simple-ipc what has changed in a worktree. Written by: simple-ipc fsmonitor install
# It talks to it by ${transport.name}. Where no daemon listens, it starts one for the next time, and fails: then git looks for itself.
if [ "$1" != 2 ]; then
  echo "simple-ipc: this hook is of version 2, and git has asked for '$1': git config core.fsmonitorHookVersion 2" >&2
  exit 1
fi
unset CDPATH
top=$PWD name=fsmonitor--daemon.ipc
if [ -n "$GIT_DIR" ]; then
  dir=$GIT_DIR
elif [ -d .git ]; then
  dir=.git
else
  IFS= read -r dir <.git
  dir=\${dir#gitdir: }
fi
tried=$dir/${TRIED}
${special}if [ -S "$dir/$name" ] && cd "$dir"; then
  printf 'hook 2 %s\\n' "$2" | ${transport.command} 2>/dev/null && exit 0
  cd "$top"
fi
# Once a minute at most: it may be that none can start here.
if [ -z "$(find "$tried" -mmin -1 2>/dev/null)" ]; then
  mkdir -p "\${tried%/*}" && : >"$tried"
  ${shellWords(command)} fsmonitor start </dev/null >/dev/null 2>&1 &
fi
exit 1
`;
}

/** The first way that works on this machine, tried on a socket; nothing where none does. */
export async function findTransport(env: NodeJS.ProcessEnv = process.env): Promise<Transport | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-hook-'));
  try {
    mkdirSync(join(directory, '.git'));
    // Bytes that a program of text would spoil, and more than it may hold at once.
    const answer = Buffer.concat([Buffer.from('token\0a\nb\0\xff\0', 'latin1'), Buffer.alloc(30_000, 'x\0')]);
    await using server = await serve(
      join(directory, '.git', 'fsmonitor--daemon.ipc'),
      async (request) => ((await request.text()) === 'hook 2 a token' ? answer : 'wrong'),
      { unframed: true },
    );
    for (const transport of TRANSPORTS) {
      const script = join(directory, 'hook');
      writeHook(script, { transport, command: ['false'] });
      if (answer.equals(await answerOf(script, directory, env))) return transport;
    }
    await server.close();
    return undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function writeHook(file: string, options: HookOptions): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, hookScript(options));
  chmodSync(file, 0o755);
}

async function answerOf(
  script: string,
  cwd: string,
  { GIT_DIR: _dir, ...env }: NodeJS.ProcessEnv,
): Promise<Buffer> {
  const child = spawn('/bin/sh', [script, '2', 'a token'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PATIENCE * 1_000,
  });
  child.on('error', () => undefined);
  return buffer(child.stdout);
}
