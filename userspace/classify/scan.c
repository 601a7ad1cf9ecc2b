/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - one pass over a value. A table says for each byte whether a class
 * could begin there; only then the classes of that trigger are asked. Each looks
 * at a bounded stretch, so the pass is linear whatever the bytes are. */
#include <assert.h>
#include <endian.h>
#include <string.h>
#include <strings.h>

#include "classify/assign.h"
#include "classify/bytes.h"
#include "classify/evidence.h"
#include "classify/ids.h"
#include "classify/plain.h"
#include "classify/tokens.h"
#include "classify/user_find.h"

#define VALUE_MIN	5	/* bytes of the shortest value that is one whatever its key says */
#define PENDING		64	/* winners that a later hit may still beat */
#define NUMBER_MAX	64	/* bytes of a number as written in which digits are counted */

/* ns, by scripts/bench-cost: a byte that begins nothing; a class asked, and each byte that it
 * may look at; what its answer is weighed against; a "name=value". */
enum { COST_BYTE = 1, COST_ASK = 15, COST_LOOK = 3, LOOKED_AT = 32, COST_WEIGH = 1200, COST_ASSIGN = 380, COST_NEAR = 600 };
enum { ON_DIGIT = 1, ON_AT = 2, ON_PERCENT = 4, ON_ASSIGN = 8, ON_LITERAL = 16, ON_LETTER = 32 };
#define RUN_MAX		31	/* digits of the first run of a number that are counted */
#define HEAD_MAX	15	/* letters before it */
#define GROUP_MAX	63	/* letters and digits around it; more are as many */
#define NEAR_LONG	5	/* a shorter run of digits and letters is no number that a word before it names */
#define ASKED_MAX	48	/* classes that one name speaks for */

struct pending { struct hit hit; int score; bool named; };	/* named: a key says the class, and its value bears it out */
struct scan {
	struct slice value;
	const struct evidence *evidence;
	struct surroundings around;	/* worked out when the first class finds something */
	bool surrounded;
	void (*emit)(void *owner, const struct hit *);
	void *owner;
	uint64_t cost;
	uint64_t alnum;		/* letters and digits of the block in hand */
	size_t block;		/* where it begins */
	size_t nr;
	struct pending list[PENDING];
	struct user_hits user;
};

#define LITERALS_MAX 4096
#define LIST_MAX 63	/* classes that one beginning of a number may be asked of */
#define CHAINS 2048	/* a power of two */
#define HEADS_BITS 15	/* 4 KiB: it stays in the nearest cache */
#define HEADS (1u << HEADS_BITS)
struct literal { const char *text; uint64_t head; uint16_t len, next; uint8_t row; };	/* head: its first eight bytes */
struct row_list { uint8_t nr, rows[LIST_MAX]; };

/* Row numbers by trigger, and what each byte may start. Filled once from the rows.
 * Literals hang in a chain by their first two bytes. */
static struct {
	bool ready;
	uint8_t kind[256];
	struct wide_specials specials;
	const struct class_row *rows[CLASS_ROWS];
	uint8_t digits[CLASS_ROWS];	/* that a number has at least */
	uint8_t after[CLASS_ROWS];	/* bit enum id_after: what may follow its first run of them; of an id in any of its shapes */
	uint64_t groups[CLASS_ROWS];	/* bit n: its first digit may stand among n letters and digits; bit 0: among so many that nobody knows */
	struct row_list at;
	struct row_list digit[RUN_MAX + 1][AFTER_MAX];	/* by the length of the first run and what follows it */
	struct row_list mixed[HEAD_MAX + 1][RUN_MAX + 1];	/* by the letters before it, and its length */
	struct row_list spaced[RUN_MAX + 1];	/* where a separator stands between */
	struct row_list inner[RUN_MAX + 1];	/* where these letters are in the middle of a word */
	struct phrase_table keyed, near;
	uint16_t chain[CHAINS], nr_literals;	/* 0: end of chain */
	uint8_t heads[HEADS / 8];	/* one bit a hash of three bytes: a literal begins so */
	uint8_t long_heads[HEADS / 8];	/* … of six, and of the three or four of one that is no longer */
	struct literal literals[LITERALS_MAX];
} table;

