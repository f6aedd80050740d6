import type { CallObserver, ConnectionObserver, ServerObserver, Telemetry } from '../machines/observer.ts';

/** Two telemetries as one. Handlers run inside both, the first outermost. */
export function combine(first: Telemetry, second: Telemetry): Telemetry {
  return {
    server: (server) => combineServers(first.server(server), second.server(server)),
    call(call) {
      const [a, b] = [first.call(call), second.call(call)];
      return a === undefined || b === undefined ? (a ?? b) : combineCalls(a, b);
    },
  };
}

function combineServers(first: ServerObserver, second: ServerObserver): ServerObserver {
  return {
    connection(connection) {
      const [a, b] = [first.connection(connection), second.connection(connection)];
      return a === undefined || b === undefined ? (a ?? b) : combineConnections(a, b);
    },
    ...(first.pool === undefined && second.pool === undefined
      ? undefined
      : {
          pool(...args) {
            first.pool?.(...args);
            second.pool?.(...args);
          },
        }),
    ended() {
      first.ended?.();
      second.ended?.();
    },
  };
}

function combineConnections(first: ConnectionObserver, second: ConnectionObserver): ConnectionObserver {
  return {
    transition(...args) {
      first.transition(...args);
      second.transition(...args);
    },
    trailer(data) {
      first.trailer(data);
      second.trailer(data);
    },
    handle: (run, ...args) => first.handle(() => second.handle(run, ...args)),
    crashed(...args) {
      first.crashed(...args);
      second.crashed(...args);
    },
  };
}

function combineCalls(first: CallObserver, second: CallObserver): CallObserver {
  return {
    trailer: () => first.trailer() ?? second.trailer(),
    state(...args) {
      first.state(...args);
      second.state(...args);
    },
    ended(...args) {
      first.ended(...args);
      second.ended(...args);
    },
  };
}
