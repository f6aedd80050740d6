/* One simulated client: it connects, sends, receives and closes, and never waits for any of it. */
#ifndef CLIENT_H
#define CLIENT_H

#include <unistd.h>

#include "load.h"
#include "pkt-line.h"
#include "socket.h"

struct client {
	int fd;
	enum { FREE, CONNECTING, CONNECTED } state;
	/* When it began, or should have begun; and when it was connected. */
	int64_t began, connected;
	/* On the wire. */
	uint64_t sent, received;
	struct pkt_reader reader;
};

static void end_request(struct client *client, const char *problem)
{
	if (problem) {
		errors_add(&run->errors, problem, 1);
	} else {
		histogram_record(&run->last_byte, clock_now() - client->began);
		run->whole++;
		run->bytes_sent += request.bytes;
		run->bytes_received += client->reader.data;
	}
	close(client->fd);
	client->state = FREE;
	run->open--;
}

static void end_by_errno(struct client *client, const char *doing)
{
	char problem[64];

	snprintf(problem, sizeof problem, "%s: %s", doing, errno_name(errno));
	end_request(client, problem);
}

static bool try_connect(struct client *client)
{
	if (!connects(client->fd)) {
		if (errno == EAGAIN || errno == EINTR) {
			run->backlog_full++;
			return false;
		}
		end_by_errno(client, "connect");
		return true;
	}
	client->connected = clock_now();
	histogram_record(&run->connect, client->connected - client->began);
	client->state = CONNECTED;
	return true;
}

static bool send_some(struct client *client)
{
	size_t size;
	const unsigned char *bytes = request_from(&request, client->sent, &size);
	ssize_t sent = send(client->fd, bytes, size, 0);

	if (sent < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		end_by_errno(client, "send");
		return true;
	}
	client->sent += (uint64_t)sent;
	return true;
}

/* How much a client may take now. A slow one takes what a hundredth of a second gives it, or nothing. */
static size_t allowed(const struct client *client, size_t room)
{
	double allowance;

	if (options.read_rate <= 0)
		return room;
	allowance = options.read_rate * (double)(run->now - client->connected) / SECOND - (double)client->received;
	if (allowance < 1 || allowance < options.read_rate / 100)
		return 0;
	return allowance < (double)room ? (size_t)allowance : room;
}

static bool receive_some(struct client *client)
{
	static unsigned char buffer[256 * 1024];
	size_t room = allowed(client, sizeof buffer);
	ssize_t size;
	enum pkt_state state;

	if (!room)
		return false;
	size = recv(client->fd, buffer, room, 0);
	if (size < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		end_by_errno(client, "receive");
		return true;
	}
	if (size == 0) {
		end_request(client, client->received ? "the answer is cut off" : "closed without an answer");
		return true;
	}
	if (!client->received)
		histogram_record(&run->first_byte, clock_now() - client->began);
	client->received += (uint64_t)size;
	state = pkt_read(&client->reader, buffer, (size_t)size);
	if (state == PKT_MORE)
		return true;
	if (state != PKT_WHOLE)
		end_request(client, pkt_problem(state));
	else if (client->sent < request.whole)
		end_request(client, "answered before the request was sent");
	else if (options.answer_bytes >= 0 && client->reader.data != (uint64_t)options.answer_bytes)
		end_request(client, "an answer of another length");
	else
		end_request(client, NULL);
	return true;
}

/* Does what can be done for a client now. Returns whether that was anything. */
static bool step(struct client *client)
{
	bool worked = false;

	if (client->state == FREE) {
		int64_t since;

		if (!is_due(&since))
			return false;
		*client = (struct client){ .fd = new_socket(), .state = CONNECTING, .began = since };
		run->begun++;
		run->open++;
	}
	if (client->state == CONNECTING)
		worked = try_connect(client);
	if (client->state == CONNECTED && client->sent < request.whole)
		worked |= send_some(client);
	/* What was just sent has no answer yet. */
	if (client->state == CONNECTED && !worked)
		worked = receive_some(client);
	return worked;
}

#endif
