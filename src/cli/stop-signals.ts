/** SIGHUP: the terminal was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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

/**
 * Calls `giveUp` for the first signal that ends a command. A second one ends the process by `exit`, and not as the system
 * would, so that what was started and is on trial is ended with it.
 */
export function onInterrupt(giveUp: (signal: string) => void): void {
  onStop({ first: giveUp, second: () => process.exit(1) });
}
