/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - one connection: which protocol it speaks, and the account of its bytes.
 *
 * Detection is by content, per connection, from the first bytes of either direction;
 * until it is decided a little is held. What nobody recognises is opaque, and looked at as
 * text. After a gap in an undecided or given-up direction detection starts again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/arranged.h"
#include "protocol/hello.h"
#include "protocol/protocol.h"
#include "protocol/told.h"
#include "protocol/unread.h"

#define HEAD_HELD 512	/* bytes a direction may hold before a protocol is known */
#define CARRY_MAX (PROTOCOL_HEAD_MAX + 16384)
#define NOTHING ((struct slice){ NULL, 0 })
#define OPEN_LONG 5000000000ull	/* ns; what is answered sooner is told at once, with all that is known in the end */

struct session {
	struct conn_facts conn;
	const struct field_sink *sink;
	struct byte_account *acct;	/* by enum dir */
	struct byte_sums told[2];	/* part of the account that facts have carried */
	int64_t open[2];		/* part that was open at the last interval's end, and that none has */
	bool ended;
	const struct protocol *protocol, *next;	/* next: after a switch, when it is known */
	void *state, *next_state;
	bool switched;			/* in this feed */
	bool upgraded;			/* ever */
	bool forgotten;			/* to what, for want of memory */
	struct buf carry[2];		/* bytes the parser wants more of */
	enum dir feeding;		/* whose bytes are being fed */
	size_t given;			/* of these, bytes that are not carried */
	size_t fed, counted;		/* of all: consumed; of the rest, what its parser has counted already */
	bool inside[2];			/* what is carried is the rest of bytes in which a message is looked for */
	bool opaque[2];			/* given up until the next gap */
	bool starved[2];		/* for want of memory, not of understanding */
	uint64_t passed[2];		/* bytes since then */
	struct unread *unread;		/* NULL: there was nothing that nobody understood */
	bool guessed;			/* its first bytes said what it is */
	char name[WORD_SIZE];		/* of what it speaks; empty until it was guessed or a message was found */
	char route[PATH_SIZE], host[NAME_SIZE];
	struct hello *hello;		/* NULL: not begun, or all is told */
	bool hello_told;
	struct arranged *arranged;	/* of all connections; may be NULL */
};

struct session *session_new(const struct conn_facts *conn, const struct field_sink *sink, struct byte_account acct[2])
{
	struct session *s = budget_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->conn = *conn;
	s->sink = sink;
	s->acct = acct;
	buf_init(&s->carry[0], CARRY_MAX);
	buf_init(&s->carry[1], CARRY_MAX);
	return s;
}

void session_arrange(struct session *s, struct arranged *arranged)
{
	s->arranged = arranged;
}

struct arranged *session_arranged(const struct session *s)
{
	return s->arranged;
}

void session_update(struct session *s, const struct conn_facts *conn)
{
	uint8_t role = s->conn.role;

	s->conn = *conn;
	if (!s->conn.role)
		s->conn.role = role;	/* what the protocol has taught stays */
}

void session_adopt(struct session *to, struct session *from)
{
	session_update(from, &to->conn);
	from->acct = to->acct;
	for (unsigned d = 0; d < 2; d++)
		told_add(&from->told[d], &to->told[d]);
	if (to->host[0] && !from->host[0])
		memcpy(from->host, to->host, sizeof(from->host));
	hello_free(from->hello);
	from->hello = to->hello;	/* the handshake was seen there */
	from->hello_told = to->hello_told;
	buf_free(&to->carry[0]);
	buf_free(&to->carry[1]);
	budget_free(to, sizeof(*to));
}

/* Bytes that nobody understands; of a connection older than weir, perhaps for want of their beginning. */
static void opaque(struct session *s, enum dir dir, size_t nr)
{
	/* What one direction wanted memory for, the other may need to be understood. */
	bool starved = s->starved[dir] || (s->starved[!dir] && s->opaque[!dir]) || (s->forgotten && !s->protocol);

	account_opaque(&s->acct[dir], (int64_t)nr, starved ? LOSS_BUDGET : s->conn.late && !s->name[0] ? LOSS_LATE : LOSS_UNKNOWN_PROTOCOL);
}

/* The same of bytes that are there: they may be text. */
static void unread(struct session *s, enum dir dir, struct slice in, struct stamp at)
{
	opaque(s, dir, in.len);
	if (!s->unread && in.len)
		s->unread = unread_new();
	if (s->unread && in.len)
		unread_take(s->unread, s, s->sink, dir, in, transport_is_datagram(s->conn.transport), at);
}

