/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.c - syslog as RFC 5424 and 3164 write it, in datagrams (RFC 5426, /dev/log) and in streams, where
 * a count stands before each message, or a line feed or NUL behind it (RFC 6587, 5425). A message is an
 * exchange that nobody answers, its method the severity, its route facility and application. Structured
 * data and the text are fields.
 *
 *   [count SP] <PRI>1 TIME HOST APP PROC MSGID [id name="value" ...] text
 *   [count SP] <PRI>Mmm dd hh:mm:ss HOST tag[pid]: text       HOST is not there on /dev/log, and much may be missing */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/content.h"
#include "protocol/protocol.h"

#define MESSAGE_MAX	65536	/* bytes of one that are looked at */
#define COUNT_DIGITS	7
#define BEGIN_MAX	40	/* bytes by which a begin is known for sure */
#define TAG_MAX		48
#define COST_MESSAGE	500	/* ns */
#define COST_PARAM	150

enum phase { PHASE_BEGIN, PHASE_COUNTED, PHASE_LINE, PHASE_LOST };

struct side {
	enum phase phase;
	uint32_t left;		/* of a counted message */
	bool known, counts;	/* a message came, and the last had a count */
	bool fresh;		/* lost, and nothing came since bytes were missing */
	bool cut, gap;		/* of the message at hand */
	uint64_t bytes, began;
	struct buf held;	/* of it, when it did not come whole */
};

struct state {
	const struct field_sink *sink;
	struct session *session;
	bool datagram;
	struct side sides[2];
};

struct message { unsigned pri; struct slice host, app, msgid, text; bool structured; };

/* ---- where a message begins ---- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* How long "<PRI>" is; 0: too short to tell, -1: none. */
static int pri_read(struct slice in, unsigned *pri)
{
	unsigned v = 0;
	size_t i = 1;

	if (in.len && in.ptr[0] != '<')
		return -1;
	for (; i < in.len && i < 4 && is_digit(in.ptr[i]); i++)
		v = v * 10 + (in.ptr[i] - '0');
	if (v > 191 || (i > 2 && in.ptr[1] == '0'))
		return -1;
	if (i >= in.len)
		return 0;
	*pri = v;
	return i > 1 && in.ptr[i] == '>' ? (int)i + 1 : -1;
}

/* '0': a digit, '_': one or a blank, 'M': a letter. 1: it begins so, 0: as far as it goes, -1: no. */
static int fits(struct slice in, const char *pattern)
{
	for (size_t i = 0; pattern[i]; i++) {
		uint8_t c;

		if (i == in.len)
			return 0;
		c = in.ptr[i];
		if (pattern[i] == '0' ? !is_digit(c) : pattern[i] == '_' ? c != ' ' && !is_digit(c) :
		    pattern[i] == 'M' ? (c | 32) < 'a' || (c | 32) > 'z' : c != (uint8_t)pattern[i])
			return -1;
	}
	return 1;
}

static const char date_old[] = "MMM _0 00:00:00", date_new[] = "0000-00-00T00:00:00";

/* Behind PRI stands what no other text has: 1, 0 and -1 as above. */
static int head_fits(struct slice in)
{
	static const char *const heads[] = { "1 - ", "1 0000-00-00T00:00:00", date_old, date_new };
	int best = -1;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int r = fits(in, heads[i]);

		best = r > best ? r : best;
	}
	return best;
}

/* "count SP <PRI>": how long the count and its blank are; 0: too short to tell, -1: it is none. */
static int count_read(struct slice in, uint32_t *count)
{
	unsigned pri;
	uint32_t v = 0;
	size_t i = 0;
	int r;

	for (; i < in.len && i < COUNT_DIGITS && is_digit(in.ptr[i]); i++)
		v = v * 10 + (in.ptr[i] - '0');
	if ((i && in.ptr[0] == '0') || (i < in.len && (!i || in.ptr[i] != ' ')))
		return -1;
	if (i >= in.len)
		return 0;
	i++;
	r = pri_read(slice_of(in.ptr + i, in.len - i), &pri);
	*count = v;
	return r < 0 || (r > 0 && v < (uint32_t)r) ? -1 : r ? (int)i : 0;
}

static bool ends_line(uint8_t c)
{
	return c == '\n' || !c;
}

/* The first bytes behind PRI are text. */
static bool is_text(struct slice in)
{
	size_t i = 0;

	for (; i < in.len && i < BEGIN_MAX && !ends_line(in.ptr[i]); i++)
		if ((in.ptr[i] < 0x20 && in.ptr[i] != '\t' && in.ptr[i] != '\r') || in.ptr[i] == 0x7f)
			return false;
	return i > 0;
}

