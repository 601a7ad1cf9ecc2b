/* SPDX-License-Identifier: Apache-2.0 */
/* Classes that policies define: what is refused and why, what is found, that it is the same
 * with Hyperscan, without, and by the C library's own regexes, and what a reload keeps. */
#include <ctype.h>
#include <dlfcn.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/classify.h"
#include "classify/document.h"
#include "classify/user.h"
#include "policy/pattern.h"
#include "policy/policy.h"

#define CASES "    cases: {found: [x], nothing: [y]}\n"

static struct policy_set *set;
static struct user_classes *classes;
static char *said;

static struct policy_set *load(const char *text)
{
	struct policy_file file = { "a.yaml", text, strlen(text) };
	struct policy_set *s;
	size_t size;
	FILE *f;

	free(said);
	f = open_memstream(&said, &size);
	assert_non_null(f);
	s = policy_load(&file, 1, f);
	fclose(f);
	return s;
}

static void use(const char *text, bool fast)
{
	char why[256];

	user_classes_free(classes);
	policy_free(set);
	classes = NULL;
	set = load(text);
	if (!set)
		fail_msg("%s", said);
	classes = user_classes_new(policy_classes(set), fast, why, sizeof(why));
	if (!classes)
		fail_msg("%s", why);
	user_classes_use(classes);
}

/* "class:start-end:confidence " of each hit, of users' classes only. */
static char found[65536];

static void on_hit(void *owner, const struct document_hit *hit)
{
	size_t len = strlen(found);

	if (class_is_user(hit->class_id))
		snprintf(found + len, sizeof(found) - len, "%s:%zu-%zu:%s ", class_get(hit->class_id)->name, hit->start, hit->end,
			 confidence_name(hit->confidence));
}

static const char *find(const char *text)
{
	found[0] = 0;
	assert_int_equal(document_classify(text, strlen(text), on_hit, NULL), 0);
	return found;
}

static void finds(const char *text, const char *wanted)
{
	if (strcmp(find(text), wanted))
		fail_msg("in '%s' wanted '%s', got '%s'", text, wanted, found);
}

/* What is refused. */

static void a_wrong_class_is_refused_at_its_place(void **state)
{
	static const struct { const char *text, *wanted; } rows[] = {
		{ "classes:\n  own_one: {}\n", "a.yaml:3:3: error: class 'own_one' has no 'group'" },
		{ "classes:\n  email:\n    group: pii\n", "a.yaml:3:3: error: class 'email' is one of the program's own" },
		{ "classes:\n  Own:\n    group: pii\n", "a.yaml:3:3: error: a class is named by small letters" },
		{ "classes:\n  own_one:\n    group: piii\n    summary: s\n    words: [abc]\n" CASES, "a.yaml:4:12: error: unknown class group 'piii'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    word: [abc]\n" CASES, "a.yaml:6:5: error: unknown key 'word' in a class; did you mean 'words'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n" CASES, "a.yaml:3:3: error: class 'own_one' looks for nothing" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc]\n", "a.yaml:3:3: error: class 'own_one' has no 'cases'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc]\n    cases: {found: [abc], nothing: []}\n",
		  "a.yaml:7:36: error: class 'own_one' has no case under 'nothing'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc, of]\n" CASES, "a.yaml:6:18: error: 'of' is shorter than 3 letters" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    labels: [secret]\n" CASES, "a.yaml:3:3: error: class 'own_one' counts only with a key and has none" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    confidence: none\n    words: [secret]\n" CASES, "counts only with a key and has none" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    confidence: sure\n    words: [secret]\n" CASES, "a.yaml:6:17: error: unknown confidence 'sure'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    keys: [\"7\"]\n" CASES, "a.yaml:6:12: error: a key is '7'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc]\n    with: {classes: [emali], within: 3}\n" CASES,
		  "a.yaml:7:22: error: unknown data class 'emali'; did you mean 'email'" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc]\n    with: {classes: [email]}\n" CASES, "a.yaml:7:11: error: with wants classes, and either" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    words: [abc]\n    with: {classes: [email], within: 65}\n" CASES, "within is from 1 to 64" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    hashes: {key: abcd, lengths: [3], items: []}\n" CASES, "a.yaml:6:19: error: the key is not 64 hexadecimal digits" },
		{ "classes:\n  own_one:\n    group: pii\n    summary: s\n    regexes: ['E\\d{6}', '(a+)+x12']\n" CASES,
		  "a.yaml:6:25: error: this regex is refused: a repeat without an end stands inside a repeat" },
		{ "classes: [a]\n", "a.yaml:2:10: error: classes has the wrong form" },
		{ "rules:\n  - {id: R, title: t, severity: low, forbid: {data.class: own_two}}\n", "unknown data class 'own_two'" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[2048];

		snprintf(text, sizeof(text), "version: 1\n%s", rows[i].text);
		if (load(text) || !strstr(said, rows[i].wanted))
			fail_msg("wanted '%s', got '%s'", rows[i].wanted, said);
		assert_int_equal(class_find("own_one"), -1);
	}
}

