/** What a server writes down of itself, and how long ago that was. */
import test from 'ava';
import { ageOf, statusOf } from '../../../src/runtime/rendezvous/status.ts';

const FACTS = {
  path: '/x.sock',
  boundAs: '/x.sock',
  program: 'tested',
  version: null,
  control: null,
  pathCheckInterval: 0,
  log: null,
};

test('its age is right although the clock is set back', (t) => {
  const { now } = Date;
  const status = statusOf(FACTS, undefined);
  Date.now = () => 0;
  try {
    const age = ageOf(status);
    t.true(age >= 0 && age < 10_000, `${age}`);
  } finally {
    Date.now = now;
  }
});
