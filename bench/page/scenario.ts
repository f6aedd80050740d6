/** One scenario: its pictures, its figures, and what has to be known besides. */
import { FIGURES, figureOf } from '../figures.ts';
import {
  formatNumber,
  formatRatio,
  formatShare,
  formatSpread,
  formatTime,
  sentence,
} from '../print/format.ts';
import { describeLoad } from '../print/load.ts';
import { isSaturated, notesOf } from '../print/notes.ts';
import type { FigureName, Report, ScenarioResult, ServerResult } from '../types.ts';
import { bars } from './bars.ts';
import { html, withCode, type Html } from './html.ts';
import { latencies } from './latencies.ts';

export function scenarioSection(measured: ScenarioResult, jaeger: Report['jaeger']): Html {
  const { scenario, results } = measured;
  const pictures = [bars(measured), latencies(measured)].filter((picture) => picture !== undefined);
  const notes = notesOf(measured);
  return html`<section id="${idOf(measured)}">
    <h2>${scenario.name}</h2>
    <p class="lead">${withCode(sentence(scenario.title))}</p>
    <p class="load">${describeLoad(measured)}</p>
    <figure class="scenario">
      <div class="panels">${pictures}</div>
      <figcaption class="unseen">${scenario.name}: ${scenario.title}</figcaption>
    </figure>
    ${results.length === 0 ? undefined : figuresTable(measured)}
    ${
      notes.length === 0
        ? undefined
        : html`<ul class="notes">
            ${notes.map(({ kind, text }) => html`<li class="${kind}">${withCode(text)}</li>`)}
          </ul>`
    }
    ${slowest(results, jaeger)}
  </section> `;
}

export function idOf({ scenario }: ScenarioResult): string {
  return `scenario-${scenario.name.replace(/[^\w-]/g, '-')}`;
}

function figuresTable({ scenario, results }: ScenarioResult): Html {
  const hasGenerator = scenario.kind === 'load';
  const rows = results.map(
    (result) =>
      html` <tr class="${rowClass(result)}">
        <th scope="row">${result.server}</th>
        ${scenario.figures.map((name) => figureCell(result, name))}${hasGenerator ? busyCell(result) : undefined}
      </tr>`,
  );
  return html`<div class="scrolls" role="region" aria-label="Figures of ${scenario.name}" tabindex="0">
    <table class="figures">
      <thead>
        <tr>
          <th scope="col">Server</th>
          ${scenario.figures.map((name) => html`<th scope="col">${FIGURES[name].heading}</th>`)}${hasGenerator ? html`<th scope="col">generator busy</th>` : undefined}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function busyCell(result: ServerResult): Html {
  const share = formatShare(result.generatorBusy);
  return isSaturated(result) ? html`<td><b class="warn">${share} !</b></td>` : html`<td>${share}</td>`;
}

function rowClass({ server }: ServerResult): string {
  return server === 'simple-ipc' ? 'ours' : '';
}

function figureCell(result: ServerResult, name: FigureName): Html {
  const figure = figureOf(result, name);
  if (figure === undefined) return html`<td>–</td>`;
  const ratio = figure.ratio === undefined ? '' : formatRatio(figure.ratio);
  return html`<td>
    ${formatNumber(figure.median)} <small>${formatSpread(figure)}</small> <span class="ratio">${ratio}</span>
  </td>`;
}

/** Links to the traces of the slowest requests, where Jaeger has them. */
function slowest(results: readonly ServerResult[], jaeger: Report['jaeger']): Html | undefined {
  const traced = results.filter((result) => result.slowest.length > 0);
  if (jaeger === undefined || !/^https?:\/\//.test(jaeger) || traced.length === 0) return undefined;
  const base = jaeger.replace(/\/+$/, '');
  return html`<p class="slowest">
    The slowest traced requests, in Jaeger while it runs:
    ${traced.map(
      (result) =>
        html`${result.server}
        ${result.slowest.map(({ traceId, duration }) => html`<a href="${base}/trace/${encodeURIComponent(traceId)}">${formatTime(duration)}</a> `)}`,
    )}
  </p>`;
}
