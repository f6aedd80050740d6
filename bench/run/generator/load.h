/* A load as it is made, and what came of it so far. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <time.h>

#include "errors.h"
#include "histogram.h"
#include "options.h"
#include "request.h"

#define MS 1000000LL
#define SECOND (1000 * MS)

struct run {
	int64_t start, end, now, busy;
	uint64_t amount, begun, whole, bytes_sent, bytes_received, backlog_full;
	int open;
	struct errors errors;
	struct histogram connect, first_byte, last_byte;
};

static struct options options;
static struct request request;
static struct run *run;

static int64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Processor time of this process. */
static int64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Whether another request is to be made now, and since when. A request that found no free client was due before. */
static bool is_due(int64_t *since)
{
	int64_t now = clock_now();

	if (run->amount && run->begun == run->amount)
		return false;
	*since = options.rate > 0 ? run->start + (int64_t)((double)run->begun * 1e9 / options.rate) : now;
	return *since <= now && *since < run->end;
}

#endif
