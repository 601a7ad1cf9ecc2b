/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - one pass over a value. A table says for each byte whether a class
 * could begin there; only then the classes of that trigger are asked. Each looks
 * at a bounded stretch, so the pass is linear whatever the bytes are. */
#include <string.h>
#include <strings.h>

#include "classify/assign.h"
#include "classify/words.h"
#include "classify/begins.h"
#include "classify/evidence.h"
#include "classify/plain.h"
#include "classify/user_find.h"

#define VALUE_MIN	5	/* bytes of the shortest value that is one whatever its key says */
#define PENDING		64	/* winners that a later hit may still beat */

/* ns, by scripts/bench-cost: a byte that begins nothing; one that is no letter nor digit and may begin something; a class
 * asked, and each byte that it may look at; what its answer is weighed against; a "name=value"; whether a word before a
 * number may name it, and which. */
enum { COST_BYTE = 1, COST_SPECIAL = 7, COST_ASK = 15, COST_LOOK = 3, COST_WEIGH = 1200, COST_ASSIGN = 380, COST_MAY = 150, COST_NEAR = 450 };
#define LOOKED_AT	32	/* bytes of a value that a class may look at, as a rule */
#define NEAR_LONG	5	/* a shorter run of digits and letters is no number that a word before it names */
#define ASKED_MAX	48	/* classes that one name speaks for */

struct pending { struct hit hit; int score; bool named; };	/* named: a key says the class, and its value bears it out */
struct scan {
	struct slice value;
	const struct evidence *evidence;
	struct surroundings around;	/* worked out when the first class finds something */
	bool surrounded, tags;	/* tags: the value is written in a language of them */
	void (*emit)(void *owner, const struct hit *);
	void *owner;
	uint64_t cost;
	size_t nr;
	struct pending list[PENDING];
	struct user_hits user;
};

/* Does a beat b for the same bytes? Named, surer, then the user's own, then longer, then better supported. */
static bool pending_beats(const struct pending *a, const struct pending *b)
{
	size_t la = a->hit.end - a->hit.start, lb = b->hit.end - b->hit.start;
	bool mine_a = starters.rows[a->hit.class_id]->user, mine_b = starters.rows[b->hit.class_id]->user;	/* a user's */

	/* A number that its key names and its check digit bears out is that, whatever else it may be. */
	if (mine_a == mine_b && a->hit.start == b->hit.start && a->hit.end == b->hit.end && a->named != b->named)
		return a->named;
	if (a->hit.confidence != b->hit.confidence)
		return a->hit.confidence > b->hit.confidence;
	if (mine_a != mine_b)
		return mine_a;
	if (la != lb)
		return la > lb;
	if (a->score != b->score)
		return a->score > b->score;
	return a->hit.class_id < b->hit.class_id;
}

static void scan_flush(struct scan *s, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		s->emit(s->owner, &s->list[i].hit);
	memmove(s->list, s->list + nr, (s->nr - nr) * sizeof(s->list[0]));
	s->nr -= nr;
}

/* Keeps the list ordered by start and free of overlaps. */
static void scan_put(struct scan *s, const struct pending *new)
{
	size_t from = s->nr, to = s->nr;

	while (from && s->list[from - 1].hit.start >= new->hit.end)
		from--;
	to = from;
	while (from && s->list[from - 1].hit.end > new->hit.start)
		if (!pending_beats(new, &s->list[--from]))
			return;
	memmove(s->list + from, s->list + to, (s->nr - to) * sizeof(s->list[0]));
	s->nr -= to - from;
	if (s->nr == PENDING) {
		scan_flush(s, PENDING / 2);
		from = from > PENDING / 2 ? from - PENDING / 2 : 0;
	}
	memmove(s->list + from + 1, s->list + from, (s->nr - from) * sizeof(s->list[0]));
	s->list[from] = *new;
	s->nr++;
}

static struct surroundings *scan_around(struct scan *s)
{
	if (!s->surrounded)
		surroundings_init(&s->around, s->evidence);
	s->surrounded = true;
	return &s->around;
}

static void scan_user_hit(struct scan *s, const struct user_hit *h)
{
	const struct class_row *row = starters.rows[h->class_id];
	struct pending p = { .hit = { .class_id = h->class_id, .start = h->start, .end = h->end } };

	s->cost += COST_WEIGH;
	p.score = evidence_score(scan_around(s), row, s->value, &p.hit, USER_SAYS);
	p.named = p.hit.why & WHY_KEY;
	p.hit.confidence = (uint8_t)user_confidence(row->user, p.score, p.named, h->label);
	if (!p.hit.confidence)
		return;
	mask_ends(p.hit.mask, (const char *)s->value.ptr + h->start, h->end - h->start, 0, 0);
	scan_put(s, &p);
}

