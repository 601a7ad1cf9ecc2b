/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - what classification costs on one core: documents of each kind with 0, 1 and 10 findings in each KiB
 * through document_classify (leaves, all classes, the caches warm), and beside it in the same rounds memcpy of the same
 * bytes, a block scan by Vectorscan/Hyperscan for the prefixes of the same secrets, one for an expression for each of
 * the same detectors, and those by PCRE2 with its compiler. The engines only say that something matched somewhere: no
 * path, no key, no check digit, no confidence.
 *
 *   classify [--rounds R]
 *
 * CPU time, median of the rounds with the quartiles, which alternate between all of them. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <getopt.h>
#include <hs/hs.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "classify/document.h"
#include "tests/bench/expressions.h"
#include "tests/bench/texts.h"

#define PCRE_BYTES	(64 << 10)	/* it is slow */
#define ROUNDS_MAX	101
#define RULES_MAX	2048

static void on_hit(void *owner, const struct document_hit *hit)
{
	*(size_t *)owner += hit->confidence >= CONF_LIKELY;
}

static void weir_run(struct text *t)
{
	size_t from = 0;

	t->findings = 0;
	for (size_t i = 0; i < t->nr; from = t->ends[i++])
		document_classify(bytes_at(&t->all, from), t->ends[i] - from, on_hit, &t->findings);
}

/* ---- the same detectors as expressions */

static char *literals[RULES_MAX], *rules[RULES_MAX];
static unsigned nr_literals, nr_rules;

static void keep(char **list, unsigned *nr, struct buf *b)
{
	if (*nr == RULES_MAX || b->failed)
		exit(2);
	list[(*nr)++] = strndup(bytes_at(b, 0), b->len);
	buf_reset(b);
}

static void rules_make(void)
{
	static const char *const more[] = {
		"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}", "\\b[0-9](?:[ -]?[0-9]){11,18}\\b", "\\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\\b",
		"\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b", "\\+[0-9][0-9 ().-]{7,18}[0-9]", "\\b(?:[0-9]{1,3}\\.){3}[0-9]{1,3}\\b",
		"\\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\\b", "eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+", "(?i)password[\"' ]*[:=][\"' ]*[^\"' ,]{3,}",
	};
	struct buf b;

	buf_init(&b, 4096);
	for (unsigned i = 0; i < class_count(); i++) {
		const struct class_row *row = class_row(i);

		for (const struct token_format *f = row->tokens; f && f->prefix; f++) {
			escape(&b, f->prefix);
			keep(literals, &nr_literals, &b);
			token_rule(&b, f);
			keep(rules, &nr_rules, &b);
		}
		for (const struct id_shape *s = row->id ? row->id->shapes : NULL; s && s->form; s++) {
			if (s->says < ID_ALONE)
				continue;
			shape_rule(&b, s->form);
			keep(rules, &nr_rules, &b);
		}
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		buf_puts(&b, more[i]);
		keep(rules, &nr_rules, &b);
	}
	buf_free(&b);
}

struct engine { hs_database_t *db; hs_scratch_t *scratch; size_t matches; double compiled; };

static void engine_make(struct engine *e, char **list, unsigned nr)
{
	static unsigned flags[RULES_MAX], ids[RULES_MAX];
	double began = now(CLOCK_MONOTONIC);
	hs_compile_error_t *error;

	for (unsigned i = 0; i < nr; i++)
		ids[i] = i;
	if (hs_compile_multi((const char *const *)list, flags, ids, nr, HS_MODE_BLOCK, NULL, &e->db, &error) != HS_SUCCESS) {
		fprintf(stderr, "classify: %s: %s\n", error->expression < 0 ? "the set" : list[error->expression], error->message);
		exit(2);
	}
	if (hs_alloc_scratch(e->db, &e->scratch) != HS_SUCCESS)
		exit(2);
	e->compiled = now(CLOCK_MONOTONIC) - began;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *owner)
{
	++*(size_t *)owner;
	return 0;
}

static void engine_run(struct engine *e, const struct text *t)
{
	size_t from = 0;

	e->matches = 0;
	for (size_t i = 0; i < t->nr; from = t->ends[i++])
		hs_scan(e->db, bytes_at(&t->all, from), (unsigned)(t->ends[i] - from), 0, e->scratch, on_match, &e->matches);
}

static pcre2_code *codes[RULES_MAX];
static pcre2_match_data *match_data;