static int guess_message(struct slice in, bool whole)
{
	unsigned pri;
	int n = pri_read(in, &pri), head;

	if (n <= 0)
		return n || whole ? 0 : -EAGAIN;
	in = slice_of(in.ptr + n, in.len - (size_t)n);
	head = head_fits(in);
	if (head > 0)
		return 90;
	if (!whole && (!head || !in.len))
		return -EAGAIN;
	return is_text(in) ? 60 : 0;
}

static int guess(struct slice head, enum dir dir)
{
	uint32_t count;
	int n = count_read(head, &count);

	if (!n)
		return head.len ? -EAGAIN : 0;
	return n > 0 ? guess_message(slice_of(head.ptr + n, head.len - (size_t)n), false) : guess_message(head, false);
}

static int guess_datagram(struct slice whole, enum dir dir)
{
	return guess_message(whole, true);
}

/* Where the count in front of a message begins that stands at `at`; `at` itself: there is none. */
static size_t before(struct slice in, size_t at)
{
	size_t from = at;

	if (!at || in.ptr[at - 1] != ' ')
		return at;
	for (from--; from && at - from <= COUNT_DIGITS && is_digit(in.ptr[from - 1]);)
		from--;
	return from + 1 < at && in.ptr[from] != '0' ? from : at;
}

/* Only what is a begin for sure: behind an end of a line, or behind a count; or the first byte where that may be one. */
static bool seek_begin(struct slice in, bool first, size_t *at)
{
	size_t tail = in.len;

	for (size_t i = 0; i < in.len; i++) {
		const uint8_t *p = memchr(in.ptr + i, '<', in.len - i);
		struct slice rest;
		unsigned pri;
		int n, head;

		if (!p)
			break;
		i = (size_t)(p - in.ptr);
		rest = slice_of(p, in.len - i);
		n = pri_read(rest, &pri);
		head = n < 0 ? -1 : n ? head_fits(slice_of(p + n, rest.len - (size_t)n)) : 0;
		*at = before(in, i);
		if (head < 0 || (*at == i && (i ? !ends_line(in.ptr[i - 1]) : !first)))
			continue;
		*at -= !head && i && *at == i;	/* more of it is to come, and what stands before tells */
		return head;
	}
	while (tail && in.len - tail <= COUNT_DIGITS && (is_digit(in.ptr[tail - 1]) || in.ptr[tail - 1] == ' '))
		tail--;
	*at = tail && ends_line(in.ptr[tail - 1]) ? tail - 1 : tail;
	return false;
}

static bool seek(struct slice in, enum dir dir, size_t *at)
{
	return seek_begin(in, false, at);
}

/* ---- what it says ---- */

static struct slice rest_of(struct slice s, size_t from)
{
	return from < s.len ? slice_of(s.ptr + from, s.len - from) : slice_of(s.ptr + s.len, 0);
}

/* Up to a blank, which is taken too. */
static struct slice word(struct slice *in)
{
	const uint8_t *blank = in->len ? memchr(in->ptr, ' ', in->len) : NULL;
	struct slice w = slice_of(in->ptr, blank ? (size_t)(blank - in->ptr) : in->len);

	*in = rest_of(*in, w.len + 1);
	return w.len == 1 && w.ptr[0] == '-' ? slice_of(w.ptr, 0) : w;
}

/* "tag:" or "tag[pid]:" at the front: how long it is with what ends it; 0: there is none. */
static size_t tag_read(struct slice in, struct slice *tag)
{
	const uint8_t *end;
	size_t i = 0;

	*tag = slice_of(in.ptr, 0);
	if (in.len && in.ptr[0] == '@')	/* "@cee:" is none */
		return 0;
	while (i < in.len && i < TAG_MAX && in.ptr[i] > 0x20 && in.ptr[i] != 0x7f && !strchr("[]:{}<>\"=", in.ptr[i]))
		i++;
	*tag = slice_of(in.ptr, i);
	if (!i || i == in.len)
		return 0;
	if (in.ptr[i] == '[') {
		end = memchr(in.ptr + i, ']', in.len - i < TAG_MAX ? in.len - i : TAG_MAX);
		if (!end)
			return 0;
		i = (size_t)(end - in.ptr) + 1;
		return i < in.len && in.ptr[i] == ':' ? i + 1 : i;
	}
	return in.ptr[i] == ':' ? i + 1 : 0;
}

static struct slice skip_blanks(struct slice s)
{
	while (s.len && s.ptr[0] == ' ')
		s = rest_of(s, 1);
	return s;
}