static struct slice carried(const struct session *s, enum dir dir)
{
	return slice_of(s->carry[dir].ptr, s->carry[dir].len);
}

static void settle(struct session *s, enum dir dir, struct stamp at)
{
	if (s->unread)
		unread_settle(s->unread, s, s->sink, dir, at);
}

/* refused: of budget_refused(), before what has failed was tried. */
static void give_up(struct session *s, enum dir dir, uint64_t refused, struct stamp at)
{
	s->starved[dir] = budget_refused() != refused;
	s->passed[dir] += s->carry[dir].len;
	unread(s, dir, carried(s, dir), at);
	buf_free(&s->carry[dir]);
	s->opaque[dir] = true;
}

static void take_up(struct session *s, enum dir dir)
{
	s->opaque[dir] = s->starved[dir] = false;
	s->passed[dir] = 0;
}

static bool protocol_begin(struct session *s, const struct protocol *p)
{
	s->state = budget_alloc(p->state_size);
	if (!s->state)
		return false;
	s->protocol = p;
	p->init(s->state, &s->conn, s->sink, s);
	return true;
}

static void protocol_end(struct session *s)
{
	if (!s->protocol)
		return;
	s->protocol->fini(s->state);
	explicit_bzero(s->state, s->protocol->state_size);
	budget_free(s->state, s->protocol->state_size);
	s->state = NULL;
	s->protocol = NULL;
}

/* Whose message comes first in the bytes that nobody guesses? NULL: nobody's yet. What stands
 * before is passed over. */
static const struct protocol *seek(struct session *s, enum dir dir, struct stamp at)
{
	struct buf *b = &s->carry[dir];
	const struct protocol *best = NULL;
	size_t first = b->len;

	for (unsigned i = 0; i < protocol_count(); i++) {
		size_t begin;
		const struct protocol *p = protocol_get(i);
		bool found = p->seek && p->seek(slice_of(b->ptr, b->len), dir, &begin);

		if (p->seek && (begin < first || (begin == first && found && !best))) {
			first = begin;
			best = found ? p : NULL;
		}
	}
	unread(s, dir, slice_of(b->ptr, first), at);
	buf_consume(b, first);
	s->inside[dir] = b->len > 0;
	return best;
}

/* 1: decided, 0: wants more, -1: nobody knows this. */
static int detect(struct session *s, enum dir dir, struct stamp at)
{
	struct slice head = carried(s, dir);
	const struct protocol *best = NULL;
	int best_score = 0;
	bool more = false, guessed, datagram = transport_is_datagram(s->conn.transport);

	/* A guess is for where a call begins. */
	for (unsigned i = 0; i < protocol_count() && !s->inside[dir]; i++) {
		int (*guess)(struct slice, enum dir) = datagram ? protocol_get(i)->guess_datagram : protocol_get(i)->guess;
		int score = guess ? guess(head, dir) : 0;

		more |= score == -EAGAIN;
		if (score > best_score) {
			best_score = score;
			best = protocol_get(i);
		}
	}
	guessed = best != NULL;
	if (!guessed && more && head.len < HEAD_HELD)
		return 0;
	if (!guessed && !datagram && s->conn.late && !s->upgraded && !(best = seek(s, dir, at)))
		return 0;
	if (!best || !protocol_begin(s, best))
		return -1;
	s->guessed = guessed && !s->conn.late;
	if (guessed)
		word_set(s->name, best->name);
	else
		s->protocol->gap(s->state, dir, 0, LOSS_NONE, at);
	return 1;
}

/* What nobody guesses is what another connection has arranged. */
static bool begin_arranged(struct session *s)
{
	const struct arranged_conn *a = s->upgraded ? NULL : arranged_find(s->arranged, &s->conn);

	if (!a || !protocol_begin(s, a->protocol))
		return false;
	s->guessed = true;
	word_set(s->name, a->protocol->name);
	return true;
}

bool session_switch(struct session *s, struct slice upgrade, struct slice terms, struct exchange *asked)
{
	const struct protocol *next = NULL;

	s->switched = s->upgraded = true;
	for (unsigned i = 0; i < protocol_count() && upgrade.len; i++) {
		const char *name = protocol_get(i)->upgrade;

		if (name && upgrade.len == strlen(name) && !strncasecmp((const char *)upgrade.ptr, name, upgrade.len))
			next = protocol_get(i);
	}
	s->next_state = next ? budget_alloc(next->state_size) : NULL;
	s->next = s->next_state ? next : NULL;
	s->forgotten = next && !s->next;
	if (!s->next)
		return false;
	next->init(s->next_state, &s->conn, s->sink, s);
	return asked && next->adopt && next->adopt(s->next_state, asked, (enum dir)!s->feeding, terms);
}

