/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - what speaks for a TLS session's being on a connection: sizes of calls and records,
 * see bind.c. */
#include "stream/bind.h"

struct hope *hope_find(struct tls_session *u, const struct candidate *c)
{
	for (unsigned i = 0; c && i < u->nr_hopes; i++)
		if (u->hopes[i].to == c)
			return &u->hopes[i];
	return NULL;
}

static struct hope *hope_get(struct tls_session *u, struct candidate *c)
{
	struct hope *h = hope_find(u, c);

	if (h)
		return h;
	h = &u->hopes[u->nr_hopes];
	if (u->nr_hopes == HOPES) {
		/* In the place of one that little speaks for. */
		while (--h > u->hopes && h->matches)
			;
		if (h->matches > 1)
			return NULL;
		h->to->hopes--;
		u->nr_hopes--;
	}
	u->nr_hopes++;
	*h = (struct hope){ .to = c };
	c->hopes++;
	return h;
}

uint64_t hope_score(const struct hope *h)
{
	return (uint64_t)h->matches << 32 | h->shared;
}

/* The connection that more speaks for than for any other; NULL: none, or several alike. */
struct hope *hope_best(struct tls_session *u)
{
	struct hope *best = NULL;
	bool alone = true;

	for (unsigned i = 0; i < u->nr_hopes; i++) {
		struct hope *h = &u->hopes[i];

		if (!best || hope_score(h) > hope_score(best)) {
			best = h;
			alone = true;
		} else if (hope_score(h) == hope_score(best)) {
			alone = false;
		}
	}
	return alone ? best : NULL;
}

/* Not by shared ones. */
bool hope_is_strong(const struct tls_session *u, const struct hope *h)
{
	for (unsigned i = 0; i < u->nr_hopes; i++)
		if (&u->hopes[i] != h && u->hopes[i].matches >= h->matches)
			return false;
	return h->matches > 1;
}

/* The overhead with which a record of this body carries n bytes, 0: it does not. Without a
 * handshake it may be any that is known. */
static uint8_t carries(const struct cipher *c, uint32_t body, uint64_t n)
{
	static const uint8_t known[] = { OVERHEAD_13, OVERHEAD_12, OVERHEAD_CHACHA };

	if (c->overhead)
		return body >= n + c->overhead && body - n - c->overhead <= cipher_padding(c->overhead) ? c->overhead : 0;
	if (c->handshake)
		return body == n + OVERHEAD_13 ? OVERHEAD_13 : body == n + OVERHEAD_JSSE ? OVERHEAD_JSSE : 0;
	for (size_t i = 0; i < sizeof(known); i++)
		if (body == n + known[i])
			return known[i];
	return 0;
}

/* In TLS 1.3 the first of a direction is a piece of the handshake, but for early data. */
static bool is_handshake(const struct cipher *c, uint32_t record)
{
	return !record && c->handshake && !c->tls12;
}

/* A record and a call that may be of each other. */
struct fit {
	struct tls_session *u;
	struct candidate *c;
	uint32_t record, call;	/* numbers; received: which call is no matter */
	uint64_t order;		/* of the one that was there first */
	uint8_t overhead;
	bool all, given;	/* all: of all calls since the last match */
};

static bool fit_is_proven(const struct fit *f)
{
	const struct hope *h = hope_find(f->u, f->c);

	return h && h->matches;
}

/* The one that must be it, else (shared) the one that most likely is; NULL: none. */
static const struct fit *fit_choose(const struct fit *fits, unsigned nr, bool *shared)
{
	const struct fit *only = NULL, *first = NULL;
	unsigned proven = 0;

	for (unsigned i = 0; i < nr; i++)
		if (fit_is_proven(&fits[i])) {
			only = &fits[i];
			proven++;
		}
	*shared = proven > 1 || (!proven && nr > 1);
	if (!*shared)
		return proven ? only : nr ? fits : NULL;
	for (unsigned i = 0; i < nr; i++) {
		const struct fit *f = &fits[i];

		if (f->given || (proven && !fit_is_proven(f)))
			continue;
		if (!first || (hope_find(f->u, f->c) && !hope_find(first->u, first->c)) ||
		    (!hope_find(f->u, f->c) == !hope_find(first->u, first->c) && f->order < first->order))
			first = f;
	}
	return first;
}

static struct hope *fit_count(const struct fit *f, enum dir dir, bool shared)
{
	struct hope *h = hope_get(f->u, f->c);