static bool is_document(struct slice s)
{
	return s.len && s.ptr[0] && strchr("{[<@", s.ptr[0]);
}

/* RFC 3164, and what programs make of it. */
static void read_old(struct message *m, struct slice in)
{
	size_t stamp = fits(in, date_old) > 0 ? sizeof(date_old) - 1 : fits(in, date_new) > 0 ? sizeof(date_new) - 1 : 0, n;
	struct slice first;

	while (stamp && stamp < in.len && in.ptr[stamp] != ' ')	/* fractions, a zone */
		stamp++;
	in = skip_blanks(rest_of(in, stamp));
	n = tag_read(in, &m->app);
	if (stamp && !n) {
		m->text = in;
		first = word(&m->text);
		n = tag_read(m->text, &m->app);
		if (first.len && m->text.len) {
			m->host = first;
			in = m->text;
		}
	}
	m->text = skip_blanks(rest_of(in, n));
	if (!n)
		m->app.len = 0;
	/* "card: 4111" without a time may be no tag: the word stays beside what it says. */
	if (!stamp && !is_document(m->text))
		m->text = in;
}

static void message_read(struct message *m, struct slice in)
{
	int n = pri_read(in, &m->pri);

	if (n <= 0) {
		*m = (struct message){ .pri = 13, .text = in };	/* RFC 3164, 4.3.3 */
		return;
	}
	in = rest_of(in, (size_t)n);
	if (fits(in, "1 ") <= 0) {
		read_old(m, in);
		return;
	}
	m->structured = true;
	in = rest_of(in, 2);
	word(&in);
	m->host = word(&in);
	m->app = word(&in);
	word(&in);
	m->msgid = word(&in);
	m->text = in;
}

static void tell(struct state *s, struct exchange *ex, enum dir dir, const char *path, struct slice key, struct slice value)
{
	struct field f = { .location = LOC_REQUEST_HEADER, .dir = dir, .path = path, .key = key, .value = value };

	if (value.len)
		s->sink->field(s->sink->owner, ex, &f);
}

/* Up to the quote that ends it; what stands behind backslashes is itself. False: nothing ends it. */
static bool quoted(struct slice *in, struct slice *raw, bool *escaped)
{
	size_t i = 0;

	*escaped = false;
	for (; i < in->len && in->ptr[i] != '"'; i++)
		if (in->ptr[i] == '\\' && i + 1 < in->len) {
			*escaped = true;
			i++;
		}
	if (i >= in->len)
		return false;
	*raw = slice_of(in->ptr, i);
	*in = rest_of(*in, i + 1);
	return true;
}

static void tell_param(struct state *s, struct exchange *ex, enum dir dir, const char *path, struct slice key, struct slice raw, bool escaped)
{
	uint8_t *plain = escaped ? malloc(raw.len) : NULL;
	size_t n = 0;

	for (size_t i = 0; plain && i < raw.len; i++) {
		if (raw.ptr[i] == '\\' && i + 1 < raw.len && strchr("\"\\]", raw.ptr[i + 1]))
			i++;
		plain[n++] = raw.ptr[i];
	}
	tell(s, ex, dir, path, key, plain ? slice_of(plain, n) : raw);
	if (plain)
		explicit_bzero(plain, n);
	free(plain);
}

static struct slice until(struct slice *in, const char *ends)
{
	size_t n = 0;

	while (n < in->len && in->ptr[n] && !strchr(ends, in->ptr[n]))
		n++;
	*in = rest_of(*in, n);
	return slice_of(in->ptr - n, n);
}

/* One "[id name="value" ...]". False: it is not one, or costs too much. */
static bool element(struct state *s, struct exchange *ex, enum dir dir, struct slice *in)
{
	char path[PATH_SIZE] = "syslog.";
	size_t n = strlen(path);
	struct slice left = rest_of(*in, 1), key, raw;
	bool escaped;

	n += s->sink->clean(s->sink->owner, path + n, until(&left, " ]"));
	path[n++] = '.';
	while (left.len && left.ptr[0] == ' ') {
		left = rest_of(left, 1);
		key = until(&left, "= ]\"");
		if (left.len < 2 || left.ptr[0] != '=' || left.ptr[1] != '"')
			return false;
		left = rest_of(left, 2);
		if (!quoted(&left, &raw, &escaped))
			return false;
		if (s->sink->afford && !s->sink->afford(s->sink->owner, COST_PARAM)) {
			ex->inspected = INSPECTED_PARTIAL;
			return false;
		}
		/* A path is as long as two names and what stands before. */
		if (n < PATH_SIZE - NAME_SIZE)
			s->sink->clean(s->sink->owner, path + n, key);
		tell_param(s, ex, dir, path, key, raw, escaped);
		*in = left;	/* what is told is not text */
	}
	if (!left.len || left.ptr[0] != ']')
		return false;
	*in = rest_of(left, 1);
	return true;
}

