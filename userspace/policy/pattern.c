/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - reads a regex by recursive descent, and works out as it goes what a
 * match may begin with, how long it can be, and how likely text of chance is one. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/pattern.h"

#define NESTED_MAX	8
#define REPEAT_MAX	PATTERN_LENGTH
#define STATES_MAX	512	/* places that an automaton of it has */
#define BARE_LENGTH	3
#define BARE_CHANCE	1e-3	/* of a word of chance to match */
#define KEYED_CHANCE	0.5

struct set { uint64_t bits[4]; };
/* What a part of the pattern can match. */
struct part {
	double chance;
	unsigned min, max, states;
	struct set first;
	bool endless;	/* has a repeat that was written without an end */
};
struct reader {
	const char *text, *at;
	bool fold, failed;
	unsigned depth;
	char *out;
	size_t len;
	char *why;
	size_t why_size;
};

static void refuse(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct reader *r, const char *fmt, ...)
{
	va_list args;

	if (r->failed)
		return;
	r->failed = true;
	va_start(args, fmt);
	vsnprintf(r->why, r->why_size, fmt, args);
	va_end(args);
}

static void put(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct reader *r, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(r->out + r->len, PATTERN_OUT - r->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= PATTERN_OUT - r->len)
		refuse(r, "it is too long when it is written out; make it shorter");
	else
		r->len += (size_t)n;
}

/* Sets of bytes. */

static bool set_has(const struct set *s, unsigned c) { return s->bits[c / 64] >> c % 64 & 1; }
static void set_add(struct set *s, unsigned c) { s->bits[c / 64] |= 1ull << c % 64; }

static void set_range(struct set *s, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		set_add(s, c);
}

static void set_fold(struct set *s)
{
	for (unsigned c = 'a'; c <= 'z'; c++)
		if (set_has(s, c) || set_has(s, c - 32)) {
			set_add(s, c);
			set_add(s, c - 32);
		}
}

/* All others, but never a line's end: what a class is looked for in may be many lines. */
static void set_invert(struct set *s)
{
	for (unsigned i = 0; i < 4; i++)
		s->bits[i] = ~s->bits[i];
	s->bits[0] &= ~(1ull << '\n' | 1ull << '\r');
}

static bool set_empty(const struct set *s)
{
	return !(s->bits[0] | s->bits[1] | s->bits[2] | s->bits[3]);
}

/* How often a byte of a word of chance is one of these: words are mostly small letters, ids mostly digits. */
static double set_chance(const struct set *s)
{
	double sum = 0;

	for (unsigned c = 0; c < 256; c++) {
		if (!set_has(s, c))
			continue;
		if (c >= 'a' && c <= 'z')
			sum += 0.9 / 26;
		else if (c >= '0' && c <= '9')
			sum += 0.3 / 10;
		else if (c >= 'A' && c <= 'Z')
			sum += 0.3 / 26;
		else
			sum += c >= 0x80 ? 0.3 / 128 : 0.3 / 33;
	}
	return sum < 1 ? sum : 1;
}

static void set_put(struct reader *r, const struct set *s)
{
	put(r, "[");
	for (unsigned c = 0, end; c < 256; c = end + 1) {
		end = c;
		if (!set_has(s, c))
			continue;
		while (end < 255 && set_has(s, end + 1))
			end++;
		if (end == c)
			put(r, "\\x%02x", c);
		else
			put(r, "\\x%02x-\\x%02x", c, end);
	}
	put(r, "]");
}

static struct part set_part(struct reader *r, struct set s)
{
	if (r->fold)
		set_fold(&s);
	if (set_empty(&s))
		refuse(r, "a set of it has no byte in it; write what may stand there");
	set_put(r, &s);
	return (struct part){ .chance = set_chance(&s), .min = 1, .max = 1, .states = 1, .first = s };
}

/* Escapes: a class of bytes, or one byte that would mean something else. */

