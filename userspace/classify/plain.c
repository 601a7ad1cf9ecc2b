/* SPDX-License-Identifier: Apache-2.0 */
#include "classify/plain.h"

#include <stdlib.h>
#include <string.h>

#include "classify/bytes.h"

#define BASE64_LEAST (SCAN_SHORT + 1)	/* a shorter one is an id */
#define BASE64_HEAD 24	/* bytes by which it is told from others: 18 of the text */
#define COST_PLAIN 8	/* ns a byte that is written anew, by scripts/bench-cost */
#define GROUP_MOST 6	/* digits of a group of a number that is written in groups */

static bool in_group(uint8_t c)
{
	return is_digit(c) || is_upper(c);
}

/* A number in groups, whose blank became the end of a line: "4539 1488\n0343 6467", "(212)\n555 0123". On one side of it
 * stands more of it in the same line. Quotes and blanks begin the next line. Returns where it goes on, or 0. */
static size_t fold_end(struct slice s, size_t i)
{
	size_t back = i && s.ptr[i - 1] == '\r' ? i - 1 : i, next = i + 1, left = 0, right = 0;
	uint8_t last = back ? s.ptr[back - 1] : 0;

	while (next < s.len && (s.ptr[next] == ' ' || s.ptr[next] == '\t' || s.ptr[next] == '>'))
		next++;
	if (back < 2 || next - i > 8 || !in_group(byte_at(s, next)))
		return 0;
	if (last == '-' || last == ')')
		return is_digit(s.ptr[back - 2]) && is_digit(s.ptr[next]) ? next : 0;
	while (left < back && left <= GROUP_MOST && in_group(s.ptr[back - 1 - left]))
		left++;
	while (right <= GROUP_MOST && in_group(byte_at(s, next + right)))
		right++;
	if (!left || left > GROUP_MOST || right < 2 || right > GROUP_MOST || (!is_digit(last) && !is_digit(s.ptr[next])))
		return 0;
	if (back - left > 1 && s.ptr[back - left - 1] == ' ' && is_digit(s.ptr[back - left - 2]))
		return next;
	return byte_at(s, next + right) == ' ' && is_digit(byte_at(s, next + right + 1)) ? next : 0;
}

/* "&#64;", "&#x40;", "&nbsp;" and "&amp;": what it stands for and how long it is, or 0. */
static size_t entity_read(struct slice s, size_t i, uint8_t *c)
{
	unsigned n = 0;
	size_t at = i + 2;
	bool hex = (byte_at(s, at) | 0x20) == 'x';

	if (slice_begins(s, i, "&nbsp;")) {
		*c = ' ';
		return 6;
	}
	if (slice_begins(s, i, "&amp;")) {
		*c = '&';
		return 5;
	}
	if (byte_at(s, i + 1) != '#')
		return 0;
	for (at += hex; at < s.len && at < i + 9 && (hex ? is_hex(s.ptr[at]) : is_digit(s.ptr[at])); at++)
		n = n * (hex ? 16 : 10) + (unsigned)hex_value(s.ptr[at]);
	*c = n == 0xa0 ? ' ' : (uint8_t)n;
	return byte_at(s, at) == ';' && (n == 0xa0 || (n >= ' ' && n < 0x7f)) ? at + 1 - i : 0;
}

/* The blanks, hyphens and invisible marks of Unicode's punctuation: how long, and what for; c == 0: nothing. */
static size_t mark_read(struct slice s, size_t i, uint8_t *c)
{
	uint8_t third = byte_at(s, i + 2);

	if (byte_at(s, i + 1) != 0x80)
		return 0;
	*c = third >= 0x8b && third <= 0x8d ? 0 : third >= 0x90 ? '-' : ' ';
	return (third >= 0x80 && third <= 0x8d) || (third >= 0x90 && third <= 0x93) || third == 0xaf ? 3 : 0;
}

/* How many bytes at i are to a reader the one byte c, or none where it is 0. 0: they are what they are. */
static size_t plain_step(struct slice s, size_t i, uint8_t *c)
{
	uint8_t second = byte_at(s, i + 1), third = byte_at(s, i + 2);
	size_t end;

	switch (s.ptr[i]) {
	case '%':
		if (!is_hex(second) || !is_hex(third))
			return 0;
		*c = (uint8_t)(hex_value(second) << 4 | hex_value(third));
		return *c >= ' ' && *c < 0x7f ? 3 : 0;
	case '&':
		return entity_read(s, i, c);
	case '\n':
		end = fold_end(s, i);
		*c = s.ptr[i - (i != 0)] == '-' || (i > 1 && s.ptr[i - 1] == '\r' && s.ptr[i - 2] == '-') ? 0 : ' ';
		return end ? end - i : 0;
	case 0xc2:
		*c = second == 0xa0 ? ' ' : 0;
		return second == 0xa0 || second == 0xad ? 2 : 0;
	case 0xe2:
		return mark_read(s, i, c);
	case 0xef:	/* the full-width forms of ASCII */
		*c = (uint8_t)(second == 0xbc ? third - 0x60 : third - 0x20);
		return (second == 0xbc && third >= 0x81 && third <= 0xbf) || (second == 0xbd && third >= 0x80 && third <= 0x9e) ? 3 : 0;
	default:
		return 0;
	}
}

