/* SPDX-License-Identifier: Apache-2.0 */
/* redis_back.c - answers, in the order of the commands, and what comes without being asked for:
 * messages of channels. A value is told when it is there. */
#include <string.h>

#include "base/budget.h"
#include "protocol/redis.h"

static struct re_item *first(struct re_state *s)
{
	return ring_at(&s->items, 0);
}

static struct re_side *back(struct re_state *s)
{
	return &s->sides[!s->front];
}

static bool is_word(struct slice v, const char *word)
{
	return v.len == strlen(word) && !memcmp(v.ptr, word, v.len);
}

/* The answer that begins belongs to nobody who asked: it has an exchange of its own. */
static struct re_item *unasked(struct re_state *s, const char *method, struct stamp at)
{
	struct exchange *ex = database_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
	struct statement *st = statement_new();

	if (!ex || !st) {
		budget_free(ex, sizeof(*ex));
		statement_put(st);
		return NULL;
	}
	ex->auth = s->authenticated ? AUTH_DATABASE : AUTH_NONE;
	ex->has_gap = back(s)->after_gap;
	word_set(ex->method, method);
	word_set(st->method, method);
	return ring_push(&s->items, (struct owed){ ex, st, 0, 0, false });
}

static void message_free(struct re_state *s)
{
	budget_free(s->message, sizeof(*s->message));
	statement_put(s->channel);
	s->message = NULL;
	s->channel = NULL;
	s->aside = false;
}

/* A message: "message" CHANNEL VALUE, "pmessage" PATTERN CHANNEL VALUE; others of their kind confirm. */
static void aside(struct re_state *s, struct slice v, bool cut, struct stamp at)
{
	struct re_side *side = back(s);
	unsigned place = side->depth ? side->levels[0].at : 0, last = place + (side->depth ? side->levels[0].left : 0) - 1;

	if (!place && side->depth == 1 && (is_word(v, "message") || is_word(v, "pmessage") || is_word(v, "smessage") || is_word(v, "invalidate"))) {
		s->message = database_exchange(s->front == DIR_RECEIVED ? ROLE_SERVER : ROLE_CLIENT, at);
		s->channel = statement_new();
		if (s->message && s->channel) {
			s->message->auth = s->authenticated ? AUTH_DATABASE : AUTH_NONE;
			word_set(s->message->method, "MESSAGE");
			word_set(s->channel->method, "MESSAGE");
		} else {
			message_free(s);
			s->aside = true;
		}
		return;
	}
	if (!place && first(s) && first(s)->kind == RE_SUBSCRIBE)
		s->confirms = true;
	if (!s->message || !place)
		return;
	if (cut)
		s->message->inspected = INSPECTED_PARTIAL;
	if (place == last || side->depth > 1) {
		re_tell(s, s->message, s->channel, NULL, NULL, v, !s->front, cut);
	} else {
		text_tell(s->sink, s->message, "channel", (struct slice){ 0 }, !s->front, LOC_PATH, v);
		route_key(s->channel->route, v, s->sink);
		memcpy(s->message->route, s->channel->route, sizeof(s->message->route));
	}
}

void re_array(struct re_state *s, struct stamp at)
{
	struct re_side *side = back(s);

	if (side->depth == 1 && side->levels[0].type == '>')
		s->aside = true;
	else if (side->depth == 1 && side->levels[0].type != '|' && !first(s) && !s->subscribed)
		unasked(s, "", at);
}

/* ---- values ---- */

