/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - see fields.h. */
#include "classify/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/begins.h"

#define SHAPE_MAX	40
#define DIGITS_MIN	6	/* fewer, as less than FIELD_LEAST bytes, pass too many checks */
#define ENOUGH		8	/* different values from which on a field says something */
#define MANY		16	/* … and is sure: a check digit passes that often by chance once in 10^16 */
#define CHOOSE		12	/* … and names a class that nothing else speaks for */
#define CONSTANT	64	/* repetitions of one value */
#define SEEN_FULL	40	/* bits; beyond, values that differ fall on the same one */
#define RUN		8	/* values in a row against what was known: the field holds something else now */
#define WAYS		2
#define DRAWN		1024
#define CHOSEN_NONE	255

enum { COST_TRY = 60, COST_VALUE = 60 };

int fields_init(struct fields *f, uint32_t nr)
{
	int err = random_bytes(&f->key, sizeof(f->key));

	if (err)
		return err;
	f->nr = nr;
	f->generation = 1;
	f->records = calloc(nr, sizeof(*f->records));
	return f->records ? 0 : -ENOMEM;
}

void fields_fini(struct fields *f)
{
	if (f->records)
		explicit_bzero(f->records, f->nr * sizeof(*f->records));
	free(f->records);
	f->records = NULL;
}

void fields_forget(struct fields *f)
{
	f->generation++;
}

static struct field_record *set_of(const struct fields *f, uint64_t print)
{
	return &f->records[(uint32_t)(print >> 8) & (f->nr - 1) & ~(uint32_t)(WAYS - 1)];
}

struct field_record *field_known(const struct fields *f, uint64_t print)
{
	struct field_record *set = set_of(f, print);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].print == (print | 1) && set[i].generation == f->generation)
			return &set[i];
	return NULL;
}

struct field_record *field_get(struct fields *f, uint64_t print)
{
	struct field_record *set = set_of(f, print), *r = field_known(f, print);

	print |= 1;
	if (r)
		return r;
	r = &set[0];
	/* The one that has learnt less makes room; what stays has to go on learning to keep its place. */
	for (unsigned i = 1; i < WAYS; i++)
		if (set[i].generation != f->generation || (r->generation == f->generation && set[i].tested < r->tested))
			r = &set[i];
	if (r->generation == f->generation)
		for (unsigned i = 0; i < WAYS; i++)
			set[i].tested -= set[i].tested > ENOUGH && &set[i] != r;
	*r = (struct field_record){ .print = print, .generation = f->generation };
	return r;
}

/* Kinds of characters and about how long. */
static unsigned number_shape(struct slice v)
{
	static const struct specials none = { 0 };
	uint64_t all, more, between;
	struct kinds k;
	unsigned len;

	if (v.len < FIELD_LEAST || v.len > SHAPE_MAX)
		return 0;
	all = ((uint64_t)1 << v.len) - 1;
	k = kinds_of(&none, v.ptr, v.len);
	more = k.digits;
	for (unsigned n = 1; n < DIGITS_MIN; n++)
		more &= more - 1;
	if (!more)
		return 0;
	between = all & ~(k.digits | k.letters);
	for (uint64_t rest = between; rest; rest &= rest - 1)
		if (!is_joint(v.ptr[__builtin_ctzll(rest)]))
			return 0;
	/* Cards have 12 to 19 digits, and a field of cards has all kinds. */
	len = k.digits == all && v.len >= 12 && v.len <= 19 ? 12 : (unsigned)v.len;
	return (between ? v.ptr[__builtin_ctzll(between)] & 0x1fu : 0) << 8 | (k.letters ? 0x40u : 0) | len | 0x80;
}

/* Is it told by the value as a whole, so that it may be there by chance? */
static bool is_tested(const struct class_row *row)
{
	if (row->user)	/* its policy says what it is worth */
		return false;
	return row->info.tier == 3 || ((row->triggers & TRIGGER_DIGIT) && (!row->id || row->id->ok));
}

unsigned field_shape(struct slice v, const struct hit *hits, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (is_tested(class_row(hits[i].class_id)) && class_row(hits[i].class_id)->info.tier == 3 && !hits[i].start &&
		    hits[i].end == v.len)
			return FIELD_WORDS;
	return number_shape(v);
}

/* Is all of the value of that class? */
static bool value_is(unsigned class_id, struct slice v)
{
	struct hit hit = { .class_id = (uint8_t)class_id };
	size_t at = 0;

	if (class_row(class_id)->triggers & TRIGGER_DIGIT && !class_row(class_id)->id)	/* the others begin at their first digit */
		while (at < v.len && !is_digit(v.ptr[at]))
			at++;
	return at < v.len && class_row(class_id)->find(v, at, &hit) > 0 && hit.start == 0 && hit.end == v.len;
}

