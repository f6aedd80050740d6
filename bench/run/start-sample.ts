import { makeHistogram } from '../histogram.ts';
import type { Sample } from '../types.ts';

/** A sample of starts, in which no load was made: `lastByte` has how long each took. */
export function startSample(
  measured: Pick<Sample, 'requests' | 'elapsed' | 'lastByte' | 'bytesSent' | 'bytesReceived'>,
): Sample {
  return {
    errors: 0,
    errorKinds: {},
    connect: makeHistogram(),
    firstByte: makeHistogram(),
    serverCpu: undefined,
    serverThreadCpu: undefined,
    rss: undefined,
    generatorBusy: 0,
    counted: {},
    slowest: [],
    ...measured,
  };
}
