// Says what it was handed in, as JSON. argv[2]: the path that it serves, if it is told one.
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { inheritedSocket } from '../../src/system/listen-fds.ts';

const CHILD_SEES = `
  const names = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
  const open = fs.readdirSync('/proc/self/fd').map((fd) => {
    try { return fs.readlinkSync('/proc/self/fd/' + fd) } catch { return '' }
  });
  console.log(JSON.stringify({ names, open }));
`;

function take(): object {
  try {
    return { socket: inheritedSocket(process.argv[2]) ?? null };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    return { code, message };
  }
}

const taken = take();
const { names, open } = JSON.parse(
  execFileSync(process.execPath, ['-e', CHILD_SEES], { encoding: 'utf8' }),
) as {
  names: string[];
  open: string[];
};
const child = { names, isOpen: open.includes(readlinkSync('/proc/self/fd/3')) };
console.log(JSON.stringify({ ...taken, child }));