/* Those of the user that begin no later than a hit of the pass, so that all come in order. */
static void scan_user(struct scan *s, size_t until)
{
	for (;;) {
		struct user_hits *u = &s->user;

		if (u->at == u->nr && (u->next >= s->value.len || u->next > until))
			return;
		if (u->at == u->nr)
			s->cost += user_find(s->value, u);
		else if (u->hit[u->at].start > until)
			return;
		else
			scan_user_hit(s, &u->hit[u->at++]);
	}
}

static void scan_add(struct scan *s, const struct pending *new)
{
	scan_user(s, new->hit.start);
	scan_put(s, new);
}

/* Asks one class at one place; value and around may be those of an assignment inside the
 * value that begins at base. around NULL: the field's own. */
static void scan_ask(struct scan *s, unsigned id, struct surroundings *around, struct slice value,
		     size_t at, size_t base)
{
	const struct class_row *row = starters.rows[id];
	struct pending p = { .hit = { .class_id = (uint8_t)id } };
	int says = row->find(value, at, &p.hit);

	s->cost += COST_ASK + COST_LOOK * (value.len - at < LOOKED_AT ? value.len - at : LOOKED_AT);
	if (says < 0)
		s->cost += (uint64_t)-says;
	if (says <= 0 || p.hit.end <= p.hit.start || p.hit.end > value.len)
		return;
	s->cost += COST_WEIGH;
	p.score = evidence_score(around ? around : scan_around(s), row, value, &p.hit, says);
	p.named = p.hit.why & WHY_KEY;
	p.hit.confidence = (uint8_t)(row->user ? (int)user_confidence(row->user, p.score, p.named, false) :
				     evidence_confidence(row, &p.hit, p.score, says));
	p.named &= row->info.tier < 3;
	if (!p.hit.confidence)
		return;
	p.hit.start += base;
	p.hit.end += base;
	scan_add(s, &p);
}

static void scan_rows(struct scan *s, const uint8_t *rows, unsigned nr, size_t at)
{
	for (unsigned i = 0; i < nr; i++)
		scan_ask(s, rows[i], NULL, s->value, at, 0);
}

/* A number after a word that names it: "my BSN is …". Its value alone says too little. */
static void scan_near(struct scan *s, size_t at, const struct number *n)
{
	size_t start = at - n->head;
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	struct key_text words UNINITIALIZED;
	unsigned nr;

	if (evidence_level < EVIDENCE_KEY)
		return;
	s->cost += COST_MAY;
	if (!phrases_may(&starters.near, prose_window(s->value, start), n->by->initials))
		return;
	s->cost += COST_NEAR;
	key_text_prose(&words, prose_before(s->value, start));
	nr = phrases_find(&starters.near, &words, rows, ASKED_MAX);
	for (unsigned i = 0; i < nr && i < ASKED_MAX; i++)
		scan_ask(s, rows[i], NULL, s->value, at, 0);
}

/* Capitals, digits and dots from at on, as far as they matter: small letters are digests, not numbers. */
static size_t capital_run(struct slice v, size_t at)
{
	size_t n = 0;

	for (; n < NEAR_LONG; n++) {
		uint8_t c = byte_at(v, at + n), next = byte_at(v, at + n + 1);

		if (!is_digit(c) && !is_upper(c) && c != '.' && !((c == ' ' || c == '-') && (is_digit(next) || is_upper(next))))
			break;
	}
	return n;
}

static void scan_list(struct scan *s, const struct row_list *list, size_t at, const struct number *n)
{
	for (unsigned i = 0; list && i < list->nr; i++)
		if (row_may(list->rows[i], n))
			scan_ask(s, list->rows[i], NULL, s->value, at, 0);
}

static void scan_number(struct scan *s, const struct block *b, size_t at)
{
	struct number n;

	if (!number_read(b, at, &n))
		return;
	scan_list(s, n.list, at, &n);
	scan_list(s, n.spaced, at, &n);
	if (!n.named)
		return;
	if (!n.near)
		n.near = digits_near(s->value, at, n.run);
	if (n.near >= n.by->fewest && (n.near >= NEAR_LONG || capital_run(s->value, at - n.head) >= NEAR_LONG))
		scan_near(s, at, &n);
}

