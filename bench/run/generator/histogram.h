/* How often each latency was met, in nanoseconds, to about three digits. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

/* Values below 2 * STEPS have a bucket each; from there on each doubling has STEPS of them, so 0.1 % is the coarsest. */
#define STEP_BITS 10
#define STEPS (1 << STEP_BITS)
/* 2^41 ns are 36 minutes: longer than any run waits. */
#define DOUBLINGS 30

struct histogram {
	uint64_t counts[(DOUBLINGS + 2) * STEPS];
};

static void histogram_record(struct histogram *h, int64_t ns)
{
	uint64_t value = ns > 0 ? (uint64_t)ns : 0;
	int shift = 0;

	while (shift < DOUBLINGS && value >> shift >= 2 * STEPS)
		shift++;
	value >>= shift;
	h->counts[shift * STEPS + (value < 2 * STEPS ? value : 2 * STEPS - 1)]++;
}

/* As pairs of microseconds (the middle of a bucket) and a count. */
static void histogram_print(const struct histogram *h)
{
	const char *comma = "";

	putchar('[');
	for (int i = 0; i < (DOUBLINGS + 2) * STEPS; i++) {
		int shift = i < 2 * STEPS ? 0 : i / STEPS - 1;
		double low = (double)((uint64_t)(i - shift * STEPS) << shift);

		if (!h->counts[i])
			continue;
		printf("%s[%.3f,%llu]", comma, (low + (double)((1ull << shift) - 1) / 2) / 1000,
		       (unsigned long long)h->counts[i]);
		comma = ",";
	}
	putchar(']');
}

#endif
