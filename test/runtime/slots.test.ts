import test from 'ava';
import * as fc from 'fast-check';
import { Slots, type SlotTaker } from '../../src/runtime/slots.ts';

class Taker implements SlotTaker {
  wantsSlot = true;
  readonly #granted: () => void;

  constructor(granted: () => void) {
    this.#granted = granted;
  }

  slotGranted(): void {
    this.#granted();
  }
}

test('slots are granted in the order in which they were asked for, never more than there are', (t) => {
  const steps = fc.array(fc.oneof(fc.constant('ask'), fc.constant('release'), fc.constant('leave')), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (limit, script) => {
      const slots = new Slots(limit);
      const granted: number[] = [];
      const waiting: { taker: Taker; number: number }[] = [];
      const expected: number[] = [];
      let asked = 0;
      let taken = 0;
      for (const step of script) {
        if (step === 'ask') {
          const number = ++asked;
          const taker = new Taker(() => granted.push(number));
          const atOnce = slots.acquire(taker);
          t.is(atOnce, taken < limit);
          if (atOnce) {
            expected.push(number);
            taken++;
          } else {
            waiting.push({ taker, number });
          }
        } else if (step === 'release' && taken > 0) {
          const next = waiting.shift();
          if (next === undefined) taken--;
          else expected.push(next.number);
          slots.release();
        } else if (step === 'leave') {
          const [gone] = waiting.splice(Math.floor(waiting.length / 2), 1);
          if (gone !== undefined) {
            gone.taker.wantsSlot = false;
            slots.forget();
          }
        }
        t.deepEqual(granted, expected);
        t.is(slots.taken, taken);
        t.is(slots.waiting, waiting.length);
      }
    }),
    { numRuns: 200 },
  );
});

test('what is granted may be released at once, without a call stack as deep as the queue', (t) => {
  const slots = new Slots(1);
  let granted = 0;
  let deepest = 0;
  let depth = 0;
  slots.acquire(new Taker(() => {}));
  for (let n = 0; n < 20_000; n++) {
    slots.acquire(
      new Taker(() => {
        granted++;
        deepest = Math.max(deepest, ++depth);
        slots.release();
        depth--;
      }),
    );
  }
  slots.release();
  t.is(granted, 20_000);
  t.is(deepest, 1);
  t.is(slots.taken, 0);
});

test('without a limit nobody waits', (t) => {
  const slots = new Slots(Number.POSITIVE_INFINITY);
  for (let n = 0; n < 1000; n++) t.true(slots.acquire(new Taker(() => {})));
  t.is(slots.taken, 1000);
});

test('those who leave while they wait are let go of, though no slot is released', (t) => {
  const slots = new Slots(1);
  slots.acquire(new Taker(() => {}));
  for (let n = 0; n < 10_000; n++) {
    const taker = new Taker(() => t.fail());
    slots.acquire(taker);
    taker.wantsSlot = false;
    slots.forget();
  }
  t.is(slots.waiting, 0);
  t.true(slots.queued < 200, `${slots.queued} are still held`);
  let last = 0;
  slots.acquire(new Taker(() => last++));
  slots.release();
  t.is(last, 1);
});
