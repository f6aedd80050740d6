import test from 'ava';
import { thrownBehind } from '../../src/telemetry/thrown.ts';

/** An error as a handler's request has it. */
const behind = (cause: unknown) => thrownBehind(new Error('of the request', { cause }));
const no = (): never => {
  throw new Error('no');
};

test('its name, message, stack and code, as they are', (t) => {
  const error = Object.assign(new RangeError('too far'), { code: 'ERR_FAR' });
  t.deepEqual(behind(error), {
    name: 'RangeError',
    message: 'too far',
    stack: error.stack as string,
    code: 'ERR_FAR',
  });
});

test('nothing where no error is behind', (t) => {
  t.is(thrownBehind(new Error('alone')), undefined);
  t.is(behind('a text'), undefined);
  t.is(thrownBehind('a text'), undefined);
  t.is(behind(new Proxy(new Error('x'), { getPrototypeOf: no })), undefined);
});

test('texts alone, and those that can be had', (t) => {
  const numbered = Object.assign(new Error('numbered'), { code: 23, name: 'TimeoutError' });
  t.like(behind(numbered), { name: 'TimeoutError', message: 'numbered', code: undefined });
  for (const property of ['name', 'message', 'stack', 'code'] as const) {
    const thrower = Object.defineProperty(new Error('kept'), property, { get: no });
    const expected = { name: 'Error', message: property === 'message' ? '' : 'kept', code: undefined };
    t.like(behind(thrower), expected, property);
    const odd = Object.defineProperty(new Error('kept'), property, { value: Symbol('odd') });
    t.like(behind(odd), expected, property);
  }
  t.is(behind(Object.assign(new Error('x'), { stack: null }))?.stack, undefined);
});

test('no longer than is bearable', (t) => {
  const error = new Error('m'.repeat(1e6));
  error.name = 'n'.repeat(1e6);
  const thrown = behind(Object.assign(error, { code: 'c'.repeat(1e6) }));
  t.deepEqual(
    Object.values(thrown ?? {}).map((text: string) => text.length),
    [1_024, 1_024, 8_192, 1_024],
  );
});
