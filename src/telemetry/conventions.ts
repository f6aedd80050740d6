import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  METRIC_RPC_CLIENT_CALL_DURATION,
  METRIC_RPC_SERVER_CALL_DURATION,
} from '@opentelemetry/semantic-conventions';

/** The instrumentation scope of all that is recorded here. */
export const SCOPE = 'simple-ipc';

/** The version of the conventions that names and values follow. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0';

/** `rpc.system.name`. */
export const SYSTEM = 'simple-ipc';

/** `rpc.method` of what the classifier does not know, as the conventions have it. */
export const OTHER = '_OTHER';

/** One attribute of spans. `on`: the spans that have it. */
export interface AttributeConvention {
  readonly name: string;
  readonly type: 'string' | 'int' | 'double';
  readonly on: 'both' | 'server' | 'client';
  /** Given when the span is made, so that samplers see it. */
  readonly atCreation: boolean;
  readonly means: string;
}

const both = (name: string, type: AttributeConvention['type'], means: string, atCreation = false) =>
  ({ name, type, on: 'both', atCreation, means }) as const satisfies AttributeConvention;

/** Every attribute of a span. */
export const ATTRIBUTES = {
  system: both(ATTR_RPC_SYSTEM_NAME, 'string', '`simple-ipc`', true),
  method: both(
    ATTR_RPC_METHOD,
    'string',
    'What the classifier made of the request; `_OTHER` where it knew nothing of it, or had named too many. Absent without a classifier.',
    true,
  ),
  address: both(ATTR_SERVER_ADDRESS, 'string', 'The path of the socket, as it was given', true),
  transport: both(ATTR_NETWORK_TRANSPORT, 'string', '`unix`, or `pipe` on Windows', true),
  errorType: both(
    ATTR_ERROR_TYPE,
    'string',
    'Only where it failed. Server: the outcome. Client: the code of the error, such as `SIMPLE_IPC_HUNG_UP`; of an error that is not ours, its name',
  ),
  requestBytes: both('simple_ipc.request.size', 'int', 'Bytes of the request, without its framing'),
  requestPackets: both('simple_ipc.request.packets', 'int', 'Packets that carried them'),
  responseBytes: both('simple_ipc.response.size', 'int', 'Bytes of the answer, without its framing'),
  responsePackets: both('simple_ipc.response.packets', 'int', 'Packets that carried them'),
  outcome: {
    name: 'simple_ipc.outcome',
    type: 'string',
    on: 'server',
    atCreation: false,
    means:
      'How the connection ended: `answered`, `hung-up`, `protocol-error`, `limit`, `timed-out`, `handler-failed`, `aborted`, `crashed`',
  },
  connection: {
    name: 'simple_ipc.connection',
    type: 'string',
    on: 'server',
    atCreation: false,
    means: "The connection's name, as in transitions and in the handler's context: `c1`, `c2`, ...",
  },
} as const satisfies Record<string, AttributeConvention>;

/** One event of a span: the moment at which a phase began. */
export interface EventConvention {
  readonly name: string;
  readonly on: 'server' | 'client';
  readonly means: string;
}

/** Every event of a span, in the order in which they come. Phases have the names of the machine's states. */
export const EVENTS = [
  {
    name: 'reading-request',
    on: 'server',
    means: 'The first byte of the request came. The span starts here',
  },
  {
    name: 'dispatching',
    on: 'server',
    means: 'The request is complete, or has outgrown its window, and is taken over',
  },
  { name: 'waiting-for-slot', on: 'server', means: 'All slots were taken: the request began to wait' },
  { name: 'slot-granted', on: 'server', means: 'A slot was free, after a wait: the handler began' },
  { name: 'streaming-response', on: 'server', means: 'The first chunk of the answer, or its end' },
  { name: 'connecting', on: 'client', means: 'The call began. The span starts here' },
  { name: 'sending-request', on: 'client', means: 'Connected' },
  { name: 'awaiting-response', on: 'client', means: 'The kernel has taken the whole request' },
  { name: 'reading-response', on: 'client', means: 'The first bytes of the answer came' },
] as const satisfies readonly EventConvention[];

/** The name of an event of a span. */
export type PhaseName = (typeof EVENTS)[number]['name'];

/** One metric. */
export interface MetricConvention {
  readonly name: string;
  readonly instrument: 'histogram' | 'counter' | 'gauge';
  readonly unit: string;
  /** The names of its attributes. */
  readonly attributes: readonly string[];
  readonly means: string;
}

const CALL_ATTRIBUTES = [ATTR_RPC_SYSTEM_NAME, ATTR_RPC_METHOD, ATTR_ERROR_TYPE];

/** Every metric. */
export const METRICS = {
  serverDuration: {
    name: METRIC_RPC_SERVER_CALL_DURATION,
    instrument: 'histogram',
    unit: 's',
    attributes: CALL_ATTRIBUTES,
    means: 'From the first byte of a request to the end of its connection',
  },
  clientDuration: {
    name: METRIC_RPC_CLIENT_CALL_DURATION,
    instrument: 'histogram',
    unit: 's',
    attributes: CALL_ATTRIBUTES,
    means: 'From the call to the last byte of its answer',
  },
  io: {
    name: 'simple_ipc.server.io',
    instrument: 'counter',
    unit: 'By',
    attributes: ['network.io.direction'],
    means: 'Bytes of requests (`receive`) and of answers (`transmit`), without their framing',
  },
  open: {
    name: 'simple_ipc.server.connections',
    instrument: 'gauge',
    unit: '{connection}',
    attributes: [ATTR_SERVER_ADDRESS],
    means: 'Connections open',
  },
  waiting: {
    name: 'simple_ipc.server.requests.waiting',
    instrument: 'gauge',
    unit: '{request}',
    attributes: [ATTR_SERVER_ADDRESS],
    means: 'Requests waiting for a slot',
  },
  refused: {
    name: 'simple_ipc.server.connections.refused',
    instrument: 'counter',
    unit: '{connection}',
    attributes: [ATTR_SERVER_ADDRESS],
    means: 'Connections turned away, by `maxConnections` or for want of descriptors',
  },
  dropped: {
    name: 'simple_ipc.telemetry.dropped',
    instrument: 'counter',
    unit: '{record}',
    attributes: ['reason'],
    means: 'Requests that were not recorded, or whose span was not exported',
  },
} as const satisfies Record<string, MetricConvention>;

/**
 * Bounds of the buckets of durations, in seconds. The conventions advise 5 ms for the first one, in which all of a local
 * socket's answers would be.
 */
export const DURATION_BUCKETS: readonly number[] = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
  0.5, 1, 2.5, 5, 10, 60,
];