uint32_t classify_generation;

static unsigned pair_chain(const uint8_t *p)
{
	return (p[0] * 31u + p[1] * 7u) & (CHAINS - 1);
}

static uint32_t head_slot(uint64_t three)
{
	return (uint32_t)three * 0x9e3779b1u >> (32 - HEADS_BITS);
}

static uint32_t long_slot(uint64_t head)
{
	return (uint32_t)(head * 0x9e3779b97f4a7c15 >> (64 - HEADS_BITS));
}

static void bit_set(uint8_t *bits, uint32_t slot)
{
	bits[slot / 8] |= (uint8_t)(1 << (slot & 7));
}

static bool bit_of(const uint8_t *bits, uint32_t slot)
{
	return bits[slot / 8] >> (slot & 7) & 1;
}

/* Of a literal of two bytes any third may follow. */
static void table_head(const char *text, size_t len)
{
	for (unsigned third = len > 2 ? (uint8_t)text[2] : 0; third < 256; third++) {
		uint64_t six = 0;

		memcpy(&six, text, len < 6 ? len : 6);
		six = le64toh(six) | (uint64_t)third << 16;
		bit_set(table.heads, head_slot(six & 0xffffff));
		bit_set(table.long_heads, long_slot(len > 5 ? six : len > 3 ? six & UINT32_MAX : six & 0xffffff));
		if (len > 2)
			break;
	}
}

static void table_literal(const char *text, uint8_t row)
{
	struct literal *l = &table.literals[++table.nr_literals];
	uint16_t *chain = &table.chain[pair_chain((const uint8_t *)text)];

	assert(table.nr_literals < LITERALS_MAX - 1 && text[0] && text[1]);
	*l = (struct literal){ .text = text, .len = (uint16_t)strlen(text), .next = *chain, .row = row };
	memcpy(&l->head, text, l->len < 8 ? l->len : 8);
	l->head = le64toh(l->head);
	*chain = table.nr_literals;
	table_head(text, strlen(text));
	if (!is_alpha((uint8_t)*text))
		table.kind[(uint8_t)*text] |= ON_LITERAL;
}

static void list_add(struct row_list *list, unsigned row)
{
	assert(list->nr < LIST_MAX);
	list->rows[list->nr++] = (uint8_t)row;
}

/* After which bytes could it go on, of so many letters and digits at its beginning? A bit for each. */
static unsigned row_after(const struct class_row *row, size_t head, size_t run)
{
	unsigned bits = 0;

	for (unsigned after = 0; after < AFTER_MAX; after++)
		if (row->id ? id_starts(row->id, head, run, after) : !row->starts || row->starts(head, run, after))
			bits |= 1u << after;
	return bits;
}

static uint64_t row_groups(const struct class_row *row)
{
	uint64_t most = row->group_max && row->group_max < GROUP_MAX ? (2ull << row->group_max) - 1 : UINT64_MAX;

	return 1 | (row->id ? id_groups(row->id) : most & UINT64_MAX << row->group_min);
}

