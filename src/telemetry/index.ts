/** `simple-ipc/telemetry`: traces and metrics of servers and calls. See docs/telemetry.md. */
export type { Telemetry } from '../machines/observer.ts';
export { CALL_CHANNEL, type ChannelMessage, REQUEST_CHANNEL } from './channels.ts';
export type { Classify } from './classify.ts';
export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry.ts';
export { type StartTelemetryOptions, TelemetryError } from './options.ts';
export { type DropReason, type RunningTelemetry, startTelemetry, type TelemetryStats } from './start.ts';
