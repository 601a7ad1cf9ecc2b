/* SPDX-License-Identifier: Apache-2.0 */
/* redis.c - Redis's protocol, RESP2 and RESP3, arrays and inline commands: cuts tokens out of both
 * directions without holding more than one value, and finds where a command or an answer begins
 * after a gap. */
#include <errno.h>
#include <string.h>

#include "protocol/redis.h"

#define BULK_MAX	(1u << 30)
#define COUNT_MAX	(1u << 27)
#define HEAD_MAX	14		/* bytes of a line with a number */
#define GUESSED		64

/* "12\r\n" behind a type: 1 and *v (-1: none), 0: it is none, -1: its end is not there. *len: with the type and line end. */
static int number_line(struct slice in, int64_t *v, size_t *len)
{
	size_t i = 1;
	bool minus = in.len > 1 && in.ptr[1] == '-';

	*v = 0;
	for (i += minus; i < in.len && i < HEAD_MAX && in.ptr[i] >= '0' && in.ptr[i] <= '9'; i++)
		*v = *v * 10 + (in.ptr[i] - '0');
	if (i >= in.len || (i + 1 == in.len && in.ptr[i] == '\r'))
		return -1;
	if (i == 1u + minus || in.ptr[i] != '\r' || in.ptr[i + 1] != '\n' || (minus && *v != 1))
		return 0;
	*v = minus ? -1 : *v;
	*len = i + 2;
	return 1;
}

static bool is_array(char c)
{
	return c && strchr("*%~>|", c);
}

static bool is_bulk(char c)
{
	return c && strchr("$=!", c);
}

/* ---- does a message begin here? 1, 0, -1: more would tell ---- */

static int command_begins(struct slice in)
{
	int64_t nr, len;
	size_t used, head;
	int there;

	if (!in.len || in.ptr[0] != '*')
		return in.len ? 0 : -1;
	there = number_line(in, &nr, &used);
	if (there <= 0)
		return there;
	if (nr < 1 || nr > COUNT_MAX)
		return 0;
	in = slice_of(in.ptr + used, in.len - used);
	if (!in.len || in.ptr[0] != '$')
		return in.len ? 0 : -1;
	there = number_line(in, &len, &head);
	if (there <= 0)
		return there;
	if (len < 1 || len > 32)
		return 0;
	in = slice_of(in.ptr + head, in.len - head);
	return in.len < (size_t)len ? -1 : re_is_command(slice_of(in.ptr, (size_t)len));
}

static bool printable_line(struct slice in, size_t most, int *there)
{
	size_t i = 1;

	while (i < in.len && i < most && in.ptr[i] >= 0x20 && in.ptr[i] < 0x7f)
		i++;
	*there = i >= in.len || (i + 1 == in.len && in.ptr[i] == '\r') ? (i < most ? -1 : 0) : in.ptr[i] == '\r' && in.ptr[i + 1] == '\n';
	return *there;
}

static int answer_begins(struct slice in)
{
	int64_t v;
	size_t used;
	int there;

	if (!in.len)
		return -1;
	switch (in.ptr[0]) {
	case '+':
		printable_line(in, 256, &there);
		return there;
	case '-':
		if (in.len > 1 && (in.ptr[1] < 'A' || in.ptr[1] > 'Z'))
			return 0;
		printable_line(in, 256, &there);
		return there;
	case ':': case '*': case '%': case '~': case '>': case '$': case '=':
		there = number_line(in, &v, &used);
		if (there <= 0 || in.ptr[0] == ':' || v <= 0)
			return there;
		if (is_array((char)in.ptr[0]))
			return v > COUNT_MAX ? 0 : used == in.len ? -1 : strchr("+-:*$%~=_,#(!", in.ptr[used] | !in.ptr[used]) != NULL;
		if (v > BULK_MAX || in.len - used < (uint64_t)v + 2)
			return v < 4096 ? -1 : v <= BULK_MAX;
		return in.ptr[used + (size_t)v] == '\r' && in.ptr[used + (size_t)v + 1] == '\n';
	default:
		return 0;
	}
}

