/* Connections that are opened, say nothing, and stay open. */
#ifndef IDLE_H
#define IDLE_H

#include <sys/resource.h>

#include "load.h"
#include "socket.h"

static int *open_idle(int64_t patience)
{
	int *idle = calloc((size_t)options.idle + 1, sizeof *idle);
	int64_t until = clock_now() + patience;

	for (int i = 0; i < options.idle; i++) {
		idle[i] = new_socket();
		while (!connects(idle[i]))
			if (errno != EAGAIN || clock_now() > until)
				fail("an idle connection could not be opened: ", strerror(errno));
	}
	return idle;
}

static uint64_t count_closed(const int *idle)
{
	uint64_t closed = 0;
	char byte;

	for (int i = 0; i < options.idle; i++)
		closed += recv(idle[i], &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
	return closed;
}

static void allow_descriptors(void)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)(options.connections + options.idle + 16);

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= needed)
		return;
	if (limit.rlim_max < needed)
		limit.rlim_max = needed;
	limit.rlim_cur = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("too few descriptors, raise the limit (ulimit -n): ", strerror(errno));
}

#endif