static bool class_escape(char c, struct set *s)
{
	switch (c) {
	case 'd': case 'D':
		set_range(s, '0', '9');
		break;
	case 'w': case 'W':
		set_range(s, '0', '9');
		set_range(s, 'A', 'Z');
		set_range(s, 'a', 'z');
		set_add(s, '_');
		break;
	case 's': case 'S':
		set_add(s, ' ');
		set_add(s, '\t');
		break;
	case 't':
		set_add(s, '\t');
		return true;
	default:
		return false;
	}
	if (c < 'a')
		set_invert(s);
	return true;
}

static struct set escape_read(struct reader *r)
{
	struct set s = { 0 };
	char c = *r->at;

	if (c && !class_escape(c, &s)) {
		if (c == 'b' || c == 'B' || c == 'A' || c == 'z' || c == 'Z')
			refuse(r, "'\\%c' is not needed: weir itself looks that a match is no part of a longer word; leave it out", c);
		else if (c >= '1' && c <= '9')
			refuse(r, "'\\%c' refers back, which no fast engine can; write what it stands for", c);
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '0')
			refuse(r, "'\\%c' is not known; \\d, \\w, \\s, \\t, their capitals and escaped signs are", c);
		set_add(&s, (uint8_t)c);
	}
	if (!c)
		refuse(r, "it ends with a '\\'; write two for one, or remove it");
	else
		r->at++;
	return s;
}

static unsigned set_end(struct reader *r)
{
	struct set s;
	unsigned c = (uint8_t)*r->at;

	if (!c || c == ']' || c >= 0x80) {
		refuse(r, c >= 0x80 ? "a set has a letter beyond ASCII; write (ä|ö) in place of [äö]" : "a range of a set has no end; write a-z");
		return 0;
	}
	r->at++;
	if (c != '\\')
		return c;
	s = escape_read(r);
	for (c = 0; c < 255 && !set_has(&s, c); c++)
		;
	return c;
}

/* After '['. */
static struct set set_read(struct reader *r)
{
	struct set s = { 0 };
	bool not = *r->at == '^';

	r->at += not;
	if (*r->at == ']')
		refuse(r, "a set is empty; write what may stand there, and ']' itself as \\]");
	while (*r->at && *r->at != ']' && !r->failed) {
		unsigned c = (uint8_t)*r->at, end;

		if (c == '\\') {
			struct set more;

			r->at++;
			more = escape_read(r);
			for (unsigned i = 0; i < 4; i++)
				s.bits[i] |= more.bits[i];
			continue;
		}
		if (c == '[' && (r->at[1] == ':' || r->at[1] == '.' || r->at[1] == '='))
			refuse(r, "'[%c' in a set is not known; write \\d, \\w or a range", r->at[1]);
		c = end = set_end(r);
		if (r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
			r->at++;
			end = set_end(r);
			if (end < c)
				refuse(r, "a range of a set goes backwards; write a-z");
		}
		set_range(&s, c, end);
	}
	if (*r->at != ']')
		refuse(r, "a '[' has no ']'; close it");
	else
		r->at++;
	if (not)
		set_invert(&s);
	return s;
}

/* Parts in a row, and one or another. */

static struct part nothing(void)
{
	return (struct part){ .chance = 1 };
}

static struct part then(const struct part *a, const struct part *b)
{
	struct part p = { .chance = a->chance * b->chance, .min = a->min + b->min, .max = a->max + b->max,
			  .states = a->states + b->states, .first = a->first, .endless = a->endless || b->endless };

	for (unsigned i = 0; i < 4 && !a->min; i++)
		p.first.bits[i] |= b->first.bits[i];
	return p;
}

static struct part either(const struct part *a, const struct part *b)
{
	struct part p = { .chance = a->chance + b->chance < 1 ? a->chance + b->chance : 1, .min = a->min < b->min ? a->min : b->min,
			  .max = a->max > b->max ? a->max : b->max, .states = a->states + b->states,
			  .endless = a->endless || b->endless };