/* A literal that begins with a letter begins a word. An escape before it is no part of it. */
static bool word_begins(struct slice v, size_t at)
{
	if (!at || !is_alnum(v.ptr[at - 1]))
		return true;
	if (at >= 3 && v.ptr[at - 3] == '%' && is_hex(v.ptr[at - 2]) && is_hex(v.ptr[at - 1]))
		return true;
	return at >= 2 && v.ptr[at - 2] == '\\' && strchr("nrt", v.ptr[at - 1]);
}

static void scan_literals(struct scan *s, size_t at)
{
	const uint8_t *p = s->value.ptr + at;
	size_t left = s->value.len - at;
	uint64_t eight;

	if (left < 2)	/* every literal has two bytes */
		return;
	eight = eight_at(s->value, at);
	for (unsigned i = starters.chain[pair_chain(p)]; i; i = starters.literals[i].next) {
		const struct literal *l = &starters.literals[i];
		uint64_t differ = l->head ^ (l->len < 8 ? eight & ~(UINT64_MAX << 8 * l->len) : eight);

		if (!differ && left >= l->len && (l->len <= 8 || !memcmp(p, l->text, l->len)))
			scan_ask(s, l->row, NULL, s->value, at, 0);
	}
}

/* Classes that live by their key: the whole value, when the field's key speaks. */
static bool key_speaks(const struct surroundings *around, unsigned id)
{
	struct key_verdict v = key_judge(&around->key, starters.rows[id]);

	return v.support && !v.against;
}

static void scan_keyed(struct scan *s)
{
	const struct key_rows *known = s->evidence->rows;
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	unsigned nr;

	if (!s->value.len || (!s->evidence->key.len && !s->evidence->parent.len))
		return;
	if (known && known->nr <= KEY_ROWS) {
		scan_rows(s, known->rows, known->nr, 0);
		return;
	}
	if (!scan_around(s)->has_key)
		return;
	nr = phrases_find(&starters.keyed, &s->around.key, rows, ASKED_MAX);
	for (unsigned i = 0; i < nr && i < ASKED_MAX; i++)
		if (key_speaks(&s->around, rows[i]))
			scan_ask(s, rows[i], &s->around, s->value, 0, 0);
}

void key_rows_find(struct key_rows *out, struct slice parent, struct slice key)
{
	const struct evidence ev = { .key = key, .parent = parent };
	struct surroundings around UNINITIALIZED;
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	unsigned nr = 0;

	*out = (struct key_rows){ 0 };
	if (!starters.ready)
		begins_init();
	surroundings_init(&around, &ev);
	if (around.has_key)
		nr = phrases_find(&starters.keyed, &around.key, rows, ASKED_MAX);
	for (unsigned i = 0; i < nr && i < ASKED_MAX && out->nr <= KEY_ROWS; i++) {
		if (!key_speaks(&around, rows[i]))
			continue;
		if (out->nr < KEY_ROWS)
			out->rows[out->nr] = rows[i];
		out->nr++;
	}
	surroundings_wipe(&around);
}

/* Of a class whose values may have many words: the line behind the ':' at i, or what stands before its first comma. */
static bool scan_line(struct scan *s, unsigned id, struct surroundings *around, size_t i, bool exact)
{
	const struct class_row *row = starters.rows[id];

	/* A word that may say it stands before too many things; but names of people are told by their capitals. */
	if (!row->word || !row->word->line || s->value.ptr[i] != ':' || byte_at(s->value, i + 1) != ' ' || (!exact && !row->word->weigh))
		return false;
	for (unsigned commas = 0; commas < 2; commas++) {
		struct hit hit = { .class_id = (uint8_t)id };
		struct slice line = assign_line(s->value, i, commas);

		s->cost += COST_ASSIGN;
		if (is_lower(byte_at(line, 0)) || !memchr(line.ptr, ' ', line.len) || row->find(line, 0, &hit) <= 0)
			continue;
		scan_ask(s, id, around, line, 0, (size_t)(line.ptr - s->value.ptr));
		return true;
	}
	return false;
}

