/* SPDX-License-Identifier: Apache-2.0 */
#include "store/leaves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/note.h"

int window_init(struct window *w, const struct ledger_io *io, int fd, uint64_t size, size_t room)
{
	*w = (struct window){ .io = io, .fd = fd, .size = size, .buf = malloc(room), .room = room };
	return w->buf ? 0 : -ENOMEM;
}

void window_fini(struct window *w)
{
	free(w->buf);
	w->buf = NULL;
}

/* Makes want bytes readable at buf + pos; fewer when the file has fewer. */
static size_t window_need(struct window *w, size_t want)
{
	size_t have = w->have - w->pos;
	uint64_t left = w->size - w->offset;
	ssize_t n;

	if (want > left)
		want = (size_t)left;
	if (have >= want)
		return have;
	memmove(w->buf, w->buf + w->pos, have);
	w->pos = 0;
	w->have = have;
	left -= have;
	n = io_read(w->io, w->fd, w->buf + have, left < w->room - have ? (size_t)left : w->room - have, w->offset + have);
	if (n < 0) {
		w->err = (int)n;
		return have;
	}
	if ((uint64_t)n < left && (size_t)n < w->room - have)	/* cut short under our hands */
		w->size = w->offset + have + (size_t)n;
	w->have += (size_t)n;
	return w->have;
}

static void window_take(struct window *w, size_t len)
{
	w->pos += len;
	w->offset += len;
}

enum piece leaf_next(struct window *w, const char **json, size_t *len)
{
	size_t have = window_need(w, 2), n;

	if (w->err)
		return PIECE_ERROR;
	if (have < 2)
		return have ? PIECE_TORN : PIECE_END;
	n = (size_t)w->buf[w->pos] << 8 | w->buf[w->pos + 1];
	if (!n || n > LEAF_MAX)
		return PIECE_BAD;
	have = window_need(w, 2 + n);
	if (w->err)
		return PIECE_ERROR;
	if (have < 2 + n)
		return PIECE_TORN;
	*json = (const char *)w->buf + w->pos + 2;
	*len = n;
	window_take(w, 2 + n);
	return PIECE_OK;
}

enum piece note_next(struct window *w, const char **note, size_t *len)
{
	size_t have = window_need(w, 1), n = 0;

	if (!have && !w->err)
		return PIECE_END;
	n = note_first((const char *)w->buf + w->pos, have, have == w->size - w->offset);
	if (!n) {
		have = window_need(w, w->room);
		n = note_first((const char *)w->buf + w->pos, have, have == w->size - w->offset);
	}
	if (w->err)
		return PIECE_ERROR;
	if (!n)
		return have == w->size - w->offset ? PIECE_TORN : PIECE_BAD;
	*note = (const char *)w->buf + w->pos;
	*len = n;
	window_take(w, n);
	return PIECE_OK;
}

void window_rest(struct window *w, const char **ptr, size_t *len)
{
	*len = window_need(w, w->room);
	*ptr = (const char *)w->buf + w->pos;
}

bool leaf_shape(const char *json, size_t len)
{
	if (len < 2 || len > LEAF_MAX || json[0] != '{' || json[len - 1] != '}')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)json[i] < 0x20)
			return false;
	return true;
}
