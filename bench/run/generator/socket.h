/* Sockets that never wait. */
#ifndef SOCKET_H
#define SOCKET_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "options.h"

static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void set_address(const char *path)
{
	if (strlen(path) >= sizeof address.sun_path)
		fail("too long a path for a socket: ", path);
	strcpy(address.sun_path, path);
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("no socket: ", strerror(errno));
	return fd;
}

/* A full backlog is neither: errno is EAGAIN then. */
static bool connects(int fd)
{
	return connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

#endif