/* "name=value" or "name: value" inside a value. */
static void scan_assign(struct scan *s, size_t i)
{
	struct slice name, before, token;
	struct surroundings around UNINITIALIZED;
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	bool asked = false;
	unsigned nr;

	if (s->value.ptr[i] == ':' && byte_at(s->value, i + 1) == 'A')	/* ":AA" of a token */
		scan_literals(s, i);
	if (s->value.ptr[i] == ':' && byte_at(s->value, i + 1) == '/')
		return;
	name = assign_name(s->value, i);
	if (!assign_may_name(name) || (s->value.ptr[i] == ':' && name.ptr > s->value.ptr && name.ptr[-1] == ':'))	/* "arn:aws:…:secret:db" */
		return;
	s->cost += COST_ASSIGN;
	before = assign_before(s->value, (size_t)(name.ptr - s->value.ptr));
	surroundings_init(&around, &(struct evidence){ .key = name, .parent = before, .type = VALUE_STRING });
	around.has_key = true;
	around.key.person = false;
	nr = phrases_find(&starters.keyed, &around.key, rows, ASKED_MAX);
	for (unsigned r = 0; r < nr && r < ASKED_MAX; r++) {
		struct key_verdict v = key_judge(&around.key, starters.rows[rows[r]]);

		if (!v.support || v.against || v.after || scan_line(s, rows[r], &around, i, v.support >= KEY_EXACT))
			continue;
		/* "Pass = on" says nothing; "pass=on" and "\"pass\": \"on\"" may. */
		if (v.support < KEY_EXACT && (s->value.ptr[i] == ':' || byte_at(s->value, i + 1) == ' ') &&
		    (starters.rows[rows[r]]->info.group != GROUP_SECRET || name.ptr == s->value.ptr || name.ptr[-1] != '"'))
			continue;
		if (!asked) {
			token = assign_value(s->value, i);
			asked = true;
			if (!token.len || assign_is_prose(s->value, i, token) || assign_is_code(s->value, i, name, token))
				return;
		}
		if (v.support < KEY_EXACT && assign_is_option(s->value, name, token))
			continue;
		scan_ask(s, rows[r], &around, token, 0, (size_t)(token.ptr - s->value.ptr));
	}
}

/* "<name>value</name>", of those that end from `from` on. */
static void scan_tags(struct scan *s, size_t from)
{
	size_t end = from + 64 < s->value.len ? from + 64 : s->value.len;
	struct slice name, value;

	for (size_t i = from; i < end; i++) {
		struct surroundings around UNINITIALIZED;
		uint8_t rows[ASKED_MAX] UNINITIALIZED;
		unsigned nr;

		if (!assign_element(s->value, i, &name, &value))
			continue;
		s->cost += COST_ASSIGN;
		surroundings_init(&around, &(struct evidence){ .key = name, .type = VALUE_STRING });
		nr = phrases_find(&starters.keyed, &around.key, rows, ASKED_MAX);
		for (unsigned r = 0; r < nr && r < ASKED_MAX; r++)
			if (key_speaks(&around, rows[r]))
				scan_ask(s, rows[r], &around, value, 0, (size_t)(value.ptr - s->value.ptr));
	}
}

static void scan_special(struct scan *s, size_t i, unsigned kind)
{
	s->cost += COST_SPECIAL;
	if (kind & ON_LITERAL && literal_begins(s->value, i))
		scan_literals(s, i);
	if (kind & ON_TILDE && i && s->value.ptr[i - 1] == 'Q')	/* "Q~" within a token */
		scan_literals(s, i - 1);
	if (kind & ON_AT || (kind & ON_PERCENT && slice_begins(s->value, i, "%40")))
		scan_rows(s, starters.at.rows, starters.at.nr, i);
	if (kind & ON_ASSIGN)
		scan_assign(s, i);
}

/* "2026-03-14T15:09:26.123Z" and "19.50": whole values, and common ones, in which nothing begins. */
static bool says_when(struct slice v)
{
	static const struct specials none = { 0 };
	static const uint64_t signs = 1 << 4 | 1 << 7 | 1 << 10 | 1 << 13 | 1 << 16;
	uint64_t more;

	if (v.len < 19 || v.len > 35 || v.ptr[4] != '-' || v.ptr[7] != '-' || (v.ptr[10] != 'T' && v.ptr[10] != ' ') || v.ptr[13] != ':' || v.ptr[16] != ':')
		return false;
	for (more = ~(kinds_of(&none, v.ptr, v.len).digits | signs) & (((uint64_t)1 << v.len) - 1); more; more &= more - 1)
		if (!memchr("-T :.+Z", v.ptr[__builtin_ctzll(more)], 7))
			return false;
	return true;
}

