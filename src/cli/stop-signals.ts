const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface StopSteps {
  first(signal: string): void;
  second(signal: string): void;
}

/** Calls `first` and `second` for the signals that stop a server; a third ends the process. Gives what undoes it. */
export function onStop(steps: StopSteps): () => void {
  let received = 0;
  const receive = (signal: NodeJS.Signals) => {
    received++;
    if (received === 1) steps.first(signal);
    else if (received === 2) steps.second(signal);
    else process.exit(1);
  };
  for (const signal of SIGNALS) process.on(signal, receive);
  return () => {
    for (const signal of SIGNALS) process.off(signal, receive);
  };
}
