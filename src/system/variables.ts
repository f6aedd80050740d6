/**
 * What a service manager hands sockets in by: sd_listen_fds(3). They are for one process alone, which takes them out of its
 * environment. LISTEN_PIDFDID comes with systemd 258 and says LISTEN_PID in another way.
 */
export const LISTEN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;
