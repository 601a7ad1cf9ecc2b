/* SPDX-License-Identifier: Apache-2.0 */
/* ratio.c - weir against Vectorscan/Hyperscan by the number of rules: sets of classes whose expressions are 20, 100 and
 * 300, and nothing else is looked for on either side.
 *
 * First the findings are held against an oracle: PCRE2 tries every expression at every byte, what it finds goes through
 * the same validators, the same weighing and the same choice among what overlaps, and must be what the pass over the text
 * says, what document_classify says of its leaves, and what Hyperscan's matches with their beginnings come to: class,
 * first and last byte and confidence of each, in the texts that are measured and in others that have a value, well or
 * badly made, of each expression. Compared is what the value alone says, from likely on: no names, no words before.
 *
 * Then the time: the pass over the bytes, for what the value alone says; weir as it runs, leaf by leaf, with names, words
 * and objects; Hyperscan's plain block scan, which says that something ended somewhere; and its scan with beginnings and the
 * validators, which finds what the pass does.
 *
 *   ratio [--rounds R] | --alone TEXT RULES [weir]
 *
 * CPU time, median of the rounds, which alternate. The pass itself is compiled in here, for its parts. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>
#include <stdio.h>

#include "classify/scan.c"

#include "classify/document.h"
#include "tests/bench/expressions.h"
#include "tests/bench/texts.h"

#define RULES_MAX	512
#define ROUNDS_MAX	101
#define SPOTS_MAX	4096	/* in one document */
#define FOUND_MAX	4096
#define PLANTED		8	/* values of each expression, in each kind of text */

/* Where in a match the class is asked. */
enum where { AT_FIRST, AT_DIGIT, AT_AT };
struct rule { uint8_t row; enum where where; char *text; pcre2_code *code; };
static struct rule rules[RULES_MAX];
static unsigned nr_rules;
static bool wanted[CLASS_ROWS];
static pcre2_match_data *match_data;

static bool is_wanted(unsigned row)
{
	return wanted[row];
}

/* ---- the rules */

/* Classes that have code of their own. Each expression takes whatever the class may; what it takes beyond is refused by the class. */
static const struct { const char *class; enum where where; const char *text; } own_rules[] = {
	{ "email", AT_AT, "[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}" },
	{ "pan", AT_DIGIT, "\\b[0-9](?:[ -]?[0-9]){11,18}\\b" },
	{ "iban", AT_DIGIT, "\\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}\\b" },
	{ "us_ssn", AT_DIGIT, "\\b[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}\\b" },
	{ "phone", AT_DIGIT, "\\+\\(?[0-9][0-9 ()./-]{5,22}[0-9]\\b" },
	{ "phone", AT_DIGIT, "\\b1[ ./-]{1,2}\\(?[0-9]{3}\\)?[ ./-]{1,2}[0-9]{3}[ ./-][0-9]{4}\\b" },
	{ "phone", AT_DIGIT, "\\(?[0-9]{3}\\)?[ ./-]{1,2}[0-9]{3}[ ./-][0-9]{4}\\b" },
	{ "phone", AT_DIGIT, "\\b0(?:[67](?:[ ./-][0-9]{2}){4}|0[0-9 ()/-]{7,24}[0-9])\\b" },
	{ "ip", AT_DIGIT, "\\b(?:[0-9]{1,3}\\.){3}[0-9]{1,3}\\b" },
	{ "mac", AT_DIGIT, "\\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}\\b" },
	{ "jwt", AT_FIRST, "e(?:yJ|yA|wo|w0)[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]*" },
	{ "aws_access_key", AT_FIRST, "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}" },
	{ "github_token", 0, NULL }, { "google_api_key", 0, NULL }, { "uk_nino", 0, NULL },
};

static void rule_add(unsigned row, enum where where, struct buf *b)
{
	struct rule *r = &rules[nr_rules++];

	if (nr_rules > RULES_MAX || b->failed)
		exit(2);
	*r = (struct rule){ .row = (uint8_t)row, .where = where, .text = strndup(bytes_at(b, 0), b->len) };
	wanted[row] = true;
	buf_reset(b);
}

