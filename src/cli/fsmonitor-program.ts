/** What our daemon says that it is. */
export const PROGRAM = 'simple-ipc fsmonitor';
