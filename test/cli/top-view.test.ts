import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { histogram, sparkline } from '../../src/cli/top-chart.ts';
import { formatBytes, formatCount, formatDuration, formatShort, formatTime } from '../../src/cli/format.ts';
import { History, requestRate } from '../../src/cli/top-history.ts';
import { cut, lineOf, widthOf, type Look } from '../../src/cli/top-text.ts';
import { drawTop, lineOfTop, type TopServer } from '../../src/cli/top-view.ts';
import { BOUNDS } from '../../src/control/histogram.ts';
import type { Summary } from '../../src/control/summary.ts';
import { second, slow } from './top-summaries.ts';

const plain: Look = { columns: 80, rows: 24, colour: false, unicode: true };
const server: TopServer = {
  path: '/run/user/1000/indexer.sock',
  pid: 4_242,
  program: 'indexer',
  version: '1.4.2',
  startedAt: Date.UTC(2026, 10, 23, 8, 48, 0),
};

const many = (count: number, us: number) => Array.from({ length: count }, () => us);

function historyOf(...summaries: Summary[]): History {
  const history = new History();
  for (const summary of summaries) history.add(summary);
  return history;
}

const busy = () =>
  historyOf(
    second(many(500, 40)),
    second([...many(1_000, 45), ...many(50, 900), 2_500_000], {
      open: 13,
      connections: { listening: 3, 'reading-request': 2, dispatching: 6, 'streaming-response': 1 },
      running: 5,
      waiting: 7,
      abandoned: 1,
      bufferedBytes: 1_258_291,
      refused: 4,
      crashed: 2,
      ended: { ...second().ended, answered: 1_051, pinged: 9, 'handler-failed': 3, refused: 2 },
      slowest: [slow('c17', 2_500), slow('c9', 40, 'handler-failed'), slow('c12345678', 0.9)],
    }),
  );

test('what stands at 80 x 24', (t) => {
  const lines = drawTop(server, busy(), plain);
  t.is(lines.length, 24);
  const text = lines.join('\n');
  t.regex(lines[0] as string, /^simple-ipc top {2}\/run\/user\/1000\/indexer\.sock +accepting$/u);
  t.regex(
    lines[1] as string,
    /^indexer 1\.4\.2 · pid 4242 · up 3 h 12 min, since 2026-11-23 \d\d:48 · 64\.0 MiB$/u,
  );
  t.regex(text, /^requests +1,054\/s ▄█$/mu);
  t.regex(text, /^latency +p50 \d+ us +p90 \d+ us +p99 \d+ us +max 2\.50 s +last 1\.0 s$/mu);
  t.regex(text, /^open +listening 3 {2}reading 2 {2}dispatching 6 {2}streaming 1 {2}not known 1$/mu);
  t.regex(text, /^handlers +running 5 {2}waiting 7 {2}abandoned 1 {2}buffered 1\.2 MiB$/mu);
  t.regex(text, / last 2\.0 s ─.* q: quit /u);
  t.regex(text, /^ended +answered 1,551 {2}pinged 9 {2}handler-failed 3 {2}refused 2$/mu);
  t.regex(text, /^trouble +refused 4 {2}accept errors 0 {2}crashed 2 {2}dropped 0$/mu);
  // The most that is in one column of the histogram, and its axis.
  t.regex(text, /^ +1,000 .*█/mu);
  t.regex(text, /^ +10us +100us +1ms +10ms +100ms +1s +10s$/mu);
  t.regex(text, /^began +slowest ended +total +reading +waiting +dispatching +streaming$/mu);
  t.regex(text, /^\d\d:59:59 c17 +answered +2\.50 s +313 ms +1\.25 s +625 ms +313 ms$/mu);
  t.regex(text, /^\d\d:59:59 c9 +handler-failed +40\.0 ms/mu);
});

const FULL: [string, History][] = [
  ['nothing yet', historyOf()],
  ['nobody there', historyOf(second())],
  ['busy', busy()],
  [
    'an hour of large numbers',
    historyOf(
      ...Array.from({ length: 100 }, (_, n) =>
        second(many(10, 10 ** (1 + (n % 8))), {
          open: 1_000_000,
          bufferedBytes: 2 ** 38,
          waiting: 1_000_000,
          memory: { rss: 2 ** 42 },
          refused: 1_000_000,
          acceptErrors: 1_000_000,
          ended: Object.fromEntries(
            Object.keys(second().ended).map((key) => [key, 12_345_678]),
          ) as Summary['ended'],
          slowest: Array.from({ length: 5 }, (_each, m) =>
            slow(`c${n * 1_000_000 + m}`, n * 10_000, 'protocol-error'),
          ),
        }),
      ),
    ),
  ],
];

