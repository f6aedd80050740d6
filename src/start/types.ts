export type { StartOptions, StartResult } from '../runtime/types.ts';