static void a_regex_that_could_match_anything_is_refused_with_the_reason(void **state)
{
	static const struct { const char *regex, *why; } rows[] = {
		{ ".*", "matches the empty text" }, { "a*", "matches the empty text" }, { "(abc)?", "matches the empty text" }, { "x|", "matches the empty text" },
		{ ".+", "would be found nearly everywhere" }, { "..........", "would match nearly anything" }, { "\\w{8}", "would match nearly anything" },
		{ "[a-z]+", "would be found nearly everywhere" }, { "[A-Z][a-z]{2,12}", "would match nearly anything" }, { "[^x]{5}", "would match nearly anything" },
		{ "abc|.{4}", "would match nearly anything" }, { "\\d{4}", "would match nearly anything" }, { "ab", "would be found nearly everywhere" },
		{ "(a+)+b99", "catastrophic backtracking" }, { "(x\\d*)*99y", "catastrophic backtracking" }, { "((ab)+|c){2,9}zz99", "catastrophic backtracking" },
		{ "Q[0-9]{300}", "longer than 256" }, { "(Q[0-9]{1,100}){9}", "more than 256 bytes" }, { "(?=Q)[0-9]{7}", "no looking around" },
		{ "(?i)qz[0-9]{7}", "case: fold" }, { "(Q)\\1[0-9]{7}", "refers back" }, { "\\bQZ[0-9]{7}", "not needed" }, { "^QZ[0-9]{7}$", "not needed" },
		{ "QZ[0-9]+?", "changes how an engine tries" }, { "QZ[0-9]++", "changes how an engine tries" }, { "QZ[0-9", "has no ']'" },
		{ "QZ(1", "has no ')'" }, { "QZ1)23", "has no '('" }, { "+QZ", "repeats nothing" }, { "QZ{x}", "is no repeat" }, { "QZ[9-0]{7}", "goes backwards" },
		{ "QZ[[:alpha:]]{7}", "is not known" }, { "QZ[]{7}", "is empty" }, { "QZ\\p{L}", "is not known" }, { "QZ[0-9]{5,2}", "goes backwards" },
		{ "QZ[\xc3\xa4]{7}", "beyond ASCII" }, { "(((((((((Q99)))))))))", "nested deeper" }, { "QZ99\\", "ends with" },
	};
	static const char *const fine[] = { "E\\d{6}", "[A-Z]{2}-\\d{2}", "QZ[0-9]+", "QZ-\\d{4}(/[A-Z])?", "(?:alpha|beta)-\\d{3}", "[0-9a-f]{32}",
					    "Pr\xc3\xbc""f-\\d{5}", "\\$\\d{3}\\.\\d{2}Q", "[^ ]{3}::QQ:[^ ]", "(KD|KU)\\d{6,8}" };
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    regexes: ['%s']\n" CASES, rows[i].regex);
		if (load(text) || !strstr(said, "a.yaml:6:15: error: this regex is refused: ") || !strstr(said, rows[i].why))
			fail_msg("'%s': wanted '%s', got '%s'", rows[i].regex, rows[i].why, said);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		snprintf(text, sizeof(text), "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    regexes: ['%s']\n" CASES, fine[i]);
		use(text, true);
	}
}

/* What is found. */

