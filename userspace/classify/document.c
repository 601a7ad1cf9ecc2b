/* SPDX-License-Identifier: Apache-2.0 */
/* document.c - one pass over the grammar (RFC 8259, strict) classifies the leaves; their hits are told when it came to
 * its end. So a text that merely begins like JSON never yields half a document: it is taken as text. */
#include "classify/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "classify/begins.h"
#include "classify/coded.h"
#include "classify/evidence.h"
#include "classify/gathered.h"
#include "classify/grammar.h"
#include "classify/known.h"
#include "classify/plain.h"
#include "classify/survey.h"
#include "classify/unescape.h"
#include "classify/user_find.h"

#define NAME_TEXT	160	/* bytes of an unescaped name that are read; too long a one says nothing, cut or not */

/* Documents of one source say the same few names. */
static struct known_keys known;

/* Any will do: one who aims at a collision only misleads the run over their own bytes. */
static const struct siphash_key fixed = { 0x243f6a8885a308d3, 0x13198a2e03707344 };

/* Members as they came. A document begins behind the first, which is none. */
#define MEMBERS 4096
static struct member {
	uint64_t path, print;	/* of its object, and its name's */
	uint64_t check;		/* another one of its name, that is quicker where it is compared */
	uint32_t len, next;	/* next: that came behind it the last time */
} members[MEMBERS];

struct name { struct slice raw; uint64_t print; bool escaped; };

/* An object or array around the cursor; the first is what is around the document. */
struct level {
	bool array;
	unsigned named;		/* level of the member that names it, and what stands in it if it is an array */
	struct name member;	/* at hand; an array has none */
	uint64_t object;	/* its number; of an array, that of what it stands in */
	uint64_t path;		/* hash of the names down to here; elements of an array have one path */
	struct slice coded;	/* of an object: the key that one of its values gives to another */
};
struct walk {
	struct slice in;
	struct cursor c;
	struct survey survey;
	enum pass { PASS_GRAMMAR, PASS_LEAVES, PASS_FIELDS } pass;
	bool text_only;
	bool chosen;		/* a field has a class that only all of its values tell: there is a third pass */
	bool user_classes;
	unsigned arrays;	/* around the cursor */
	int error;		/* -ENOMEM */
	unsigned depth;
	struct level level[1 + DOCUMENT_DEPTH];
	struct gathered gathered;
	struct gathered_hit hit;
	bool named;		/* hit's path and key are those of the leaf at hand */
	uint64_t objects;	/* so far */
	uint32_t member;	/* the last one */
	struct evidence ev;	/* of the leaf at hand: raw names */
	struct evidence read;	/* … without escapes, as far as they count */
	struct unescaped text;	/* of the leaf at hand */
	uint8_t names[2][NAME_TEXT];	/* its key's and its object's, where they have escapes */
	size_t base;		/* raw offset of an unescaped leaf */
	bool mapped;
	struct slice unmapped;	/* a form's value, until a hit in it needs the map; ptr NULL: none */
	struct hit whole[CLASSIFY_HITS];	/* of the leaf at hand, for the counts of its field */
	size_t nr_whole;
};

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

/* Cleaning classifies: of the same few names of a source it is done once. */
#define CLEANED 256
static struct cleaned { uint64_t print; char name[NAME_SIZE]; } cleaned[CLEANED];

static const char *name_cleaned(struct slice raw)
{
	uint64_t print = (quick_hash(&fixed, raw.ptr, raw.len) + CLASSIFY_SALT) | 1;
	struct cleaned *c = &cleaned[(print >> 1) % CLEANED];

	if (c->print != print)
		name_clean(c->name, (const char *)raw.ptr, raw.len);
	c->print = print;
	return c->name;
}