/* NATS says "PING" too: the answer tells. */
static int guess(struct slice head, enum dir dir)
{
	static const char ping[] = "PING\r\n", pong[] = "+PONG\r\n";
	int command;

	if (head.len <= 7 && !memcmp(head.ptr, pong, head.len))
		return head.len == 7 ? 60 : -EAGAIN;
	while (head.len > 6 && !memcmp(head.ptr, ping, 6))
		head = slice_of(head.ptr + 6, head.len - 6);
	command = command_begins(head);
	if (command > 0)
		return 90;
	if (head.len <= 6 && !memcmp(head.ptr, ping, head.len))
		return -EAGAIN;
	return command < 0 && head.len < GUESSED ? -EAGAIN : 0;
}

/* ---- the stream ---- */

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct re_state *s = state;

	s->sink = sink;
	s->session = session;
	s->front_known = conn->role != ROLE_UNKNOWN;
	s->front = conn->role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;
	s->items.size = sizeof(struct re_item);
	for (int d = 0; d < 2; d++) {
		s->sides[d].phase = conn->late ? PHASE_RESYNC : PHASE_TOKEN;
		buf_init(&s->sides[d].body, PROTOCOL_BODY_HELD);
	}
}

static struct feed_result lose(struct re_state *s, struct re_side *side, enum dir dir)
{
	side->phase = PHASE_RESYNC;
	side->after_gap = true;
	side->depth = 0;
	side->scanned = side->carried = 0;
	side->message = 0;
	re_lost(s, dir);
	return (struct feed_result){ FEED_OK, 1, 1 };
}

/* An element was there; of what is whole with it the arrays around are. */
static void element(struct re_state *s, struct re_side *side, enum dir dir, struct stamp at)
{
	while (side->depth) {
		struct re_level *l = &side->levels[side->depth - 1];

		l->at++;
		if (--l->left)
			return;
		side->depth--;
		if (l->type == '|')	/* said of what comes next */
			return;
	}
	if (dir == s->front)
		re_command(s, side->message, at);
	else
		re_answer(s, side->message, at);
	side->message = 0;
}

static void scalar(struct re_state *s, struct re_side *side, enum dir dir, char type, struct slice value, bool cut, struct stamp at)
{
	if (dir == s->front)
		re_argument(s, side->depth ? side->levels[0].at : 0, value, cut, at);
	else
		re_scalar(s, type, value, cut, at);
	element(s, side, dir, at);
}

static void take(struct re_state *s, struct re_side *side, size_t n)
{
	session_count(s->session, FATE_EXAMINED, n);
	side->message += n;
	side->scanned = 0;
}

