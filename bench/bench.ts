/** The bench's command: `npm run bench -- --help`. */
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compareReports } from './compare.ts';
import { GROWTH_COUNT, measureGrowth } from './growth.ts';
import { readReport, writeReport } from './json.ts';
import { thisCommit, thisMachine } from './machine.ts';
import { type Options, parseOptions, RESULTS } from './options.ts';
import { renderPage } from './page/page.ts';
import { type Pipeline, runScenario } from './pipeline.ts';
import { printComparison } from './print/comparison.ts';
import { withReport } from './print/markdown.ts';
import { printReport } from './print/report.ts';
import type { Terminal } from './print/terminal.ts';
import { progressOn } from './progress.ts';
import { compileGenerator } from './run/compile.ts';
import { generate } from './run/generate.ts';
import { findJaeger, type JaegerProcess, startJaeger } from './run/jaeger.ts';
import { slowest } from './run/slowest.ts';
import { startServer } from './run/start-server.ts';
import { chosenScenarios } from './choose.ts';
import { whatDoesNotAddUp } from './sanity.ts';
import { targetsOf } from './targets.ts';
import { type Report, Unavailable } from './types.ts';

const options = parseOptions(process.argv);
const progress = progressOn(process.stderr);
// Before anything is measured: what is wrong is said at once.
const old = orSay(() =>
  options.compare === undefined
    ? undefined
    : readReport(readFileSync(options.compare, 'utf8'), options.compare),
);
const asked = orSay(() => chosenScenarios(options));
if (options.list) {
  for (const { name, title, servers } of asked) console.log(`${name}\t${title}\t${servers.join('; ')}`);
  process.exit();
}

orSay(() => {
  mkdirSync(RESULTS, { recursive: true });
  for (const file of [options.page, options.json]) accessSync(dirname(file), constants.W_OK);
});

const interrupted = new AbortController();
process.on('SIGINT', () => interrupted.abort());
process.on('SIGTERM', () => interrupted.abort());

try {
  const report = await measure();
  progress.done();
  show(report);
} catch (error) {
  progress.done();
  if (!interrupted.signal.aborted) throw error;
  console.error('Interrupted: nothing is reported.');
  process.exitCode = 130;
}

function orSay<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    process.exit(2);
  }
}

async function measure(): Promise<Report> {
  const canCompile = await hasCompiler();
  const scenarios = canCompile
    ? asked
    : asked.map((scenario) => ({ ...scenario, generator: 'node' as const }));
  const collector = await collectorFor(options);
  try {
    const pipeline: Pipeline = {
      repeats: options.repeats,
      settle: options.settle,
      otlp: collector?.otlp,
      trace: options.trace,
      startServer,
      generate,
      progress,
      slowest: async (service) => (collector === undefined ? [] : slowest(collector.query, service)),
      signal: interrupted.signal,
    };
    const parts = scenarios.length + (options.growth ? GROWTH_COUNT : 0);
    let part = 0;
    const results = [];
    for (const scenario of scenarios) {
      progress.part(++part, parts, scenario.name);
      results.push(await runScenario(scenario, pipeline));
    }
    const growth = options.growth
      ? await measureGrowth(
          pipeline,
          { isQuick: options.quick, generator: options.generator ?? (canCompile ? 'c' : 'node') },
          (name) => progress.part(++part, parts, name),
        )
      : [];
    const machine = thisMachine();
    return {
      version: 1,
      date: new Date().toISOString(),
      command: ['npm run bench', ...(options.given.length === 0 ? [] : ['--', ...options.given])].join(' '),
      machine,
      commit: thisCommit(),
      scenarios: results,
      growth,
      targets: options.quick ? [] : targetsOf(results, machine.cores),
      // A Jaeger of our own ends with the bench, and its traces with it.
      jaeger: options.jaeger,
    };
  } finally {
    await collector?.close();
  }
}

async function hasCompiler(): Promise<boolean> {
  try {
    await compileGenerator();
    return true;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.error(
      `${error.message}\nThe load comes from Node.js alone, which is busier than most servers: see the notes.`,
    );
    return false;
  }
}

/** The Jaeger that was named, or one of our own; undefined where there is none, and what needs it is skipped. */
async function collectorFor({ otlp, jaeger }: Options): Promise<Omit<JaegerProcess, 'pid'> | undefined> {
  if (otlp !== undefined && jaeger !== undefined) return { otlp, query: jaeger, close: async () => {} };
  try {
    return await startJaeger(findJaeger());
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}

function show(report: Report): void {
  const terminal: Terminal = {
    width: process.stdout.columns ?? 120,
    colour: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  };
  console.log(printReport(report, terminal));
  if (old !== undefined) console.log(printComparison(compareReports(old, report), terminal));

  writeFileSync(options.json, writeReport(report));
  console.error(`The figures: ${options.json}`);
  writeFileSync(options.page, renderPage(report));
  console.error(`The page: ${pathToFileURL(options.page).href}`);
  if (options.updateDocs) {
    for (const name of ['performance.md', 'fsmonitor.md']) {
      const docs = join(import.meta.dirname, '..', 'docs', name);
      writeFileSync(docs, withReport(readFileSync(docs, 'utf8'), report));
      console.error(`Written anew: ${docs}`);
    }
  }

  const wrong = whatDoesNotAddUp(report.scenarios, {
    strict: options.quick,
    complete: process.env['SIMPLE_IPC_PEERS'] === 'required',
  });
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
