/** What the hook leaves, from git's directory, when it starts a daemon: it does that once a minute at most, where none comes to listen. */
export const TRIED = 'fsmonitor--daemon/tried';