/* The parser has said that what comes is another's. */
static void go_over(struct session *s, struct stamp at)
{
	s->protocol->eof(s->state, at);
	protocol_end(s);
	take_up(s, DIR_RECEIVED);
	take_up(s, DIR_SENT);
	if (s->next) {
		s->protocol = s->next;
		s->state = s->next_state;
		word_set(s->name, s->next->name);
	}
	s->next = NULL;
	s->next_state = NULL;
}

/* What it was begun with was found among other bytes, and it is not what it seemed. */
static bool mistaken(struct session *s, enum dir dir)
{
	if (s->guessed || s->upgraded)
		return false;
	s->name[0] = 0;
	protocol_end(s);
	opaque(s, dir, s->carry[dir].len > 0);
	buf_consume(&s->carry[dir], 1);
	s->inside[dir] = s->carry[dir].len > 0;
	return true;
}

/* What is left of bytes that were fed; moved once, at the end: a parser may take a few at a time. False: there is no
 * memory to keep them in. */
static bool keep(struct session *s, enum dir dir, struct slice in)
{
	bool kept = true;

	if (s->given)
		kept = in.len == s->fed || !buf_add(&s->carry[dir], in.ptr + s->fed, in.len - s->fed);
	else
		buf_consume(&s->carry[dir], s->fed);
	s->given = s->fed = 0;
	return kept;
}

/* Feeds what is carried, or what was given and need not be while nothing is; keeps what the parser wants to see again.
 * Returns what of the given could not be kept. */
static size_t feed(struct session *s, enum dir dir, struct slice given, struct stamp at)
{
	struct slice in = given.len ? given : carried(s, dir);
	uint64_t refused = budget_refused();
	bool bad = false;
	size_t left;

	s->feeding = dir;
	s->given = given.len;
	while (s->fed < in.len && !bad && !s->switched) {
		uint64_t before = budget_refused();
		struct feed_result r = s->protocol->feed(s->state, dir, slice_of(in.ptr + s->fed, in.len - s->fed), at);

		/* Until a message is understood again, it is for that. */
		if (budget_refused() != before)
			s->starved[dir] = true;
		else if (r.consumed > r.opaque)
			s->starved[dir] = false;
		if (r.consumed > in.len - s->fed)
			r.consumed = in.len - s->fed;
		if (r.consumed < s->counted)
			r.consumed = s->counted;
		s->acct[dir].examined += (int64_t)(r.consumed - s->counted - r.opaque);
		s->counted = 0;
		s->fed += r.consumed;
		if (r.opaque && r.opaque == r.consumed)
			unread(s, dir, slice_of(in.ptr + s->fed - r.opaque, r.opaque), at);
		else if (r.opaque)
			opaque(s, dir, r.opaque);
		bad = r.status == FEED_BAD;
		if (r.status == FEED_MORE || !r.consumed)
			break;
	}
	left = in.len - s->fed;
	if (keep(s, dir, in))
		left = 0;
	if (s->switched)
		go_over(s, at);
	else if (bad && !mistaken(s, dir))
		give_up(s, dir, refused, at);
	return left;
}

/* Finds out whose bytes are carried, and feeds them. */
static void advance(struct session *s, enum dir dir, struct stamp at)
{
	if (!s->carry[dir].len || s->opaque[dir])
		return;
	if (!s->protocol) {
		uint64_t refused = budget_refused();
		int d = detect(s, dir, at);

		if (d <= 0 && begin_arranged(s))
			d = 1;
		if (d < 0)
			give_up(s, dir, refused, at);
		if (d <= 0)
			return;
		/* The other direction may have been waiting for this, or given up. */
		if (s->opaque[!dir] && s->name[0] && !s->protocol->gap(s->state, !dir, 0, LOSS_NONE, at))
			take_up(s, (enum dir)!dir);
		if (s->carry[!dir].len)
			feed(s, !dir, NOTHING, at);
	}
	if (s->protocol && !s->switched)
		feed(s, dir, NOTHING, at);
}

/* All of them, as many as there is room for. Returns how many could not be taken. */
static size_t take(struct session *s, enum dir dir, struct slice in, struct stamp at)
{
	struct buf *b = &s->carry[dir];
	size_t left = 0;

	if (s->protocol && !b->len)
		left = feed(s, dir, in, at);
	else if (buf_add(b, in.ptr, in.len))
		left = in.len;
	else
		advance(s, dir, at);
	while (s->switched) {	/* each time a message was consumed */
		s->switched = false;
		advance(s, (enum dir)!dir, at);
		advance(s, dir, at);
	}
	return left;
}