static void tell_text(struct state *s, struct exchange *ex, enum dir dir, struct slice text, bool cut)
{
	struct content_job job = {
		.exchange = ex, .sink = s->sink, .location = LOC_REQUEST_BODY, .dir = dir, .cut = cut, .key = SLICE("message"),
	};

	if (text.len >= 3 && !memcmp(text.ptr, "\xef\xbb\xbf", 3))
		text = rest_of(text, 3);
	if (text.len > 5 && !memcmp(text.ptr, "@cee:", 5))	/* JSON follows */
		text = skip_blanks(rest_of(text, 5));
	while (text.len && strchr("\r\n ", text.ptr[text.len - 1]))	/* a NUL too */
		text.len--;
	if (!text.len)
		return;
	if (cut || !content_inside(&job, "syslog.message", job.key, text))
		content_text(&job, "syslog.message", text);
	if (cut || job.limited)
		ex->inspected = INSPECTED_PARTIAL;
}

static void route_set(struct state *s, struct exchange *ex, const struct message *m)
{
	static const char *const facilities[] = {
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	};
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%.*s", facilities[m->pri >> 3], (int)(m->app.len < 64 ? m->app.len : 64), (const char *)m->app.ptr);

	route_template(ex->route, slice_of(path, (size_t)n - !m->app.len), s->sink);
}

static void take_message(struct state *s, enum dir dir, struct slice in, const struct side *side, struct stamp at)
{
	static const char *const severities[] = { "EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG" };
	struct exchange *ex = protocol_exchange();
	struct message m = { 0 };
	bool affords = !s->sink->afford || s->sink->afford(s->sink->owner, COST_MESSAGE);

	if (!ex)
		return;
	message_read(&m, in);
	ex->began = side->began ? side->began : at.time;
	ex->conn.role = dir == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;
	ex->request_bytes = side->bytes;
	ex->has_gap = side->gap;
	word_set(ex->method, severities[m.pri & 7]);
	route_set(s, ex, &m);
	if (affords) {
		tell(s, ex, dir, "syslog.host", SLICE("host"), m.host);
		tell(s, ex, dir, "syslog.msgid", SLICE("msgid"), m.msgid);
		if (m.structured && m.text.len && m.text.ptr[0] == '-')
			m.text = rest_of(m.text, 2);
		while (m.structured && m.text.len && m.text.ptr[0] == '[' && element(s, ex, dir, &m.text))
			;
		tell_text(s, ex, dir, skip_blanks(m.text), side->cut);
	} else {
		ex->inspected = INSPECTED_NONE;
	}
	session_emit(s->session, ex, at);
	budget_free(ex, sizeof(*ex));
}

/* ---- the stream ---- */

static void side_reset(struct side *side, enum phase phase)
{
	buf_free(&side->held);
	side->phase = phase;
	side->left = 0;
	side->cut = side->gap = false;
	side->bytes = side->began = 0;
}

/* All of it is there that will come. */
static void complete(struct state *s, struct side *side, enum dir dir, struct slice all, struct stamp at)
{
	bool empty = all.len < 3 && (!all.len || ends_line(all.ptr[all.len - 1]) || all.ptr[0] == '\r') && (all.len < 2 || all.ptr[0] == '\r');

	if (!empty)	/* a line of nothing is between messages */
		take_message(s, dir, all, side, at);
	side_reset(side, PHASE_BEGIN);
}

static struct slice held(const struct side *side)
{
	return slice_of(side->held.ptr, side->held.len);
}

/* n bytes of the message at hand, of which the last may end it. What is behind a hole is not looked at, nor what
 * there is no memory for. */
static struct feed_result feed_part(struct state *s, struct side *side, enum dir dir, struct slice in, size_t n, bool ends, struct stamp at)
{
	size_t room = MESSAGE_MAX - side->held.len, kept = side->gap ? 0 : n < room ? n : room;
	bool whole = ends && !side->held.len && !side->held.failed;

	if (!whole && kept && buf_add(&side->held, in.ptr, kept))
		kept = 0;
	side->bytes += n;
	side->cut |= kept < n;
	session_count(s->session, FATE_EXAMINED, kept);
	session_count(s->session, side->gap ? FATE_OPAQUE : FATE_SKIPPED, n - kept);
	if (ends)
		complete(s, side, dir, whole ? slice_of(in.ptr, kept) : held(side), at);
	return (struct feed_result){ FEED_OK, n, 0 };
}

