/**
 * Returned by a handler (also at the end of a generator) to stop the server: its answer is sent, then the server drains
 * as `close` does. git's counterpart is `SIMPLE_IPC_QUIT`.
 */
export const QUIT: unique symbol = Symbol.for('simple-ipc.quit');
