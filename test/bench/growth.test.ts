import test from 'ava';
import { exponentOf } from '../../bench/growth.ts';

const points = (values: readonly number[]) => values.map((value, index) => ({ at: 10 ** index, value }));

test('linear growth has the exponent 1, quadratic 2, none 0', (t) => {
  const near = (values: readonly number[], exponent: number) =>
    t.true(Math.abs(exponentOf(points(values)) - exponent) < 1e-9, values.join());
  near([5, 50, 500], 1);
  near([5, 500, 50_000], 2);
  near([5, 5, 5], 0);
});

test('only the last three points count: what is fixed hides the growth before', (t) => {
  t.true(Math.abs(exponentOf(points([100, 100, 100, 1_000, 10_000])) - 1) < 1e-9);
});
