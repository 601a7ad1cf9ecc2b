/* SPDX-License-Identifier: Apache-2.0 */
/* document.c - one pass over the grammar (RFC 8259, strict) classifies the leaves; their hits are told when it came to
 * its end. So a text that merely begins like JSON never yields half a document: it is taken as text. */
#include "classify/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "classify/bytes.h"
#include "classify/evidence.h"
#include "classify/gathered.h"
#include "classify/known.h"

#define NAME_TEXT 160	/* bytes of an unescaped name that are read */

/* Documents of one source say the same few names. */
static struct known_keys known;

/* Any will do: one who aims at a collision only misleads the run over their own bytes. */
static const struct siphash_key fixed = { 0x243f6a8885a308d3, 0x13198a2e03707344 };

/* An object or array around the cursor. */
struct level {
	bool array;
	struct slice key;	/* raw name of this object; of an array in an array, its outermost's */
	uint64_t key_print;	/* its hash */
	bool escaped;		/* it is written with escapes */
	struct slice member;	/* raw name of the member at hand; an array has none */
	uint64_t object;	/* its number; of an array, that of what it stands in */
	uint64_t path;		/* hash of the names down to here; elements of an array have one path */
};
struct walk {
	struct slice in;
	size_t i;
	enum pass { PASS_GRAMMAR, PASS_LEAVES, PASS_FIELDS } pass;
	bool text_only;
	bool chosen;		/* a field has a class that only all of its values tell: there is a third pass */
	unsigned arrays;	/* around the cursor */
	int error;		/* -ENOMEM */
	unsigned depth;
	struct level level[DOCUMENT_DEPTH];
	struct gathered gathered;
	struct gathered_hit hit;
	bool named;		/* hit's path and key are those of the leaf at hand */
	uint64_t objects;	/* so far */
	struct slice key;	/* raw name of the leaf at hand */
	uint64_t key_print;	/* its hash */
	bool key_escaped;
	uint8_t *text;		/* unescaped string */
	size_t *map;		/* raw offset of each byte of text, and of its end */
	size_t text_size, text_used;	/* used: the most of it that held a value of this document */
	size_t base;		/* raw offset of an unescaped leaf */
	bool mapped;
	struct hit whole[CLASSIFY_HITS];	/* of the leaf at hand, for the counts of its field */
	size_t nr_whole;
};

static inline void skip_space(struct walk *w)
{
	while (w->i < w->in.len && w->in.ptr[w->i] <= ' ' && (w->in.ptr[w->i] == ' ' || w->in.ptr[w->i] == '\n' || w->in.ptr[w->i] == '\r' ||
				    w->in.ptr[w->i] == '\t'))
		w->i++;
}

static bool take(struct walk *w, uint8_t c)
{
	if (byte_at(w->in, w->i) != c || w->i >= w->in.len)
		return false;
	w->i++;
	return true;
}

/* A string at the cursor; *raw is what stands between the quotes. */
static bool string_take(struct walk *w, struct slice *raw, bool *escaped)
{
	size_t start;

	if (!take(w, '"'))
		return false;
	*escaped = false;
	for (start = w->i; w->i < w->in.len; w->i++) {
		uint8_t c;

		w->i += bytes_plain(w->in.ptr + w->i, w->in.len - w->i);
		if (w->i == w->in.len)
			return false;
		c = w->in.ptr[w->i];
		if (c == '"') {
			*raw = slice_of(w->in.ptr + start, w->i - start);
			w->i++;
			return true;
		}
		if (c != '\\')
			return false;
		*escaped = true;
		c = byte_at(w->in, ++w->i);
		if (c == 'u') {
			for (int n = 0; n < 4; n++)
				if (!is_hex(byte_at(w->in, ++w->i)))
					return false;
		} else if (!c || !strchr("\"\\/bfnrt", c)) {
			return false;
		}
	}
	return false;
}

static bool digits_take(struct walk *w)
{
	size_t start = w->i;

	while (is_digit(byte_at(w->in, w->i)))
		w->i++;
	return w->i > start;
}

static bool number_take(struct walk *w, struct slice *raw)
{
	size_t start = w->i;

	take(w, '-');
	if (!take(w, '0') && !digits_take(w))
		return false;
	if (take(w, '.') && !digits_take(w))
		return false;
	if (take(w, 'e') || take(w, 'E')) {
		if (!take(w, '+'))
			take(w, '-');
		if (!digits_take(w))
			return false;
	}
	*raw = slice_of(w->in.ptr + start, w->i - start);
	return true;
}

