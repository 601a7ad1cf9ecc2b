/* SPDX-License-Identifier: Apache-2.0 */
/* nats_line.c - what lines of NATS there are. */
#include <string.h>
#include <strings.h>

#include "protocol/nats.h"
#include "protocol/protocol.h"

#define LINE_MAX	4096		/* of INFO and CONNECT more: PROTOCOL_HEAD_MAX */
#define SOUGHT_MAX	1024		/* of a line that is looked for */
#define SIZE_LIMIT	(64u << 20)	/* of a message; no server allows more */
#define WORDS_MAX	6

struct name { const char *text; uint8_t min, max; bool front, back; };	/* words behind it */
static const struct name names[] = {
	[NATS_PUB] = { "PUB", 2, 3, true, false }, [NATS_HPUB] = { "HPUB", 3, 4, true, false }, [NATS_MSG] = { "MSG", 3, 4, false, true },
	[NATS_HMSG] = { "HMSG", 4, 5, false, true }, [NATS_SUB] = { "SUB", 2, 3, true, false }, [NATS_UNSUB] = { "UNSUB", 1, 2, true, false },
	[NATS_CONNECT] = { "CONNECT", 1, 0, true, false }, [NATS_INFO] = { "INFO", 1, 0, false, true }, [NATS_PING] = { "PING", 0, 0, true, true },
	[NATS_PONG] = { "PONG", 0, 0, true, true }, [NATS_OK] = { "+OK", 0, 0, false, true }, [NATS_ERR] = { "-ERR", 1, 0, false, true },
};
#define NAMES (sizeof(names) / sizeof(names[0]))


static enum nats_what word_of(struct slice word)
{
	for (unsigned i = 1; i < NAMES; i++)
		if (word.len == strlen(names[i].text) && !strncasecmp((const char *)word.ptr, names[i].text, word.len))
			return (enum nats_what)i;
	return NATS_NONE;
}

bool nats_number(struct slice s, uint32_t limit, uint32_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (i == 9 || s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		*v = *v * 10 + (s.ptr[i] - '0');
	}
	return s.len && *v <= limit;
}

static bool is_subject(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x21 || s.ptr[i] == 0x7f)
			return false;
	return s.len;
}

struct slice nats_trim(struct slice s)
{
	while (s.len && (nats_is_blank(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
		s.len--;
	while (s.len && nats_is_blank(s.ptr[0]))
		s = slice_of(s.ptr + 1, s.len - 1);
	return s;
}

static unsigned words_of(struct slice s, struct slice out[WORDS_MAX])
{
	unsigned nr = 0;

	for (size_t i = 0, from; i < s.len && nr < WORDS_MAX;) {
		for (from = i; i < s.len && !nats_is_blank(s.ptr[i]);)
			i++;
		out[nr++] = slice_of(s.ptr + from, i - from);
		while (i < s.len && nats_is_blank(s.ptr[i]))
			i++;
	}
	return nr;
}

bool nats_line_read(struct slice in, struct nats_line *l)
{
	struct slice w[WORDS_MAX], s = nats_trim(in);
	unsigned nr = words_of(s, w), args = nr ? nr - 1 : 0;
	const struct name *n;
	bool headed, delivered;

	*l = (struct nats_line){ .what = nr ? word_of(w[0]) : NATS_NONE };
	n = &names[l->what];
	if (!l->what || args < n->min || (n->max && args > n->max) || (!n->min && args))
		return false;
	l->rest = args ? slice_of(w[1].ptr, s.len - (size_t)(w[1].ptr - s.ptr)) : SLICE("");
	if (l->what == NATS_CONNECT || l->what == NATS_INFO)
		return l->rest.ptr[0] == '{' && l->rest.ptr[l->rest.len - 1] == '}';
	if (l->what >= NATS_CONNECT || l->what == NATS_UNSUB)
		return true;
	l->subject = w[1];
	if (!is_subject(l->subject))
		return false;
	if (l->what == NATS_SUB) {
		l->queue = args == 3 ? w[2] : l->queue;
		return true;
	}
	headed = l->what == NATS_HPUB || l->what == NATS_HMSG;
	delivered = l->what == NATS_MSG || l->what == NATS_HMSG;
	if (args == n->max)
		l->answer = w[2 + delivered];
	return nats_number(w[nr - 1], SIZE_LIMIT, &l->size) && (!headed || nats_number(w[nr - 2], l->size, &l->head));
}

int nats_begins(struct slice in, bool weak)
{
	struct nats_line l;
	const uint8_t *end;
	size_t most = in.len < SOUGHT_MAX ? in.len : SOUGHT_MAX;

	for (unsigned i = 1; i < NAMES; i++) {
		size_t len = strlen(names[i].text), n = in.len < len ? in.len : len;

		if ((n && memcmp(in.ptr, names[i].text, n)) || (!weak && (i >= NATS_PING)))
			continue;
		if (in.len <= len + 1)
			return -1;
		if (!names[i].min ? in.ptr[len] != '\r' : in.ptr[len] != ' ')
			continue;
		if (i == NATS_CONNECT || i == NATS_INFO)
			return in.ptr[len + 1] == '{';
		end = memchr(in.ptr, '\n', most);
		if (!end)
			return most == SOUGHT_MAX ? 0 : -1;
		return end[-1] == '\r' && nats_line_read(slice_of(in.ptr, (size_t)(end - in.ptr) + 1), &l);
	}
	return 0;
}

int nats_find(struct slice in, bool weak, size_t *at)
{
	for (*at = 0;;) {
		int begins = nats_begins(slice_of(in.ptr + *at, in.len - *at), weak);
		const uint8_t *end = !begins && *at < in.len ? memchr(in.ptr + *at, '\n', in.len - *at) : NULL;

		if (begins)
			return begins;
		*at = end ? (size_t)(end - in.ptr) + 1 : in.len;
		if (*at == in.len)
			return 0;
	}
}

bool nats_may_be(struct slice in, size_t *most)
{
	size_t n = 0;

	while (n < in.len && n < 8 && !nats_is_blank(in.ptr[n]) && in.ptr[n] != '\r' && in.ptr[n] != '\n')
		n++;
	*most = LINE_MAX;
	for (unsigned i = 1; i < NAMES; i++) {
		size_t len = strlen(names[i].text);

		if (n > len || (n < in.len && n != len) || strncasecmp((const char *)in.ptr, names[i].text, n))
			continue;
		*most = i == NATS_CONNECT || i == NATS_INFO ? PROTOCOL_HEAD_MAX : LINE_MAX;
		return true;
	}
	return false;
}

bool nats_front_says(enum nats_what what)
{
	return names[what].front;
}

bool nats_back_says(enum nats_what what)
{
	return names[what].back;
}
