/*
 * Makes load for a server that speaks pkt-line: connects, sends a request, reads the answer to its flush packet, closes.
 *
 * One thread drives all connections. It never sleeps unless it is told to: a generator that sleeps has to be woken by the
 * server, which pays for it; the slower a server is, the more often. But one that never sleeps has a core for itself.
 *
 * It says on stdout when it comes to each stage, and waits for a line on stdin before it goes on, so that the server can
 * be looked at while nothing happens. The last line is the result.
 */
#define _GNU_SOURCE
#include <signal.h>

#include "generator/client.h"
#include "generator/idle.h"
#include "generator/load.h"
#include "generator/sleep.h"

/* What is open when the time is up may take so long to end; and at any time nothing may happen for so long. */
#define PATIENCE (10 * SECOND)

static struct client *clients;

static bool is_over(void)
{
	int64_t since;

	if (run->open)
		return false;
	return run->amount && run->begun == run->amount ? true : run->now >= run->end && !is_due(&since);
}

/* What should have been begun by now, and what has not ended. */
static void give_up(void)
{
	int64_t since;
	uint64_t never = 0;

	for (int i = 0; i < options.connections; i++)
		if (clients[i].state != FREE)
			end_request(&clients[i], "stuck");
	for (; is_due(&since) && options.rate > 0; run->begun++)
		never++;
	errors_add(&run->errors, "stuck: never begun", never);
}

/* For so long (0: without a limit), or until so many requests (0: likewise). */
static void drive(int64_t duration, uint64_t amount)
{
	int64_t last;

	memset(run, 0, sizeof *run);
	run->amount = amount;
	run->start = run->now = last = clock_now();
	run->end = duration ? run->start + duration : INT64_MAX - PATIENCE;
	while (!is_over()) {
		bool idle = true;

		for (int i = 0; i < options.connections; i++) {
			int64_t before = run->now;
			bool worked = step(&clients[i]);

			run->now = clock_now();
			if (worked) {
				idle = false;
				if (!options.sleeps)
					run->busy += run->now - before;
				last = run->now;
			}
		}
		if (idle && options.sleeps) {
			sleep_until_something(clients);
			run->now = clock_now();
		}
		if (!run->open)
			last = run->now;
		if (run->now > run->end + PATIENCE || run->now > last + PATIENCE) {
			give_up();
			return;
		}
	}
}

static void make_load(int64_t duration, uint64_t amount)
{
	int64_t cpu = cpu_now();

	drive(duration, amount);
	/* One that never sleeps would be busy all the time by this clock. */
	if (options.sleeps)
		run->busy = cpu_now() - cpu;
}

/* Says where it is, and goes on when told so. */
static void stage(const char *name)
{
	int c;

	printf("{\"stage\":\"%s\"}\n", name);
	fflush(stdout);
	while ((c = getchar()) != '\n')
		if (c == EOF)
			exit(1);
}

static void print_result(void)
{
	double elapsed = (double)(run->now - run->start);

	printf("{\"requests\":%llu,\"errors\":%llu,\"errorKinds\":", (unsigned long long)run->whole,
	       (unsigned long long)run->errors.all);
	errors_print(&run->errors);
	printf(",\"elapsed\":%.3f,\"busy\":%.4f,\"backlogFull\":%llu,\"bytesSent\":%llu,\"bytesReceived\":%llu",
	       elapsed / 1000, elapsed > 0 ? (double)run->busy / elapsed : 0, (unsigned long long)run->backlog_full,
	       (unsigned long long)run->bytes_sent, (unsigned long long)run->bytes_received);
	printf(",\"connect\":");
	histogram_print(&run->connect);
	printf(",\"firstByte\":");
	histogram_print(&run->first_byte);
	printf(",\"lastByte\":");
	histogram_print(&run->last_byte);
	printf("}\n");
}

int main(int count, char **words)
{
	int *idle;

	options = parse_options(count, words);
	set_address(options.path);
	make_request(&request, &options);
	allow_descriptors();
	signal(SIGPIPE, SIG_IGN);
	clients = calloc((size_t)options.connections, sizeof *clients);
	run = calloc(1, sizeof *run);

	if (options.warm_up)
		make_load(options.warm_up * MS, 0);
	stage("warm");
	idle = open_idle(PATIENCE);
	/* A server accepts in order: when this is answered, it has accepted all of the idle ones. */
	if (options.idle)
		make_load(PATIENCE, 1);
	stage("measuring");
	make_load(options.duration * MS, options.amount);
	stage("measured");
	errors_add(&run->errors, "an idle connection was closed", count_closed(idle));
	print_result();
	return 0;
}