/* What may begin at a byte goes by it. */
static void level_set(enum evidence_level level)
{
	evidence_level = level;
	classify_forget();
	begins_only(is_wanted);
}

static unsigned expressions_of(const struct class_row *row)
{
	unsigned nr = 0;

	for (const struct token_format *f = row->tokens; f && f->prefix; f++)
		nr++;
	for (const struct id_shape *s = row->id ? row->id->shapes : NULL; s && s->form; s++)
		nr += s->says >= ID_ALONE;
	return nr;
}

static void class_add(unsigned id)
{
	const struct class_row *row = class_row(id);
	struct buf b;

	buf_init(&b, 4096);
	for (const struct token_format *f = row->tokens; f && f->prefix; f++) {
		token_rule(&b, f);
		rule_add(id, AT_FIRST, &b);
	}
	for (const struct id_shape *s = row->id ? row->id->shapes : NULL; s && s->form; s++)
		if (s->says >= ID_ALONE) {
			shape_rule(&b, s->form);
			rule_add(id, AT_DIGIT, &b);
		}
	buf_free(&b);
}

static bool is_tokens(unsigned id)
{
	return !wanted[id] && class_row(id)->tokens;
}

/* Do some of the tokens' classes from this one on come to just so many? */
static bool tokens_fill(unsigned id, unsigned left)
{
	static signed char known[CLASS_ROWS + 1][RULES_MAX];
	signed char *fill = &known[id][left];
	unsigned nr = id < class_count() && is_tokens(id) ? expressions_of(class_row(id)) : 0;

	if (!id)
		memset(known, 0, sizeof(known));
	if (id == class_count() || !left)
		return !left;
	if (!*fill)
		*fill = (nr && nr <= left && tokens_fill(id + 1, left - nr)) || tokens_fill(id + 1, left) ? 1 : -1;
	return *fill > 0;
}

/* Whole classes in the order of the list: numbers up to half of the set, then tokens that fill it. */
static void classes_add(unsigned nr)
{
	for (unsigned i = 0; i < class_count(); i++)
		if (!wanted[i] && class_row(i)->id && expressions_of(class_row(i)) && nr_rules + expressions_of(class_row(i)) <= nr / 2)
			class_add(i);
	if (!tokens_fill(0, nr - nr_rules))
		exit(2);
	for (unsigned i = 0; i < class_count() && nr_rules < nr; i++)
		if (is_tokens(i) && expressions_of(class_row(i)) <= nr - nr_rules && tokens_fill(i + 1, nr - nr_rules - expressions_of(class_row(i))))
			class_add(i);
}

