/** SVG by Observable Plot, made for this page: its texts as large as the page's, its colours those of the page. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, unescaped, type Html } from './html.ts';

/** Two stand beside each other on a screen, one fills a phone: between the two, texts of 12.5 stay readable. */
export const WIDTH = 480;
const FONT_SIZE = 12.5;

export interface Picture {
  /** What it shows, for those who do not see it. */
  readonly title: string;
  readonly description: string;
  readonly plot: Plot.PlotOptions;
}

export function draw({ title, description, plot }: Picture): Html {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document,
    width: WIDTH,
    className: 'plot',
    style: { fontSize: `${FONT_SIZE}px`, fontFamily: 'inherit', background: 'none' },
    color: { type: 'identity' },
    ...plot,
  });
  // The page has its own rules for all pictures.
  svg.querySelector('style')?.remove();
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${title}. ${description}`);
  return unescaped(svg.outerHTML);
}

/** Labels at just these places. Plot leaves out some of a logarithmic scale where they come as `tickFormat`. */
export function axisLabels<T>(
  axis: typeof Plot.axisX,
  places: readonly T[],
  format: (place: T) => string,
): Plot.Markish {
  return axis(places, { text: format, tickSize: 0, fill: 'var(--soft)' });
}

export const GRID = { stroke: 'var(--line)', strokeOpacity: 1 } as const;

/** A picture under its heading. */
export function panel(heading: string, hint: string, picture: Picture): Html {
  return html`<div class="panel">
    <p class="panel-heading"><b>${heading}</b> ${hint}</p>
    ${draw(picture)}
  </div>`;
}