void session_bytes(struct session *s, enum dir dir, struct slice in, struct stamp at)
{
	if (s->opaque[dir] && !s->protocol && transport_is_datagram(s->conn.transport))
		s->opaque[dir] = false;		/* each begins anew */
	while (in.len && !s->opaque[dir]) {
		struct buf *b = &s->carry[dir];
		size_t room = CARRY_MAX - b->len, n = in.len < room ? in.len : room;
		size_t before = b->len + n, left = n;
		uint64_t refused = budget_refused();

		if (n)
			left = take(s, dir, slice_of(in.ptr, n), at);
		in = slice_of(in.ptr + n - left, in.len - n + left);
		if (left || !n) {
			give_up(s, dir, refused, at);	/* a head longer than any limit, or than the memory that is left */
			break;
		}
		if (in.len && b->len == before)
			give_up(s, dir, budget_refused(), at);
	}
	if (!s->carry[dir].len) {	/* of all the connections that rest at once none keeps memory */
		buf_free(&s->carry[dir]);
		s->inside[dir] = false;
	}
	if (in.len)
		unread(s, dir, in, at);
	s->passed[dir] += in.len;
}

uint64_t session_unwanted(const struct session *s, enum dir dir)
{
	if (s->opaque[dir])
		return s->passed[dir] >= PROTOCOL_OPAQUE && !(s->unread && unread_wants(s->unread, dir)) ? UINT64_MAX : 0;
	return s->protocol && s->protocol->unwanted && !s->carry[dir].len ? s->protocol->unwanted(s->state, dir) : 0;
}

void session_gap(struct session *s, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	uint64_t refused = budget_refused();

	if (s->opaque[dir])	/* the parser was not given those either */
		lost += s->passed[dir];
	settle(s, dir, at);
	take_up(s, dir);
	s->inside[dir] = false;
	if (!s->protocol) {
		unread(s, dir, carried(s, dir), at);
		settle(s, dir, at);
		buf_reset(&s->carry[dir]);
		return;
	}
	/* What was carried is a message's head without its end. */
	if (s->name[0])
		s->acct[dir].examined += (int64_t)s->carry[dir].len;
	else
		unread(s, dir, carried(s, dir), at);
	settle(s, dir, at);
	buf_reset(&s->carry[dir]);
	if (s->protocol->gap(s->state, dir, lost, cause, at))
		give_up(s, dir, refused, at);
}

void session_hello(struct session *s, enum dir dir, uint64_t pos, struct slice in)
{
	if (!s->hello && !s->hello_told)
		s->hello = hello_new();
	if (s->hello)
		hello_bytes(s->hello, dir, pos, in, s->sink);
}

void session_tell(struct session *s, struct stamp at)
{
	struct tls_facts facts;

	if (!s->hello)
		return;
	if (hello_take(s->hello, &facts)) {
		if (!s->host[0])
			memcpy(s->host, facts.sni, sizeof(s->host));
		if (s->sink->handshake)
			s->sink->handshake(s->sink->owner, &s->conn, at, &facts);
	}
	if (!hello_ended(s->hello))
		return;
	hello_free(s->hello);
	s->hello = NULL;
	s->hello_told = true;
}

/* What the account gained and no fact has carried. What is carried has moved, and nobody can say yet
 * what it is: it belongs to the fact that will. */
static void account_news(const struct session *s, enum dir d, struct byte_sums *out)
{
	struct byte_sums now = s->acct[d].sums, told = s->told[d];

	now.moved -= (int64_t)(s->carry[d].len + (d == s->feeding ? s->given - s->fed - s->counted : 0));
	*out = (struct byte_sums){
		now.moved - told.moved, now.examined - told.examined, now.opaque - told.opaque,
		now.skipped - told.skipped, now.lost - told.lost, now.framing - told.framing,
	};
}

static void tell_account(struct session *s, enum dir d, struct byte_account *out)
{
	told_add(&s->told[d], &out->sums);
	told_reasons(s->acct[d].why, out->why, out->opaque + out->skipped + out->lost);
}

/* At the end of an interval what is open is left to the next one, once. */
static int64_t newly_open(struct session *s, enum dir d, int64_t open)
{
	int64_t before = s->open[d], stays = 0;

	if (open > 0 && before > 0)
		stays = open < before ? open : before;
	else if (open < 0 && before < 0)
		stays = open > before ? open : before;
	s->open[d] = open - stays;
	return s->open[d];
}