	for (unsigned i = 0; i < 4; i++)
		p.first.bits[i] = a->first.bits[i] | b->first.bits[i];
	return p;
}

static struct part alternatives(struct reader *r);

/* After '('. */
static struct part group_read(struct reader *r)
{
	struct part p;

	if (r->at[0] == '?' && r->at[1] == ':')
		r->at += 2;
	else if (r->at[0] == '?' || r->at[0] == '*')
		refuse(r, "'(%c' with what follows is not known (no looking around, no options); write a plain group, and "
			  "'case: fold' for capitals", r->at[0]);
	if (++r->depth > NESTED_MAX)
		refuse(r, "groups are nested deeper than %d; write it flatter", NESTED_MAX);
	put(r, "(?:");
	p = r->failed ? nothing() : alternatives(r);
	put(r, ")");
	p.states += 2;	/* where it begins and ends */
	r->depth--;
	if (*r->at != ')')
		refuse(r, "a '(' has no ')'; close it");
	else
		r->at++;
	return p;
}

/* A letter beyond ASCII is its bytes, and a repeat after it means all of them. */
static struct part letter_read(struct reader *r)
{
	struct part all = nothing();

	put(r, "(?:");
	do {
		struct set s = { 0 };
		struct part one;

		set_add(&s, (uint8_t)*r->at++);
		one = set_part(r, s);
		all = then(&all, &one);
	} while (((uint8_t)*r->at & 0xc0) == 0x80);
	put(r, ")");
	return all;
}

static struct part atom_read(struct reader *r)
{
	struct set s = { 0 };
	char c = *r->at;

	if ((uint8_t)c >= 0x80)
		return letter_read(r);
	r->at++;
	switch (c) {
	case '(':
		return group_read(r);
	case '[':
		return set_part(r, set_read(r));
	case '\\':
		return set_part(r, escape_read(r));
	case '.':
		set_invert(&s);
		return set_part(r, s);
	case '^': case '$':
		refuse(r, "'%c' is not needed: weir itself looks that a match is no part of a longer word; leave it out", c);
		break;
	case '*': case '+': case '?': case '{':
		refuse(r, "a '%c' repeats nothing; write what it repeats before it, or \\%c for the sign itself", c, c);
		break;
	}
	set_add(&s, (uint8_t)c);
	return set_part(r, s);
}

static unsigned number_read(struct reader *r)
{
	unsigned n = 0;

	while (*r->at >= '0' && *r->at <= '9' && n <= REPEAT_MAX)
		n = n * 10 + (unsigned)(*r->at++ - '0');
	return n;
}

/* {n}, {n,m}, {n,}, ?, *, +. False: none stands here. */
static bool repeat_read(struct reader *r, unsigned *from, unsigned *to, bool *endless)
{
	const char *start = r->at;

	*from = *r->at == '+';
	*to = *r->at == '?' ? 1 : PATTERN_ENDLESS;
	*endless = *r->at == '*' || *r->at == '+';
	if (*r->at == '*' || *r->at == '+' || *r->at == '?')
		return r->at++, true;
	if (*r->at != '{')
		return false;
	r->at++;
	*from = *to = number_read(r);
	if (r->at == start + 1)
		refuse(r, "a '{' is no repeat; write {2} or {2,5}, or \\{ for the sign itself");
	if (*r->at == ',') {
		r->at++;
		*endless = *r->at == '}';
		*to = *endless ? *from + PATTERN_ENDLESS : number_read(r);
	}
	if (*r->at != '}')
		refuse(r, "a repeat has no '}'; write {2} or {2,5}");
	else
		r->at++;
	if (*from > *to || *to > REPEAT_MAX || !*to)
		refuse(r, "a repeat is empty, goes backwards or is longer than %d; write {2,5}", REPEAT_MAX);
	return true;
}

static struct part repeated(struct reader *r, const struct part *one, unsigned from, unsigned to, bool endless)
{
	struct part p = *one;