for (const [name, history] of FULL) {
  test(`nothing is wider or higher than the terminal: ${name}`, (t) => {
    const far = { ...server, path: `/tmp/${'日本語/'.repeat(40)}\u001B[31m.sock`, program: 'x'.repeat(200) };
    for (const one of [server, far]) {
      for (const [columns, rows] of [
        [80, 24],
        [120, 40],
        [200, 60],
        [40, 10],
        [20, 5],
        [79, 23],
        [1, 1],
      ] as const) {
        for (const colour of [false, true]) {
          for (const unicode of [false, true]) {
            const lines = drawTop(one, history, { columns, rows, colour, unicode });
            t.true(lines.length <= rows, `${lines.length} of ${rows} rows`);
            for (const line of lines) {
              const text = stripVTControlCharacters(line);
              t.true(widthOf(text) <= columns, `${columns} columns: ${text}`);
              // oxlint-disable-next-line no-control-regex -- these are what must not be there
              t.notRegex(text, /[\u0000-\u001F\u007F]/u);
              // oxlint-disable-next-line no-control-regex -- what is ASCII
              if (!unicode && one === server) t.regex(text, /^[\u0000-\u007F]*$/u);
              if (!colour) t.is(line, text);
            }
          }
        }
      }
    }
  });
}

test('more room shows more of the slowest, and a higher histogram', (t) => {
  const history = historyOf(
    ...Array.from({ length: 4 }, (_, n) =>
      second(many(10, 100), {
        slowest: Array.from({ length: 5 }, (_each, m) => slow(`c${n * 5 + m}`, n * 5 + m + 1)),
      }),
    ),
  );
  const count = (look: Look) => {
    const lines = drawTop(server, history, look);
    return {
      slowest: lines.filter((line) => /^\d\d:59:59/u.test(line)).length,
      chart:
        lines.findIndex((line) => /10us/u.test(line)) - lines.findIndex((line) => line.startsWith('trouble')),
    };
  };
  const small = count(plain);
  const large = count({ ...plain, columns: 120, rows: 50 });
  t.is(small.slowest, 5);
  t.is(small.chart, 6);
  t.is(large.slowest, 20);
  t.true(large.chart > small.chart);
});

test('colours, where there are any, change nothing but the colour', (t) => {
  const coloured = drawTop(server, busy(), { ...plain, colour: true });
  t.deepEqual(coloured.map(stripVTControlCharacters), drawTop(server, busy(), plain));
  t.true(
    coloured.some((line) => line.includes('\u001B[33mcrashed 2')),
    'trouble is seen',
  );
  t.true(coloured.some((line) => line.includes('\u001B[32maccepting')));
});

test('before the first figures, and after the server has stopped', (t) => {
  t.regex(drawTop(server, historyOf(), plain).join('\n'), /indexer 1\.4\.2 · pid 4242\n\nThe first figures/u);
  const over = historyOf(second([], { state: 'draining' }));
  t.regex(drawTop({ ...server, version: null }, over, plain).join('\n'), /draining\nindexer · pid/u);
});

test('without a slot to wait for, or without an answer, a phase is a dash', (t) => {
  const request = {
    ...slow('c1', 8, 'timed-out'),
    phases: [{ state: 'reading-request', ms: 8, waited: 0 }],
  } as const;
  const lines = drawTop(server, historyOf(second([8_000], { slowest: [request] })), plain);
  t.regex(lines.join('\n'), /c1 +timed-out +8\.00 ms +8\.00 ms +- +- +-$/mu);
});

test('the history: 60 intervals, added up', (t) => {
  const history = new History();
  for (let n = 1; n <= 100; n++) {
    history.add(
      second(many(n, n * 1_000), { intervalMs: 500, dropped: 1, slowest: [slow(`c${n}`, n)], crashed: 1 }),
    );
  }
  t.is(history.rates.length, 60);
  t.is(history.rates.at(-1), 200);
  const totals = history.totals();
  t.is(totals.ms, 30_000);
  t.is(totals.ended['answered'], (41 + 100) * 30);
  t.is(totals.dropped, 60);
  t.is(totals.crashed, 60);
  t.is(totals.latency.max, 100_000);
  t.is(
    totals.latency.counts.reduce((sum, count) => sum + count, 0),
    (41 + 100) * 30,
  );
  t.is(totals.slowest[0]?.connection, 'c100');
  t.is(totals.slowest.length, 40);
});

