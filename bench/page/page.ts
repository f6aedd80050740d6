/** The report as one HTML file, which needs nothing else: no script, no font, no picture from elsewhere. */
import { readFileSync } from 'node:fs';
import { standingOf, summaryOf } from '../print/targets.ts';
import type { Report, Target } from '../types.ts';
import { growthFigure } from './growth.ts';
import { asText, html, unescaped, withCode, type Html } from './html.ts';
import { method } from './method.ts';
import { overview } from './overview.ts';
import { idOf, scenarioSection } from './scenario.ts';

const STYLE = readFileSync(new URL('style.css', import.meta.url), 'utf8');

export function renderPage(report: Report): string {
  const { scenarios, growth, targets, machine, commit, date } = report;
  return asText(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>simple-ipc, measured</title>
          <style>
            ${unescaped(STYLE)}
          </style>
        </head>
        <body>
          <header>
            <h1>simple-ipc, measured</h1>
            <p class="lead">
              <time datetime="${date}">${dayOf(date)}</time> on ${machine.cpu}, ${machine.cores} cores,
              Node.js
              ${machine.node}${commit === undefined ? undefined : html`, commit <code>${commit.slice(0, 10)}</code>`}
            </p>
            <nav aria-label="Scenarios">
              ${scenarios.map((measured) => html`<a href="#${idOf(measured)}">${measured.scenario.name}</a> `)}${growth.length === 0 ? undefined : html`<a href="#growth">growth</a> `}<a
                href="#method"
                >how it was measured</a
              >
            </nav>
          </header>
          <main>
            ${targets.length === 0 ? undefined : targetsSection(targets)} ${overview(scenarios)}
            ${scenarios.map((measured) => scenarioSection(measured, report.jaeger))}
            ${
              growth.length === 0
                ? undefined
                : html`<section id="growth">
                    <h2>How costs grow</h2>
                    <p class="lead">
                      On both scales each step is a factor. A straight line that is as steep as the dashed one
                      grows linearly.
                    </p>
                    <div class="panels">${growth.map((each) => growthFigure(each))}</div>
                  </section>`
            }
            ${method(report)}
          </main>
        </body>
      </html> `,
  );
}

function targetsSection(targets: readonly Target[]): Html {
  return html`<section id="targets">
    <h2>${summaryOf(targets)}</h2>
    <div class="scrolls" role="region" aria-label="Targets" tabindex="0">
      <table class="targets">
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">What</th>
            <th scope="col">Asked</th>
            <th scope="col">Reached</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          ${targets.map((target, at) => {
            const { mark, word } = standingOf(target);
            return html` <tr>
              <td>${target.number === targets[at - 1]?.number ? '' : target.number}</td>
              <td>${withCode(target.what)}</td>
              <td>${target.asked}</td>
              <td>${target.reached}</td>
              <td class="${word.replace(' ', '-')}">${mark} ${word}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

function dayOf(date: string): string {
  const day = new Date(date);
  if (Number.isNaN(day.getTime())) return date;
  return day.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
}
