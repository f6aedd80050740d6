/* Counts what went wrong, by its kind. */
#ifndef ERRORS_H
#define ERRORS_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KINDS 16

struct errors {
	uint64_t all;
	struct {
		char kind[64];
		uint64_t count;
	} kinds[KINDS];
};

static void errors_add(struct errors *errors, const char *kind, uint64_t count)
{
	int i = 0;

	if (!count)
		return;
	errors->all += count;
	while (i < KINDS - 1 && errors->kinds[i].count && strcmp(errors->kinds[i].kind, kind))
		i++;
	if (!errors->kinds[i].count)
		snprintf(errors->kinds[i].kind, sizeof errors->kinds[i].kind, "%s", i < KINDS - 1 ? kind : "other");
	errors->kinds[i].count += count;
}

/* The names as Node.js has them, which libc does not tell portably. */
static const char *errno_name(int number)
{
	switch (number) {
	case EACCES:
		return "EACCES";
	case ECONNREFUSED:
		return "ECONNREFUSED";
	case ECONNRESET:
		return "ECONNRESET";
	case EMFILE:
		return "EMFILE";
	case ENFILE:
		return "ENFILE";
	case ENOENT:
		return "ENOENT";
	case EPIPE:
		return "EPIPE";
	default:
		return strerror(number);
	}
}

static void errors_print(const struct errors *errors)
{
	putchar('{');
	for (int i = 0; i < KINDS && errors->kinds[i].count; i++)
		/* No kind has a character that JSON would have to escape. */
		printf("%s\"%s\":%llu", i ? "," : "", errors->kinds[i].kind,
		       (unsigned long long)errors->kinds[i].count);
	putchar('}');
}

#endif