static void keys_confidence_and_edges_decide(void **state)
{
	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    keys: [Badge Number]\n    not_keys: [old]\n    regexes: ['B\\d{5}']\n" CASES
	    "  own_two:\n    group: pii\n    summary: s\n    confidence: none\n    keys: [room]\n    regexes: ['R\\d{2}']\n" CASES
	    "  own_three:\n    group: confidential\n    summary: s\n    keys: [contract ref]\n" CASES
	    "  own_four:\n    group: secret\n    summary: s\n    confidence: certain\n    case: fold\n    regexes: ['kx-[a-f]{6}']\n" CASES, true);
	finds("{\"badge_number\":\"B12345\"}", "own_one:17-23:certain ");
	finds("{\"x\":\"B12345\"}", "own_one:6-12:likely ");
	finds("{\"old_badge_number\":\"B12345\"}", "own_one:21-27:possible ");
	finds("the badge number is B12345, they say", "own_one:20-26:certain ");
	finds("B123456 AB12345 B12345x xB12345 _B12345 B12345.6", "");
	finds("(B12345) B23456. B34567", "own_one:1-7:likely own_one:9-15:likely own_one:17-23:likely ");
	finds("{\"room\":\"R12\",\"other\":\"R12\"}", "own_two:9-12:certain ");
	finds("{\"contractRef\":\"anything at all\"}", "own_three:16-31:likely ");
	finds("{\"contractRef\":\"n/a\"}", "");
	finds("{\"contractRef\":null}", "");
	finds("KX-abCDef, kx-abcdeg", "own_four:0-9:certain ");
}

static void a_users_class_stands_before_one_that_is_as_sure(void **state)
{
	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    confidence: certain\n    regexes: ['staff-\\d{3}@corp\\.org']\n" CASES, true);
	finds("mail staff-123@corp.org now", "own_one:5-23:certain ");
	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    regexes: ['staff-\\d{3}@corp\\.org']\n" CASES, true);
	finds("mail staff-123@corp.org now", "");	/* the address is certain */
}

static void a_dictionary_of_thousands_of_words(void **state)
{
	size_t room = 1 << 20, len;
	char *text = malloc(room), *p = text, line[64], want[64];

	p += sprintf(p, "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    words:\n");
	for (unsigned i = 0; i < 20000; i++)
		p += sprintf(p, "      - %s%c%c%c%u%s\n", i % 7 ? "" : "The ", 'a' + i % 26, 'a' + i / 26 % 26, 'q', i, i % 5 ? "" : " Works");
	sprintf(p, "      - Gr\xc3\xb6\xc3\x9f" "e & Co\n" CASES);
	assert_true((size_t)(p - text) < room - 100);
	use(text, true);
	free(text);
	for (unsigned i = 0; i < 20000; i++) {
		len = (size_t)sprintf(line, "-%s%c%c%c%u%s.", i % 7 ? "" : "THE_", 'A' + i % 26, 'a' + i / 26 % 26, 'q', i, i % 5 ? "" : " works");
		sprintf(want, "own_one:1-%zu:likely ", len - 1);
		finds(line, want);
		line[len - 1] = 'x';
		finds(line, "");
	}
	finds("bei GR\xc3\x96\xc3\x9f" "E & CO, dort", "own_one:4-16:likely ");
	finds("bei gr\xc3\xbc\xc3\x9f" "e & co, dort", "");
}