size_t plain_differs(struct slice s)
{
#ifdef __SSE2__
	bool by_32 = s.len >= 64 && __builtin_cpu_supports("avx2");

	for (size_t i = 0; i < s.len; i += 16) {
		unsigned bits;
		uint8_t c;

		if (by_32 && !(i & 63))
			i += bytes_even_32(s.ptr + i, s.len - i);
		bits = (unsigned)_mm_movemask_epi8(bytes_odd(bytes_load(s.ptr + i, s.len - i)));
		for (; bits; bits &= bits - 1) {
			size_t at = i + (size_t)__builtin_ctz(bits);

			if (plain_step(s, at, &c))
				return at;
		}
	}
	return s.len;
#else
	size_t i = 0;
	uint8_t c;

	while (i < s.len && !(is_odd(s.ptr[i]) && plain_step(s, i, &c)))
		i++;
	return i;
#endif
}

static bool plain_room(struct plain *p, size_t size, bool mapped)
{
	*p = (struct plain){ .text = malloc(size), .size = size };
	p->map = mapped ? malloc((size + 1) * sizeof(*p->map)) : NULL;
	if (p->text && (p->map || !mapped))
		return true;
	free(p->text);
	free(p->map);
	return false;
}

/* Bytes from..to are what they are. */
static void plain_copy(struct plain *p, struct slice s, size_t from, size_t to)
{
	uint32_t *map = p->map + p->len;

	memcpy(p->text + p->len, s.ptr + from, to - from);
	p->len += to - from;
	for (; from < to; from++)
		*map++ = (uint32_t)from;
}

bool plain_make(struct plain *p, struct slice s, size_t differs)
{
	size_t from = 0, step;

	if (s.len > PLAIN_MAX || !plain_room(p, s.len, true))
		return false;
	for (size_t i = differs; i < s.len; i += step) {
		uint8_t c;

		step = is_odd(s.ptr[i]) ? plain_step(s, i, &c) : 0;
		if (!step) {
			step = 1;
			continue;
		}
		plain_copy(p, s, from, i);
		from = i + step;
		p->map[p->len] = (uint32_t)i;
		if (c)
			p->text[p->len++] = c;
	}
	plain_copy(p, s, from, s.len);
	p->map[p->len] = (uint32_t)s.len;
	return true;
}

static bool is_text(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' ? !strchr("\t\n\r", text[i]) || !text[i] : text[i] == 0x7f || text[i] >= 0xf8)
			return false;
	return true;
}

bool plain_decode(struct plain *p, struct slice s)
{
	uint8_t head[BASE64_HEAD];
	int n;

	if (s.len < BASE64_LEAST || s.len > PLAIN_MAX)
		return false;
	n = base64_any(head, sizeof(head), (struct slice){ s.ptr, BASE64_HEAD });
	if (n <= 0 || !is_text(head, (size_t)n) || !plain_room(p, s.len, false))
		return false;
	n = base64_any(p->text, p->size, s);
	p->len = n > 0 ? (size_t)n : 0;
	if (n > 0 && is_text(p->text, p->len))
		return true;
	plain_free(p);
	return false;
}

void plain_free(struct plain *p)
{
	explicit_bzero(p->text, p->size);
	free(p->text);
	free(p->map);
	*p = (struct plain){ 0 };
}

/* Where a hit of a plain text stood; of one that was decoded, all of the value. */
struct stood { const struct plain *plain; size_t len; void (*emit)(void *owner, const struct hit *); void *owner; unsigned nr; };

static void stood_emit(void *owner, const struct hit *hit)
{
	struct stood *stood = owner;
	struct hit there = *hit;

	there.start = stood->plain->map ? stood->plain->map[hit->start] : 0;
	there.end = stood->plain->map ? stood->plain->map[hit->end] : stood->len;
	stood->nr++;
	stood->emit(stood->owner, &there);
}

static void count_emit(void *owner, const struct hit *hit)
{
	struct stood *stood = owner;

	stood->nr++;
	stood->emit(stood->owner, hit);
}

/* By itself, so that most values do without its variables. */
__attribute__((noinline)) uint64_t scan_read(const struct evidence *ev, struct slice value,
					     void (*emit)(void *owner, const struct hit *), void *owner)
{
	struct plain plain;
	struct stood stood = { &plain, value.len, emit, owner, 0 };
	struct evidence text = { .location = ev->location, .type = VALUE_STRING, .text = true };
	uint64_t cost;
	size_t differs = plain_differs(value);

	if (differs < value.len && plain_make(&plain, value, differs)) {
		cost = value.len * COST_PLAIN + scan_value(ev, slice_of(plain.text, plain.len), stood_emit, &stood);
	} else {
		cost = scan_value(ev, value, count_emit, &stood);
		if (stood.nr || !plain_decode(&plain, value))
			return cost;
		cost += value.len * COST_PLAIN + scan_value(&text, slice_of(plain.text, plain.len), stood_emit, &stood);
	}
	plain_free(&plain);
	return cost;
}

uint64_t classify_scan(const struct evidence *ev, struct slice value,
		   void (*emit)(void *owner, const struct hit *), void *owner)
{
	if (!value.len || ev->type == VALUE_BOOL || ev->type == VALUE_NULL)
		return 0;
	if (value.len <= SCAN_SHORT && scan_needless(ev, value))
		return value.len;
	return scan_read(ev, value, emit, owner);
}

struct collector { struct hit *out; size_t nr, max; };

static void collect(void *owner, const struct hit *hit)
{
	struct collector *c = owner;

	if (c->nr < c->max)
		c->out[c->nr++] = *hit;
}

size_t classify_value(const struct evidence *ev, struct slice value, struct hit *out, size_t max)
{
	struct collector c = { .out = out, .max = max };

	classify_scan(ev, value, collect, &c);
	return c.nr;
}