/* Words with blanks between. */
static void inline_command(struct re_state *s, struct re_side *side, struct slice line, struct stamp at)
{
	unsigned nr = 0;

	for (size_t i = 0, from; i < line.len;) {
		while (i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\r' || line.ptr[i] == '\t'))
			i++;
		for (from = i; i < line.len && line.ptr[i] != ' ' && line.ptr[i] != '\r' && line.ptr[i] != '\t';)
			i++;
		if (i > from)
			re_argument(s, nr++, slice_of(line.ptr + from, i - from), false, at);
	}
	if (nr)
		re_command(s, side->message, at);
	side->message = 0;
}

static struct feed_result array(struct re_state *s, struct re_side *side, enum dir dir, struct slice in, struct stamp at)
{
	int64_t nr;
	size_t used;
	int there = number_line(in, &nr, &used);
	char type = (char)in.ptr[0];

	if (there < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!there || nr > COUNT_MAX || side->depth == RE_DEPTH || (dir == s->front && (type != '*' || side->depth)))
		return lose(s, side, dir);
	take(s, side, used);
	if (nr <= 0) {
		if (dir != s->front)
			re_scalar(s, '_', (struct slice){ 0 }, false, at);
		if (dir != s->front)
			element(s, side, dir, at);
		else
			side->message = 0;
		return (struct feed_result){ FEED_OK, used, 0 };
	}
	side->levels[side->depth++] = (struct re_level){ type, (uint32_t)nr * (type == '%' || type == '|' ? 2 : 1), 0 };
	if (dir != s->front)
		re_array(s, at);
	return (struct feed_result){ FEED_OK, used, 0 };
}

static struct feed_result bulk(struct re_state *s, struct re_side *side, enum dir dir, struct slice in, struct stamp at)
{
	int64_t len;
	size_t used;
	int there = number_line(in, &len, &used);

	if (there < 0)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	if (!there || len > BULK_MAX || (dir == s->front && (!side->depth || len < 0 || in.ptr[0] != '$')))
		return lose(s, side, dir);
	take(s, side, used);
	if (len < 0) {
		scalar(s, side, dir, '_', (struct slice){ 0 }, false, at);
	} else {
		side->phase = PHASE_BULK;
		side->bulk = (char)in.ptr[0];
		side->left = (uint64_t)len + 2;
	}
	return (struct feed_result){ FEED_OK, used, 0 };
}

static struct feed_result feed_token(struct re_state *s, struct re_side *side, enum dir dir, struct slice in, struct stamp at)
{
	const uint8_t *end;
	char type = (char)in.ptr[0];
	size_t len;

	if (is_array(type))
		return array(s, side, dir, in, at);
	if (is_bulk(type))
		return bulk(s, side, dir, in, at);
	if (dir == s->front ? side->depth : !strchr("+-:,#_(", type | !type))
		return lose(s, side, dir);
	end = memchr(in.ptr + side->scanned, '\n', in.len - side->scanned);
	side->scanned = in.len;
	if (!end && in.len < RE_LINE)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	len = end ? (size_t)(end - in.ptr) + 1 : 0;
	if (!end || (dir != s->front && (len < 3 || end[-1] != '\r')) || (dir == s->front && !(type >= 'A' && type <= 'z') && len > 2))
		return lose(s, side, dir);
	take(s, side, len);
	if (dir == s->front)
		inline_command(s, side, slice_of(in.ptr, len - 1), at);
	else
		scalar(s, side, dir, type, slice_of(in.ptr + 1, len - 3), false, at);
	return (struct feed_result){ FEED_OK, len, 0 };
}

static void bulk_done(struct re_state *s, struct re_side *side, enum dir dir, struct slice value, struct stamp at)
{
	bool cut = side->cut;
	char type = side->bulk;

	if (type == '=' && value.len > 4)	/* "txt:" */
		value = slice_of(value.ptr + 4, value.len - 4);
	side->phase = PHASE_TOKEN;
	side->cut = side->holed = false;
	side->carried = 0;
	scalar(s, side, dir, type, value, cut, at);
	buf_free(&side->body);
}

static void bulk_held(struct re_state *s, struct re_side *side, enum dir dir, struct stamp at)
{
	size_t len = side->body.len;

	if (!side->cut)
		len = len > 2 ? len - 2 : 0;
	bulk_done(s, side, dir, len ? slice_of(side->body.ptr, len) : SLICE(""), at);
}

static struct feed_result feed_bulk(struct re_state *s, struct re_side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : (size_t)side->left, room, held;

	if (!side->body.len && !side->holed && n == side->left) {
		if (in.ptr[n - 2] != '\r' || in.ptr[n - 1] != '\n')
			return lose(s, side, dir);
		take(s, side, n);
		bulk_done(s, side, dir, slice_of(in.ptr, n - 2), at);
		return (struct feed_result){ FEED_OK, n, 0 };
	}
	if (!side->body.len && !side->holed && side->left <= RE_WAITED) {
		side->carried = (uint32_t)in.len;
		return (struct feed_result){ FEED_MORE, 0, 0 };
	}
	room = PROTOCOL_BODY_HELD - side->body.len;
	held = n < room ? n : room;
	if (!side->holed && (buf_add(&side->body, in.ptr, held) || held < n))
		side->cut = side->holed = true;
	side->left -= n;
	take(s, side, n);
	if (!side->left)
		bulk_held(s, side, dir, at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_resync(struct re_state *s, struct re_side *side, enum dir dir, struct slice in, struct stamp at)
{
	bool front = dir == s->front;
	size_t skip = 0;
	int found = 0;

	for (;; skip++) {
		const uint8_t *nl;

		if (skip >= in.len)
			return (struct feed_result){ FEED_OK, in.len, in.len };
		found = front ? command_begins(slice_of(in.ptr + skip, in.len - skip)) : answer_begins(slice_of(in.ptr + skip, in.len - skip));
		if (found)
			break;
		nl = memchr(in.ptr + skip, '\n', in.len - skip);	/* only at the beginning of a line */
		skip = nl ? (size_t)(nl - in.ptr) : in.len;
	}
	if (found < 0)
		return (struct feed_result){ FEED_MORE, skip, skip };
	side->phase = PHASE_TOKEN;
	if (!front)
		re_found(s, at);
	/* Found where it stands: a step that consumes nothing would end the feed. */
	return skip ? (struct feed_result){ FEED_OK, skip, skip } : feed_token(s, side, dir, in, at);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct re_state *s = state;
	struct re_side *side = &s->sides[dir];

	if (!s->front_known) {
		s->front_known = true;
		s->front = command_begins(in) > 0 || in.ptr[0] == 'P' ? dir : !dir;
	}
	if (s->replicates && dir != s->front) {	/* a snapshot and commands: nobody here reads it */
		session_count(s->session, FATE_OPAQUE, in.len);
		return (struct feed_result){ FEED_OK, in.len, 0 };
	}
	switch (side->phase) {
	case PHASE_TOKEN: return feed_token(s, side, dir, in, at);
	case PHASE_BULK: return feed_bulk(s, side, dir, in, at);
	case PHASE_RESYNC: return feed_resync(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct re_state *s = state;
	struct re_side *side = &s->sides[dir];

	if (!lost && side->phase != PHASE_BULK && !side->message) {
		side->phase = PHASE_RESYNC;	/* joined here */
		side->scanned = 0;
		return 0;
	}
	re_lost(s, dir);
	if (side->phase == PHASE_BULK && side->carried <= side->left && lost <= side->left - side->carried) {
		side->left -= side->carried;
		side->carried = 0;
		side->cut = side->holed = true;
		side->left -= lost;
		if (!side->left)
			bulk_held(s, side, dir, at);
		return 0;
	}
	buf_free(&side->body);
	side->cut = side->holed = false;
	side->carried = 0;
	lose(s, side, dir);
	return 0;
}

static void interval(void *state, struct stamp at)
{
	struct re_state *s = state;

	ring_interval(&s->items, s->session, at);
}

static void eof(void *state, struct stamp at)
{
	struct re_state *s = state;

	for (int d = 0; d < 2; d++)
		if (s->sides[d].phase == PHASE_BULK) {
			s->sides[d].cut = true;
			bulk_held(s, &s->sides[d], (enum dir)d, at);
		}
	re_end(s, at);
}

static void fini(void *state)
{
	struct re_state *s = state;

	buf_free(&s->sides[0].body);
	buf_free(&s->sides[1].body);
	re_free(s);
}

const struct protocol protocol_redis = {
	.name = "redis", .summary = "Redis, RESP2 and RESP3: commands paired with their answers, channels, transactions",
	.state_size = sizeof(struct re_state), .guess = guess, .init = init, .feed = feed, .gap = gap, .interval = interval, .eof = eof, .fini = fini,
};