static bool says_how_much(struct slice v, enum value_type type)
{
	static const struct specials marks = { 3, { '.', 'e', 'E' } };

	if (type != VALUE_NUMBER)
		return false;
	if (v.len <= 64)
		return kinds_of(&marks, v.ptr, v.len).specials;
	return memchr(v.ptr, '.', v.len) || memchr(v.ptr, 'e', v.len) || memchr(v.ptr, 'E', v.len);
}

bool value_is_plain(struct slice v, enum value_type type)
{
	return v.len < VALUE_MIN || says_when(v) || says_how_much(v, type);
}

/* What begins where a run of digits or of letters does, or at a special byte; the rest of a run begins nothing. */
static void scan_bytes(struct scan *s)
{
	struct block b UNINITIALIZED;

	block_alone(&b, s->value);
	for (; b.at < s->value.len; b.at += 64) {
		uint64_t numbers, starts, other, inner;

		kinds_wide(&b.k, &starters.specials, s->value.ptr + b.at, s->value.len - b.at);
		starts = block_begins(&b, &numbers);
		inner = inner_runs(&b);
		numbers &= ~inner;
		for (starts &= ~inner; starts; starts &= starts - 1) {
			size_t i = b.at + (size_t)__builtin_ctzll(starts);

			if (numbers & starts & -starts)
				scan_number(s, &b, i);
			if (b.k.letters & starts & -starts) {
				if (word_begins(s->value, i))
					scan_literals(s, i);
			} else {
				scan_special(s, i, starters.kind[s->value.ptr[i]]);
			}
		}
		other = ~(b.k.digits | b.k.letters);
		b.before = other ? (unsigned)__builtin_clzll(other) : 64;
		b.digit = b.k.digits >> 63;
		b.letter = b.k.letters >> 63;
		if (s->tags)
			scan_tags(s, b.at);
	}
}

static bool list_asks(const struct row_list *list, const struct number *n)
{
	for (unsigned i = 0; list && i < list->nr; i++)
		if (row_may(list->rows[i], n))
			return true;
	return false;
}

/* Does nothing begin in a short value of a key that speaks for nothing? Most values are such, and no more is done then. */
bool scan_needless_told(const struct evidence *ev, const struct block *b)
{
	uint64_t numbers, starts;
	struct number n UNINITIALIZED;

	if (user_in_use() || (ev->rows ? ev->rows->nr : ev->key.len || ev->parent.len))
		return false;
	if (value_is_plain(b->v, ev->type))
		return true;
	if (b->k.odd)
		return false;
	if (is_short_number(b->v, b->k.digits))
		return true;
	starts = block_begins(b, &numbers);
	for (numbers &= ~inner_runs(b); starts; starts &= starts - 1) {
		size_t i = (size_t)__builtin_ctzll(starts);
		unsigned kind = starters.kind[b->v.ptr[i]];

		if (numbers >> i & 1 && number_read(b, i, &n) && (n.named || list_asks(n.list, &n) || list_asks(n.spaced, &n)))
			return false;
		if (kind & ~(ON_DIGIT | ON_LITERAL) || (kind & ON_LITERAL && literal_begins(b->v, i)))
			return false;
	}
	return true;
}

bool scan_needless(const struct evidence *ev, struct slice value)
{
	struct block b UNINITIALIZED;

	if (!starters.ready)
		begins_init();
	block_alone(&b, value);
	kinds_short(&b.k, &starters.specials, value.ptr, value.len);
	return scan_needless_told(ev, &b);
}

uint64_t scan_value(const struct evidence *ev, struct slice value, void (*emit)(void *owner, const struct hit *), void *owner)
{
	struct scan s UNINITIALIZED;	/* 5 KiB for every field, of which little is used */

	if (!starters.ready)
		begins_init();
	s.value = value;
	s.emit = emit;
	s.owner = owner;
	s.nr = 0;
	s.cost = value.len * COST_BYTE;
	s.evidence = ev;
	s.surrounded = false;
	s.tags = value.len > SCAN_SHORT && evidence_level >= EVIDENCE_KEY && assign_in_tags(value);
	s.user.at = s.user.nr = 0;
	s.user.next = user_in_use() ? 0 : value.len;
	scan_keyed(&s);
	if (!value_is_plain(value, ev->type))
		scan_bytes(&s);
	if (s.user.next < value.len || s.user.at < s.user.nr)
		scan_user(&s, SIZE_MAX);
	if (s.nr)
		scan_flush(&s, s.nr);
	if (s.surrounded)
		surroundings_wipe(&s.around);
	return s.cost;
}