static void table_number(unsigned i, const struct class_row *row)
{
	unsigned bits;

	table.groups[i] = row_groups(row);
	table.digits[i] = row->id ? (uint8_t)id_digits(row->id) : row->digits;
	if (table.digits[i] == 255)	/* no shape stands on its own */
		return;
	table.after[i] = row->id ? UINT8_MAX : 0;
	for (unsigned run = 0; run <= RUN_MAX && (row->triggers & TRIGGER_DIGIT); run++) {
		bits = row_after(row, 0, run);
		for (unsigned after = 0; after < AFTER_MAX; after++)
			if (bits >> after & 1)
				list_add(&table.digit[run][after], i);
		table.after[i] |= (uint8_t)bits;
	}
	if (row->id && !id_has_head(row->id))
		return;
	for (unsigned run = 0; run <= RUN_MAX && row->id; run++) {
		bits = row_after(row, ID_SPACED, run);
		if (bits)
			list_add(&table.spaced[run], i);
		table.after[i] |= (uint8_t)bits;
	}
	if (!(row->triggers & TRIGGER_MIXED))
		return;
	for (unsigned head = 1; head <= HEAD_MAX; head++)
		for (unsigned run = 0; run <= RUN_MAX; run++) {
			bits = row_after(row, head, run);
			if (bits)
				list_add(&table.mixed[head][run], i);
			table.after[i] |= (uint8_t)bits;
			/* Of a class that may begin after any letters the run alone tells. */
			if (bits && !row->id && head == HEAD_MAX)
				list_add(&table.inner[run], i);
		}
}

static void table_row(unsigned i)
{
	const struct class_row *row = table.rows[i] = class_row(i);

	table_number(i, row);
	if (row->triggers & TRIGGER_AT)
		list_add(&table.at, i);
	if (row->triggers & TRIGGER_KEY)
		phrase_table_add(&table.keyed, (uint8_t)i, row->keys);
	if (row->triggers & TRIGGER_NEAR)
		phrase_table_add(&table.near, (uint8_t)i, row->keys);
	if (row->triggers & TRIGGER_LITERAL) {
		for (const char *const *l = row->literals; l && *l; l++)
			table_literal(*l, (uint8_t)i);
		for (const struct token_format *f = row->tokens; f && f->prefix; f++)
			table_literal(f->prefix, (uint8_t)i);
	}
}

static void table_init(void)
{
	for (unsigned i = 0; i < class_count(); i++)
		table_row(i);
	for (unsigned c = 0; c < 256; c++)
		table.kind[c] |= is_digit((uint8_t)c) ? ON_DIGIT : is_alpha((uint8_t)c) ? ON_LETTER : 0;
	table.kind['@'] |= ON_AT;
	table.kind['%'] |= ON_PERCENT;
	table.kind['='] |= ON_ASSIGN;
	table.kind[':'] |= ON_ASSIGN;
	for (unsigned c = 0; c < 256; c++)
		if (table.kind[c] && !(table.kind[c] & (ON_DIGIT | ON_LETTER))) {
			assert(table.specials.of.nr < SPECIALS / 2);
			table.specials.of.bytes[table.specials.of.nr++] = (uint8_t)c;
		}
	for (unsigned i = 0; i < SPECIALS / 2; i++)
		memset(table.specials.wide[i], table.specials.of.bytes[i < table.specials.of.nr ? i : 0], 16);
	table.ready = true;
}

void classify_forget(void)
{
	memset(&table, 0, sizeof(table));
	classify_generation++;
}

