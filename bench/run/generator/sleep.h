/* Sleeps until there is something to do, as clients do that wait for their answers. */
#ifndef SLEEP_H
#define SLEEP_H

#include <poll.h>

#include "client.h"

/* No event tells that a backlog has room again, or that a slow client may take more: these are tried again so often. */
#define RETRY (MS / 2)
/* So that nothing that goes wrong here lasts. */
#define LONGEST (10 * MS)

static void sleep_until_something(struct client *clients)
{
	static struct pollfd *waiting;
	int64_t left = run->end - clock_now();
	int64_t most = left > 0 && left < LONGEST ? left : LONGEST;
	struct timespec timeout;
	nfds_t count = 0;
	bool is_free = false;

	if (!waiting)
		waiting = calloc((size_t)options.connections, sizeof *waiting);
	for (int i = 0; i < options.connections; i++) {
		const struct client *client = &clients[i];

		if (client->state == FREE) {
			is_free = true;
			continue;
		}
		if (client->state == CONNECTING || options.read_rate > 0)
			most = most < RETRY ? most : RETRY;
		if (client->state == CONNECTED && options.read_rate <= 0)
			waiting[count++] = (struct pollfd){
				.fd = client->fd,
				.events = client->sent < request.whole ? POLLIN | POLLOUT : POLLIN,
			};
	}
	/* What is due while no client is free waits for one. */
	if (is_free && left > 0 && options.rate > 0) {
		int64_t due = run->start + (int64_t)((double)run->begun * 1e9 / options.rate) - clock_now();

		most = most < due ? most : due;
	}
	if (most <= 0)
		return;
	timeout = (struct timespec){ .tv_sec = most / SECOND, .tv_nsec = most % SECOND };
	ppoll(waiting, count, &timeout, NULL);
}

#endif
