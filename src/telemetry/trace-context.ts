import { isSpanContextValid, type SpanContext } from '@opentelemetry/api';

const KEY = 'traceparent=';

/** W3C Trace Context, level 2: version, trace id, parent id, flags; a later version may have more behind them. */
const TRACEPARENT =
  /^(?<version>[\da-f]{2})-(?<traceId>[\da-f]{32})-(?<spanId>[\da-f]{16})-(?<flags>[\da-f]{2})(?<rest>-.*)?$/u;

/** The longest line that is looked at, in characters. */
const MAX_LINE = 512;

/** The trailer that tells a server which span its request belongs to. */
export function trailerOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `${KEY}00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}\n`;
}

/** The span that a trailer names; nothing where it names none, or is not as it should be. */
export function contextOf(trailer: string): SpanContext | undefined {
  for (const line of trailer.split('\n')) {
    if (line.startsWith(KEY) && line.length <= MAX_LINE) return parse(line.slice(KEY.length));
  }
  return undefined;
}

function parse(traceparent: string): SpanContext | undefined {
  const { version, traceId, spanId, flags, rest } = TRACEPARENT.exec(traceparent)?.groups ?? {};
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  const context: SpanContext = {
    traceId: traceId as string,
    spanId: spanId as string,
    // What the other bits mean is not for us to know.
    traceFlags: Number.parseInt(flags as string, 16) & 1,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}
