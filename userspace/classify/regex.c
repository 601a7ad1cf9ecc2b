/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c - the few functions of libpcre2-8 and libhs that are used, by name: neither is
 * linked, so that weir runs without, and no role loads what it has no use for. */
#include "classify/regex.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_MATCH	(-1)	/* PCRE2_ERROR_NOMATCH; what is below is a failure */
#define WORKSPACE	16384	/* ints in which PCRE2 keeps the places of an automaton */
#define FAST_MIN	64	/* bytes of a value that are worth asking Hyperscan about */
#define ANCHORED	0x80000000u	/* PCRE2_ANCHORED */
#define BLOCK		1u	/* HS_MODE_BLOCK */

typedef int hs_event(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *owner);
struct hs_error { char *message; int expression; };

static struct {
	bool looked;
	void *(*compile)(const char *, size_t, uint32_t, int *, size_t *, void *);
	void (*code_free)(void *);
	void *(*data_create)(uint32_t, void *);
	void (*data_free)(void *);
	size_t *(*ends)(void *);
	int (*match)(const void *, const uint8_t *, size_t, size_t, uint32_t, void *, void *, int *, size_t);
} pcre;
static struct {
	bool looked;
	int (*compile)(const char *const *, const unsigned *, const unsigned *, unsigned, unsigned, const void *, void **, struct hs_error **);
	int (*error_free)(struct hs_error *);
	int (*scratch)(const void *, void **);
	int (*scratch_free)(void *);
	int (*database_free)(void *);
	int (*scan)(const void *, const char *, unsigned, unsigned, void *, hs_event *, void *);
	int (*fits)(void);
} hs;

struct regexes {
	unsigned nr;
	const struct class_pattern *pattern[PATTERNS_MAX];
	void *code[PATTERNS_MAX], *data, *database, *scratch;
	size_t low[PATTERNS_MAX], high[PATTERNS_MAX];	/* where it may begin; low > high: nowhere */
	size_t base;		/* of what Hyperscan looks at */
	uint64_t failures;
	int workspace[WORKSPACE];
};

static bool symbol(void *library, const char *name, void *to)
{
	void *at = library ? dlsym(library, name) : NULL;

	memcpy(to, &at, sizeof(at));
	return at;
}

static bool pcre_open(void)
{
	void *l;

	if (pcre.looked)
		return pcre.match;
	pcre.looked = true;
	l = dlopen("libpcre2-8.so.0", RTLD_NOW);
	if (symbol(l, "pcre2_compile_8", &pcre.compile) && symbol(l, "pcre2_code_free_8", &pcre.code_free) &&
	    symbol(l, "pcre2_match_data_create_8", &pcre.data_create) && symbol(l, "pcre2_match_data_free_8", &pcre.data_free) &&
	    symbol(l, "pcre2_get_ovector_pointer_8", &pcre.ends))
		symbol(l, "pcre2_dfa_match_8", &pcre.match);
	return pcre.match;
}

static bool hs_open(void)
{
	void *l;

	if (hs.looked)
		return hs.scan;
	hs.looked = true;
	l = dlopen("libhs.so.5", RTLD_NOW);
	if (symbol(l, "hs_valid_platform", &hs.fits) && !hs.fits() && symbol(l, "hs_compile_multi", &hs.compile) &&
	    symbol(l, "hs_free_compile_error", &hs.error_free) && symbol(l, "hs_alloc_scratch", &hs.scratch) &&
	    symbol(l, "hs_free_scratch", &hs.scratch_free) && symbol(l, "hs_free_database", &hs.database_free))
		symbol(l, "hs_scan", &hs.scan);
	return hs.scan;
}

bool regexes_prepare(void)
{
	return pcre_open();
}

/* Where it fails there is PCRE2 alone: slower, and the same is found. */
static void fast_new(struct regexes *r)
{
	const char *texts[PATTERNS_MAX];
	unsigned flags[PATTERNS_MAX] = { 0 }, ids[PATTERNS_MAX];
	struct hs_error *error = NULL;

	for (unsigned i = 0; i < r->nr; i++) {
		texts[i] = r->pattern[i]->text;
		ids[i] = i;
	}
	if (hs.compile(texts, flags, ids, r->nr, BLOCK, NULL, &r->database, &error)) {
		if (error)
			hs.error_free(error);
		r->database = NULL;
	} else if (hs.scratch(r->database, &r->scratch)) {
		hs.database_free(r->database);
		r->database = NULL;
	}
}

