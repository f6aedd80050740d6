/** How it was measured, and what that does not show. */
import { factsOf } from '../print/report.ts';
import { SATURATED, type Report } from '../types.ts';
import { formatShare } from '../print/format.ts';
import { html, type Html } from './html.ts';

export function method(report: Report): Html {
  return html`<section id="method">
    <h2>How this was measured, and what it does not show</h2>
    <dl class="facts">
      ${factsOf(report).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <p>
      All servers of a scenario are measured in turn, in rounds, each in a process of its own and after a
      warm-up of which nothing is kept. A figure is the median of the rounds; ± is how far a round was from it
      at most. A ratio is the median of the ratios within each round, so what slows the whole machine down for
      a while slows both sides of it. Latencies are recorded in microseconds, with three digits, and the
      pictures have those of all rounds.
    </p>
    <h3>Limitations</h3>
    <ul>
      <li>
        The load is made on the same machine, and takes processor time and caches from the server. Compare
        servers with each other, not these figures with those of another machine.
      </li>
      <li>
        A generator that was busier than ${formatShare(SATURATED)} may be what limited the throughput. Such
        results carry a <b class="warn">!</b>, and their bars of throughput and latency are pale. CPU a
        request and memory hold all the same.
      </li>
      <li>
        A generator that sleeps while it waits has to be woken, as clients have, and the server pays for that.
        One that never sleeps costs it nothing, but has a core for itself. Each scenario says which it was.
      </li>
      <li>
        Where each client asks again as soon as it is answered, a slow answer holds back the requests behind
        it, and the tail looks better than independent clients would find it. Scenarios with requests at fixed
        times count the waiting.
      </li>
      <li>
        The peers speak other protocols, and some of them keep a connection where Simple-IPC makes one for
        each request. They are driven as they are usually used, and the notes say which.
      </li>
      <li>± over a few rounds is no confidence interval. What differs by less than it is the same.</li>
      <li>The handlers do nothing. Yours will, and then less of the time is the protocol's.</li>
    </ul>
  </section> `;
}
