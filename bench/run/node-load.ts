/** Makes a load with simulated clients, in closed or open loop, as the generator in C does. */
import type { Load } from '../types.ts';
import type { Client, Marks } from './client.ts';
import type { GeneratorResult } from './generator-output.ts';
import { Tally } from './tally.ts';

/** What is open when the time is up may take so long to end, in milliseconds. */
export const PATIENCE = 10_000;
/** Where the time has no limit, a request may take so long, in milliseconds: of what comes of it until then, nobody tells. */
const LONGEST_REQUEST = 60_000;
/** How much later than asked a timer may come, in milliseconds: the rest of a wait is spun away. */
const TIMER_LATENESS = 1.5;

/** A duration of 0 has no limit, nor has an amount of 0. */
export interface LoadToMake extends Pick<Load, 'rate' | 'duration' | 'amount'> {
  readonly request: Uint8Array;
  /** -1: any length is right. */
  readonly answerBytes: number;
  /** One that has failed is replaced by another: its connection may be gone. */
  readonly clients: Client[];
  readonly reconnect: () => Promise<Client> | Client;
}

/** Resolves when all of it is answered, has failed, or was given up. */
export async function makeLoad(load: LoadToMake): Promise<GeneratorResult> {
  const cpu = process.cpuUsage();
  const run = new Run(load);
  await run.over;
  const { user, system } = process.cpuUsage(cpu);
  const elapsed = performance.now() - run.start;
  const busy = (user + system) / 1_000 - run.spun;
  return run.tally.result(elapsed, Math.min(1, Math.max(0, busy / elapsed)));
}

class Run {
  readonly tally = new Tally();
  readonly start = performance.now();
  /** How long it span with nothing to do, in milliseconds. */
  spun = 0;
  /** All that happened. */
  events = 0;
  readonly over: Promise<void>;
  readonly #load: LoadToMake;
  readonly #end: number;
  readonly #free: Slot[];
  readonly #isOver: () => void;
  readonly #patience: NodeJS.Timeout;
  #begun = 0;
  #waits = false;
  #hasEnded = false;

  constructor(load: LoadToMake) {
    this.#load = load;
    this.#end = load.duration > 0 ? this.start + load.duration : Infinity;
    this.#free = load.clients.map((_client, index) => new Slot(index, this));
    const { promise, resolve } = Promise.withResolvers<void>();
    const patience = load.duration > 0 ? load.duration + PATIENCE : LONGEST_REQUEST;
    this.#patience = setTimeout(() => this.#giveUp(), patience);
    this.#isOver = () => {
      clearTimeout(this.#patience);
      this.#hasEnded = true;
      resolve();
    };
    this.over = promise;
    this.#goOn();
  }

  /** Begins what is due, as long as a client is free; and sees to it that it goes on. */
  #goOn(): void {
    while (this.#free.length > 0 && !this.#hasEnded) {
      const next = this.#nextDue();
      const now = performance.now();
      if (next !== undefined && next <= now) {
        this.#begun++;
        void this.#ask(this.#free.pop()!, next);
      } else if (next !== undefined || (now < this.#end && !this.#isAmountBegun())) {
        return this.#waitUntil(next ?? this.#end);
      } else {
        if (this.#free.length === this.#load.clients.length) this.#isOver();
        return;
      }
    }
  }

  /** When the next request is to be made: in an open loop that may have been some time ago. */
  #nextDue(): number | undefined {
    const { rate } = this.#load;
    if (this.#isAmountBegun()) return undefined;
    const due = rate > 0 ? this.start + (this.#begun * 1_000) / rate : performance.now();
    return due < this.#end ? due : undefined;
  }

  #isAmountBegun(): boolean {
    return this.#load.amount > 0 && this.#begun === this.#load.amount;
  }

  async #ask(slot: Slot, began: number): Promise<void> {
    const { request, answerBytes, clients, reconnect } = this.#load;
    const client = clients[slot.index]!;
    slot.began = began;
    this.events++;
    try {
      const received = await client.request(request, slot);
      if (answerBytes >= 0 && received !== answerBytes) throw new Error('an answer of another length');
      if (!this.#hasEnded) this.tally.answered(performance.now() - began, request.byteLength, received);
    } catch (error) {
      if (!this.#hasEnded) this.tally.failed(error);
      client.close();
      try {
        clients[slot.index] = await reconnect();
      } catch {
        // The next request fails, and says why.
      }
    }
    this.events++;
    if (this.#end === Infinity && !this.#hasEnded) this.#patience.refresh();
    this.#free.push(slot);
    this.#goOn();
  }

  #waitUntil(time: number): void {
    if (this.#waits) return;
    this.#waits = true;
    const goOn = () => {
      this.#waits = false;
      this.#goOn();
    };
    const wait = time - performance.now() - TIMER_LATENESS;
    if (wait >= 1) setTimeout(goOn, wait);
    else this.#spin(time, goOn);
  }

  #spin(time: number, goOn: () => void): void {
    const began = performance.now();
    const { events } = this;
    setImmediate(() => {
      const now = performance.now();
      if (this.events === events) this.spun += now - began;
      if (now >= time) goOn();
      else this.#spin(time, goOn);
    });
  }

  #giveUp(): void {
    const open = this.#load.clients.length - this.#free.length;
    if (open > 0) this.tally.failed(new Error('stuck'), open);
    let never = 0;
    for (; this.#load.rate > 0 && this.#nextDue() !== undefined; this.#begun++) never++;
    if (never > 0) this.tally.failed(new Error('stuck: never begun'), never);
    this.#isOver();
  }
}

/** The place of one client. */
class Slot implements Marks {
  readonly index: number;
  /** When its request began, or should have begun. */
  began = 0;
  readonly #run: Run;

  constructor(index: number, run: Run) {
    this.index = index;
    this.#run = run;
  }

  connected(): void {
    this.#run.events++;
    this.#run.tally.connect.record(performance.now() - this.began);
  }

  firstByte(): void {
    this.#run.events++;
    this.#run.tally.firstByte.record(performance.now() - this.began);
  }
}
