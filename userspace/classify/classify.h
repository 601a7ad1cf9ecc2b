/* SPDX-License-Identifier: Apache-2.0 */
/* classify.h - fields -> findings. Payload ends here: what leaves is a class, a
 * confidence, a cleaned path and a mask. Never stores, logs or hashes a value
 * without the key that is drawn at random in every process. */
#ifndef WEIR_CLASSIFY_H
#define WEIR_CLASSIFY_H
#include "classify/names.h"
#include "model/class.h"
#include "model/payload.h"

/* One hit inside a value. start and end are offsets in the value. */
struct hit {
	uint8_t class_id, confidence, sample;
	uint8_t why;		/* enum why, of what speaks for it so far */
	size_t start, end;
	char mask[MASK_SIZE];
};
#define CLASSIFY_HITS 64	/* hits of one value; more are dropped and counted */
#define CLASSIFY_SCAN (1 << 20)	/* bytes of one field that are scanned; the rest is over budget */

/* Evidence around a value, for detectors. */
struct evidence {
	struct slice key, parent;
	enum location location;
	uint8_t type;		/* enum value_type */
	bool text;		/* free text; else the whole value is a candidate for key-driven classes */
	const struct key_rows *rows;	/* what key and parent speak for, when that is known; NULL: it is worked out */
};

/* The key-driven classes that a key speaks for. A service says the same few keys all day. */
#define KEY_ROWS 15
struct key_rows { uint8_t nr, rows[KEY_ROWS]; };	/* nr > KEY_ROWS: they do not fit */
void key_rows_find(struct key_rows *, struct slice parent, struct slice key);

/* A phrase of a key that speaks for a class, lower case and squashed:
 * "cardnumber" is card_number, cardNumber, Card-Number, and number under card. */
struct key_phrase { const char *words; uint8_t weight; };
#define CLASS_PHRASES 255	/* of one class; a user may give 64 (policy/classes.c) */
#define KEY_EXACT	45	/* says the class */
#define KEY_WEAK	15	/* may say it: "number", "tel" */

/* What makes the one pass over a value ask a class. */
enum trigger {
	TRIGGER_DIGIT	= 1,	/* the first digit of a run, no letter before it */
	TRIGGER_AT	= 2,	/* '@' or "%40" */
	TRIGGER_LITERAL	= 4,	/* one of row->literals begins here */
	TRIGGER_KEY	= 8,	/* the key speaks for the class: at 0, the whole value */
	TRIGGER_MIXED	= 16,	/* the first digit of a run that follows a letter */
	TRIGGER_NEAR	= 32,	/* a run of digits, letters before it or not, after a word that speaks for the class */
};
/* Which words of a key speak against the class. */
enum against { AGAINST_NOTHING = 0, AGAINST_GENERAL = 1, AGAINST_NUMBER = 2 };

struct id_rule;		/* classify/ids.h */
struct word_rule;	/* classify/words.h */
struct token_format;	/* classify/tokens.h */
struct class_rule;	/* model/class_rules.h */

/* One row of classify/list.def. */
struct class_row {
	struct class_info info;
	uint8_t triggers, against;
	uint8_t digits;		/* TRIGGER_DIGIT: a value has at least so many; asked only where they stand */
	bool is_name;		/* a peer's name as well: it stays where names are cleaned */
	bool thing;		/* of a device or an institution: what stands beside it need not be a person's */
	const char *const *literals;	/* NULL-ended */
	/* What find of a family of classes goes by; it is told its class in out->class_id. */
	const struct id_rule *id;	/* asked only where a number begins like one of its shapes */
	const struct word_rule *word;
	const struct token_format *tokens;	/* ends with NULL prefix; the prefixes are literals */
	const struct class_rule *user;	/* one that a policy defines: classify/user.h */
	const struct key_phrase *keys;	/* ends with NULL words; at most CLASS_PHRASES */
	const char *const *counter;	/* more words against, "-word" only after the phrase, "~word" not before an exact one; may be NULL */
	/* Of a class without id: may one begin with so many letters (TRIGGER_MIXED) and then so many digits, before a byte of
	 * this enum id_after? NULL: any may. */
	bool (*starts)(size_t head, size_t run, unsigned after);
	/* Of a class without id: among how many letters and digits in a row its first digit may stand. 0, 0: any. */
	uint8_t group_min, group_max;
	/* Is this class at `at`? Fills start, end, mask and sample and returns how much
	 * the value alone says, 1 to 100 (classify.md 5.5), or 0; below 0 where it took
	 * so many ns more than a look to know that it is none. Reads a bounded
	 * stretch around `at`, so that a scan stays linear, and never outside value. */
	int (*find)(struct slice value, size_t at, struct hit *out);
};
#define CLASS_ROWS 254		/* class_id is a byte, and so is it and one, and a mark for none */
const struct class_row *class_row(unsigned id);	/* NULL: no such class */
struct class_row *class_user_row(unsigned id);	/* NULL: no class of a user */
/* The rows have changed: what was worked out from them is no longer true. */
void classify_forget(void);
extern uint32_t classify_generation;	/* of the rows */
#define CLASSIFY_SALT (classify_generation * 0x9e3779b97f4a7c16ull)	/* of what caches go by; even: their lowest bit is set */

/* All classes over one value, overlaps resolved to one winner a span, in order.
 * Hits below CONF_POSSIBLE are not reported. At most max; the rest is dropped. */
size_t classify_value(const struct evidence *, struct slice value, struct hit *out, size_t max);
/* The same without a limit: emit is called for each winner, in order. Returns what it cost, in
 * ns by a fixed model of the dearest bytes and not by a clock: the same for the same input. */
uint64_t classify_scan(const struct evidence *, struct slice value,
		   void (*emit)(void *owner, const struct hit *), void *owner);

/* What a classifier could not do, each since it was made. */
struct classifier_counts {
	uint64_t hits_dropped;	/* beyond CLASSIFY_HITS in one value; those that waited for another class and had no room */
	uint64_t bytes_over_budget;	/* beyond CLASSIFY_SCAN in one value */
	uint64_t values_uncounted;	/* the fingerprint table was full: distinct is too low */
	uint64_t counts_evicted;	/* more messages and flows at once than are counted: their records are too low */
	uint64_t cost;		/* of all, as classify_scan tells it */
};

/* The classifier of one analyst: classify_value plus distinct counts. */
struct classifier;
struct classifier *classifier_new(void);	/* draws its key; NULL: no memory or no randomness */
void classifier_free(struct classifier *);
/* field_sink.field and .clean with owner = struct classifier. */
void classifier_field(void *owner, struct exchange *, const struct field *);
/* Once for each exchange, when all of its fields were seen: what the fields' values and the fields beside them say.
 * Only what is then at least CONF_LIKELY stays a finding. */
void classifier_settle(struct classifier *, struct exchange *);
size_t classifier_clean(void *owner, char out[NAME_SIZE], struct slice raw);
void classifier_interval(struct classifier *, uint32_t epoch);	/* forgets fingerprints */
const struct classifier_counts *classifier_counts(struct classifier *);
/* counts.cost, where it can be read before and after each field. It lives as long as the classifier. */
const uint64_t *classifier_cost(const struct classifier *);
#endif
