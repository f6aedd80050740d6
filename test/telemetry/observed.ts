import type { ConnectionOutput } from '../../src/machines/connection.ts';
import type { ObservedConnection, ObservedServer } from '../../src/machines/observer.ts';
import { type Recorder, RequestObservation } from '../../src/telemetry/observation.ts';

/** A server that is not there. */
export const OBSERVED_SERVER: ObservedServer = {
  path: '/run/app.sock',
  transport: 'unix',
  stats: () => ({ open: 3, running: 2, waiting: 1, abandoned: 0, refused: 5, acceptErrors: 1 }),
};

const CONNECTION: ObservedConnection = {
  number: 7,
  requestBytes: 4,
  requestPackets: 1,
  responseBytes: 100_000,
  responsePackets: 2,
  head: () => Buffer.from('ping'),
};

/** A request goes through a recorder as a server would have it: it starts at `at` and takes ten milliseconds. */
export function observe(
  recorder: Recorder,
  {
    at = performance.now(),
    run = () => {},
    handled = true,
    outcome = 'answered',
    reason,
    took = 10,
    trailer,
    server = OBSERVED_SERVER,
  }: {
    at?: number;
    /** It comes to its handler. */
    handled?: boolean;
    run?: (request: RequestObservation) => void;
    outcome?: ConnectionOutput['outcome'];
    reason?: Error;
    took?: number;
    trailer?: string;
    server?: ObservedServer;
  } = {},
): RequestObservation {
  const request = new RequestObservation(server, CONNECTION, recorder);
  request.transition('DATA', 'reading-request', at);
  if (trailer !== undefined) request.trailer(trailer);
  request.transition('REQUEST_COMPLETE', 'dispatching', at + 1);
  if (handled) request.handle(run, request);
  request.transition('CHUNK', 'streaming-response', at + 2);
  request.transition('DRAINED', 'closed', at + took, {
    outcome,
    ...(reason === undefined ? undefined : { reason }),
  } as ConnectionOutput);
  return request;
}