static bool word_take(struct walk *w, const char *word)
{
	if (!slice_begins(w->in, w->i, word))
		return false;
	w->i += strlen(word);
	return true;
}

static unsigned unicode_at(const uint8_t *p)
{
	return (unsigned)(hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]));
}

static size_t utf8_put(uint8_t out[4], unsigned c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* One escape of a checked string at raw[i] (the backslash) into out; *used raw bytes. */
static size_t escape_read(struct slice raw, size_t i, uint8_t out[4], size_t *used)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned c, low;

	*used = 2;
	if (raw.ptr[i + 1] != 'u') {
		out[0] = (uint8_t)to[strchr(from, raw.ptr[i + 1]) - from];
		return 1;
	}
	c = unicode_at(raw.ptr + i + 2);
	*used = 6;
	if (c >= 0xd800 && c < 0xdc00 && raw.len - i >= 12 && raw.ptr[i + 6] == '\\' && raw.ptr[i + 7] == 'u') {
		low = unicode_at(raw.ptr + i + 8);
		if (low >= 0xdc00 && low < 0xe000) {
			*used = 12;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	return utf8_put(out, c);
}

/* Room for the unescaped form of raw, which is never longer than raw. */
static bool text_reserve(struct walk *w, size_t len)
{
	uint8_t *text;
	size_t *map;

	if (len < w->text_size) {
		w->text_used = len > w->text_used ? len : w->text_used;
		return true;
	}
	text = malloc(len + 1);
	map = malloc((len + 1) * sizeof(*map));
	if (!text || !map) {
		free(text);
		free(map);
		w->error = -ENOMEM;
		return false;
	}
	if (w->text)
		explicit_bzero(w->text, w->text_size);
	free(w->text);
	free(w->map);
	w->text = text;
	w->map = map;
	w->text_size = len + 1;
	w->text_used = len;
	return true;
}

static struct slice text_unescape(struct walk *w, struct slice raw)
{
	size_t n = 0, at = (size_t)(raw.ptr - w->in.ptr), used;
	uint8_t bytes[4];

	if (!text_reserve(w, raw.len))
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < raw.len; i += used) {
		size_t len = 1;

		used = 1;
		bytes[0] = raw.ptr[i];
		if (raw.ptr[i] == '\\')
			len = escape_read(raw, i, bytes, &used);
		for (size_t b = 0; b < len; b++) {
			w->map[n] = at + i;
			w->text[n++] = bytes[b];
		}
	}
	w->map[n] = at + raw.len;
	return (struct slice){ w->text, n };
}

/* One byte is kept free for the '*' of a path that is cut; false when it is. */
static bool path_add(char path[PATH_SIZE], const char *more)
{
	size_t len = strlen(path), n = strlen(more);

	if (n < PATH_SIZE - 1 - len) {
		memcpy(path + len, more, n + 1);
		return true;
	}
	memcpy(path + len, "*", 2);
	return false;
}

/* Names are cleaned only when there is something to report: cleaning classifies. */
static void leaf_name(struct walk *w)
{
	struct document_hit *h = &w->hit.hit;
	char name[NAME_SIZE];
	bool fits = true;

	memcpy(h->path, "$", 2);
	for (unsigned d = 0; d < w->depth && fits; d++) {
		fits = path_add(h->path, w->level[d].array ? "[]" : ".");
		if (!fits || w->level[d].array)
			continue;
		name_clean(name, (const char *)w->level[d].member.ptr, w->level[d].member.len);
		fits = path_add(h->path, name);
	}
	name_clean(h->key, (const char *)w->key.ptr, w->key.len);
	w->named = true;
}

/* What stands in one line of a text belongs together. */
static uint64_t line_of(struct slice in, size_t at)
{
	const uint8_t *before = at ? memrchr(in.ptr, '\n', at) : NULL;

	return before ? (uint64_t)(before - in.ptr) + 1 : 0;
}

static void leaf_hit(void *owner, const struct hit *hit)
{
	struct walk *w = owner;
	struct document_hit *h = &w->hit.hit;

	if (!w->named)
		leaf_name(w);
	h->class_id = hit->class_id;
	h->confidence = hit->confidence;
	h->sample = hit->sample;
	h->why = hit->why;
	h->start = w->mapped ? w->map[hit->start] : w->base + hit->start;
	h->end = w->mapped ? w->map[hit->end] : w->base + hit->end;
	memcpy(h->mask, hit->mask, MASK_SIZE);
	if (w->text_only)
		w->hit.object = line_of(w->in, h->start);
	if (gathered_add(&w->gathered, &w->hit))
		w->error = -ENOMEM;
	if (w->nr_whole < CLASSIFY_HITS)
		w->whole[w->nr_whole++] = *hit;
}

static uint64_t path_step(uint64_t path, uint64_t name)
{
	return (path ^ name) * 0x9e3779b97f4a7c15;
}

/* The values of one field in a list of records, together. */
static void leaf_count(struct walk *w, const struct evidence *ev, struct slice value, unsigned shape)
{
	struct field_record *r = field_get(&w->gathered.fields, w->hit.field);
	struct hit hit = { .confidence = CONF_LIKELY, .why = WHY_RECORDS };
	int class;

	if (w->pass == PASS_LEAVES) {
		field_add(&w->gathered.fields, r, value, shape, w->whole, w->nr_whole);
		w->chosen |= shape != FIELD_WORDS && field_class(r, value) >= 0;
		return;
	}
	class = shape == FIELD_WORDS ? -1 : field_class(r, value);
	if (class < 0 || !evidence_allows(ev, class_row((unsigned)class)))
		return;
	hit.class_id = (uint8_t)class;
	if (class_row((unsigned)class)->find(value, 0, &hit) > 0)
		leaf_hit(w, &hit);
}

/* Name of the nearest object above the innermost, through arrays. */
static struct slice parent_key(const struct walk *w, uint64_t *print, bool *escaped)
{
	unsigned d = w->depth;

	*print = 0;
	*escaped = false;
	if (!d)
		return (struct slice){ NULL, 0 };
	/* In an array the array's own name is the key; its object the parent. */
	for (d--; w->level[d].array && d; d--)
		;
	*print = w->level[d].key_print;
	*escaped = w->level[d].escaped;
	return w->level[d].key;
}

/* A name may be written in escapes too. Too long a one says nothing, cut or not. */
static struct slice name_unescape(struct slice raw, uint8_t out[NAME_TEXT])
{
	size_t n = 0, used;

	for (size_t i = 0; i < raw.len && n < NAME_TEXT - 4; i += used) {
		used = 1;
		if (raw.ptr[i] == '\\')
			n += escape_read(raw, i, out + n, &used);
		else
			out[n++] = raw.ptr[i];
	}
	return (struct slice){ out, n };
}

static void leaf_classify(struct walk *w, struct slice raw, bool escaped, enum value_type type)
{
	uint8_t key[NAME_TEXT] UNINITIALIZED, parent[NAME_TEXT] UNINITIALIZED;
	uint64_t parent_print;
	bool above_escaped;
	struct slice above = parent_key(w, &parent_print, &above_escaped);
	struct evidence ev = {
		.location = LOC_NONE, .type = (uint8_t)type,
		.key = w->key_escaped ? name_unescape(w->key, key) : w->key, .parent = above_escaped ? name_unescape(above, parent) : above,
	};
	struct slice value = raw;
	unsigned shape = 0;

	if (evidence_level < EVIDENCE_OBJECT)
		ev.parent.len = 0;
	if (evidence_level < EVIDENCE_KEY)
		ev.key.len = 0;
	if (ev.key.len || ev.parent.len)
		ev.rows = known_rows(&known, ev.parent, ev.parent.len ? parent_print : 0, ev.key, ev.key.len ? w->key_print : 0);
	w->base = (size_t)(raw.ptr - w->in.ptr);
	w->mapped = escaped;
	w->named = false;
	if (escaped) {
		value = text_unescape(w, raw);
		if (w->error)
			return;
	}
	w->nr_whole = 0;
	w->hit.leaf++;
	w->hit.element = w->depth ? w->level[w->depth - 1].object : 0;
	w->hit.object = w->depth ? w->level[w->depth - 1].path : 0;
	w->hit.field = w->arrays && evidence_level == EVIDENCE_ALL ? path_step(w->hit.object, w->key_print) | 1 : 0;
	if (w->pass == PASS_LEAVES)
		classify_scan(&ev, value, leaf_hit, w);
	if (w->hit.field && (shape = field_shape(value, w->whole, w->nr_whole)))
		leaf_count(w, &ev, value, shape);
}

static bool level_push(struct walk *w, bool array)
{
	struct level *l = &w->level[w->depth];

	if (w->depth == DOCUMENT_DEPTH)
		return false;
	*l = (struct level){ .array = array, .key = w->key, .key_print = w->key_print, .escaped = w->key_escaped };
	l->object = array && w->depth ? l[-1].object : ++w->objects;
	l->path = path_step(w->depth ? w->level[w->depth - 1].path : 0, l->key_print);
	w->depth++;
	w->arrays += array;
	w->i++;
	return true;
}

static void level_pop(struct walk *w)
{
	w->depth--;
	w->arrays -= w->level[w->depth].array;
	w->i++;
}

static bool leaf_take(struct walk *w)
{
	struct slice raw = { w->in.ptr, 0 };
	bool escaped = false;
	uint8_t c = byte_at(w->in, w->i);
	enum value_type type = VALUE_STRING;

	if (c == '"') {
		if (!string_take(w, &raw, &escaped))
			return false;
	} else if (c == '-' || is_digit(c)) {
		type = VALUE_NUMBER;
		if (!number_take(w, &raw))
			return false;
	} else {
		return word_take(w, "true") || word_take(w, "false") || word_take(w, "null");
	}
	if (w->pass != PASS_GRAMMAR)
		leaf_classify(w, raw, escaped, type);
	return !w->error;
}

/* "name": at the cursor. */
static bool key_take(struct walk *w)
{
	struct slice raw;
	bool escaped;

	skip_space(w);
	if (!string_take(w, &raw, &escaped))
		return false;
	skip_space(w);
	if (!take(w, ':'))
		return false;
	w->level[w->depth - 1].member = w->key = raw;
	w->key_print = quick_hash(&fixed, raw.ptr, raw.len);
	w->key_escaped = escaped;
	return true;
}

/* After a value: closes what ends here and stands before the next value. False
 * when the grammar is broken; *done when the whole text ended well. */
static bool value_next(struct walk *w, bool *done)
{
	for (;;) {
		struct level *l;

		skip_space(w);
		if (!w->depth) {
			*done = w->i == w->in.len;
			return *done;
		}
		l = &w->level[w->depth - 1];
		if (take(w, ',')) {
			if (!l->array)
				return key_take(w);
			w->key = l->key;	/* an element bears the array's own name */
			w->key_print = l->key_print;
			w->key_escaped = l->escaped;
			return true;
		}
		if (byte_at(w->in, w->i) != (l->array ? ']' : '}'))
			return false;
		level_pop(w);
	}
}

/* Opens the object or array at the cursor; *empty when it closes at once. */
static bool level_open(struct walk *w, bool *empty)
{
	bool array = byte_at(w->in, w->i) == '[';

	if (!level_push(w, array))
		return false;
	skip_space(w);
	*empty = byte_at(w->in, w->i) == (array ? ']' : '}');
	if (*empty) {
		level_pop(w);
		return true;
	}
	return array || key_take(w);
}

/* The whole text as JSON; false when it is not, or memory ran out. */
static bool walk_json(struct walk *w, enum pass pass)
{
	bool done = false;

	w->pass = pass;
	w->i = w->depth = w->arrays = 0;
	w->objects = w->hit.leaf = 0;
	w->key = (struct slice){ w->in.ptr, 0 };
	w->key_print = 0;
	w->key_escaped = false;
	while (!done) {
		uint8_t c;
		bool empty = false;

		skip_space(w);
		c = byte_at(w->in, w->i);
		if (c == '{' || c == '[') {
			if (!level_open(w, &empty))
				return false;
			if (!empty)
				continue;
		} else if (!leaf_take(w)) {
			return false;
		}
		if (!value_next(w, &done))
			return false;
	}
	return true;
}

/* A query or a form: names, values and percent escapes, and no blank. */
static bool is_form(struct slice in)
{
	static const struct specials marks = { 1, { '=' } };
	bool assigns = false, escapes = false;

	for (size_t at = 0; at < in.len; at += 64) {
		size_t left = in.len - at < 64 ? in.len - at : 64;
		const uint8_t *percent = in.ptr + at, *end = in.ptr + at + left;

		if (bytes_blank(in.ptr + at, left) < left)
			return false;
		assigns |= kinds_of(&marks, in.ptr + at, left).specials != 0;
		while (!escapes && (percent = memchr(percent, '%', (size_t)(end - percent)))) {
			size_t i = (size_t)(percent++ - in.ptr);

			escapes = is_hex(byte_at(in, i + 1)) && is_hex(byte_at(in, i + 2));
		}
	}
	return assigns && escapes;
}

/* Does it mean what stands there? */
static bool form_plain(const uint8_t *p, size_t len)
{
	return !memchr(p, '%', len) && !memchr(p, '+', len);
}

/* Appends the unescaped bytes of in from..to at n; returns how many there are then. */
static size_t form_unescape(struct walk *w, size_t n, size_t from, size_t to)
{
	for (size_t i = from, used; i < to; i += used) {
		uint8_t c = w->in.ptr[i], high = byte_at(w->in, i + 1), low = byte_at(w->in, i + 2);

		used = c == '%' && to - i > 2 && is_hex(high) && is_hex(low) ? 3 : 1;
		w->map[n] = i;
		w->text[n++] = used == 3 ? (uint8_t)(hex_value(high) << 4 | hex_value(low)) : c == '+' ? ' ' : c;
	}
	w->map[n] = to;
	return n;
}

/* Name by name, as a content decoder would hand them on. */
static void form_classify(struct walk *w)
{
	size_t *map = NULL, from = 0;

	if (!text_reserve(w, w->in.len + 1))
		return;
	map = w->map;
	while (from < w->in.len) {
		const uint8_t *amp = memchr(w->in.ptr + from, '&', w->in.len - from);
		size_t to = amp ? (size_t)(amp - w->in.ptr) : w->in.len;
		const uint8_t *equals = memchr(w->in.ptr + from, '=', to - from);
		size_t value = equals ? (size_t)(equals - w->in.ptr) + 1 : from;
		bool plain = form_plain(w->in.ptr + from, to - from);
		size_t name = (equals ? value - 1 : from) - from, n = plain ? name : form_unescape(w, 0, from, from + name);
		size_t end = plain ? n + to - value : form_unescape(w, n, value, to);
		struct evidence ev = { .location = LOC_QUERY, .type = VALUE_STRING };

		ev.key = slice_of(plain ? w->in.ptr + from : w->text, evidence_level < EVIDENCE_KEY ? 0 : n);
		if (ev.key.len)
			ev.rows = known_rows(&known, ev.parent, 0, ev.key, quick_hash(&fixed, ev.key.ptr, ev.key.len));
		w->key = ev.key;
		w->named = false;
		w->hit.leaf++;
		w->mapped = !plain;
		w->base = value;
		w->map = map + n;	/* leaf_hit counts from the value's first byte */
		classify_scan(&ev, slice_of(plain ? w->in.ptr + value : w->text + n, end - n), leaf_hit, w);
		w->map = map;
		from = to + 1;
	}
}

static void text_classify(struct walk *w)
{
	struct evidence ev = { .location = LOC_TEXT, .type = VALUE_STRING, .text = true };

	w->key = (struct slice){ w->in.ptr, 0 };
	w->depth = 0;
	w->base = 0;
	w->mapped = w->named = false;
	w->hit = (struct gathered_hit){ 0 };
	w->text_only = !is_form(w->in);
	if (w->text_only)
		classify_scan(&ev, w->in, leaf_hit, w);
	else
		form_classify(w);
}

/* What a document needs room for is kept for the next: most are smaller than that. */
static struct walk *spare;

static struct walk *walk_take(void)
{
	struct walk *w = spare;

	spare = NULL;
	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (w && gathered_init(&w->gathered)) {
		gathered_fini(&w->gathered);
		free(w);
		return NULL;
	}
	return w;
}

static void walk_put(struct walk *w)
{
	if (w->text)
		explicit_bzero(w->text, w->text_used);
	w->text_used = 0;
	spare = w;
}

int document_classify(const char *bytes, size_t len,
		      void (*hit)(void *owner, const struct document_hit *), void *owner)
{
	struct walk *w = walk_take();
	int error;

	if (!w)
		return -ENOMEM;
	w->in = slice_of(bytes, len);
	w->error = 0;
	w->chosen = w->text_only = false;
	/* Of a long one the first hits may be told before its end: so its grammar is looked at first. */
	if (gathered_begin(&w->gathered, hit, owner)) {
		w->error = -ENOMEM;
	} else if ((len <= GATHERED_WHOLE || walk_json(w, PASS_GRAMMAR)) && walk_json(w, PASS_LEAVES)) {
		if (w->chosen)
			walk_json(w, PASS_FIELDS);
	} else if (!w->error && !(w->error = gathered_begin(&w->gathered, hit, owner))) {
		text_classify(w);
	}
	gathered_end(&w->gathered, w->chosen);
	error = w->error;
	walk_put(w);
	return error;
}

int document_evidence(const char *level)
{
	static const char *const levels[] = { "value", "boundary", "key", "object", "all" };

	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(level, levels[i])) {
			evidence_level = (enum evidence_level)i;
			return 0;
		}
	return -1;
}