static uint16_t status_of(struct slice error)
{
	static const struct { const char *begins; uint16_t status; } rows[] = {
		{ "NOAUTH", 401 }, { "WRONGPASS", 401 }, { "ERR invalid password", 401 }, { "NOPERM", 403 }, { "READONLY", 403 }, { "NOSCRIPT", 404 },
		{ "EXECABORT", 409 }, { "BUSYGROUP", 409 }, { "BUSY", 503 }, { "LOADING", 503 }, { "TRYAGAIN", 503 }, { "CLUSTERDOWN", 503 },
		{ "MASTERDOWN", 503 }, { "OOM", 503 }, { "MOVED", 307 }, { "ASK", 307 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error.len >= strlen(rows[i].begins) && !memcmp(error.ptr, rows[i].begins, strlen(rows[i].begins)))
			return rows[i].status;
	return 400;
}

/* Which command a value answers: of a transaction the one in its place. Takes its array off. */
static const struct statement *asked_by(struct re_state *s, struct re_item *item, enum re_kind *kind, unsigned *depth)
{
	unsigned place = back(s)->levels[0].at;

	*kind = item->kind;
	*depth = back(s)->depth;
	if (item->kind != RE_EXEC || !*depth || place >= s->nr_queued)
		return item->owed.statement;
	--*depth;
	*kind = s->queued_kind[place];
	return s->queued[place];
}

static void value(struct re_state *s, struct re_item *item, struct slice v, bool cut)
{
	enum re_kind kind;
	unsigned depth, outer;
	const struct statement *st = asked_by(s, item, &kind, &depth);
	struct re_level *level = back(s)->depth ? &back(s)->levels[back(s)->depth - 1] : NULL;
	const char *name = NULL;
	bool pairs = level && (level->type == '%' || (kind == RE_ALL && depth == 1) || ((kind == RE_STREAMS || kind == RE_READ) && depth >= 3));

	outer = back(s)->depth - depth;
	if (pairs && level->at % 2 == 0) {
		raw_name(s->last, v);
		return;
	}
	if (pairs)
		name = s->last;
	else if (kind == RE_KEYS || kind == RE_NAMES) {
		unsigned place = depth ? back(s)->levels[outer].at : 0;

		name = st->rows && place < st->rows->nr && st->rows->column[place].path[0] ? st->rows->column[place].path : NULL;
	}
	if (name && kind == RE_KEYS)
		re_tell_key(s, item->owed.ex, st, name, v, !s->front, cut);
	else
		re_tell(s, item->owed.ex, st, NULL, name, v, !s->front, cut);
}

/* What an answer in one word changes. */
static void done(struct re_state *s, struct re_item *item, struct slice v)
{
	if (item->kind == RE_MULTI) {
		for (unsigned i = 0; i < s->nr_queued; i++)
			statement_put(s->queued[i]);
		s->nr_queued = 0;
	} else if (is_word(v, "QUEUED") && s->nr_queued < RE_QUEUED) {
		s->queued_kind[s->nr_queued] = item->kind;
		s->queued[s->nr_queued++] = statement_hold(item->owed.statement);
	}
	s->monitors |= item->kind == RE_MONITOR;
}

void re_scalar(struct re_state *s, char type, struct slice v, bool cut, struct stamp at)
{
	struct re_side *side = back(s);
	struct re_item *item;

	if (side->depth && side->levels[0].type == '|')
		return;
	/* In RESP2 only the first word tells a message from an answer. */
	if (side->depth == 1 && !side->levels[0].at && s->subscribed && type == '$' &&
	    (is_word(v, "message") || is_word(v, "pmessage") || is_word(v, "smessage") || !first(s) || first(s)->kind == RE_SUBSCRIBE))
		s->aside = true;
	if (s->aside) {
		aside(s, v, cut, at);
		return;
	}
	item = first(s) ? first(s) : unasked(s, s->monitors ? "MONITOR" : "", at);
	if (!item)
		return;
	owed_answered(&item->owed, at);
	if (cut)
		item->owed.ex->inspected = INSPECTED_PARTIAL;
	if (type == '-' || type == '!') {
		if (!side->depth)
			item->owed.ex->status = status_of(v);
		text_tell(s->sink, item->owed.ex, "error.message", (struct slice){ 0 }, !s->front, LOC_RESPONSE_BODY, v);
	} else if (type == '+' && !side->depth && item->owed.asked) {
		done(s, item, v);
	} else if (type == '$' || type == '=' || type == '+' || type == '(') {
		value(s, item, v, cut);
	}
}

void re_answer(struct re_state *s, uint64_t bytes, struct stamp at)
{
	struct re_item *item = first(s);

	if (s->aside) {
		if (s->message) {
			s->message->response_bytes = bytes;
			s->message->status = STATUS_DONE;
			session_emit(s->session, s->message, at);
		}
		message_free(s);
		if (!s->confirms)
			return;
		owed_answered(&item->owed, at);
	}
	s->confirms = false;
	back(s)->after_gap = false;
	if (!item)
		return;
	item->owed.ex->response_bytes += bytes;
	if (!item->owed.ex->status)
		item->owed.ex->status = STATUS_DONE;
	s->authenticated |= item->secret && item->owed.ex->status == STATUS_DONE;
	if (item->kind == RE_EXEC || item->kind == RE_DISCARD)
		while (s->nr_queued)
			statement_put(s->queued[--s->nr_queued]);
	if (!owed_emit(&item->owed, s->session, at))
		ring_drop(&s->items);
}

/* ---- losses and ends ---- */

void re_lost(struct re_state *s, enum dir dir)
{
	if (dir == s->front) {
		budget_free(s->ex, sizeof(*s->ex));
		statement_put(s->statement);
		s->ex = NULL;
		s->statement = NULL;
		return;
	}
	message_free(s);
	if (first(s))
		first(s)->owed.ex->has_gap = 1;
}

void re_found(struct re_state *s, struct stamp at)
{
	/* Who asks again has mostly had its answers: all but the last one's. */
	while (back(s)->after_gap && s->items.nr > 1) {
		first(s)->owed.ex->has_gap = 1;
		session_emit(s->session, first(s)->owed.ex, at);
		ring_drop(&s->items);
	}
}

void re_end(struct re_state *s, struct stamp at)
{
	while (s->items.nr) {
		session_emit(s->session, first(s)->owed.ex, at);
		ring_drop(&s->items);
	}
}

void re_free(struct re_state *s)
{
	re_lost(s, s->front);
	message_free(s);
	while (s->items.nr)
		ring_drop(&s->items);
	while (s->nr_queued)
		statement_put(s->queued[--s->nr_queued]);
}
