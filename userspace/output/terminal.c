/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.c - one line a thing that a person should see. Control characters never pass;
 * colour only on a terminal, and not with NO_COLOR. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/output.h"

struct terminal { int fd; bool colour; };

static void *terminal_open(int fd, const char *target)
{
	struct terminal *t = calloc(1, sizeof(*t));

	if (t)
		*t = (struct terminal){ fd, isatty(fd) && !getenv("NO_COLOR") };
	return t;
}

static int terminal_send(void *sink, const struct event *e)
{
	const struct terminal *t = sink;
	struct pollfd room = { .fd = t->fd, .events = POLLOUT };
	bool loud = t->colour && e->level <= 4;
	char line[1100];
	int n;

	if (!e->text)
		return 0;
	n = snprintf(line, sizeof(line) - 8, "%s%s", loud ? "\033[1;31m" : "", e->text);
	n = n < (int)sizeof(line) - 8 ? n : (int)sizeof(line) - 9;
	for (int i = loud ? 7 : 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] >= 0x7f)
			line[i] = '?';	/* names are ASCII; a C1 control would be two bytes of UTF-8 */
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s\n", loud ? "\033[0m" : "");
	/* Whoever stopped the terminal with Ctrl-S must not stop the keeper. */
	if (poll(&room, 1, 0) != 1)
		return -EAGAIN;
	/* A terminal that went away is not a reason to keep events. */
	return write(t->fd, line, (size_t)n) < 0 && errno == EAGAIN ? -EAGAIN : 0;
}

static int terminal_flush(void *sink)
{
	return 0;
}

static void terminal_close(void *sink)
{
	free(sink);
}

const struct sink_row sink_terminal = {
	.name = "terminal", .summary = "violations and gaps as lines on the terminal",
	.open = terminal_open, .send = terminal_send, .flush = terminal_flush, .close = terminal_close,
};
