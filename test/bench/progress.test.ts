import test from 'ava';
import { progressOn } from '../../bench/progress.ts';

function written(isTTY: boolean, columns: number) {
  let text = '';
  const stream = { isTTY, columns, write: (more: string) => (text += more) } as unknown as NodeJS.WriteStream;
  return { progress: progressOn(stream), text: () => text };
}

test('a line for each part where nobody watches', (t) => {
  const { progress, text } = written(false, 80);
  progress.part(1, 2, 'ping-1');
  progress.at('git: round 1 of 5');
  progress.part(2, 2, 'ping-8');
  progress.done();
  t.is(text(), '[1/2] ping-1\n[2/2] ping-8\n');
});

test('one line that changes on a terminal, never longer than that, and gone at the end', (t) => {
  const { progress, text } = written(true, 30);
  progress.part(1, 2, 'ping-1');
  progress.at('a very long word about what is done');
  progress.done();
  const lines = text().split('\r\u001B[2K');
  t.deepEqual(lines, ['', '[1/2] ping-1', '[1/2] ping-1  a very long wor', '']);
});
