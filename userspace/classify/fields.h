/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - what many values of one field say together. One in ten numbers passes a check digit by
 * chance; a field in which all do holds such numbers, one in which one in ten does holds others. Kept is
 * no value: a few counts a field, and one bit of the keyed hash of each value. Bounded: a field that is
 * not seen makes room for another. Counts are halved as they grow, and begin again when the field begins
 * to hold something else. */
#ifndef WEIR_CLASSIFY_FIELDS_H
#define WEIR_CLASSIFY_FIELDS_H
#include "base/hash.h"
#include "classify/classify.h"

#define FIELD_CLASSES 6	/* classes that are followed in one field */
struct field_class { uint8_t class_id, passed; int8_t run; uint8_t hit; /* found, not only tried */ };
struct field_record {
	uint64_t print;		/* of the field; 0: free */
	uint64_t seen;		/* a bit of the hash of each value: different values are counted, not repetitions */
	uint32_t generation;
	uint16_t shape;		/* of the values that are counted */
	uint8_t tested;		/* different values of that shape */
	uint8_t strange;	/* values of another shape in a row */
	uint8_t same;		/* times that the only value came again */
	uint8_t nr;
	uint8_t chosen;		/* what field_class found, and one; 0: not asked yet */
	struct field_class classes[FIELD_CLASSES];
};
struct fields {
	struct siphash_key key;
	uint32_t generation, nr;	/* nr: a power of two */
	struct field_record *records;
};

int fields_init(struct fields *, uint32_t nr);	/* 0 or -errno */
void fields_fini(struct fields *);
void fields_forget(struct fields *);
struct field_record *field_get(struct fields *, uint64_t print);
struct field_record *field_known(const struct fields *, uint64_t print);	/* NULL: it was not seen, or made room */

/* Could the whole value be a number that somebody gave out? What it looks like then; FIELD_WORDS when it is of a class
 * that its key alone speaks for; 0: neither. */
#define FIELD_WORDS 0x8000
#define FIELD_LEAST 7	/* bytes of a number that is counted */
unsigned field_shape(struct slice value, const struct hit *hits, size_t nr);
/* Counts one value of that shape (not 0); hits are those found in it. Returns what it cost in ns, as classify_scan does. */
unsigned field_add(struct fields *, struct field_record *, struct slice value, unsigned shape, const struct hit *hits, size_t nr);

enum field_says {
	FIELD_SILENT,
	FIELD_NOISE,	/* fewer than half of its values are of the class: those that are, by chance */
	FIELD_CHANCE,	/* fewer than a quarter, of many: whatever the field is called */
	FIELD_LIKELY, FIELD_CERTAIN,	/* all are */
	FIELD_CONSTANT,	/* it says the same again and again: configuration */
};
enum field_says field_judge(const struct field_record *, unsigned class_id);
/* The one class with a check digit that all values pass, although nothing names it; -1: none, or more than one. */
int field_class(struct field_record *, struct slice value);
#endif