/* Names are cleaned only when there is something to report. */
static void leaf_name(struct walk *w)
{
	struct document_hit *h = &w->hit.hit;
	bool fits = true;

	memcpy(h->path, "$", 2);
	for (unsigned d = 1; d <= w->depth && fits; d++) {
		fits = path_add(h->path, w->level[d].array ? "[]" : ".");
		if (!fits || w->level[d].array)
			continue;
		fits = path_add(h->path, name_cleaned(w->level[d].member.raw));
	}
	memcpy(h->key, name_cleaned(w->ev.key), sizeof(h->key));
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
	if (w->mapped && w->unmapped.ptr) {
		unescape_form_map(w->text.map, w->unmapped, w->base);
		w->unmapped.ptr = NULL;
	}
	h->class_id = hit->class_id;
	h->confidence = hit->confidence;
	h->sample = hit->sample;
	h->why = hit->why;
	h->start = w->mapped ? w->text.map[hit->start] : w->base + hit->start;
	h->end = w->mapped ? w->text.map[hit->end] : w->base + hit->end;
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

/* What a leaf's key and object say, where that is not what stands there. */
static const struct evidence *leaf_names(struct walk *w, const struct name *key, const struct name *object)
{
	w->read = w->ev;
	if (key->escaped)
		w->read.key = unescape_name(key->raw, w->names[0], NAME_TEXT);
	if (object->escaped)
		w->read.parent = unescape_name(object->raw, w->names[1], NAME_TEXT);
	if (evidence_level < EVIDENCE_OBJECT)
		w->read.parent.len = 0;
	if (evidence_level < EVIDENCE_KEY)
		w->read.key.len = 0;
	return &w->read;
}

/* What the leaf says of another one of its object, or of the object whose type it is a coding of. */
static void leaf_says(struct walk *w, struct slice value)
{
	unsigned d = w->depth;
	struct slice key;

	if (CODED_IS(w->ev.key, "system") && (key = coded_system(value)).len)
		w->level[d].coded = key;
	else if (value.len < 4 && d > 3 && CODED_IS(w->ev.key, "code") && CODED_IS(w->level[d - 2].member.raw, "coding") && CODED_IS(w->level[d - 3].member.raw, "type"))
		w->level[d - 3].coded = coded_type(value);
}

/* The evidence of a value whose key stands beside it. */
static const struct evidence *leaf_coded(struct walk *w, const struct level *l)
{
	w->read = w->ev;
	w->read.key = l->coded;
	w->read.rows = NULL;
	return &w->read;
}

/* Is there nothing to find in a value whose key speaks for nothing, nor to count for its field? One look tells it of most. */
static bool leaf_is_nothing(struct walk *w, struct slice v, enum value_type type)
{
	struct stretch s;

	if (w->user_classes || v.len > SCAN_SHORT)
		return false;
	s = survey_of(&w->survey, v);
	if (type == VALUE_STRING)
		return !s.begins || value_is_plain(v, type);
	return v.len < FIELD_LEAST && (number_is_short(v, s.digits) || value_is_plain(v, type));
}

static void leaf_scan(struct walk *w, const struct evidence *ev, struct slice value, bool escaped)
{
	struct block b UNINITIALIZED;

	if (escaped || value.len > SCAN_SHORT || (ev->rows && ev->rows->nr)) {
		classify_scan(ev, value, leaf_hit, w);
		return;
	}
	block_alone(&b, value);
	survey_kinds(&w->survey, value, &b.k);
	if (value.len && !scan_needless_told(ev, &b))
		scan_read(ev, value, leaf_hit, w);
}

static void leaf_classify(struct walk *w, struct slice raw, bool escaped, enum value_type type)
{
	const struct level *l = &w->level[w->depth], *in = l->array ? &w->level[l->named] : l;	/* in: the object */
	const struct name *key = &in->member, *object = &w->level[in->named].member;
	const struct evidence *ev = &w->ev;
	struct slice value = raw;
	uint64_t print;
	unsigned shape;
	bool coded;

	w->hit.leaf++;
	w->ev.parent = object->raw;
	w->ev.type = (uint8_t)type;
	if (key->escaped || object->escaped || evidence_level < EVIDENCE_OBJECT)
		ev = leaf_names(w, key, object);
	w->ev.rows = w->read.rows = ev->key.len || ev->parent.len ?
		known_rows(&known, ev->parent, ev->parent.len ? object->print : 0, ev->key, ev->key.len ? key->print : 0) : NULL;
	coded = !l->array && l->coded.len && coded_value(w->ev.key) && evidence_level >= EVIDENCE_OBJECT;
	if (coded)
		ev = leaf_coded(w, l);
	else if (!l->array && raw.len < 64)
		leaf_says(w, raw);
	if (!escaped && !coded && !(ev->rows && ev->rows->nr) && leaf_is_nothing(w, raw, type))
		return;
	w->base = (size_t)(raw.ptr - w->in.ptr);
	w->mapped = escaped;
	w->named = false;
	w->unmapped.ptr = NULL;
	if (escaped && !unescape_json(&w->text, raw, w->base, &value)) {
		w->error = -ENOMEM;
		return;
	}
	w->nr_whole = 0;
	w->hit.element = l->object;
	w->hit.object = l->path;
	print = coded ? quick_hash(&fixed, l->coded.ptr, l->coded.len) : key->print;
	w->hit.field = w->arrays && evidence_level == EVIDENCE_ALL ? path_step(l->path, print) | 1 : 0;
	if (w->pass == PASS_LEAVES)
		leaf_scan(w, ev, value, escaped);
	if (w->hit.field && (shape = field_shape(value, w->whole, w->nr_whole)))
		leaf_count(w, ev, value, shape);
}

static bool level_push(struct walk *w, bool array)
{
	const struct level *above = &w->level[w->depth];
	struct level *l = &w->level[w->depth + 1];

	if (w->depth == DOCUMENT_DEPTH)
		return false;
	l->array = array;
	l->coded.len = 0;
	l->named = above->array ? above->named : w->depth;
	l->object = array && w->depth ? above->object : ++w->objects;
	l->path = path_step(above->path, w->level[l->named].member.print);
	w->depth++;
	w->arrays += array;
	w->c.at++;
	return true;
}

static void level_pop(struct walk *w)
{
	const struct level *l;

	w->arrays -= w->level[w->depth--].array;
	w->c.at++;
	l = &w->level[w->depth];
	if (l->array)	/* its elements bear its own name */
		w->ev.key = w->level[l->named].member.raw;
}

static bool leaf_take(struct walk *w)
{
	struct slice raw = { w->in.ptr, 0 };
	bool escaped = false;
	uint8_t c = w->c.at < w->c.end ? *w->c.at : 0;
	enum value_type type = VALUE_STRING;

	if (c == '"') {
		if (!take_string(&w->c, survey_plain(&w->survey, w->c.at + 1), &raw, &escaped))
			return false;
	} else if (c == '-' || is_digit(c)) {
		type = VALUE_NUMBER;
		if (!take_number(&w->c, &raw))
			return false;
	} else {
		return take_word(&w->c, "true") || take_word(&w->c, "false") || take_word(&w->c, "null");
	}
	if (w->pass != PASS_GRAMMAR)
		leaf_classify(w, raw, escaped, type);
	return !w->error;
}

/* The name at the cursor is that of the member which came next the last time, as most are in a list of records. */
static bool member_again(struct walk *w, struct level *l, const struct member *m)
{
	const uint8_t *name = w->c.at + 1;

	if (m->path != l->path || bytes_left(&w->c) < (size_t)m->len + 2 || *w->c.at != '"' || name[m->len] != '"' ||
	    roomy_hash(&fixed, name, m->len, (size_t)(w->c.end - name)) != m->check)
		return false;
	w->c.at += m->len + 2;
	l->member.raw.ptr = w->ev.key.ptr = name;	/* written one by one, as they are read soon */
	l->member.raw.len = w->ev.key.len = m->len;
	l->member.print = m->print;
	l->member.escaped = false;
	return true;
}

static bool member_new(struct walk *w, struct level *l)
{
	struct name *n = &l->member;
	uint32_t i;

	if (w->c.at == w->c.end || !take_string(&w->c, survey_plain(&w->survey, w->c.at + 1), &n->raw, &n->escaped))
		return false;
	w->ev.key = n->raw;
	n->print = quick_hash(&fixed, n->raw.ptr, n->raw.len);
	if (n->escaped || n->raw.len > UINT32_MAX)
		return true;
	i = 1 + (uint32_t)(path_step(l->path, n->print) >> 40) % (MEMBERS - 1);
	members[i].path = l->path;
	members[i].print = n->print;
	members[i].check = roomy_hash(&fixed, n->raw.ptr, n->raw.len, (size_t)(w->c.end - n->raw.ptr));
	members[i].len = (uint32_t)n->raw.len;
	members[w->member].next = i;
	w->member = i;
	return true;
}

/* "name": at the cursor. */
static bool key_take(struct walk *w)
{
	struct level *l = &w->level[w->depth];
	uint32_t next = members[w->member].next;

	skip_space(&w->c);
	if (member_again(w, l, &members[next]))
		w->member = next;
	else if (!member_new(w, l))
		return false;
	skip_space(&w->c);
	return take(&w->c, ':');
}

/* After a value: closes what ends here and stands before the next value. False
 * when the grammar is broken; *done when the whole text ended well. */
static bool value_next(struct walk *w, bool *done)
{
	for (;;) {
		bool array = w->level[w->depth].array;

		skip_space(&w->c);
		if (!w->depth) {
			*done = w->c.at == w->c.end;
			return *done;
		}
		if (take(&w->c, ','))
			return array || key_take(w);
		if (w->c.at == w->c.end || *w->c.at != (array ? ']' : '}'))
			return false;
		level_pop(w);
	}
}

/* Opens the object or array at the cursor; *empty when it closes at once. */
static bool level_open(struct walk *w, bool *empty)
{
	bool array = *w->c.at == '[';

	if (!level_push(w, array))
		return false;
	skip_space(&w->c);
	*empty = w->c.at < w->c.end && *w->c.at == (array ? ']' : '}');
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
	w->c = (struct cursor){ w->in.ptr, w->in.ptr + w->in.len };
	survey_begin(&w->survey, w->in, false);
	w->depth = w->arrays = w->member = 0;
	w->objects = w->hit.leaf = 0;
	w->level[0] = (struct level){ .member = { .raw = { w->in.ptr, 0 } } };
	w->ev = (struct evidence){ .location = LOC_NONE, .key = { w->in.ptr, 0 } };
	while (!done) {
		bool empty = false;

		skip_space(&w->c);
		if (w->c.at < w->c.end && (*w->c.at == '{' || *w->c.at == '[')) {
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

static struct form_marks form_marks(const uint8_t *p, size_t len)
{
	static const struct specials signs = { 1, { '=' } };

#ifdef __SSE2__
	if (len == 64 && starters.specials.by_32)
		return form_marks_32(p);
#endif
	return (struct form_marks){ bytes_blank(p, len) == len, kinds_of(&signs, p, len).specials, memchr(p, '%', len) };
}

/* Is there an escape that begins in these bytes of a form? */
static bool form_escapes(struct slice in, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (in.ptr[i] == '%' && is_hex(byte_at(in, i + 1)) && is_hex(byte_at(in, i + 2)))
			return true;
	return false;
}

/* A query or a form: names, values and percent escapes, and no blank. */
static bool is_form(struct slice in)
{
	bool assigns = false, escapes = false;

	for (size_t at = 0; at < in.len; at += 64) {
		size_t left = in.len - at < 64 ? in.len - at : 64;
		struct form_marks m = form_marks(in.ptr + at, left);

		if (!m.solid)
			return false;
		assigns |= m.assigns;
		escapes = escapes || (m.percent && form_escapes(in, at, at + left));
	}
	return assigns && escapes;
}

/* Is there nothing in a value, behind a name that speaks for nothing? */
static bool form_is_nothing(struct walk *w, const struct evidence *ev, struct slice v, const struct form_pair *pair)
{
	struct block b UNINITIALIZED;
	uint64_t digits;

	if (v.len > SCAN_SHORT || w->user_classes || (ev->rows && ev->rows->nr))
		return false;
	block_alone(&b, v);
	if (pair->escapes) {
		kinds_roomy(&b.k, &starters.specials, v.ptr, v.len);
		return scan_needless_told(ev, &b);
	}
	if (pair->told) {
		digits = pair->digits >> (pair->len - v.len);
		if (!(pair->begins >> (pair->len - v.len)) || is_short_number(v, digits) || (v.len <= RUN_MAX && number_is_short(v, digits)))
			return true;
	}
	survey_kinds(&w->survey, v, &b.k);
	return scan_needless_told(ev, &b);
}

/* at: of the pair, in the text. */
static void form_leaf(struct walk *w, size_t at, struct form_pair pair)
{
	struct slice name = { w->in.ptr + at, pair.equals < pair.len ? pair.equals : 0 };
	struct slice value = { w->in.ptr + at, pair.len }, raw;
	struct evidence ev = { .location = LOC_QUERY, .type = VALUE_STRING };

	if (pair.equals < pair.len)
		value = slice_of(name.ptr + name.len + 1, pair.len - name.len - 1);
	raw = value;
	if (pair.escapes) {
		name = slice_of(w->text.text, unescape_form(w->text.text, name, w->c.end));
		value = slice_of(w->text.text + name.len, unescape_form(w->text.text + name.len, value, w->c.end));
	}
	ev.key = slice_of(name.ptr, evidence_level < EVIDENCE_KEY ? 0 : name.len);
	if (ev.key.len)
		ev.rows = known_rows(&known, ev.parent, 0, ev.key, quick_hash(&fixed, ev.key.ptr, ev.key.len));
	w->hit.leaf++;
	if (!value.len || form_is_nothing(w, &ev, value, &pair))
		return;
	w->ev.key = ev.key;
	w->named = false;
	w->mapped = pair.escapes;
	w->base = (size_t)(raw.ptr - w->in.ptr);
	w->unmapped = raw;
	scan_read(&ev, value, leaf_hit, w);
}

/* Name by name, as a content decoder would hand them on. */
static void form_classify(struct walk *w)
{
	struct form_pair pair;

	if (!unescape_room(&w->text, w->in.len + UNESCAPE_ROOM)) {
		w->error = -ENOMEM;
		return;
	}
	survey_begin(&w->survey, w->in, true);
	for (size_t at = 0; at < w->in.len; at += pair.len + 1) {
		pair = survey_pair(&w->survey, w->in.ptr + at);
		form_leaf(w, at, pair);
	}
}

static void text_classify(struct walk *w)
{
	struct evidence ev = { .location = LOC_TEXT, .type = VALUE_STRING, .text = true };

	w->ev.key = (struct slice){ w->in.ptr, 0 };
	w->depth = 0;
	w->base = 0;
	w->mapped = w->named = false;
	w->unmapped.ptr = NULL;
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
	unescape_wipe(&w->text);
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
	w->user_classes = user_in_use();
	if (!starters.ready)
		begins_init();
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
			classify_forget();
			return 0;
		}
	return -1;
}
