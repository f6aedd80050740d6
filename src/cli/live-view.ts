import type { Transition } from '../index.ts';
import type { RequestReport } from '../telemetry/connection-trace.ts';
import { collectRequests } from '../telemetry/requests.ts';
import { waterfall, type WaterfallOptions } from '../telemetry/waterfall.ts';
import { show } from './messages.ts';
import { requestLine } from './request-line.ts';

/** Shows what a server does, on stdout. */
export interface LiveView {
  readonly observe: (transition: Transition) => void;
  /** The waterfall of the first request that was answered. */
  readonly first: Promise<string>;
  /** From now on each request is shown as it ends, beginning with those that ended after the first. */
  begin(): void;
}

export function liveView(options: WaterfallOptions): LiveView {
  const { promise: first, resolve } = Promise.withResolvers<string>();
  /** The transitions of open connections, until the first request is over. */
  let open: Map<string, Transition[]> | undefined = new Map();
  let early: RequestReport[] | undefined = [];

  const showReport = (report: RequestReport) => show(`${requestLine(report, options.colour === true)}\n`);
  const collect = collectRequests((report) => {
    if (open !== undefined) {
      const transitions = open.get(report.connection);
      open.delete(report.connection);
      if (report.outcome !== 'answered') return;
      open = undefined;
      resolve(waterfall(transitions ?? [], options));
    } else if (early !== undefined) {
      early.push(report);
    } else {
      showReport(report);
    }
  });

  return {
    observe(transition) {
      if (transition.machine === 'connection' && open !== undefined) {
        const transitions = open.get(transition.actor);
        if (transitions === undefined) open.set(transition.actor, [transition]);
        else transitions.push(transition);
      }
      collect(transition);
    },
    first,
    begin() {
      for (const report of early ?? []) showReport(report);
      early = undefined;
    },
  };
}