static void pcre_make(void)
{
	int error;
	size_t at;

	match_data = pcre2_match_data_create(4, NULL);
	for (unsigned i = 0; i < nr_rules; i++) {
		codes[i] = pcre2_compile((PCRE2_SPTR)rules[i], PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
		if (!codes[i] || pcre2_jit_compile(codes[i], PCRE2_JIT_COMPLETE))
			exit(2);
	}
}

static size_t pcre_run(const struct text *t, size_t bytes)
{
	size_t found = 0;

	for (unsigned i = 0; i < nr_rules; i++)
		for (size_t at = 0; at < bytes;) {
			if (pcre2_jit_match(codes[i], (PCRE2_SPTR)t->all.ptr, bytes, at, 0, match_data, NULL) < 0)
				break;
			at = pcre2_get_ovector_pointer(match_data)[1];
			found++;
		}
	return found;
}

/* ---- measuring */

enum { WEIR, COPY, LITERALS, RULES, PCRE, NR_RUNS };
static double speed[NR_RUNS][ROUNDS_MAX];

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_all(struct text *t, struct engine e[2], char *copy, unsigned round)
{
	double began = cpu_now();

	weir_run(t);
	speed[WEIR][round] = (double)t->all.len / 1e6 / (cpu_now() - began);
	began = cpu_now();
	for (size_t n = 0; n < 8; n++)
		for (size_t i = 0, from = 0; i < t->nr; from = t->ends[i++]) {
			memcpy(copy, t->all.ptr + from, t->ends[i] - from);
			__asm__ volatile("" : : "r"(copy) : "memory");
		}
	speed[COPY][round] = 8 * (double)t->all.len / 1e6 / (cpu_now() - began);
	for (int i = 0; i < 2; i++) {
		began = cpu_now();
		engine_run(&e[i], t);
		speed[LITERALS + i][round] = (double)t->all.len / 1e6 / (cpu_now() - began);
	}
	began = cpu_now();
	pcre_run(t, PCRE_BYTES);
	speed[PCRE][round] = PCRE_BYTES / 1e6 / (cpu_now() - began);
}

static void latencies(const struct text *t, unsigned rounds)
{
	double *took = calloc(t->nr * rounds, sizeof(*took));
	size_t from, nr = 0, found = 0;

	if (!took)
		exit(2);
	for (unsigned r = 0; r < rounds; r++) {
		from = 0;
		for (size_t i = 0; i < t->nr; from = t->ends[i++]) {
			double began = cpu_now();

			document_classify(bytes_at(&t->all, from), t->ends[i] - from, on_hit, &found);
			took[nr++] = cpu_now() - began;
		}
	}
	qsort(took, nr, sizeof(*took), by_value);
	printf("  a message: p50 %5.2f us, p99 %6.2f us", 1e6 * took[nr / 2], 1e6 * took[nr / 100 * 99]);
	free(took);
}

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static double report(unsigned run, const char *name, unsigned rounds)
{
	qsort(speed[run], rounds, sizeof(double), by_value);
	printf("  %-34s %8.1f MB/s [%.1f %.1f]", name, speed[run][rounds / 2], speed[run][rounds / 4], speed[run][3 * rounds / 4]);
	return speed[run][rounds / 2];
}

/* weir by itself, for a profiler: `perf record ... classify --alone prose 1`. */
static int alone(const char *name, unsigned findings, unsigned rounds)
{
	struct text t = { 0 };
	const struct kind *k = kinds;

	while (k < kinds + sizeof(kinds) / sizeof(kinds[0]) && strcmp(k->name, name))
		k++;
	if (k == kinds + sizeof(kinds) / sizeof(kinds[0]))
		return fprintf(stderr, "classify: no text is named %s\n", name), 2;
	text_make(&t, k, findings);
	weir_run(&t);	/* warm */
	for (unsigned r = 0; r < rounds; r++) {
		double began = cpu_now();

		weir_run(&t);
		speed[WEIR][r] = (double)t.all.len / 1e6 / (cpu_now() - began);
	}
	report(WEIR, name, rounds);
	latencies(&t, 1);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned densities[] = { 0, 1, 10 };
	static struct engine engines[2];
	unsigned rounds = 7;
	size_t found = 0;
	char *copy = malloc(1 << 20);
	double began = now(CLOCK_MONOTONIC);
	long before = peak_kib();

	if (argc == 4 && !strcmp(argv[1], "--alone"))
		return alone(argv[2], (unsigned)atoi(argv[3]), 31);
	if (argc == 3 && !strcmp(argv[1], "--rounds"))
		rounds = (unsigned)atoi(argv[2]);
	if (!copy || !rounds || rounds > ROUNDS_MAX || (argc != 1 && argc != 3))
		return fprintf(stderr, "classify: --rounds 1 to %d, or --alone TEXT FINDINGS\n", ROUNDS_MAX), 2;
	document_classify("{\"a\":\"b\"}", 9, on_hit, &found);
	printf("ready after %.1f ms, %u classes, %ld KiB of memory more\n", 1e3 * (now(CLOCK_MONOTONIC) - began), class_count(), peak_kib() - before);
	rules_make();
	engine_make(&engines[0], literals, nr_literals);
	engine_make(&engines[1], rules, nr_rules);
	pcre_make();
	printf("Vectorscan or Hyperscan %s: %u prefixes compiled in %.2f s, %u expressions in %.2f s; peak %ld KiB\n", hs_version(), nr_literals,
	       engines[0].compiled, nr_rules, engines[1].compiled, peak_kib());
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t d = 0; d < sizeof(densities) / sizeof(densities[0]); d++) {
			struct text t = { 0 };
			double weir;

			text_make(&t, &kinds[k], densities[d]);
			run_all(&t, engines, copy, 0);	/* warm */
			for (unsigned r = 0; r < rounds; r++)
				run_all(&t, engines, copy, r);
			printf("%s, %zu bytes a message, %.1f findings in a KiB\n", kinds[k].name, t.all.len / t.nr,
			       (double)t.findings / ((double)t.all.len / DOCUMENT));
			weir = report(WEIR, "weir, all classes, leaves, checks", rounds);
			latencies(&t, rounds > 3 ? 3 : rounds);
			printf("\n");
			printf(", weir 1/%.0f\n", report(COPY, "memcpy", rounds) / weir);
			printf(", weir %.2f x\n", weir / report(LITERALS, "prefixes of secrets, block scan", rounds));
			printf(", weir %.2f x\n", weir / report(RULES, "expressions, block scan", rounds));
			printf(", weir %.0f x\n", weir / report(PCRE, "expressions, PCRE2-JIT", rounds));
			fflush(stdout);
			buf_free(&t.all);
			free(t.ends);
		}
	printf("peak %ld KiB, of which the engines' databases and the documents are most\n", peak_kib());
	return 0;
}