/* Does a beat b for the same bytes? Named, surer, then the user's own, then longer, then better supported. */
static bool pending_beats(const struct pending *a, const struct pending *b)
{
	size_t la = a->hit.end - a->hit.start, lb = b->hit.end - b->hit.start;
	bool mine_a = table.rows[a->hit.class_id]->user, mine_b = table.rows[b->hit.class_id]->user;	/* a user's */

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

static const struct surroundings *scan_around(struct scan *s)
{
	if (!s->surrounded)
		surroundings_init(&s->around, s->evidence);
	s->surrounded = true;
	return &s->around;
}

static void scan_user_hit(struct scan *s, const struct user_hit *h)
{
	const struct class_row *row = table.rows[h->class_id];
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
static void scan_ask(struct scan *s, unsigned id, const struct surroundings *around, struct slice value,
		     size_t at, size_t base)
{
	const struct class_row *row = table.rows[id];
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

/* Digits from `at` on, whatever joins the groups of a number between them. */
static unsigned digits_near(struct slice v, size_t at)
{
	size_t end = v.len - at < NUMBER_MAX ? v.len : at + NUMBER_MAX;
	unsigned nr = 0;

	for (size_t i = at; i < end; i++)
		switch (v.ptr[i]) {
		case '0' ... '9':
			nr++;
			break;
		case ' ': case '-': case '.': case '/': case '(': case ')':
			break;
		default:
			return nr;
		}
	return nr;
}

/* Does a number or code that begins here stand alone, so that a word before it may name it? */
static bool near_begins(struct slice v, size_t start)
{
	uint8_t before = start ? v.ptr[start - 1] : 0;

	return before == ' ' || before == '(' || before == '#';
}

/* A number after a word that names it: "my BSN is …". Its value alone says too little. */
static void scan_near(struct scan *s, size_t at, size_t head)
{
	size_t start = at - head;
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	struct key_text words UNINITIALIZED;
	unsigned nr;

	if (evidence_level < EVIDENCE_KEY || !phrases_may(&table.near, prose_window(s->value, start)))
		return;
	s->cost += COST_NEAR;
	key_text_prose(&words, prose_before(s->value, start));
	nr = phrases_find(&table.near, &words, rows, ASKED_MAX);
	for (unsigned i = 0; i < nr && i < ASKED_MAX; i++)
		scan_ask(s, rows[i], NULL, s->value, at, 0);
}

static bool is_joint(uint8_t c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/';
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

/* Among how many letters and digits in a row stands the one at `at`? 0: they do not end in this block, or it does not matter. */
static unsigned group_of(const struct scan *s, size_t at)
{
	size_t bit = at - s->block, start, end;
	uint64_t before = ~s->alnum & (((uint64_t)1 << bit) - 1), after = ~s->alnum >> bit;

	if (evidence_level < EVIDENCE_BOUNDARY || (!before && s->block) || (!after && s->value.len - s->block > 64))
		return 0;
	start = before ? 64 - (size_t)__builtin_clzll(before) : 0;
	end = after ? bit + (size_t)__builtin_ctzll(after) : s->value.len - s->block;
	return end - start < GROUP_MAX ? (unsigned)(end - start) : GROUP_MAX;
}

static void scan_list(struct scan *s, const struct row_list *list, size_t at, unsigned near, enum id_after after)
{
	unsigned group = group_of(s, at);

	for (unsigned i = 0; i < list->nr; i++) {
		unsigned row = list->rows[i];

		if (table.groups[row] >> group & 1 && near >= table.digits[row] && table.after[row] >> after & 1)
			scan_ask(s, row, NULL, s->value, at, 0);
	}
}

/* Most numbers are too short for any class, and few classes begin with a run of this length. */
static void scan_digits(struct scan *s, size_t at)
{
	const struct row_list *list, *spaced = NULL;
	size_t run = 0, head = 0;
	enum id_after after;
	unsigned near;
	bool inner;

	while (head < HEAD_MAX && head < at && is_alpha(s->value.ptr[at - 1 - head]))
		head++;
	while (run < RUN_MAX && is_digit(byte_at(s->value, at + run)))
		run++;
	after = id_after(byte_at(s->value, at + run));
	inner = head && (head == HEAD_MAX || !edge_before(s->value, at - head));
	list = inner ? &table.inner[run] : head ? &table.mixed[head][run] : &table.digit[run][after];
	if (!head && at > 1 && is_alpha(s->value.ptr[at - 2]) && is_joint(s->value.ptr[at - 1]))
		spaced = &table.spaced[run];
	if (!list->nr && !spaced && (inner || !near_begins(s->value, at - head)))
		return;
	near = digits_near(s->value, at);
	scan_list(s, list, at, near, after);
	if (spaced)
		scan_list(s, spaced, at, near, after);
	if (!inner && near_begins(s->value, at - head) && (near >= NEAR_LONG || capital_run(s->value, at - head) >= NEAR_LONG))
		scan_near(s, at, head);
}

/* Eight bytes at `at`, zeros beyond the value. */
static inline uint64_t eight_at(struct slice v, size_t at)
{
	size_t back = v.len - at < 8 ? 8 - (v.len - at) : 0;
	uint64_t eight = 0;

	if (at < back) {	/* all of a short value */
		memcpy(&eight, v.ptr, v.len < 8 ? v.len : 8);
		return le64toh(eight) >> 8 * at;
	}
	memcpy(&eight, v.ptr + at - back, 8);
	return le64toh(eight) >> 8 * back;
}

/* Few words begin with the three bytes that a literal begins with, and fewer with all of its six. */
static inline bool literal_begins(struct slice v, size_t at)
{
	uint64_t eight = eight_at(v, at);

	return bit_of(table.heads, head_slot(eight & 0xffffff)) && (bit_of(table.long_heads, long_slot(eight << 16 >> 16)) ||
		bit_of(table.long_heads, long_slot(eight & UINT32_MAX)) || bit_of(table.long_heads, long_slot(eight & 0xffffff)));
}

/* Those of the words that begin at these bits of the block at `at` of which a literal may be the beginning. */
static inline uint64_t literals_begin(struct slice v, size_t at, uint64_t words)
{
	uint64_t found = 0;

	for (; words; words &= words - 1)
		if (literal_begins(v, at + (size_t)__builtin_ctzll(words)))
			found |= words & -words;
	return found;
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
	for (unsigned i = table.chain[pair_chain(p)]; i; i = table.literals[i].next) {
		const struct literal *l = &table.literals[i];
		uint64_t differ = l->head ^ (l->len < 8 ? eight & ~(UINT64_MAX << 8 * l->len) : eight);

		if (!differ && left >= l->len && (l->len <= 8 || !memcmp(p, l->text, l->len)))
			scan_ask(s, l->row, NULL, s->value, at, 0);
	}
}

/* Classes that live by their key: the whole value, when the field's key speaks. */
static bool key_speaks(const struct surroundings *around, unsigned id)
{
	struct key_verdict v = key_judge(&around->key, table.rows[id]);

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
	nr = phrases_find(&table.keyed, &s->around.key, rows, ASKED_MAX);
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
	if (!table.ready)
		table_init();
	surroundings_init(&around, &ev);
	if (around.has_key)
		nr = phrases_find(&table.keyed, &around.key, rows, ASKED_MAX);
	for (unsigned i = 0; i < nr && i < ASKED_MAX && out->nr <= KEY_ROWS; i++) {
		if (!key_speaks(&around, rows[i]))
			continue;
		if (out->nr < KEY_ROWS)
			out->rows[out->nr] = rows[i];
		out->nr++;
	}
	explicit_bzero(&around, sizeof(around));
}

/* "name=value" or "name: value" inside a value. */
static void scan_assign(struct scan *s, size_t i)
{
	struct slice name = assign_name(s->value, i), before, token;
	struct surroundings around = { .type = VALUE_STRING, .has_key = true };
	uint8_t rows[ASKED_MAX] UNINITIALIZED;
	bool asked = false;
	unsigned nr;

	if (evidence_level < EVIDENCE_KEY || !assign_may_name(name) || (s->value.ptr[i] == ':' && byte_at(s->value, i + 1) == '/'))
		return;
	s->cost += COST_ASSIGN;
	before = assign_before(s->value, (size_t)(name.ptr - s->value.ptr));
	key_text_init(&around.key, before, name);
	around.key.person = false;
	nr = phrases_find(&table.keyed, &around.key, rows, ASKED_MAX);
	for (unsigned r = 0; r < nr && r < ASKED_MAX; r++) {
		struct key_verdict v = key_judge(&around.key, table.rows[rows[r]]);

		if (!v.support || v.against || v.after)
			continue;
		/* "Pass = on" says nothing; "pass=on" may. */
		if (v.support < KEY_EXACT && (s->value.ptr[i] == ':' || byte_at(s->value, i + 1) == ' '))
			continue;
		if (!asked) {
			token = assign_value(s->value, i);
			asked = true;
			if (!token.len || assign_is_prose(s->value, i, token) || assign_is_code(s->value, name, token))
				return;
		}
		scan_ask(s, rows[r], &around, token, 0, (size_t)(token.ptr - s->value.ptr));
	}
}

static void scan_at(struct scan *s, size_t i, unsigned kind)
{
	if (kind & ON_DIGIT)
		scan_digits(s, i);
	if (kind & ON_LITERAL && literal_begins(s->value, i))
		scan_literals(s, i);
	if (kind & ON_AT || (kind & ON_PERCENT && slice_begins(s->value, i, "%40")))
		scan_rows(s, table.at.rows, table.at.nr, i);
	if (kind & ON_ASSIGN)
		scan_assign(s, i);
}

/* "2026-03-14T15:09:26.123Z" and "19.50": whole values, and common ones, in which nothing begins. */
static bool says_when(struct slice v)
{
	static const struct specials marks = { 7, { '-', 'T', ' ', ':', '.', '+', 'Z' } };
	struct kinds k;

	if (v.len < 19 || v.len > 35 || v.ptr[4] != '-' || v.ptr[7] != '-' || (v.ptr[10] != 'T' && v.ptr[10] != ' ') || v.ptr[13] != ':' || v.ptr[16] != ':')
		return false;
	k = kinds_of(&marks, v.ptr, v.len);
	return (k.digits | k.specials) == ((uint64_t)1 << v.len) - 1;
}

static bool says_how_much(const struct evidence *ev, struct slice v)
{
	static const struct specials marks = { 3, { '.', 'e', 'E' } };

	if (ev->type != VALUE_NUMBER)
		return false;
	if (v.len <= 64)
		return kinds_of(&marks, v.ptr, v.len).specials;
	return memchr(v.ptr, '.', v.len) || memchr(v.ptr, 'e', v.len) || memchr(v.ptr, 'E', v.len);
}

/* What begins where a run of digits or of letters does, or at a special byte; the rest of a run begins nothing. */
static void scan_bytes(struct scan *s)
{
	uint64_t digit = 0, letter = 0;	/* is the byte before the block one? */

	for (size_t at = 0; at < s->value.len; at += 64) {
		size_t left = s->value.len - at;
		struct kinds k = kinds_wide(&table.specials, s->value.ptr + at, left < 64 ? left : 64);
		uint64_t words = literals_begin(s->value, at, k.letters & ~(k.letters << 1 | letter));
		uint64_t starts = (k.digits & ~(k.digits << 1 | digit)) | words | k.specials;

		s->alnum = k.digits | k.letters;
		s->block = at;
		digit = k.digits >> 63;
		letter = k.letters >> 63;
		for (; starts; starts &= starts - 1) {
			size_t bit = (size_t)__builtin_ctzll(starts), i = at + bit;

			if (words >> bit & 1) {
				if (word_begins(s->value, i))
					scan_literals(s, i);
				continue;
			}
			scan_at(s, i, table.kind[s->value.ptr[i]]);
		}
	}
}

uint64_t scan_value(const struct evidence *ev, struct slice value, void (*emit)(void *owner, const struct hit *), void *owner)
{
	struct scan s UNINITIALIZED;	/* 5 KiB for every field, of which little is used */

	if (!table.ready)
		table_init();
	s.value = value;
	s.emit = emit;
	s.owner = owner;
	s.nr = 0;
	s.cost = value.len * COST_BYTE;
	s.evidence = ev;
	s.surrounded = false;
	s.user.at = s.user.nr = 0;
	s.user.next = user_in_use() ? 0 : value.len;
	scan_keyed(&s);
	if (value.len >= VALUE_MIN && !says_when(value) && !says_how_much(ev, value))
		scan_bytes(&s);
	if (s.user.next < value.len || s.user.at < s.user.nr)
		scan_user(&s, SIZE_MAX);
	if (s.nr)
		scan_flush(&s, s.nr);
	if (s.surrounded)
		explicit_bzero(&s.around, sizeof(s.around));
	return s.cost;
}