	if (!h)
		return NULL;
	if (shared)
		h->shared++;
	else
		h->matches++;
	h->next[dir] = (dir == DIR_SENT ? f->call : f->record) + 1;
	h->overhead[dir] = f->overhead;
	return h;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t oldest(uint32_t nr)
{
	return nr > RECENT ? nr - RECENT : 0;
}

/* The record that a call took n bytes out of, or several took `run` bytes out of. */
static bool fit_received(struct fit *f, struct tls_session *u, struct candidate *c, uint64_t n)
{
	const struct cipher *k = &c->stream->lanes[DIR_RECEIVED].cipher;
	const struct hope *h = hope_find(u, c);

	f->overhead = 0;
	for (uint32_t i = later(later(h ? h->next[DIR_RECEIVED] : 0, c->taken), oldest(k->records)); i < k->records; i++) {
		uint32_t body = c->recent[DIR_RECEIVED][i % RECENT].body, call = c->recent[DIR_RECEIVED][i % RECENT].call;
		uint8_t all = carries(k, body, u->run), overhead = all ? all : carries(k, body, n);
		bool old = f->overhead && call == c->recent[DIR_RECEIVED][f->record % RECENT].call;

		/* The first that fits and is nobody's; but before the first match of all, what
		 * fits in an older socket call is a piece of the handshake. */
		if (!overhead || is_handshake(k, i) || (f->overhead && !f->given && (u->matched || old)))
			continue;
		*f = (struct fit){ .u = u, .c = c, .record = i, .order = c->recent[DIR_RECEIVED][i % RECENT].order,
				   .overhead = overhead, .all = all, .given = i < c->given };
	}
	return f->overhead;
}

/* The first match that only these two can have: what they could have had in the other
 * direction, where many were alike, speaks for them too. */
static void look_back_sent(struct hope *h, struct tls_session *u)
{
	const struct cipher *k = &h->to->stream->lanes[DIR_SENT].cipher;
	uint32_t call = later(u->sure, oldest(u->calls));

	if (h->next[DIR_SENT] || call == u->calls)
		return;
	for (uint32_t i = oldest(k->records); i < k->records; i++) {
		uint8_t overhead = carries(k, h->to->recent[DIR_SENT][i % RECENT].body, u->recent[call % RECENT].size);

		if (!overhead || is_handshake(k, i))
			continue;
		h->matches++;
		h->next[DIR_SENT] = u->sure = call + 1;
		h->overhead[DIR_SENT] = overhead;
		u->taken = later(u->taken, u->sure);
		u->given = later(u->given, u->taken);
		return;
	}
}

static void look_back_received(struct hope *h, struct tls_session *u)
{
	const struct cipher *k = &h->to->stream->lanes[DIR_RECEIVED].cipher;

	if (h->next[DIR_RECEIVED] || !u->doubt)
		return;
	for (uint32_t i = oldest(k->records); i < k->records; i++) {
		uint8_t overhead = carries(k, h->to->recent[DIR_RECEIVED][i % RECENT].body, u->doubt);

		if (!overhead || is_handshake(k, i))
			continue;
		h->matches++;
		h->next[DIR_RECEIVED] = i + 1;
		h->overhead[DIR_RECEIVED] = overhead;
		h->first = u->doubt_first;
		h->record = i;
		return;
	}
}

void match_received(struct stream_table *t, struct tls_session *u, uint64_t n)
{
	struct node *list = &u->process->candidates, *at = list->next;
	unsigned nr = 0, open = 0;
	struct fit fits[SCAN];
	const struct fit *f;
	struct hope *h;
	bool shared;

	u->run += n;
	u->read[u->reads++ % RECENT] = (uint32_t)n;
	for (unsigned left = SCAN; left && at != list; at = at->next, left--) {
		struct candidate *c = OF(at, struct candidate, node);

		if (c->active + STALE_NS < t->now)
			break;
		if (fit_received(&fits[nr], u, c, n))
			open += !fits[nr++].given;
	}
	f = fit_choose(fits, nr, &shared);
	h = f ? fit_count(f, DIR_RECEIVED, shared) : NULL;
	if (!h)
		return;
	if (f->all && !u->matched) {
		h->first = true;
		h->record = f->record;
	}
	if (shared && !u->doubt) {
		u->doubt = f->all ? u->run : n;
		u->doubt_first = h->first;
	}
	u->run = 0;
	u->matched = true;
	f->c->given = later(f->c->given, f->record + 1);
	if (!shared) {
		f->c->taken = f->record + 1;
		look_back_sent(h, u);
	}
	/* As many calls as records: all have theirs. */
	for (unsigned i = 0; shared && open == 1 && i < nr; i++)
		fits[i].c->taken = later(fits[i].c->taken, fits[i].record + 1);
}

void match_sent(struct stream_table *t, struct tls_session *u, uint64_t n)
{
	for (uint64_t left = n; left; left -= left < RECORD_PLAIN ? left : RECORD_PLAIN) {
		u->recent[u->calls % RECENT].order = t->order++;
		u->recent[u->calls++ % RECENT].size = left < RECORD_PLAIN ? (uint32_t)left : RECORD_PLAIN;
	}
}

/* The call that this record carries. */
static bool fit_sent(struct fit *f, struct tls_session *u, struct candidate *c, const struct cipher *k, uint32_t body)
{
	const struct hope *h = hope_find(u, c);

	f->overhead = 0;
	for (uint32_t i = later(later(h ? h->next[DIR_SENT] : 0, u->taken), oldest(u->calls)); i < u->calls; i++) {
		uint8_t overhead = carries(k, body, u->recent[i % RECENT].size);

		if (!overhead || (f->overhead && !f->given))
			continue;
		*f = (struct fit){ .u = u, .c = c, .record = k->records, .call = i, .order = u->recent[i % RECENT].order,
				   .overhead = overhead, .given = i < u->given };
	}
	return f->overhead;
}

static struct tls_session *record_sent(struct candidate *c, const struct cipher *k, uint32_t body)
{
	struct node *list = &c->process->sessions, *at = list->next;
	unsigned nr = 0, open = 0;
	struct fit fits[SCAN];
	const struct fit *f;
	struct hope *h;
	bool shared;

