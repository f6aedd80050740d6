/* A request as it is on the wire, of any length, without being in memory whole. */
#ifndef REQUEST_H
#define REQUEST_H

#include "options.h"
#include "pkt-line.h"

/* How many full packets are given to the kernel at once. */
#define BLOCK_PACKETS 8
#define BLOCK (BLOCK_PACKETS * MAX_PACKET)

struct request {
	/* Of data. */
	uint64_t bytes;
	/* First full packets, of which `block` holds a few; then `tail`. Both counts are of bytes on the wire. */
	uint64_t full, whole;
	unsigned char block[BLOCK];
	/* The last packet, if it is not full, and the flush packet. */
	unsigned char tail[MAX_PACKET + 4];
};

static void make_packet(unsigned char *at, const char *text, size_t size)
{
	char header[5];

	snprintf(header, sizeof header, "%04x", (unsigned)size + 4);
	memcpy(at, header, 4);
	if (text)
		memcpy(at + 4, text, size);
	else
		memset(at + 4, 'x', size);
}

static void make_request(struct request *request, const struct options *options)
{
	const char *text = options->request_text;
	size_t rest, at = 0;

	request->bytes = text ? strlen(text) : options->request_bytes;
	if (text && request->bytes > MAX_DATA)
		fail("longer than a packet: ", "--request-text");
	request->full = text ? 0 : request->bytes / MAX_DATA * MAX_PACKET;
	rest = text ? request->bytes : request->bytes % MAX_DATA;
	for (int i = 0; i < BLOCK_PACKETS; i++)
		make_packet(request->block + i * MAX_PACKET, NULL, MAX_DATA);
	if (rest) {
		make_packet(request->tail, text, rest);
		at = rest + 4;
	}
	memcpy(request->tail + at, "0000", 4);
	request->whole = request->full + at + 4;
}

/* What comes next after the first `sent` bytes: some of it at least, unless it is over. */
static const unsigned char *request_from(const struct request *request, uint64_t sent, size_t *size)
{
	if (sent < request->full) {
		uint64_t left = request->full - sent, at = sent % BLOCK;

		*size = (size_t)(left < BLOCK - at ? left : BLOCK - at);
		return request->block + at;
	}
	*size = (size_t)(request->whole - sent);
	return request->tail + (sent - request->full);
}

#endif
