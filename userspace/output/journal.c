/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - the systemd journal, by its native protocol (a datagram of fields, values
 * with a length: systemd.io/JOURNAL_NATIVE_PROTOCOL). Takes what people should see and
 * each heartbeat: its size and root are a checkpoint outside weir's reach. */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "output/output.h"

struct journal { int fd; struct buf buf; };

static void *journal_open(int fd, const char *target)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fd = fd;
	buf_init(&j->buf, 131072);
	return j;
}

/* With a length, so that no value can forge a field. */
static void field(struct buf *b, const char *name, const char *value, size_t len)
{
	uint64_t size = htole64(len);

	buf_puts(b, name);
	buf_add(b, "\n", 1);
	buf_add(b, &size, sizeof(size));
	buf_add(b, value, len);
	buf_add(b, "\n", 1);
}

static void make(struct journal *j, const struct event *e, bool whole)
{
	char number[24];

	buf_reset(&j->buf);
	field(&j->buf, "MESSAGE", e->text, strlen(e->text));
	snprintf(number, sizeof(number), "%d", e->level);
	field(&j->buf, "PRIORITY", number, strlen(number));
	field(&j->buf, "SYSLOG_IDENTIFIER", "weir", 4);
	field(&j->buf, "WEIR_TYPE", e->type, strlen(e->type));
	if (e->leaf != UINT64_MAX) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)e->leaf);
		field(&j->buf, "WEIR_LEAF", number, strlen(number));
	}
	if (whole)
		field(&j->buf, "WEIR_JSON", e->json, e->len);
}

/* Too large for a datagram: without the object, whose leaf is named. */
static int journal_send(void *sink, const struct event *e)
{
	struct journal *j = sink;
	ssize_t n = -1;

	if (!e->text)
		return 0;
	make(j, e, true);
	if (!j->buf.failed)
		n = send(j->fd, j->buf.ptr, j->buf.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (j->buf.failed || (n < 0 && errno == EMSGSIZE)) {
		make(j, e, false);
		n = send(j->fd, j->buf.ptr, j->buf.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return n < 0 ? -errno : 0;
}

static int journal_flush(void *sink)
{
	return 0;
}

static void journal_close(void *sink)
{
	buf_free(&((struct journal *)sink)->buf);
	free(sink);
}

const struct sink_row sink_journal = {
	.name = "journal", .summary = "the systemd journal: violations, gaps, losses, checkpoints",
	.open = journal_open, .send = journal_send, .flush = journal_flush, .close = journal_close,
};
