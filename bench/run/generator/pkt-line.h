/* Reads an answer as it comes: packets of four hex digits (their length, these four included) and data, then a flush. */
#ifndef PKT_LINE_H
#define PKT_LINE_H

#include <stddef.h>
#include <stdint.h>

#define MAX_PACKET 65520
#define MAX_DATA (MAX_PACKET - 4)

struct pkt_reader {
	/* Of the header that is being read. */
	int digits;
	unsigned length;
	/* Of the packet that is being read. */
	size_t left;
	/* Of all packets so far. */
	uint64_t data;
};

enum pkt_state { PKT_MORE, PKT_WHOLE, PKT_NO_HEX, PKT_BAD_LENGTH, PKT_NO_FLUSH, PKT_TOO_MUCH };

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum pkt_state pkt_read(struct pkt_reader *reader, const unsigned char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		if (reader->left) {
			size_t taken = size - at < reader->left ? size - at : reader->left;

			reader->left -= taken;
			reader->data += taken;
			at += taken;
			continue;
		}
		int digit = hex_digit(bytes[at++]);
		if (digit < 0)
			return PKT_NO_HEX;
		reader->length = reader->length << 4 | (unsigned)digit;
		if (++reader->digits < 4)
			continue;
		if (reader->length == 0)
			return at == size ? PKT_WHOLE : PKT_TOO_MUCH;
		if (reader->length < 3)
			return PKT_NO_FLUSH;
		if (reader->length == 3 || reader->length > MAX_PACKET)
			return PKT_BAD_LENGTH;
		reader->left = reader->length - 4;
		reader->digits = 0;
		reader->length = 0;
	}
	return PKT_MORE;
}

static const char *pkt_problem(enum pkt_state state)
{
	switch (state) {
	case PKT_NO_HEX:
		return "the length of a packet is not in hex digits";
	case PKT_BAD_LENGTH:
		return "a packet of an impossible length";
	case PKT_NO_FLUSH:
		return "the answer ends without a flush packet";
	case PKT_TOO_MUCH:
		return "more came after the flush packet";
	default:
		return NULL;
	}
}

#endif