	if (one->endless && to > 1)
		refuse(r, "a repeat without an end stands inside a repeat, like (a+)+: it can be tried in so many ways that time runs "
			  "out (catastrophic backtracking); give the inner one an end, {1,20}, or write it without the outer");
	if (!one->min)
		refuse(r, "it repeats what may be empty; let the part have at least one byte");
	p.min = one->min * from;
	p.max = one->max * to;
	p.states = one->states * to;
	p.endless |= endless;
	for (unsigned i = 1; i < from; i++)
		p.chance *= one->chance;
	if (!from)
		p.chance = 1;
	return p;
}

static void size_check(struct reader *r, const struct part *p)
{
	if (p->max > PATTERN_LENGTH)
		refuse(r, "it can match more than %d bytes; give its repeats nearer ends", PATTERN_LENGTH);
	else if (p->states > STATES_MAX)
		refuse(r, "its repeats of repeats have more than %d places; write it simpler", STATES_MAX);
}

/* What was written last, from start on, is repeated. */
static void put_repeat(struct reader *r, size_t start, unsigned from, unsigned to)
{
	size_t len = r->len - start;

	put(r, "(?:");	/* room for it, or it is refused */
	if (r->failed)
		return;
	memmove(r->out + start + 3, r->out + start, len);
	memcpy(r->out + start, "(?:", 3);
	put(r, "){%u,%u}", from, to);
}

static struct part sequence(struct reader *r)
{
	struct part all = nothing();

	while (*r->at && *r->at != '|' && *r->at != ')' && !r->failed) {
		size_t start = r->len;
		struct part one = atom_read(r);
		unsigned from, to;
		bool endless = false;

		if (!r->failed && repeat_read(r, &from, &to, &endless)) {
			if (*r->at == '?' || *r->at == '+')
				refuse(r, "'%c' after a repeat changes how an engine tries, not what is found; leave it out", *r->at);
			one = repeated(r, &one, from, to, endless);
			put_repeat(r, start, from, to);
		}
		all = then(&all, &one);
		size_check(r, &all);
	}
	return all;
}

static struct part alternatives(struct reader *r)
{
	struct part all = sequence(r);

	while (*r->at == '|' && !r->failed) {
		struct part next;

		r->at++;
		put(r, "|");
		next = sequence(r);
		all = either(&all, &next);
		size_check(r, &all);
	}
	return all;
}

static void judge(struct reader *r, const struct part *p, bool bare)
{
	if (!p->min)
		refuse(r, "it matches the empty text, and so everything; let it have at least one byte that must be there");
	else if (bare && p->min < BARE_LENGTH)
		refuse(r, "it matches %u byte%s and would be found nearly everywhere; write more of it, or let it count only with "
			  "a key (keys, and confidence: none)", p->min, p->min == 1 ? "" : "s");
	else if (p->chance > (bare ? BARE_CHANCE : KEYED_CHANCE))
		refuse(r, "it would match nearly anything: one word in %.0f of such letters by chance; write more that must be there%s",
		       1 / p->chance, bare ? ", or let it count only with a key (keys, and confidence: none)" : "");
}

int pattern_read(const char *text, bool fold, bool bare, struct class_pattern *p, char out[PATTERN_OUT], char *why, size_t size)
{
	struct reader r = { .text = text, .at = text, .fold = fold, .out = out, .why = why, .why_size = size };
	struct part all;

	out[0] = 0;
	if (strlen(text) > PATTERN_TEXT) {
		refuse(&r, "it is longer than %d bytes; write a list of words, or several", PATTERN_TEXT);
		return -1;
	}
	all = alternatives(&r);
	if (*r.at == ')')
		refuse(&r, "a ')' has no '('; remove it, or write \\) for the sign itself");
	judge(&r, &all, bare);
	if (r.failed)
		return -1;
	*p = (struct class_pattern){ .text = out, .min = (uint16_t)all.min, .max = (uint16_t)all.max, .states = (uint16_t)all.states };
	memcpy(p->first, all.first.bits, sizeof(p->first));
	return 0;
}
