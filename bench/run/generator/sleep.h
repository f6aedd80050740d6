/* Sleeps until there is something to do, as clients do that wait for their answers. */
#ifndef SLEEP_H
#define SLEEP_H

#include <poll.h>

#include "client.h"

/* No event tells that a backlog has room again, or that a slow client may take more: these are tried again so often. */
#define RETRY (MS / 2)

static int64_t time_to_next(void)
{
	if (options.rate <= 0)
		return 10 * MS;
	return run->start + (int64_t)((double)run->begun * 1e9 / options.rate) - clock_now();
}

static void sleep_until_something(struct client *clients)
{
	static struct pollfd *waiting;
	int64_t most = time_to_next();
	struct timespec timeout;
	nfds_t count = 0;

	if (!waiting)
		waiting = calloc((size_t)options.connections, sizeof *waiting);
	for (int i = 0; i < options.connections; i++) {
		const struct client *client = &clients[i];

		if (client->state == FREE)
			continue;
		if (client->state == CONNECTING || options.read_rate > 0)
			most = most < RETRY ? most : RETRY;
		if (client->state == CONNECTED && options.read_rate <= 0)
			waiting[count++] = (struct pollfd){
				.fd = client->fd,
				.events = client->sent < request.whole ? POLLIN | POLLOUT : POLLIN,
			};
	}
	if (most <= 0)
		return;
	timeout = (struct timespec){ .tv_sec = most / SECOND, .tv_nsec = most % SECOND };
	ppoll(waiting, count, &timeout, NULL);
}

#endif