struct regexes *regexes_new(const struct class_pattern *const *patterns, unsigned nr, bool fast, char *why, size_t size)
{
	struct regexes *r;
	int err;
	size_t at;

	if (!pcre_open()) {
		snprintf(why, size, "regexes want libpcre2-8.so.0, which is not there; install libpcre2-8-0, or write words or hashes instead");
		return NULL;
	}
	snprintf(why, size, "no memory for the regexes; write fewer or simpler ones");
	r = nr <= PATTERNS_MAX ? calloc(1, sizeof(*r)) : NULL;
	if (!r)
		return NULL;
	r->data = pcre.data_create(1, NULL);
	for (unsigned i = 0; i < nr && r->data; i++) {
		r->pattern[i] = patterns[i];
		r->code[i] = pcre.compile(patterns[i]->text, strlen(patterns[i]->text), 0, &err, &at, NULL);
		if (!r->code[i]) {
			snprintf(why, size, "PCRE2 refuses the regex %.80s at byte %zu with error %d; write it simpler", patterns[i]->text, at, err);
			break;
		}
		r->nr++;
	}
	if (!r->data || r->nr < nr) {
		regexes_free(r);
		return NULL;
	}
	if (fast && nr && hs_open())
		fast_new(r);
	return r;
}

void regexes_free(struct regexes *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->nr; i++)
		pcre.code_free(r->code[i]);
	if (r->data)
		pcre.data_free(r->data);
	if (r->scratch)
		hs.scratch_free(r->scratch);
	if (r->database)
		hs.database_free(r->database);
	explicit_bzero(r->workspace, sizeof(r->workspace));
	free(r);
}

bool regexes_are_fast(const struct regexes *r)
{
	return r->database;
}

static int on_end(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *owner)
{
	struct regexes *r = owner;
	const struct class_pattern *p = r->pattern[id];
	size_t end = r->base + (size_t)to, low = end > p->max ? end - p->max : 0, high = end > p->min ? end - p->min : 0;

	if (low < r->low[id])
		r->low[id] = low;
	if (high > r->high[id])
		r->high[id] = high;
	return 0;
}

void regexes_look(struct regexes *r, struct slice v, size_t from, size_t to)
{
	bool fast = r->database && to - from >= FAST_MIN;
	size_t end = v.len - to < PATTERN_LENGTH ? v.len : to + PATTERN_LENGTH;

	for (unsigned i = 0; i < r->nr; i++) {
		r->low[i] = fast ? SIZE_MAX : 0;
		r->high[i] = fast ? 0 : SIZE_MAX;
	}
	r->base = from;
	if (fast && hs.scan(r->database, (const char *)v.ptr + from, (unsigned)(end - from), 0, r->scratch, on_end, r))
		regexes_look(r, v, from, from);	/* it could not: anything may be anywhere */
}

size_t regexes_may(const struct regexes *r, unsigned pattern, struct slice v, size_t at)
{
	const struct class_pattern *p = r->pattern[pattern];

	if (at < r->low[pattern] || at > r->high[pattern] || v.len - at < p->min)
		return 0;
	return v.len - at < p->max ? v.len - at : p->max;
}

uint64_t regexes_failures(const struct regexes *r)
{
	return r->failures;
}

size_t regexes_match(struct regexes *r, unsigned pattern, struct slice v, size_t at)
{
	size_t len = v.len - at < PATTERN_LENGTH ? v.len - at : PATTERN_LENGTH;
	int n;

	/* Of the matches that begin here the longest is told first; 0: there are more. */
	n = pcre.match(r->code[pattern], v.ptr + at, len, 0, ANCHORED, r->data, NULL, r->workspace, WORKSPACE);
	r->failures += n < NO_MATCH;
	return n < 0 ? 0 : at + pcre.ends(r->data)[1];
}
