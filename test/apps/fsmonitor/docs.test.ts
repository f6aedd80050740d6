/** docs/fsmonitor.md says what each reason of a trivial answer means. */
import { readFileSync } from 'node:fs';
import test from 'ava';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** The words of a union of words, in the source. */
function words(source: string, type: string): string[] {
  const [, union = ''] = new RegExp(`export type ${type} =(.*?);\\n`, 'su').exec(source) ?? [];
  return [...union.matchAll(/'([a-z-]+)'/gu)].map(([, word = '']) => word);
}

test('each reason is in the table, and none that there is not', (t) => {
  const answer = read('src/apps/fsmonitor/answer.ts');
  const reasons = [
    ...words(answer, 'TrivialReason'),
    ...words(answer, 'Doubt'),
    ...words(read('src/apps/fsmonitor/watcher.ts'), 'Loss'),
  ];
  t.true(reasons.length >= 14);
  const [, table = ''] = /\n\| Reason \|[^\n]*\n\|[-|]+\n(.*?)\n\n/su.exec(read('docs/fsmonitor.md')) ?? [];
  const documented = [...table.matchAll(/^\| `([a-z-]+)` \|/gmu)].map(([, word = '']) => word);
  t.deepEqual(documented.toSorted(), reasons.toSorted());
});