static void rules_make(unsigned nr)
{
	struct buf b;
	int error;
	size_t at;

	buf_init(&b, 4096);
	memset(wanted, 0, sizeof(wanted));
	nr_rules = 0;
	for (size_t i = 0; i < sizeof(own_rules) / sizeof(own_rules[0]); i++) {
		unsigned row = (unsigned)class_find(own_rules[i].class);

		if (!own_rules[i].text) {	/* whole, where there is room for all of its formats */
			if (nr_rules + expressions_of(class_row(row)) <= nr)
				class_add(row);
			continue;
		}
		buf_puts(&b, own_rules[i].text);
		rule_add(row, own_rules[i].where, &b);
	}
	classes_add(nr);
	for (unsigned i = 0; i < nr_rules; i++) {
		rules[i].code = pcre2_compile((PCRE2_SPTR)rules[i].text, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
		if (!rules[i].code || pcre2_jit_compile(rules[i].code, PCRE2_JIT_COMPLETE))
			exit(2);
	}
	level_set(EVIDENCE_BOUNDARY);
	buf_free(&b);
}

/* ---- what both engines' matches come to */

struct spot { uint32_t at; uint8_t row; };
struct spots { size_t nr; struct spot list[SPOTS_MAX]; };
struct found { uint8_t class, confidence; size_t start, end; };
struct founds { size_t nr; struct found list[FOUND_MAX]; };

/* Where the class of a rule is asked of a match. A literal begins a word or a run of digits, as the pass has it. */
static void spot_add(struct spots *spots, const struct rule *r, struct slice v, size_t from, size_t to)
{
	size_t at = from;

	if (r->where == AT_FIRST && at && is_alpha(v.ptr[at]) && (!word_begins(v, at) || is_alpha(v.ptr[at - 1])))
		return;
	if (r->where == AT_FIRST && at && is_digit(v.ptr[at]) && is_digit(v.ptr[at - 1]))
		return;
	while (at < to && ((r->where == AT_DIGIT && !is_digit(v.ptr[at])) || (r->where == AT_AT && v.ptr[at] != '@')))
		at++;
	if (at == to || (spots->nr && spots->list[spots->nr - 1].at == at && spots->list[spots->nr - 1].row == r->row))
		return;
	if (spots->nr == SPOTS_MAX)
		exit(2);
	spots->list[spots->nr++] = (struct spot){ (uint32_t)at, r->row };
}

static int by_place(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (int)x->row - (int)y->row;
}

static void found_add(struct founds *f, unsigned class, unsigned confidence, size_t start, size_t end)
{
	if (confidence < CONF_LIKELY || !wanted[class])
		return;
	if (f->nr == FOUND_MAX)
		exit(2);
	f->list[f->nr++] = (struct found){ (uint8_t)class, (uint8_t)confidence, start, end };
}

static void on_scan(void *owner, const struct hit *hit)
{
	found_add(owner, hit->class_id, hit->confidence, hit->start, hit->end);
}

static void on_document(void *owner, const struct document_hit *hit)
{
	found_add(owner, hit->class_id, hit->confidence, hit->start, hit->end);
}

static const struct evidence text_evidence = { .location = LOC_TEXT, .type = VALUE_STRING, .text = true };

/* As scan_value does it, but that the places are given. */
static void spots_ask(struct spots *spots, struct slice v, struct founds *out)
{
	struct scan s UNINITIALIZED;

	s.value = v;
	s.emit = on_scan;
	s.owner = out;
	s.nr = s.user.at = s.user.nr = 0;
	s.cost = 0;
	s.evidence = &text_evidence;
	s.surrounded = false;
	s.user.next = v.len;
	qsort(spots->list, spots->nr, sizeof(spots->list[0]), by_place);
	for (size_t i = 0; i < spots->nr; i++)
		if (!i || by_place(&spots->list[i - 1], &spots->list[i]))
			scan_ask(&s, spots->list[i].row, NULL, v, spots->list[i].at, 0);
	scan_flush(&s, s.nr);
	if (s.surrounded)
		surroundings_wipe(&s.around);
}

/* ---- the oracle */

static void oracle_run(struct slice v, struct founds *out)
{
	static struct spots spots;

	spots.nr = 0;
	for (unsigned i = 0; i < nr_rules; i++)
		for (size_t at = 0; at < v.len && pcre2_jit_match(rules[i].code, v.ptr, v.len, at, 0, match_data, NULL) > 0;) {
			size_t *ends = pcre2_get_ovector_pointer(match_data);

			spot_add(&spots, &rules[i], v, ends[0], ends[1]);
			at = ends[0] + 1;
		}
	spots_ask(&spots, v, out);
}

/* ---- Hyperscan */

static hs_database_t *plain, *begins;
static hs_scratch_t *scratch;
static size_t matches;

static hs_database_t *database(unsigned flag)
{
	static const char *list[RULES_MAX];
	static unsigned flags[RULES_MAX], ids[RULES_MAX];
	hs_compile_error_t *error;
	hs_database_t *db;

	for (unsigned i = 0; i < nr_rules; i++) {
		list[i] = rules[i].text;
		flags[i] = flag;
		ids[i] = i;
	}
	if (hs_compile_multi(list, flags, ids, nr_rules, HS_MODE_BLOCK, NULL, &db, &error) != HS_SUCCESS) {
		fprintf(stderr, "ratio: %s: %s\n", error->expression < 0 ? "the set" : list[error->expression], error->message);
		exit(2);
	}
	if (hs_alloc_scratch(db, &scratch) != HS_SUCCESS)
		exit(2);
	return db;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *owner)
{
	++matches;
	return 0;
}

struct place { struct spots *spots; struct slice v; };

static int on_place(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *owner)
{
	struct place *p = owner;

	++matches;
	spot_add(p->spots, &rules[id], p->v, from, to);
	return 0;
}

static void begins_run(struct slice v, struct founds *out)
{
	static struct spots spots;
	struct place place = { &spots, v };

	spots.nr = 0;
	hs_scan(begins, (const char *)v.ptr, (unsigned)v.len, 0, scratch, on_place, &place);
	spots_ask(&spots, v, out);
}

/* ---- equal findings */

static size_t compared, unequal;

static void say_found(const char *who, const struct founds *f, struct slice v)
{
	fprintf(stderr, "  %s:", who);
	for (size_t i = 0; i < f->nr; i++)
		fprintf(stderr, " %s %s %zu-%zu \"%.*s\"", class_get(f->list[i].class)->name, confidence_name(f->list[i].confidence),
			f->list[i].start, f->list[i].end, (int)(f->list[i].end - f->list[i].start), v.ptr + f->list[i].start);
	fprintf(stderr, "\n");
}

static void compare(const char *who, const struct founds *oracle, const struct founds *f, struct slice v)
{
	bool equal = oracle->nr == f->nr;

	for (size_t i = 0; equal && i < f->nr; i++)
		equal = f->list[i].class == oracle->list[i].class && f->list[i].confidence == oracle->list[i].confidence &&
			f->list[i].start == oracle->list[i].start && f->list[i].end == oracle->list[i].end;
	compared += oracle->nr;
	if (equal || unequal++ > 4)
		return;
	fprintf(stderr, "ratio: not the same in: %.*s\n", (int)v.len, v.ptr);
	say_found("oracle", oracle, v);
	say_found(who, f, v);
}

static void hold_against(struct slice v, bool leaves)
{
	static struct founds oracle, pass, document, hyperscan;

	oracle.nr = pass.nr = document.nr = hyperscan.nr = 0;
	oracle_run(v, &oracle);
	scan_value(&text_evidence, v, on_scan, &pass);
	begins_run(v, &hyperscan);
	compare("the pass", &oracle, &pass, v);
	compare("Hyperscan", &oracle, &hyperscan, v);
	if (!leaves)
		return;
	document_classify((const char *)v.ptr, v.len, on_document, &document);
	compare("the leaves", &oracle, &document, v);
}

static char one_of(const char *set)
{
	return set[draw((unsigned)strlen(set))];
}

/* A value that is written as the rule's format or shape has it; its check digits are right by chance alone. */
static void value_draw(struct buf *b, unsigned row, unsigned which)
{
	static const char *const sets[] = { [OF_HEX] = "0123456789abcdef", [OF_DIGIT] = "0123456789", [OF_LOWER] = "abcdefghijkmnopq23456789",
					    [OF_UPPER] = "ABCDEFGHIJKMNPQR23456789" };
	const struct class_row *c = class_row(row);
	const char *alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char separator = one_of(" -./");

	for (const struct token_format *f = c->tokens; f && f->prefix; f++) {
		if (which--)
			continue;
		buf_puts(b, f->prefix);
		for (unsigned n = 0; !f->form && n < f->min + draw(f->max - f->min < 9 ? f->max - f->min + 1u : 9); n++)
			buf_printf(b, "%c", one_of(f->alphabet < sizeof(sets) / sizeof(sets[0]) && sets[f->alphabet] ? sets[f->alphabet] : alnum));
		for (const char *form = f->form; form && *form;) {
			char kind = *form++;
			unsigned n = (unsigned)strtoul(form, (char **)&form, 10);

			if (!n)
				buf_printf(b, "%c", kind);
			for (; n; n--)
				buf_printf(b, "%c", one_of(kind == 'h' ? sets[OF_HEX] : kind == 'd' ? sets[OF_DIGIT] : kind == 'l' ? sets[OF_LOWER] :
							   kind == 'u' ? sets[OF_UPPER] : alnum));
		}
		return;
	}
	for (const struct id_shape *s = c->id ? c->id->shapes : NULL; s && s->form; s++) {
		if (s->says < ID_ALONE || which--)
			continue;
		for (const char *form = s->form; *form; form++)
			buf_printf(b, "%c", *form == '#' ? one_of(sets[OF_DIGIT]) : *form == 'A' ? one_of("ABCDEFGHKLMNPRSTWXYZ") :
				   *form == '*' ? one_of(sets[OF_UPPER]) : *form == '_' ? separator : *form);
		return;
	}
	finding(b, "", "", "");
}

/* One that is right where a few tries come to one. */
static void value_plant(struct buf *b, unsigned row, unsigned which)
{
	size_t before = b->len;

	for (unsigned n = 0; n < 40; n++) {
		struct founds f = { 0 };

		b->len = before;
		value_draw(b, row, which);
		scan_value(&text_evidence, slice_of(b->ptr + before, b->len - before), on_scan, &f);
		if (f.nr)
			return;
	}
}

/* Prose and JSON with a value of every expression, others about it. */
static void planted_compare(void)
{
	static const char *const before[] = { "", " ", "see ", "(", "\"", "x", "7", "-", "id=", ": " };
	static const char *const after[] = { "", " ", ".", ", ", ")", "x", "7", "-", "@" };
	struct buf b, value;

	buf_init(&b, 1 << 16);
	buf_init(&value, 4096);
	for (unsigned r = 0, which = 0; r < nr_rules; r++) {
		which = r && rules[r].row == rules[r - 1].row ? which + 1 : 0;
		for (unsigned n = 0; n < PLANTED; n++) {
			buf_reset(&value);
			value_plant(&value, rules[r].row, which);
			if (!draw(4) && value.len)
				value.ptr[draw((unsigned)value.len)] = (uint8_t)one_of("0aZ-_. ");
			buf_reset(&b);
			add_prose(&b, n, 1);
			buf_puts(&b, before[draw(10)]);
			buf_add(&b, value.ptr, value.len);
			buf_puts(&b, after[draw(9)]);
			add_prose(&b, n, 0);
			hold_against(slice_of(b.ptr, b.len), false);
			buf_reset(&b);
			buf_puts(&b, "{\"items\":[");
			add_json(&b, 0, 1);
			buf_puts(&b, ",{\"f1\":\"");
			buf_add(&b, value.ptr, value.len);
			buf_puts(&b, "\"}]}");
			hold_against(slice_of(b.ptr, b.len), true);
		}
	}
	buf_free(&b);
	buf_free(&value);
}

/* ---- the time */

enum { PASS, WEIR, PLAIN, BEGINS, NR_RUNS };
static double speed[NR_RUNS][ROUNDS_MAX];

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How much is found. */
static size_t run_one(int run, const struct text *t)
{
	static struct founds f;
	size_t from = 0, found = 0;

	for (size_t i = 0; i < t->nr; from = t->ends[i++]) {
		struct slice v = slice_of(t->all.ptr + from, t->ends[i] - from);

		f.nr = 0;
		if (run == PASS)
			scan_value(&text_evidence, v, on_scan, &f);
		else if (run == WEIR)
			document_classify((const char *)v.ptr, v.len, on_document, &f);
		else if (run == PLAIN)
			hs_scan(plain, (const char *)v.ptr, (unsigned)v.len, 0, scratch, on_match, NULL);
		else
			begins_run(v, &f);
		found += f.nr;
	}
	return found;
}

static void run_all(struct text *t, unsigned round)
{
	for (int run = 0; run < NR_RUNS; run++) {
		double began;
		size_t found;

		level_set(run == WEIR ? EVIDENCE_ALL : EVIDENCE_BOUNDARY);
		began = cpu_now();
		found = run_one(run, t);
		speed[run][round] = (double)t->all.len / 1e6 / (cpu_now() - began);
		if (run == WEIR)
			t->findings = found;
	}
}

static void texts_compare(struct text texts[][3])
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t d = 0; d < 3; d++) {
			struct text *t = &texts[k][d];
			size_t from = 0;

			/* Of a form the leaves are unescaped, and the engines see what stands there. */
			for (size_t i = 0; i < t->nr && i < 100; from = t->ends[i++])
				hold_against(slice_of(t->all.ptr + from, t->ends[i] - from), kinds[k].add != add_form);
		}
	planted_compare();
}

