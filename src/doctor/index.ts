/** `simple-ipc doctor`: why the server at a path cannot be reached. */
export { examine } from './examine.ts';
export { type Fault, type Reason, REASONS } from './reasons.ts';
export type { Check, CheckName, Diagnosis, ExamineOptions, Mark } from './types.ts';