static struct feed_result feed_counted(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = in.len < side->left ? in.len : side->left;

	side->left -= (uint32_t)n;
	return feed_part(s, side, dir, in, n, !side->left, at);
}

static struct feed_result feed_line(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	const uint8_t *lf = memchr(in.ptr, '\n', in.len), *nul = memchr(in.ptr, 0, lf ? (size_t)(lf - in.ptr) : in.len), *end = nul ? nul : lf;

	return feed_part(s, side, dir, in, end ? (size_t)(end - in.ptr) + 1 : in.len, end, at);
}

static struct feed_result feed_begin(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	uint32_t count = 0;
	unsigned pri;
	int n = count_read(in, &count);

	if (!n)
		return (struct feed_result){ FEED_MORE, 0, 0 };
	side->began = at.time;
	side->bytes = n > 0 ? (uint64_t)n : 0;
	if (n > 0) {
		session_count(s->session, FATE_EXAMINED, (size_t)n);
		side->known = side->counts = true;
		side->left = count;
		side->phase = PHASE_COUNTED;
		return (struct feed_result){ FEED_OK, (size_t)n, 0 };
	}
	n = pri_read(in, &pri);
	/* A line without PRI goes on with what another has begun, but not where there are no lines. */
	if (n < 0 && (!side->known || side->counts) && !ends_line(in.ptr[0])) {
		side->phase = PHASE_LOST;
		return (struct feed_result){ FEED_OK, 1, 1 };
	}
	side->phase = PHASE_LINE;
	side->known = true;
	side->counts &= n < 0;
	return feed_line(s, side, dir, in, at);
}

/* Up to where a message begins again. */
static struct feed_result feed_lost(struct state *s, struct side *side, enum dir dir, struct slice in, struct stamp at)
{
	size_t n = 0;

	if (seek_begin(in, side->fresh, &n))
		side->phase = PHASE_BEGIN;
	side->fresh &= !n;
	if (side->phase == PHASE_BEGIN && !n)	/* a step that consumes nothing would end the feed */
		return feed_begin(s, side, dir, in, at);
	return (struct feed_result){ n ? FEED_OK : FEED_MORE, n, n };
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	if (s->datagram) {
		if (guess_message(in, true) <= 0 && !is_text(in))
			return (struct feed_result){ FEED_OK, in.len, in.len };
		return feed_part(s, side, dir, in, in.len, true, at);
	}
	switch (side->phase) {
	case PHASE_BEGIN:
		return feed_begin(s, side, dir, in, at);
	case PHASE_COUNTED:
		return feed_counted(s, side, dir, in, at);
	case PHASE_LINE:
		return feed_line(s, side, dir, in, at);
	case PHASE_LOST:
		return feed_lost(s, side, dir, in, at);
	}
	return (struct feed_result){ FEED_BAD, 0, 0 };
}

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;

	s->sink = sink;
	s->session = session;
	s->datagram = transport_is_datagram(conn->transport);
	for (int d = 0; d < 2; d++)
		buf_init(&s->sides[d].held, MESSAGE_MAX);
}

static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;
	struct side *side = &s->sides[dir];

	if (s->datagram)
		return 0;
	side->cut = side->gap = side->phase == PHASE_COUNTED || side->held.len;
	if (side->phase == PHASE_COUNTED && lost <= side->left) {	/* where it ends is known */
		side->left -= (uint32_t)lost;
		if (!side->left)
			complete(s, side, dir, held(side), at);
		return 0;
	}
	if (side->held.len)
		complete(s, side, dir, held(side), at);
	side_reset(side, PHASE_LOST);
	side->fresh = true;
	return 0;
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++) {
		struct side *side = &s->sides[d];

		side->cut |= side->phase == PHASE_COUNTED;
		if (side->held.len)	/* a last line may have no end */
			complete(s, side, (enum dir)d, held(side), at);
	}
}

static void fini(void *state)
{
	struct state *s = state;

	for (int d = 0; d < 2; d++)
		buf_free(&s->sides[d].held);
}

const struct protocol protocol_syslog = {
	.name = "syslog", .summary = "syslog of RFC 5424 and 3164 over UDP, TCP and /dev/log, a message is an exchange", .state_size = sizeof(struct state),
	.guess = guess, .guess_datagram = guess_datagram, .seek = seek, .init = init, .feed = feed, .gap = gap, .eof = eof, .fini = fini,
};