static void a_list_of_hashes_names_nothing_and_finds_all(void **state)
{
	static const char *const values[] = { "41-7733 209", "Ana.Ruiz@firm.example", "Umber & Sons" };
	static const uint8_t key[CLASS_HASH_KEY] = { 7, 1, 200 };
	char text[2048], *p = text;

	p += sprintf(p, "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    confidence: certain\n    hashes:\n      key: \"");
	for (unsigned i = 0; i < CLASS_HASH_KEY; i++)
		p += sprintf(p, "%02x", key[i]);
	p += sprintf(p, "\"\n      lengths: [9, 19, 10]\n      items:\n");
	for (unsigned i = 0; i < 3; i++) {
		uint8_t normal[CLASS_NORMAL_MAX], hash[CLASS_HASH];
		int n = class_normal(normal, sizeof(normal), values[i], strlen(values[i]));

		class_hash(hash, key, normal, (size_t)n);
		p += sprintf(p, "        - \"");
		for (unsigned b = 0; b < CLASS_HASH; b++)
			p += sprintf(p, "%02x", hash[b]);
		p += sprintf(p, "\"\n");
	}
	sprintf(p, CASES);
	use(text, true);
	finds("{\"a\":\"417733209\",\"b\":\" 41 7733 209 \",\"c\":\"umber & sons\"}", "own_one:6-15:certain own_one:23-34:certain own_one:42-54:certain ");
	finds("call 41-7733-209, or write to ana.ruiz@firm.example.", "own_one:5-16:certain own_one:30-51:certain ");
	finds("call 41-7733-208 or 417733209x", "");
	strchr(text, '0')[0] = '1';	/* the first digit of the key */
	use(text, true);
	finds("{\"a\":\"417733209\"}", "");
}

static void a_condition_wants_another_class_near(void **state)
{
	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    words: [Okonkwo]\n    with: {classes: [email, own_two], within: 2}\n" CASES
	    "  own_two:\n    group: pii\n    summary: s\n    words: [Tamarack]\n    with: {classes: [iban, email], same: object}\n" CASES, true);
	finds("{\"a\":\"Okonkwo\",\"b\":\"x\",\"c\":\"a@corp.org\"}", "own_one:6-13:likely ");
	finds("{\"a\":\"Okonkwo\",\"b\":\"x\",\"d\":\"y\",\"c\":\"a@corp.org\"}", "");
	finds("{\"c\":\"a@corp.org\",\"b\":\"x\",\"a\":\"Okonkwo\"}", "own_one:31-38:likely ");
	finds("{\"c\":\"a@corp.org\",\"b\":\"x\",\"d\":\"y\",\"a\":\"Okonkwo\"}", "");
	finds("Okonkwo has a@corp.org", "own_one:0-7:likely ");
	finds("[{\"a\":\"Tamarack\"},{\"c\":\"a@corp.org\"}]", "");
	finds("[{\"a\":\"Tamarack\",\"b\":{\"d\":\"z\"},\"c\":\"a@corp.org\"}]", "own_two:7-15:likely ");
	finds("[{\"a\":\"Tamarack\",\"b\":{\"c\":\"a@corp.org\"}}]", "");
	finds("Okonkwo", "");
}

static struct exchange ex;

static void field(struct classifier *c, const char *path, const char *key, const char *value, unsigned siblings)
{
	struct field f = { .location = LOC_REQUEST_BODY, .dir = DIR_SENT, .path = path, .key = slice_of(key, strlen(key)),
			   .value = slice_of(value, strlen(value)), .siblings = siblings };

	classifier_field(c, &ex, &f);
}

static unsigned counted(const char *name, unsigned *distinct)
{
	unsigned n = 0;

	*distinct = 0;
	for (uint32_t i = 0; i < ex.nr_findings; i++)
		if (ex.findings[i].class_id == class_find(name)) {
			n += ex.findings[i].count;
			*distinct += ex.findings[i].distinct;
		}
	return n;
}

static void what_waits_becomes_a_finding_of_its_own_message_only(void **state)
{
	struct classifier *c = classifier_new();
	unsigned distinct;

	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    words: [Okonkwo, Lindqvist]\n    with: {classes: [email], same: object}\n" CASES, true);
	assert_non_null(c);
	exchange_begin(&ex);
	ex.conn.id = 5;
	for (unsigned i = 0; i < 7; i++) {	/* seven elements of an array; four with an address, two after it */
		field(c, "$.p[].name", "name", i & 1 ? "Okonkwo" : "Lindqvist", 0);
		field(c, "$.p[].mail", "mail", i < 4 ? "a@corp.org" : "none", 1);
	}
	classifier_settle(c, &ex);
	assert_int_equal(counted("own_one", &distinct), 4);
	assert_int_equal(distinct, 2);
	assert_int_equal(counted("email", &distinct), 4);
	exchange_begin(&ex);
	ex.conn.id = 5;
	ex.began = 77;
	field(c, "$.mail", "mail", "a@corp.org", 0);
	field(c, "$.name", "name", "Okonkwo", 1);
	classifier_settle(c, &ex);
	assert_int_equal(counted("own_one", &distinct), 1);
	assert_int_equal(distinct, 0);	/* seen before */
	exchange_begin(&ex);
	ex.conn.id = 5;
	ex.began = 99;
	field(c, "$.name", "name", "Okonkwo", 1);
	classifier_settle(c, &ex);
	assert_int_equal(ex.nr_findings, 0);
	classifier_free(c);
}

