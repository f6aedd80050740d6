import type { Endpoint } from '../runtime/rendezvous/endpoint.ts';
import type { ProcessState } from '../runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { Fault, Reason } from './reasons.ts';

/**
 * What came of a check: `ok`; `failed`; `warning`, for what keeps nobody from the server and should be known;
 * `unknown`, where it cannot be seen from here; `skipped`, where it means nothing.
 */
export type Mark = 'ok' | 'failed' | 'warning' | 'unknown' | 'skipped';

/** The checks, in their order: from the path to the answer. */
export const CHECKS = [
  'path',
  'length',
  'directories',
  'directory',
  'file-system',
  'socket',
  'access',
  'status',
  'process',
  'namespaces',
  'listening',
  'descriptors',
  'connections',
  'answer',
  'protocol',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** One check, and what came of it. */
export interface Check {
  readonly name: CheckName;
  readonly mark: Mark;
  /** What was found, in a sentence. It may hold text that others have chosen, such as the name of a program. */
  readonly detail: string;
}

/** Why a server can be reached, or cannot. */
export interface Diagnosis {
  /** As it was given. */
  readonly path: string;
  readonly healthy: boolean;
  /** `healthy`, or the one reason why it is not. */
  readonly reason: Reason;
  /** What that means here, in a sentence. */
  readonly meaning: string;
  /** The one thing to do about it. */
  readonly remedy: string;
  /** All checks, in their order. */
  readonly checks: readonly Check[];
}

export interface ExamineOptions {
  /** How long the server may take to accept, and to answer, in milliseconds. Default 1,000. */
  readonly timeout?: number | undefined;
  /**
   * Also sends four bytes that are no pkt-line to the socket, which a Simple-IPC server refuses by closing and
   * reports as a protocol error. Default false.
   */
  readonly deep?: boolean | undefined;
}

/** What stands for the capital words of a remedy. */
export type Facts = Readonly<Record<string, string | number>>;

/** What a check has found. */
export interface Finding {
  readonly mark: Mark;
  readonly detail: string;
  /** With `failed`: that the server cannot be reached, or not safely, because of this. */
  readonly reason?: Fault;
  readonly facts?: Facts;
  /** What to do about it, where that is not what the reason says. Its capital words are as in REASONS. */
  readonly remedy?: string;
  /** What comes after it means nothing any more. */
  readonly isLast?: boolean;
}

/** What is examined, and what the checks so far have found out for those behind them. */
export interface Scene {
  readonly endpoint: Endpoint;
  readonly timeout: number;
  readonly deep: boolean;
  /** The path of the socket itself, links followed. */
  target: string;
  /** The name that the kernel knows the socket by, as far as is known. */
  boundAs: string;
  /** The name of the network file system that it is on. */
  network: string | undefined;
  /** The status of the instance whose socket it is. */
  instance: InstanceStatus | undefined;
  /** The instances that live, and whose socket it is not. */
  strays: readonly InstanceStatus[];
  /** The process that has the listening socket, as far as it can be seen. */
  pid: number | undefined;
  /** That it has is proved: a remedy may name it. */
  isProved: boolean;
  /** How the process of the status is. */
  process: ProcessState | undefined;
  /** Its process has next to no descriptor left. */
  lacksDescriptors: boolean;
  /** This user may not write in the directory, and so can start no server there. */
  isDirectoryClosed: boolean;
  /** It has answered: its control endpoint, or, as a server of this library does, to what is no pkt-line. */
  hasAnswered: boolean;
}

export type Examination = (scene: Scene) => Finding | Promise<Finding>;