test('a ping, and who was turned away while stopping, are no requests', (t) => {
  const ended = { ...second().ended, answered: 10, pinged: 5, refused: 3, 'hung-up': 2 };
  t.is(requestRate(second([], { ended, intervalMs: 2_000 })), 6);
  t.is(requestRate(second([], { ended, intervalMs: 0 })), 0);
});

test('the line for a terminal that can not be drawn on', (t) => {
  const summary = second([100, 100], {
    open: 3,
    running: 1,
    waiting: 2,
    ended: { ...second().ended, answered: 2, 'timed-out': 1 },
  });
  t.regex(
    lineOfTop(summary),
    /^\d\d:00:00 accepting {2}3\/s {2}p50 \d+ us {2}p90 \d+ us {2}p99 100 us {2}max 100 us {2}open 3 {2}running 1 {2}waiting 2 {2}failed 1$/u,
  );
});

test('sparklines', (t) => {
  t.is(sparkline([0, 1, 4, 8], 10, true), ' ▁▄█');
  t.is(sparkline([0, 1, 4, 8], 10, false), ' .=@');
  t.is(sparkline([8, 0, 4, 8], 2, true), '▄█', 'the newest');
  t.is(sparkline([0, 0], 10, true), '  ');
  t.is(sparkline([], 10, true), '');
  t.is(sparkline([1], -5, true), '');
  t.is(sparkline([1_000_000, 1], 10, true), '█▁', 'what is there is seen');
});

test('the histogram: each bucket in its column, the axis below its bound', (t) => {
  for (const columns of [37, 72, 150]) {
    for (const [bucket, bound] of [...BOUNDS, 1e9].entries()) {
      const counts = Array.from({ length: BOUNDS.length + 1 }, (_, at) => (at === bucket ? 5 : 0));
      const drawn = histogram(counts, columns, 3, true);
      t.is(drawn?.max, 5);
      t.is(drawn?.rows.length, 3);
      const column = drawn?.rows[0]?.indexOf('█') as number;
      for (const row of drawn?.rows ?? []) {
        t.true(row.length <= columns);
        t.is(row.trim(), '█');
        t.is(row.indexOf('█'), column);
      }
      const label = { 100: '100us', 1_000: '1ms', 1_000_000: '1s' }[bound];
      const at = label === undefined ? -1 : ` ${drawn?.axis}`.indexOf(` ${label}`);
      if (at !== -1) t.is(at, column, label);
    }
  }
  t.is(histogram([], 8, 3, true), undefined);
  t.is(histogram([], 100, 0, true), undefined);
});

test('texts are cut where the terminal ends, also those of wide letters', (t) => {
  t.is(widthOf('abc'), 3);
  t.is(widthOf('日本'), 4);
  t.is(widthOf('e\u0301'), 1);
  t.is(widthOf('🎉x'), 3);
  t.is(cut('日本語', 5), '日本');
  t.is(cut('abc', 0), '');
  t.is(lineOf(['abc', ['red', 'defg']], { ...plain, columns: 6 }), 'abcde…');
  t.is(lineOf(['abc', ['red', 'defg']], { ...plain, columns: 6, unicode: false }), 'abc...');
  t.is(lineOf(['abc', ['red', 'def']], { ...plain, columns: 6 }), 'abcdef');
  t.is(lineOf(['ab', ['red', 'cdef']], { ...plain, columns: 5, colour: true }), 'ab\u001B[31mcd\u001B[39m…');
});

test('numbers for people', (t) => {
  t.deepEqual([null, 0, 45.4, 999.4, 1_250, 4_200_000].map(formatTime), [
    '-',
    '0 us',
    '45 us',
    '999 us',
    '1.25 ms',
    '4.20 s',
  ]);
  t.deepEqual([0, 512, 2_048, 64 * 2 ** 20, 2 ** 38, 2 ** 50].map(formatBytes), [
    '0 B',
    '512 B',
    '2.0 KiB',
    '64.0 MiB',
    '256 GiB',
    '1024 TiB',
  ]);
  t.deepEqual([-5, 999, 5_000, 725_000, 11_520_000, 356_400_000].map(formatDuration), [
    '0 s',
    '0 s',
    '5 s',
    '12 min 5 s',
    '3 h 12 min',
    '4 d 3 h',
  ]);
  t.is(formatCount(12_345.6), '12,346');
  t.deepEqual([999_999, 1_234_567, 12_345_678_901].map(formatShort), ['999,999', '1.23M', '12.3B']);
});