/* An order number, in one of ten by chance a card's, and the word that wants a card beside it. */
static void order(char *out, size_t size, unsigned i)
{
	uint64_t body = 453957800000000 + (uint64_t)i * 7103399713, rest = body;
	unsigned sum = 0;

	for (unsigned n = 0; rest; rest /= 10, n++) {
		unsigned d = (unsigned)(rest % 10) * (n & 1 ? 1 : 2);

		sum += d > 9 ? d - 9 : d;
	}
	snprintf(out, size, "%llu%u", (unsigned long long)body, (10 - sum % 10 + (i % 10 != 3)) % 10);
}

#define NEAR(class, near) "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    words: [Okonkwo]\n" \
	"    with: {classes: [" near "], " class "}\n" CASES

/* What a class waits for is what stands once the other values of its field, and what is beside it, were heard. */
static void a_condition_is_decided_when_all_was_seen(void **state)
{
	char text[8192], number[32];
	size_t len = 1;

	use(NEAR("same: object", "person_name"), true);
	finds("{\"a\":\"Okonkwo\",\"name\":\"Ana Ruiz\"}", "");	/* may be a product's */
	finds("{\"a\":\"Okonkwo\",\"name\":\"Ana Ruiz\",\"mail\":\"a@corp.org\"}", "own_one:6-13:likely ");
	finds("{\"name\":\"Ana Ruiz\",\"mail\":\"a@corp.org\",\"a\":\"Okonkwo\"}", "own_one:44-51:likely ");
	use(NEAR("same: object", "pan"), true);
	order(number, sizeof(number), 3);
	snprintf(text, sizeof(text), "[{\"a\":\"Okonkwo\",\"f1\":\"%s\"}]", number);
	finds(text, "own_one:7-14:likely ");	/* of one value nobody knows better */
	text[0] = '[';
	for (unsigned i = 0; i < 41; i++) {
		order(number, sizeof(number), i);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{\"a\":\"Okonkwo\",\"f1\":\"%s\"}", i ? "," : "", number);
	}
	strcpy(text + len, "]");
	finds(text, "");
}