bool session_flush(struct session *s, struct stamp at, bool closed, const char *reason, struct traffic *t)
{
	static const struct byte_account nothing[2];
	struct byte_account sum;

	memset(t->bytes, 0, sizeof(t->bytes));
	for (unsigned d = 0; d < 2; d++) {
		struct byte_sums *b = &t->bytes[d].sums;

		account_news(s, (enum dir)d, b);
		told_keep(b);
		if (!s->ended)
			told_leave_open(b, newly_open(s, (enum dir)d, told_open(b)));
		tell_account(s, (enum dir)d, &t->bytes[d]);
	}
	if (s->unread)
		t->looked = unread_looked(s->unread);
	if (!memcmp(t->bytes, nothing, sizeof(nothing)) && !t->looked.bytes)
		return false;
	sum = byte_accounts_sum(t->bytes);
	t->conn = s->conn;
	t->at = at;
	t->closed = closed;
	word_set(t->protocol, s->name);
	memcpy(t->route, s->route, sizeof(t->route));
	memcpy(t->host, s->host, sizeof(t->host));
	if (!reason && byte_account_why(&sum))
		reason = loss_name(byte_account_why(&sum));
	snprintf(t->reason, sizeof(t->reason), "%s", reason ? reason : "");
	return true;
}

static void emit(struct session *s, struct exchange *ex, struct stamp at)
{
	uint8_t role = ex->conn.role;

	if (s->hello)
		session_tell(s, at);
	ex->conn = s->conn;
	if (!ex->conn.role)
		ex->conn.role = s->conn.role = role;
	ex->at = at;
	for (unsigned d = 0; d < 2; d++) {
		struct byte_sums *b = &ex->bytes[d].sums;

		account_news(s, (enum dir)d, b);
		told_keep(b);
		told_leave_open(b, told_open(b));
		tell_account(s, (enum dir)d, &ex->bytes[d]);
	}
	if (ex->host[0])
		memcpy(s->host, ex->host, sizeof(s->host));
	else
		memcpy(ex->host, s->host, sizeof(ex->host));
	s->sink->exchange(s->sink->owner, ex);
}

void session_emit(struct session *s, struct exchange *ex, struct stamp at)
{
	if (!ex->protocol[0])
		word_set(ex->protocol, s->protocol->name);
	memcpy(s->name, ex->protocol, sizeof(s->name));
	memcpy(s->route, ex->route, sizeof(s->route));
	emit(s, ex, at);
}

void session_emit_unread(struct session *s, struct exchange *ex, struct stamp at)
{
	memcpy(ex->protocol, s->name, sizeof(ex->protocol));
	memcpy(ex->route, s->route, sizeof(ex->route));
	emit(s, ex, at);
}

void session_emit_part(struct session *s, struct exchange *ex, struct stamp at)
{
	if (!ex->nr_findings || at.time < ex->began || at.time - ex->began < OPEN_LONG)
		return;
	session_emit(s, ex, at);
	ex->again = 1;
	ex->nr_findings = ex->nr_possible = ex->findings_dropped = 0;
	memset(ex->bytes, 0, sizeof(ex->bytes));
}

void session_interval(struct session *s, struct stamp at)
{
	settle(s, DIR_RECEIVED, at);
	settle(s, DIR_SENT, at);
	if (s->protocol && s->protocol->interval)
		s->protocol->interval(s->state, at);
}

void session_count(struct session *s, enum fate fate, size_t nr)
{
	if (fate == FATE_OPAQUE)
		opaque(s, s->feeding, nr);
	else if (fate == FATE_SKIPPED || fate == FATE_UNWANTED)
		account_skip(&s->acct[s->feeding], (int64_t)nr, fate == FATE_SKIPPED ? LOSS_BUDGET : LOSS_UNWANTED);
	else
		s->acct[s->feeding].examined += (int64_t)nr;
	s->counted += nr;
}

void session_end(struct session *s, struct stamp at)
{
	s->ended = true;
	for (int d = 0; d < 2; d++) {
		if (s->protocol && s->name[0])
			s->acct[d].examined += (int64_t)s->carry[d].len;
		else
			unread(s, (enum dir)d, carried(s, (enum dir)d), at);
		settle(s, (enum dir)d, at);
		buf_reset(&s->carry[d]);
	}
	if (s->hello)
		hello_end(s->hello);
	if (s->protocol)
		s->protocol->eof(s->state, at);
}

void session_close(struct session *s, struct stamp at)
{
	if (!s)
		return;
	session_end(s, at);
	hello_free(s->hello);
	protocol_end(s);
	unread_free(s->unread);
	buf_free(&s->carry[0]);
	buf_free(&s->carry[1]);
	budget_free(s, sizeof(*s));
}
