/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what detectors share: character kinds, boundaries, check digits,
 * base64 and masks. Every function reads inside its slice only. */
#ifndef WEIR_CLASSIFY_CHECK_H
#define WEIR_CLASSIFY_CHECK_H
#include "base/uninitialized.h"
#include "classify/classify.h"

static inline bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static inline bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }
static inline bool is_alpha(uint8_t c) { return is_upper(c) || is_lower(c); }
static inline bool is_alnum(uint8_t c) { return is_alpha(c) || is_digit(c); }
static inline uint8_t to_lower(uint8_t c) { return is_upper(c) ? (uint8_t)(c + 32) : c; }
static inline bool is_hex(uint8_t c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }
static inline bool is_print(uint8_t c) { return c >= 0x20 && c < 0x7f; }
static inline bool is_base64(uint8_t c) { return is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_'; }
static inline int hex_value(uint8_t c) { return is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10; }
/* The byte at i, or 0 outside. */
static inline uint8_t byte_at(struct slice s, size_t i) { return i < s.len ? s.ptr[i] : 0; }

/* How much counts, for measuring what each kind of evidence is worth; all, but in `weir classify --evidence`. */
enum evidence_level { EVIDENCE_VALUE, EVIDENCE_BOUNDARY, EVIDENCE_KEY, EVIDENCE_OBJECT, EVIDENCE_ALL };
extern enum evidence_level evidence_level;

/* May a number or token begin at start (end before end)? Not next to a letter,
 * digit or '_'; nor to '.' or '-' that joins it to one: those are decimals,
 * versions, UUIDs. Bytes >= 0x80 are fine: scripts without spaces. */
bool edge_before(struct slice, size_t start);
bool edge_after(struct slice, size_t end);

/* Digits with single separators: "4111 1111 1111 1111". */
#define DIGITS_MAX 24
#define GROUPS_MAX 8
struct digits {
	char text[DIGITS_MAX + 1];	/* digits only, NUL-terminated */
	unsigned len, nr_groups;
	unsigned group[GROUPS_MAX];	/* digits of each group */
	size_t end[GROUPS_MAX];		/* offset after each group */
	char sep;			/* the one separator; 0: none */
	bool more;			/* the run goes on beyond the limits */
};
/* Reads the groups that begin at `at`, joined by one and the same byte of seps. */
void digits_read(struct digits *, struct slice, size_t at, const char *seps);

bool luhn_ok(const char *digits, size_t len);
/* ISO 7064 mod 97-10 over letters (A = 10) and digits; 1 is right for an IBAN. */
unsigned mod97(const char *alnum, size_t len);
/* A time between 2000 and 2040 in s, ms, us or ns: 10, 13, 16, 19 digits. */
bool epoch_like(const char *digits, size_t len);
/* At most nr different bytes. */
bool few_bytes(const char *s, size_t len, unsigned nr);
/* 123456…, 987654…, wrapping after 9. */
bool sequence_like(const char *digits, size_t len);

/* Both alphabets, padding optional. Length, or -1 when it is not base64 or does not fit. */
int base64_any(uint8_t *out, size_t size, struct slice in);

bool slice_equal(struct slice, const char *lower);	/* ASCII case folded */
bool slice_begins(struct slice, size_t at, const char *exact);
bool slice_begins_fold(struct slice, size_t at, const char *lower);
bool slice_has(struct slice, const char *exact);
bool word_listed(const char *const *list, struct slice word);	/* list: lower case, NULL-ended */

/* keep first and last characters of text, stars between. */
void mask_ends(char mask[MASK_SIZE], const char *text, size_t len, size_t first, size_t last);
void mask_set(char mask[MASK_SIZE], const char *words);
/* A hit of which nothing is shown, that is no sample. Returns what it says. */
int hit_hidden(struct hit *, size_t start, size_t end, int says);
#endif