/* Classes that live by a check of the whole number. */
static bool may_try(const struct class_row *row)
{
	return row->id && row->id->ok && !row->thing && row->info.tier < 3 && row->info.group != GROUP_SECRET;
}

static struct field_class *class_find_in(const struct field_record *r, unsigned class_id)
{
	for (unsigned i = 0; i < r->nr; i++)
		if (r->classes[i].class_id == class_id)
			return (struct field_class *)&r->classes[i];
	return NULL;
}

static struct field_class *class_put(struct field_record *r, unsigned class_id)
{
	struct field_class *c = class_find_in(r, class_id), *least = &r->classes[0];

	if (c)
		return c;
	if (r->nr < FIELD_CLASSES) {
		c = &r->classes[r->nr++];
	} else {
		for (unsigned i = 1; i < FIELD_CLASSES; i++)
			if (r->classes[i].hit < least->hit || (r->classes[i].hit == least->hit && r->classes[i].passed < least->passed))
				least = &r->classes[i];
		c = least;
	}
	*c = (struct field_class){ .class_id = (uint8_t)class_id };
	return c;
}

static void record_begin(struct field_record *r, unsigned shape)
{
	*r = (struct field_record){ .print = r->print, .generation = r->generation, .shape = (uint16_t)shape };
}

static void record_halve(struct field_record *r)
{
	r->seen = 0;
	r->tested /= 2;
	for (unsigned i = 0; i < r->nr; i++)
		r->classes[i].passed /= 2;
}

/* Each class of the field against one more value; true when one now behaves in another way than before. */
static bool classes_try(struct field_record *r, struct slice value)
{
	bool turned = false;

	for (unsigned i = 0; i < r->nr; i++) {
		struct field_class *c = &r->classes[i];
		bool pass = value_is(c->class_id, value), mostly = 2 * c->passed >= r->tested;

		if (pass != (c->run > 0))
			c->run = 0;
		if (pass ? c->run < RUN : c->run > -RUN)
			c->run = (int8_t)(c->run + (pass ? 1 : -1));
		c->passed = (uint8_t)(c->passed + pass);
		turned |= r->tested > ENOUGH && pass != mostly && (c->run == RUN || c->run == -RUN);
	}
	return turned;
}

static void classes_drop(struct field_record *r)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < r->nr; i++)	/* tried only, and failed: nobody asks for it */
		if (r->classes[i].hit || r->classes[i].passed + 1 + r->tested / MANY >= r->tested)
			r->classes[kept++] = r->classes[i];
	r->nr = (uint8_t)kept;
}

/* Classes to try on a value, by its length. */
#define TRIES 48
static struct tries { bool ready; uint8_t nr[SHAPE_MAX + 1], rows[SHAPE_MAX + 1][TRIES]; } tries;

static void tries_init(void)
{
	for (unsigned i = 0; i < class_count(); i++) {
		if (!may_try(class_row(i)))
			continue;
		for (const struct id_shape *s = class_row(i)->id->shapes; s->form; s++) {
			size_t len = strlen(s->form);
			uint8_t *nr = len <= SHAPE_MAX ? &tries.nr[len] : NULL;

			if (nr && *nr < TRIES && (!*nr || tries.rows[len][*nr - 1] != i))
				tries.rows[len][(*nr)++] = (uint8_t)i;
		}
	}
	tries.ready = true;
}

static unsigned classes_begin(struct field_record *r, struct slice value)
{
	if (!tries.ready)
		tries_init();
	for (unsigned i = 0; i < tries.nr[value.len] && r->nr < FIELD_CLASSES; i++)
		if (value_is(tries.rows[value.len][i], value))
			class_put(r, tries.rows[value.len][i]);
	return tries.nr[value.len];
}

unsigned field_add(struct fields *f, struct field_record *r, struct slice value, unsigned shape, const struct hit *hits, size_t nr)
{
	uint64_t bit = (uint64_t)1 << (quick_hash(&f->key, value.ptr, value.len) >> 20 & 63);
	unsigned cost = COST_VALUE;

	if (shape != r->shape) {
		if (r->shape && ++r->strange < RUN)
			return cost;
		record_begin(r, shape);
	}
	r->strange = 0;
	if (r->chosen == CHOSEN_NONE && r->tested < MANY + CHOOSE)	/* a later value may tell more */
		r->chosen = 0;
	/* A class that comes late has not passed before; its value may fall on a bit that is set, and counts for nothing then. */
	for (size_t i = 0; i < nr; i++)
		if (!hits[i].start && hits[i].end == value.len && is_tested(class_row(hits[i].class_id)))
			class_put(r, hits[i].class_id)->hit = 1;
	if (r->seen & bit) {
		r->same = (uint8_t)(r->same + (r->same < 255 && r->tested == 1));
		return cost;
	}
	r->seen |= bit;
	r->same = 0;
	if (r->tested == 1 && shape != FIELD_WORDS)	/* most fields come once, or say one thing */
		cost += COST_TRY * classes_begin(r, value);
	r->tested++;
	cost += COST_TRY * r->nr;
	if (r->chosen && r->chosen != CHOSEN_NONE && !value_is(r->chosen - 1u, value))
		r->chosen = 0;
	if (classes_try(r, value)) {	/* the last RUN values are all that counts */
		r->tested = RUN;
		for (unsigned i = 0; i < r->nr; i++)
			r->classes[i].passed = (uint8_t)(r->classes[i].run > 0 ? r->classes[i].run : 0);
	}
	if (r->tested > 2)
		classes_drop(r);
	if (__builtin_popcountll(r->seen) >= SEEN_FULL)
		record_halve(r);
	return cost;
}