static void a_condition_is_decided_when_its_message_is_settled(void **state)
{
	struct classifier *c = classifier_new();
	static struct exchange copy;
	unsigned distinct, found_first = 0, found_last = 0;
	uint64_t dropped;
	char number[32];

	assert_non_null(c);
	use(NEAR("same: object", "person_name"), true);
	for (unsigned beside = 0; beside < 2; beside++) {	/* the message is settled in a copy, as the pipeline does */
		exchange_begin(&ex);
		field(c, "$.p[].a", "a", "Okonkwo", 0);
		field(c, "$.p[].name", "name", "Ana Ruiz", 1);
		if (beside)
			field(c, "$.p[].mail", "mail", "a@corp.org", 2);
		exchange_copy(&copy, &ex);
		classifier_settle(c, &copy);
		exchange_copy(&ex, &copy);
		assert_int_equal(counted("own_one", &distinct), beside);
		assert_int_equal(counted("person_name", &distinct), beside);
	}
	use(NEAR("within: 1", "pan"), true);
	for (unsigned i = 0; i < 101; i++) {
		exchange_begin(&ex);
		snprintf(ex.route, sizeof(ex.route), "/orders/{id}");
		order(number, sizeof(number), i);
		field(c, "$.a", "a", "Okonkwo", 0);
		field(c, "$.f1", "f1", number, 1);
		classifier_settle(c, &ex);
		*(i < 7 ? &found_first : &found_last) += counted("own_one", &distinct);
		assert_int_equal(counted("own_one", &distinct), counted("pan", &distinct));
	}
	assert_int_equal(found_first, 1);	/* nothing was known yet */
	assert_int_equal(found_last, 0);
	assert_int_equal(classifier_counts(c)->hits_dropped, 0);
	/* A long message is decided piece by piece, and nothing of it is lost. */
	use(NEAR("same: object", "email"), true);
	exchange_begin(&ex);
	for (unsigned i = 0; i < 1009; i++) {
		field(c, "$.p[].name", "name", "Okonkwo", 0);
		snprintf(number, sizeof(number), "ana%u@corp.org", i);
		field(c, "$.p[].mail", "mail", i % 3 ? "none" : number, 1);
	}
	classifier_settle(c, &ex);
	assert_int_equal(counted("own_one", &distinct), 337);
	assert_int_equal(counted("email", &distinct), 337);
	dropped = classifier_counts(c)->hits_dropped;	/* what waited in vain for long: an object's end is not known */
	/* Messages that are under way side by side do not mix. */
	for (unsigned i = 0; i < 29; i++) {
		exchange_begin(&ex);
		field(c, "$.mail", "mail", "ana@corp.org", 0);
		exchange_copy(&copy, &ex);	/* goes on while the other comes and ends */
		exchange_begin(&ex);
		field(c, "$.name", "name", "Okonkwo", 0);
		classifier_settle(c, &ex);
		assert_int_equal(ex.nr_findings, 0);
		classifier_settle(c, &copy);
		exchange_copy(&ex, &copy);
		assert_int_equal(counted("email", &distinct), 1);
		assert_int_equal(counted("own_one", &distinct), 0);
	}
	assert_int_equal(classifier_counts(c)->hits_dropped, dropped);
	classifier_free(c);
}

/* Many matches in one value come whole and in order. */
static void a_long_text_is_found_to_its_end(void **state)
{
	size_t room = 300000, len = 0, last = 0;
	char *text = malloc(room);
	const char *p;
	unsigned nr = 0;

	use("version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    words: [Tamarack]\n    regexes: ['QZ\\d{4}']\n" CASES, true);
	for (unsigned i = 0; i < 2000; i++)
		len += (size_t)sprintf(text + len, "%.*s %s%s; ", (int)(i * 37 % 101), "the quick brown fox jumps over a lazy dog and then it goes home again to sleep, for it is tired, very",
				       i % 3 ? "tamarack" : "QZ", i % 3 ? "" : "1234");
	found[0] = 0;
	finds("x", "");
	assert_int_equal(document_classify(text, len, on_hit, NULL), 0);
	for (p = found; (p = strstr(p, "own_one:")); p++, nr++) {
		assert_true(strtoul(p + 8, NULL, 10) >= last);
		last = strtoul(p + 8, NULL, 10);
	}
	assert_int_equal(nr, 2000);
	free(text);
}

/* One engine against the other, and both against the C library's. */