static void measure(struct text texts[][3], unsigned rounds)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t d = 0; d < 3; d++) {
			struct text *t = &texts[k][d];
			double median[NR_RUNS];

			run_all(t, 0);	/* warm */
			for (unsigned r = 0; r < rounds; r++)
				run_all(t, r);
			for (int run = 0; run < NR_RUNS; run++) {
				qsort(speed[run], rounds, sizeof(double), by_value);
				median[run] = speed[run][rounds / 2];
			}
			printf("  %-9s %4.1f findings in a KiB: plain scan %6.1f MB/s, with validators %6.1f", kinds[k].name,
			       (double)t->findings * DOCUMENT / (double)t->all.len, median[PLAIN], median[BEGINS]);
			for (int run = PASS; run <= WEIR; run++)
				printf("; %s %7.1f, %5.2f x %5.2f x", run == PASS ? "the pass" : "as it runs", median[run], median[run] / median[PLAIN],
				       median[run] / median[BEGINS]);
			printf("\n");
			fflush(stdout);
		}
}

/* The pass or weir by itself, for a profiler: `perf record ... ratio --alone 0 20`, of the text of that number; from 3 on with a
 * finding in a KiB, from 6 on with ten. */
static int alone(unsigned text, unsigned nr, int run)
{
	static const unsigned densities[] = { 0, 1, 10 };
	struct text t = { 0 };

	if (text >= 9 || nr < 20 || nr > 300)
		return fprintf(stderr, "ratio: --alone TEXT RULES [weir]\n"), 2;
	text_make(&t, &kinds[text % 3], densities[text / 3]);
	rules_make(nr);
	level_set(run == WEIR ? EVIDENCE_ALL : EVIDENCE_BOUNDARY);
	for (unsigned r = 0; r < 31; r++) {
		double began = cpu_now();

		run_one(run, &t);
		speed[run][r] = (double)t.all.len / 1e6 / (cpu_now() - began);
	}
	qsort(speed[run], 31, sizeof(double), by_value);
	printf("%s, %u rules: %.1f MB/s [%.1f %.1f]\n", kinds[text % 3].name, nr_rules, speed[run][15], speed[run][0], speed[run][30]);
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 20, 100, 300 }, densities[] = { 0, 1, 10 };
	static struct text texts[sizeof(kinds) / sizeof(kinds[0])][3];
	unsigned rounds = argc == 3 && !strcmp(argv[1], "--rounds") ? (unsigned)atoi(argv[2]) : 5;

	if (argc >= 4 && !strcmp(argv[1], "--alone"))
		return alone((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]), argc > 4 ? WEIR : PASS);
	if (!rounds || rounds > ROUNDS_MAX || (argc != 1 && argc != 3))
		return fprintf(stderr, "ratio: --rounds 1 to %d\n", ROUNDS_MAX), 2;
	match_data = pcre2_match_data_create(4, NULL);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (size_t d = 0; d < 3; d++)
			text_make(&texts[k][d], &kinds[k], densities[d]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned numbers = 0;

		rules_make(sizes[i]);
		plain = database(0);
		begins = database(HS_FLAG_SOM_LEFTMOST);
		compared = 0;
		level_set(EVIDENCE_BOUNDARY);
		texts_compare(texts);
		for (unsigned r = 0; r < nr_rules; r++)
			numbers += rules[r].where == AT_DIGIT;
		printf("%u rules, %u of them numbers: %zu findings compared, %zu texts not the same\n", nr_rules, numbers, compared, unequal);
		if (unequal)
			return 1;
		measure(texts, rounds);
		hs_free_database(plain);
		hs_free_database(begins);
	}
	return 0;
}