static enum field_says class_judge(const struct field_record *r, const struct field_class *c)
{
	if (r->tested < ENOUGH)
		return FIELD_SILENT;
	if (4 * c->passed < r->tested && r->tested >= MANY)
		return FIELD_CHANCE;
	if (2 * c->passed < r->tested)
		return FIELD_NOISE;
	/* The class was not looked for in the first value, and one in sixteen may be a slip of the pen. */
	if (c->passed + 1 + r->tested / MANY < r->tested)
		return FIELD_SILENT;
	return r->tested >= MANY ? FIELD_CERTAIN : FIELD_LIKELY;
}

enum field_says field_judge(const struct field_record *r, unsigned class_id)
{
	const struct field_class *c = class_find_in(r, class_id);

	if (r->tested == 1 && r->same >= CONSTANT)
		return FIELD_CONSTANT;
	return c ? class_judge(r, c) : FIELD_SILENT;
}

/* A check digit refuses nearly every number of which one digit is another; a date or a region does not. */
static bool has_check_digit(unsigned class_id, struct slice value)
{
	uint8_t text[SHAPE_MAX];
	unsigned changed = 0, passed = 0;

	memcpy(text, value.ptr, value.len);
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(text[i]))
			continue;
		for (uint8_t d = '0'; d <= '9'; d++) {
			if (d == value.ptr[i])
				continue;
			text[i] = d;
			changed++;
			passed += value_is(class_id, slice_of(text, value.len));
		}
		text[i] = value.ptr[i];
	}
	explicit_bzero(text, sizeof(text));
	return passed * 12 < changed;
}

/* How many of DRAWN numbers that look like value are of the class. */
static unsigned drawn_pass(unsigned class_id, struct slice value)
{
	uint8_t text[SHAPE_MAX];
	uint64_t draw = 1;
	unsigned passed = 0;

	for (unsigned n = 0; n < DRAWN; n++) {
		for (size_t i = 0; i < value.len; i++) {
			draw = draw * 6364136223846793005u + 1442695040888963407u;
			text[i] = is_digit(value.ptr[i]) ? (uint8_t)('0' + (draw >> 33) % 10) : value.ptr[i];
		}
		passed += value_is(class_id, slice_of(text, value.len));
	}
	return passed;
}

/* Which of two classes that all values pass? The stricter one: by chance not all would. Of equals that mean as much the
 * first: it matters less whose number it is than that it is one. */
static int stricter(int a, int b, struct slice value)
{
	unsigned of_a = drawn_pass((unsigned)a, value), of_b = drawn_pass((unsigned)b, value);

	if (2 * of_a < of_b)
		return a;
	if (2 * of_b < of_a)
		return b;
	return class_row((unsigned)a)->info.group == class_row((unsigned)b)->info.group ? a : -1;
}

int field_class(struct field_record *r, struct slice value)
{
	int found = -1;

	if (r->tested < CHOOSE)
		return -1;
	if (r->chosen)
		return r->chosen == CHOSEN_NONE || !value_is(r->chosen - 1u, value) ? -1 : r->chosen - 1;
	r->chosen = CHOSEN_NONE;
	for (unsigned i = 0; i < r->nr; i++) {
		struct field_class *c = &r->classes[i];

		if (class_judge(r, c) < FIELD_LIKELY || !value_is(c->class_id, value) || !has_check_digit(c->class_id, value))
			continue;
		found = found < 0 ? c->class_id : stricter(found, c->class_id, value);
		if (found < 0)
			return -1;
	}
	/* Companies and programs have many numbers with a check digit of their own: of those nothing but a name tells. */
	if (found < 0 || class_row((unsigned)found)->info.group == GROUP_CONFIDENTIAL)
		return -1;
	r->chosen = (uint8_t)(found + 1);
	return found;
}
