import test from 'ava';
import { boundedClassifier, type Classify } from '../../src/telemetry/classify.ts';

const fail = () => {
  throw new Error('no');
};
const HEAD = () => Buffer.from('ping');

for (const [what, classify] of [
  ['rejects', async () => Promise.reject(new Error('no such method'))],
  ['resolves', async () => 'ping'],
  ['is a thenable that throws', () => new Proxy({}, { get: () => fail })],
] as const) {
  test(`one that is asynchronous and ${what} is told of once, and ends no process`, async (t) => {
    const rejections: unknown[] = [];
    const listen = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', listen);
    t.teardown(() => process.off('unhandledRejection', listen));
    const problems: string[] = [];
    const methodOf = boundedClassifier(classify as unknown as Classify, (problem) => problems.push(problem));
    t.is(methodOf(HEAD), '_OTHER');
    t.is(methodOf(HEAD), '_OTHER');
    await new Promise((resolve) => setTimeout(resolve, 10));
    t.is(problems.length, 1);
    t.regex(problems[0] as string, /^classify must not be asynchronous/u);
    t.deepEqual(rejections, []);
  });
}

test('of a request that came to no handler it is asked only where something of it is there', (t) => {
  let asked = 0;
  const methodOf = boundedClassifier(
    (head) => {
      asked += 1;
      return Buffer.from(head).toString();
    },
    () => t.fail(),
  );
  t.is(
    methodOf(() => new Uint8Array(), false),
    '_OTHER',
  );
  t.is(asked, 0);
  t.is(methodOf(HEAD, false), 'ping');
  t.is(
    boundedClassifier(undefined, () => t.fail())(() => new Uint8Array(), false),
    undefined,
  );
});
