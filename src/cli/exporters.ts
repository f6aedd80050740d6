/** Variables that tell the SDK where to export to: whoever sets one wants it. */
const EXPORTERS = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
];

/** Whether the environment asks for traces or metrics. */
export function exportsByEnvironment(): boolean {
  return EXPORTERS.some((name) => (process.env[name] ?? '') !== '');
}