	for (unsigned left = SCAN; left && at != list; at = at->next, left--)
		if (fit_sent(&fits[nr], OF(at, struct tls_session, node), c, k, body))
			open += !fits[nr++].given;
	f = fit_choose(fits, nr, &shared);
	h = f ? fit_count(f, DIR_SENT, shared) : NULL;
	if (!h)
		return NULL;
	f->u->given = later(f->u->given, f->call + 1);
	if (!shared) {
		f->u->taken = f->u->sure = f->call + 1;
		look_back_received(h, f->u);
	}
	for (unsigned i = 0; shared && open == 1 && i < nr; i++)
		fits[i].u->taken = later(fits[i].u->taken, fits[i].call + 1);
	return f->u;
}

struct tls_session *match_record(struct candidate *c, enum dir dir, uint32_t body)
{
	const struct cipher *k = &c->stream->lanes[dir].cipher;
	uint32_t slot = k->records % RECENT;

	c->recent[dir][slot].call = c->calls;
	c->recent[dir][slot].body = body;
	c->recent[dir][slot].before = k->bodies;
	c->recent[dir][slot].order = c->stream->table->order++;
	return dir == DIR_SENT && !is_handshake(k, k->records) ? record_sent(c, k, body) : NULL;
}

/* ---- where the plaintext begins ---- */

/* All sent calls are in the records from *first on, in order, but what did not pass yet. */
static bool first_sent(const struct tls_session *u, const struct candidate *c, const struct cipher *k, uint32_t *first)
{
	uint32_t from = oldest(k->records), end = k->records, n = 0;

	if (!u->calls || u->calls > RECENT)
		return false; /* not yet, or too long ago */
	while (end > from && c->recent[DIR_SENT][(end - 1) % RECENT].body == ALERT_13)
		end--;
	for (*first = from + is_handshake(k, from); *first < end; ++*first) {
		for (n = 0; *first + n < end && n < u->calls; n++)
			if (!carries(k, c->recent[DIR_SENT][(*first + n) % RECENT].body, u->recent[n].size))
				break;
		if (*first + n == end)
			return true;
	}
	*first = k->records;	/* none passed yet */
	return true;
}

/* All records from *first on have their calls, and the first call is there. */
static bool first_received(const struct tls_session *u, const struct candidate *c, const struct cipher *k, uint32_t *first)
{
	uint32_t from = oldest(k->records);

	if (!u->reads || u->reads > RECENT)
		return false;
	for (*first = from + is_handshake(k, from); *first < k->records; ++*first) {
		uint32_t call = 0, i = *first;
		uint64_t sum = 0;

		for (; i < k->records && call < u->reads; sum = 0, i++) {
			uint32_t body = c->recent[DIR_RECEIVED][i % RECENT].body;

			while (call < u->reads && !carries(k, body, sum) && sum < body)
				sum += u->read[call++];
			if (!carries(k, body, sum))
				break;
		}
		if (call == u->reads && i == k->records)
			return true;
	}
	return false;
}

bool match_first(const struct tls_session *u, const struct stream *s, const struct hope *h, enum dir dir, uint32_t *record)
{
	const struct candidate *c = s->candidate;
	const struct cipher *k = &s->lanes[dir].cipher;

	if (dir == DIR_SENT)
		return first_sent(u, c, k, record);
	if (first_received(u, c, k, record))
		return true;
	if (!h || !h->first || h->record < oldest(k->records))
		return false;
	*record = h->record;
	return true;
}