static uint64_t seed = 88172645463325252ull;
static unsigned chance(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

/* A pattern that POSIX reads too, and in *sample a text that is near to it. */
static char *piece(char *p, unsigned depth, char *sample)
{
	static const char *const atoms[] = { "[0-9]", "[A-C]", "[a-c0-2]", "Q", "k", "-", "x", "[^b-z\\n]" };
	unsigned kind = chance(depth ? 10 : 8), lo = chance(3), n;

	if (kind < 8) {
		n = 1 + chance(3);
		p += sprintf(p, "%s", kind == 7 ? "[0-9a]" : atoms[kind]);
		for (unsigned i = 0; i < n; i++)
			sprintf(sample + strlen(sample), "%c", "7BbQk-x3"[kind]);
	} else {
		p += sprintf(p, "(");
		p = piece(p, depth - 1, sample);
		if (kind == 9) {
			p += sprintf(p, "|");
			p = piece(p, depth - 1, sample);
		}
		p += sprintf(p, ")");
	}
	switch (chance(5)) {
	case 0: return p + sprintf(p, "{%u,%u}", lo + 1, lo + 1 + chance(4));
	case 1: return p + sprintf(p, "{%u}", lo + 1);
	default: return p;
	}
}

#define PATTERNS_TRIED 900
static bool joined(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* What is to be found: from each place where one may begin, the longest, if it may end there. */
static void oracle(const regex_t *re, const char *text, char *out, size_t size)
{
	struct slice s = slice_of(text, strlen(text));
	bool edge_before(struct slice, size_t), edge_after(struct slice, size_t);
	size_t last = 0, n = 0;

	out[0] = 0;
	for (size_t i = 0; i < s.len; i++) {
		regmatch_t m;
		size_t end;

		if (joined(text[i]) && !edge_before(s, i))
			continue;
		if (regexec(re, text + i, 1, &m, 0) || m.rm_so || !m.rm_eo)
			continue;
		end = i + (size_t)m.rm_eo;
		if (joined(text[end - 1]) && !edge_after(s, end))
			continue;
		n += (size_t)snprintf(out + n, size - n, "%zu-%zu ", i, end);
		last = end;
	}
	(void)last;
}

/* All places, before one winner a span is chosen. */
#include "classify/user_find.h"
static void places(const char *text, char *out, size_t size)
{
	struct slice s = slice_of(text, strlen(text));
	struct user_hits h = { 0 };
	size_t n = 0;

	out[0] = 0;
	while (h.next < s.len) {
		user_find(s, &h);
		for (unsigned i = 0; i < h.nr; i++)
			n += (size_t)snprintf(out + n, size - n, "%zu-%zu ", h.hit[i].start, h.hit[i].end);
	}
}

static void hyperscan_pcre2_and_the_c_library_find_the_same(void **state)
{
	bool there = dlopen("libhs.so.5", RTLD_NOW) != NULL;
	unsigned patterns = 0, matches = 0;
	static char fast[65536], slow[65536], right[65536];

	while (patterns < PATTERNS_TRIED) {
		char regex[512] = "", sample[512] = "", text[1024], anchored[600], input[2048] = "", *p = regex;
		regex_t re;
		unsigned n = 2 + chance(4);

		while (n--)
			p = piece(p, 2, sample);
		snprintf(text, sizeof(text), "version: 1\nclasses:\n  own_one:\n    group: pii\n    summary: s\n    keys: [own key]\n    confidence: none\n"
			 "    regexes: ['%s']\n" CASES, regex);
		if (strlen(regex) > 200 || strlen(sample) > 60 || strchr(regex, '\\'))
			continue;
		if (!(set = (policy_free(set), user_classes_free(classes), classes = NULL, load(text))))
			continue;	/* it could match nearly anything */
		snprintf(anchored, sizeof(anchored), "^(%s)", regex);
		assert_int_equal(regcomp(&re, anchored, REG_EXTENDED), 0);
		while (strlen(input) < 400) {
			char one[600];

			snprintf(one, sizeof(one), "%s", sample);
			if (chance(3))
				one[chance((unsigned)strlen(one))] = "Qk7B-x_.b "[chance(10)];
			sprintf(input + strlen(input), "%s%s", one, (const char *[]){ " ", ", ", "", "-", ". ", "_" }[chance(6)]);
		}
		oracle(&re, input, right, sizeof(right));
		use(text, false);
		assert_false(user_classes_fast(classes));
		places(input, slow, sizeof(slow));
		use(text, true);
		assert_int_equal(user_classes_fast(classes), there);
		places(input, fast, sizeof(fast));
		if (strcmp(slow, right))
			fail_msg("/%s/ in '%s': PCRE2 '%s', the C library '%s'", regex, input, slow, right);
		if (strcmp(fast, slow))
			fail_msg("/%s/ in '%s': Hyperscan '%s', PCRE2 '%s'", regex, input, fast, slow);
		for (const char *c = right; (c = strchr(c, ' ')); c++)
			matches++;
		regfree(&re);
		patterns++;
	}
	print_message("%u patterns, %u matches, the same by PCRE2, the C library%s\n", patterns, matches,
		      there ? " and Hyperscan" : "; Hyperscan is not here");
	assert_true(matches > 1000);
}

/* Reload. */

static void a_name_keeps_its_number_whatever_is_loaded(void **state)
{
	static const char one[] = "  own_one:\n    group: pii\n    summary: s\n    words: [Tamarack]\n" CASES;
	static const char other[] = "  own_other:\n    group: secret\n    summary: s\n    words: [Tamarack]\n" CASES;
	char text[1024];
	int first;

	snprintf(text, sizeof(text), "version: 1\nclasses:\n%s", one);
	use(text, true);
	first = class_find("own_one");
	assert_true(first >= 0 && class_live((unsigned)first));
	snprintf(text, sizeof(text), "version: 1\nclasses:\n%s", other);
	use(text, true);
	assert_int_equal(class_find("own_one"), -1);
	assert_string_equal(class_get((unsigned)first)->name, "own_one");	/* what was told under it may be on its way */
	assert_int_not_equal(class_find("own_other"), first);
	finds("Tamarack", "own_other:0-8:likely ");
	assert_null(load("version: 1\nclasses:\n  own_third: {}\n"));
	assert_true(class_find("own_other") >= 0 && class_find("own_third") < 0);
	finds("Tamarack", "own_other:0-8:likely ");
	snprintf(text, sizeof(text), "version: 1\nclasses:\n%s%s", other, one);
	use(text, true);
	assert_int_equal(class_find("own_one"), first);
	user_classes_use(NULL);
	finds("Tamarack", "");
}

static void more_classes_than_there_are_numbers_are_refused(void **state)
{
	static char text[65536];
	char *p = text;

	p += sprintf(p, "version: 1\nclasses:\n");
	for (unsigned i = 0; i <= CLASS_USER_MAX; i++)
		p += sprintf(p, "  own_%u:\n    group: pii\n    summary: s\n    words: [Tamarack]\n" CASES, i);
	assert_null(load(text));
	assert_non_null(strstr(said, "more than 56 classes"));
}

/* Of every length about the longest: it is refused or it fits, and nothing is written behind. */
static void a_regex_as_long_as_may_be_is_written_within_its_room(void **state)
{
	static struct { char out[PATTERN_OUT]; char behind[64]; } room;
	char text[PATTERN_TEXT + 1], why[280];
	unsigned fits = 0, refused = 0;

	(void)state;
	for (unsigned digits = 0; digits < 24; digits++)
		for (unsigned letters = 0; letters < 60; letters++) {
			struct class_pattern p;
			size_t n = 0;

			for (unsigned i = 0; i < 123 + 30 + digits; i++, n += 2)
				memcpy(text + n, i < 123 ? "\\W" : "\\d", 2);
			memset(text + n, 'a', letters);
			memcpy(text + n + letters, "\\S\\Sb?", 7);
			memset(room.behind, 7, sizeof(room.behind));
			if (pattern_read(text, false, false, &p, room.out, why, sizeof(why))) {
				refused++;
			} else {
				fits++;
				assert_true(strlen(room.out) < PATTERN_OUT);
			}
			for (unsigned i = 0; i < sizeof(room.behind); i++)
				assert_int_equal(room.behind[i], 7);
		}
	assert_true(fits > 97);
	assert_true(refused > 97);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_class_is_refused_at_its_place),
		cmocka_unit_test(a_regex_that_could_match_anything_is_refused_with_the_reason),
		cmocka_unit_test(a_regex_as_long_as_may_be_is_written_within_its_room),
		cmocka_unit_test(keys_confidence_and_edges_decide),
		cmocka_unit_test(a_users_class_stands_before_one_that_is_as_sure),
		cmocka_unit_test(a_dictionary_of_thousands_of_words),
		cmocka_unit_test(a_list_of_hashes_names_nothing_and_finds_all),
		cmocka_unit_test(a_condition_wants_another_class_near),
		cmocka_unit_test(what_waits_becomes_a_finding_of_its_own_message_only),
		cmocka_unit_test(a_condition_is_decided_when_all_was_seen),
		cmocka_unit_test(a_condition_is_decided_when_its_message_is_settled),
		cmocka_unit_test(a_long_text_is_found_to_its_end),
		cmocka_unit_test(hyperscan_pcre2_and_the_c_library_find_the_same),
		cmocka_unit_test(a_name_keeps_its_number_whatever_is_loaded),
		cmocka_unit_test(more_classes_than_there_are_numbers_are_refused),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	user_classes_free(classes);
	policy_free(set);
	free(said);
	return failed;
}
