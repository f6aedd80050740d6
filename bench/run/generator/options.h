/* What the load is: as generator-options.ts writes it, as pairs of a flag and its value. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *path;
	/* The request's text; without one, it is so many bytes long. */
	const char *request_text;
	uint64_t request_bytes;
	/* -1: any number is right. */
	int64_t answer_bytes;
	int connections, idle;
	/* In milliseconds. A duration of 0 has no limit. */
	int64_t duration, warm_up;
	/* Requests at most; 0: no limit. */
	uint64_t amount;
	/* Requests a second; 0: as soon as the one before is answered. */
	double rate;
	/* Bytes a second, for each client; 0: no limit. */
	double read_rate;
	/* Not 0: it sleeps while there is nothing to do. */
	int sleeps;
};

static void fail(const char *what, const char *more)
{
	fprintf(stderr, "generator: %s%s\n", what, more);
	exit(2);
}

static double number(const char *flag, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || value < -1)
		fail("give a number: ", flag);
	return value;
}

static struct options parse_options(int count, char **words)
{
	struct options o = { .connections = 1, .answer_bytes = -1 };

	for (int i = 1; i < count; i += 2) {
		const char *flag = words[i], *value = i + 1 < count ? words[i + 1] : "";

		if (!strcmp(flag, "--path"))
			o.path = value;
		else if (!strcmp(flag, "--request-text"))
			o.request_text = value;
		else if (!strcmp(flag, "--request-bytes"))
			o.request_bytes = (uint64_t)number(flag, value);
		else if (!strcmp(flag, "--answer-bytes"))
			o.answer_bytes = (int64_t)number(flag, value);
		else if (!strcmp(flag, "--connections"))
			o.connections = (int)number(flag, value);
		else if (!strcmp(flag, "--idle"))
			o.idle = (int)number(flag, value);
		else if (!strcmp(flag, "--duration"))
			o.duration = (int64_t)number(flag, value);
		else if (!strcmp(flag, "--warm-up"))
			o.warm_up = (int64_t)number(flag, value);
		else if (!strcmp(flag, "--amount"))
			o.amount = (uint64_t)number(flag, value);
		else if (!strcmp(flag, "--rate"))
			o.rate = number(flag, value);
		else if (!strcmp(flag, "--read-rate"))
			o.read_rate = number(flag, value);
		else if (!strcmp(flag, "--sleeps"))
			o.sleeps = (int)number(flag, value);
		else
			fail("no such option: ", flag);
	}
	if (!o.path)
		fail("where is the server? ", "--path");
	if (o.connections < 1)
		fail("at least one, please: ", "--connections");
	if (!o.duration && !o.amount)
		fail("when does it end? ", "--duration or --amount");
	return o;
}

#endif
