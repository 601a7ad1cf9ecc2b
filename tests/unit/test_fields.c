/* SPDX-License-Identifier: Apache-2.0 */
/* What many values of one field say that a single one does not: in one document, and over the messages of a route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/document.h"
#include "classify/fields.h"

/* ---- documents: counts by class, of what is likely at least */

struct seen { unsigned nr[CLASS_ROWS], all; uint8_t why[CLASS_ROWS], confidence[CLASS_ROWS]; size_t last; };

static void note(void *owner, const struct document_hit *hit)
{
	struct seen *seen = owner;

	assert_true(hit->start >= seen->last);	/* in order, and no overlap */
	seen->last = hit->end;
	if (hit->confidence < CONF_LIKELY)
		return;
	seen->all++;
	seen->nr[hit->class_id]++;
	seen->why[hit->class_id] |= hit->why;
	seen->confidence[hit->class_id] = hit->confidence;
}

static struct seen classify(const char *text)
{
	struct seen seen = { 0 };

	assert_int_equal(document_classify(text, strlen(text), note, &seen), 0);
	return seen;
}

static unsigned class_of(const char *name)
{
	int id = class_find(name);

	assert_true(id >= 0);
	return (unsigned)id;
}

static char text[1 << 16];
static size_t len;

static void begin(void)
{
	len = 0;
	text[0] = 0;
}

static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	len += (size_t)vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	assert_true(len < sizeof(text));
}

static unsigned luhn_digit(uint64_t body)
{
	unsigned sum = 0;

	for (unsigned i = 0; body; body /= 10, i++) {
		unsigned d = (unsigned)(body % 10) * (i & 1 ? 1 : 2);

		sum += d > 9 ? d - 9 : d;
	}
	return (10 - sum % 10) % 10;
}

/* n records whose only number has its check digit in `right` of ten, counted from `from`. */
static void cards(const char *key, unsigned n, unsigned right)
{
	begin();
	add("{\"rows\":[");
	for (unsigned i = 0; i < n; i++) {
		uint64_t body = 453957800000000 + (uint64_t)i * 7103399713;
		unsigned digit = luhn_digit(body);

		add("%s{\"%s\":\"%llu%u\"}", i ? "," : "", key, (unsigned long long)body, i % 10 < right ? digit : (digit + 1 + i % 9) % 10);
	}
	add("]}");
}

static void a_field_in_which_one_in_ten_passes_holds_no_cards(void **state)
{
	cards("f1", 30, 1);
	assert_int_equal(classify(text).all, 0);
	cards("f1", 1, 1);	/* of one value nobody knows better */
	assert_int_equal(classify(text).nr[class_of("pan")], 1);
	cards("card_number", 30, 1);	/* the key knows it: three cards, and 27 slips */
	assert_int_equal(classify(text).nr[class_of("pan")], 3);
}

static void a_field_in_which_all_pass_is_certain(void **state)
{
	struct seen s;

	cards("f1", 24, 10);
	s = classify(text);
	assert_int_equal(s.nr[class_of("pan")], 24);
	assert_int_equal(s.confidence[class_of("pan")], CONF_CERTAIN);
	assert_true(s.why[class_of("pan")] & WHY_RECORDS);
	cards("f1", 4, 10);
	s = classify(text);
	assert_int_equal(s.nr[class_of("pan")], 4);
	assert_int_equal(s.confidence[class_of("pan")], CONF_LIKELY);
}

/* Numbers of eleven digits that are a PESEL: 1-3-7-9, born in 1980. */
static void pesels(const char *key, unsigned n, unsigned wrong)
{
	static const unsigned weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3 };

	begin();
	add("[");
	for (unsigned i = 0; i < n; i++) {
		char number[16];
		unsigned sum = 0;

		snprintf(number, sizeof(number), "80%02u%02u%04u", 1 + i % 12, 1 + i % 28, 1000 + i * 37 % 9000);
		for (unsigned k = 0; k < 10; k++)
			sum += weights[k] * (unsigned)(number[k] - '0');
		add("%s{\"%s\":\"%s%u\"}", i ? "," : "", key, number, ((10 - sum % 10) % 10 + (i < wrong)) % 10);
	}
	add("]");
}

static void a_column_tells_its_class_without_a_name(void **state)
{
	struct seen s;

	pesels("k7", 24, 0);
	s = classify(text);
	assert_int_equal(s.nr[class_of("pl_pesel")], 24);
	assert_int_equal(s.all, 24);
	assert_int_equal(s.why[class_of("pl_pesel")], WHY_RECORDS);
	pesels("k7", 5, 0);
	assert_int_equal(classify(text).all, 0);
	pesels("k7", 24, 12);
	assert_int_equal(classify(text).all, 0);
	pesels("order_id", 24, 0);	/* its name says otherwise */
	assert_int_equal(classify(text).all, 0);
}

static void a_column_of_dates_is_no_personal_number(void **state)
{
	begin();
	add("[");
	for (unsigned i = 0; i < 30; i++)
		add("%s{\"k1\":\"8503%02u%06u\"}", i ? "," : "", 1 + i % 28, 140000 + i * 7919 % 99999);
	add("]");
	assert_int_equal(classify(text).all, 0);
}

static void ambiguous_words_want_a_person_beside_them(void **state)
{
	unsigned name = class_of("person_name"), address = class_of("address");

	assert_int_equal(classify("{\"item\":{\"name\":\"Blue Kettle\",\"address\":\"12 Oak Street\"}}").all, 0);
	assert_int_equal(classify("{\"item\":{\"name\":\"Ana Ruiz\",\"mail\":\"ana@corp.com\"}}").nr[name], 1);
	assert_int_equal(classify("{\"item\":{\"address\":\"12 Oak Street\",\"phone\":\"+1 415-624-7788\"}}").nr[address], 1);
	assert_int_equal(classify("{\"user\":{\"name\":\"Ana Ruiz\"}}").nr[name], 1);
	/* Beside: in the same object, not above or below it. */
	assert_int_equal(classify("{\"mail\":\"ana@corp.com\",\"item\":{\"name\":\"Blue Kettle\"}}").nr[name], 0);
	assert_int_equal(classify("{\"name\":\"Blue Kettle\",\"x\":{\"mail\":\"ana@corp.com\"}}").nr[name], 0);
	/* A device has an address, and is nobody. */
	assert_int_equal(classify("{\"item\":{\"name\":\"Living Room\",\"mac\":\"3c:22:fb:11:20:0a\"}}").nr[name], 0);
	assert_int_equal(classify("name=Ana mail=ana@corp.com\nname=Blue").nr[name], 1);
}

static void two_that_name_a_person_support_each_other(void **state)
{
	struct seen s = classify("{\"x\":{\"full_name\":\"Ana Ruiz\",\"date_of_birth\":\"1985-03-17\",\"zip\":\"94107\"}}");

	assert_int_equal(s.nr[class_of("person_name")], 1);
	assert_int_equal(s.nr[class_of("postal_code")], 1);
	assert_int_equal(s.confidence[class_of("date_of_birth")], CONF_CERTAIN);
	assert_true(s.why[class_of("person_name")] & WHY_SIBLING);
	s = classify("{\"x\":{\"full_name\":\"Ana Ruiz\"}}");
	assert_int_equal(s.confidence[class_of("person_name")], CONF_LIKELY);
}

/* ---- the counts of a field */

/* With a known key, so that the same values fall on the same bits. */
static void fields_begin(struct fields *f, uint32_t nr)
{
	assert_int_equal(fields_init(f, nr), 0);
	f->key = (struct siphash_key){ 1, 2 };
}

static struct slice number(char out[32], uint64_t n)
{
	return slice_of(out, (size_t)snprintf(out, 32, "%llu", (unsigned long long)n));
}

static enum field_says feed(struct fields *f, struct field_record *r, unsigned from, unsigned n, bool right)
{
	unsigned pan = class_of("pan");
	char out[32];

	for (unsigned i = from; i < from + n; i++) {
		uint64_t body = 453957800000000 + (uint64_t)i * 7103399713;
		struct slice v = number(out, body * 10 + (luhn_digit(body) + !right) % 10);
		struct hit hit = { .class_id = (uint8_t)pan, .end = v.len, .confidence = CONF_LIKELY };

		field_add(f, r, v, field_shape(v, &hit, right), &hit, right);
	}
	return field_judge(r, pan);
}

static void what_a_field_holds_may_change(void **state)
{
	struct fields f;
	struct field_record *r;

	fields_begin(&f, 64);
	r = field_get(&f, 77);
	assert_int_equal(feed(&f, r, 0, 4, true), FIELD_SILENT);
	assert_int_equal(feed(&f, r, 4, 40, true), FIELD_CERTAIN);
	assert_true(feed(&f, r, 100, 20, false) != FIELD_CERTAIN);	/* some fall on a bit that is set */
	assert_int_equal(feed(&f, r, 200, 40, false), FIELD_CHANCE);
	feed(&f, r, 300, 30, true);	/* the next release puts cards there */
	assert_true(field_judge(r, class_of("pan")) != FIELD_CHANCE && field_judge(r, class_of("pan")) != FIELD_NOISE);
	assert_int_equal(feed(&f, r, 400, 40, true), FIELD_CERTAIN);
	fields_fini(&f);
}

static void another_shape_begins_again(void **state)
{
	struct fields f;
	struct field_record *r;

	fields_begin(&f, 64);
	r = field_get(&f, 77);
	assert_int_equal(feed(&f, r, 0, 40, true), FIELD_CERTAIN);
	for (unsigned i = 0; i < 7; i++)
		field_add(&f, r, SLICE("AB-1234567"), field_shape(SLICE("AB-1234567"), NULL, 0), NULL, 0);
	assert_int_equal(field_judge(r, class_of("pan")), FIELD_CERTAIN);
	field_add(&f, r, SLICE("AB-1234567"), field_shape(SLICE("AB-1234567"), NULL, 0), NULL, 0);
	assert_int_equal(field_judge(r, class_of("pan")), FIELD_SILENT);
	fields_fini(&f);
}

static void one_value_again_and_again_is_a_constant(void **state)
{
	struct hit hit = { .class_id = (uint8_t)class_of("person_name"), .end = 8, .confidence = CONF_LIKELY };
	struct fields f;
	struct field_record *r;

	fields_begin(&f, 64);
	r = field_get(&f, 5);
	for (unsigned i = 0; i < 64; i++)
		field_add(&f, r, SLICE("Ana Ruiz"), FIELD_WORDS, &hit, 1);
	assert_int_equal(field_judge(r, hit.class_id), FIELD_SILENT);
	field_add(&f, r, SLICE("Ana Ruiz"), FIELD_WORDS, &hit, 1);
	assert_int_equal(field_judge(r, hit.class_id), FIELD_CONSTANT);
	field_add(&f, r, SLICE("Jo Weber"), FIELD_WORDS, &hit, 1);
	assert_int_equal(field_judge(r, hit.class_id), FIELD_SILENT);
	fields_fini(&f);
}

static void memory_is_bounded_and_what_learns_stays(void **state)
{
	struct fields f;
	unsigned pan = class_of("pan");

	fields_begin(&f, 16);
	feed(&f, field_get(&f, 99), 0, 30, true);
	for (uint64_t i = 0; i < 8; i++)	/* fields that came once do not drive out one that has learnt */
		feed(&f, field_get(&f, 1000 + i * 256 * 16), 0, 1, true);
	assert_non_null(field_known(&f, 99));
	assert_int_equal(field_judge(field_known(&f, 99), pan), FIELD_CERTAIN);
	fields_forget(&f);
	assert_null(field_known(&f, 99));
	fields_fini(&f);
}

/* ---- over the messages of a route */

static void say(struct classifier *c, struct exchange *ex, const char *path, const char *key, const char *value)
{
	struct field f = { .location = LOC_RESPONSE_BODY, .dir = DIR_SENT, .path = path, .key = slice_of(key, strlen(key)),
			   .value = slice_of(value, strlen(value)) };

	classifier_field(c, ex, &f);
}

static void messages_of_a_route_tell_together(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	unsigned found = 0, other = 0;

	assert_non_null(c);
	assert_non_null(ex);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t body = 453957800000000 + (uint64_t)i * 7103399713;
		char value[32];

		exchange_begin(ex);
		snprintf(ex->route, sizeof(ex->route), "/orders/{id}");
		snprintf(value, sizeof(value), "%llu%u", (unsigned long long)body, (luhn_digit(body) + (i % 30 ? 1 : 0)) % 10);
		say(c, ex, "$.f1", "f1", value);
		classifier_settle(c, ex);
		found += ex->nr_findings;
		exchange_begin(ex);
		snprintf(ex->route, sizeof(ex->route), "/pay");	/* another endpoint's field of that name */
		snprintf(value, sizeof(value), "%llu%u", (unsigned long long)body, luhn_digit(body));
		say(c, ex, "$.f1", "f1", value);
		classifier_settle(c, ex);
		other += ex->nr_findings;
		if (i < 10 || i > 40)
			assert_int_equal(ex->findings[0].confidence, i < 10 ? CONF_LIKELY : CONF_CERTAIN);
	}
	assert_int_equal(found, 1);	/* the first: nothing was known yet */
	assert_int_equal(other, 100);
	free(ex);
	classifier_free(c);
}

static void siblings_settle_in_messages_too(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));

	assert_non_null(c);
	assert_non_null(ex);
	say(c, ex, "$.rows[].name", "name", "Ana Ruiz");
	assert_int_equal(ex->nr_findings, 0);
	say(c, ex, "$.rows[].mail", "mail", "ana@corp.com");
	say(c, ex, "$.rows[].name", "name", "Jo Weber");
	say(c, ex, "$.shop.name", "name", "Blue Kettle");
	classifier_settle(c, ex);
	assert_int_equal(ex->nr_findings, 2);
	assert_int_equal(ex->nr_possible, 0);
	assert_string_equal(ex->findings[1].path, "$.rows[].name");
	assert_int_equal(ex->findings[1].count, 2);
	assert_int_equal(ex->findings[1].why, WHY_SIBLING);
	/* Rows that are only possible never cost a finding its place. */
	exchange_begin(ex);
	for (unsigned i = 0; i < 40; i++) {
		char path[32];

		snprintf(path, sizeof(path), "$.a%u.name", i);
		say(c, ex, path, "name", "Ana Ruiz");
	}
	for (unsigned i = 0; i < MAX_FINDINGS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "$.b%u", i);
		say(c, ex, path, "b", "ana@corp.com");
	}
	classifier_settle(c, ex);
	assert_int_equal(ex->nr_findings, MAX_FINDINGS);
	assert_int_equal(ex->findings_dropped, 0);
	assert_int_equal(ex->findings[0].class_id, class_of("email"));
	free(ex);
	classifier_free(c);
}

/* ---- how many people */

static void export(struct classifier *c, struct exchange *ex, unsigned from, unsigned n)
{
	char value[32];

	exchange_begin(ex);
	snprintf(ex->route, sizeof(ex->route), "/export");
	ex->conn.id = 7;
	for (unsigned i = from; i < from + n; i++) {
		snprintf(value, sizeof(value), "user%u@corp.com", i);
		say(c, ex, "$.rows[].mail", "mail", value);
	}
	classifier_settle(c, ex);
	assert_int_equal(ex->nr_findings, n > 0);
}

static bool near(uint32_t got, uint32_t want)
{
	return got >= want - want / 10 && got <= want + want / 10;
}

static void a_bulk_export_is_counted(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));

	assert_non_null(c);
	assert_non_null(ex);
	export(c, ex, 0, 1);
	assert_int_equal(ex->findings[0].records, 1);
	export(c, ex, 0, 40009);
	assert_true(near(ex->findings[0].records, 40009));
	assert_int_equal(ex->findings[0].distinct, 40008);
	/* Again in the same minute: nobody new, and as many people. */
	export(c, ex, 0, 40009);
	assert_int_equal(ex->findings[0].distinct, 0);
	assert_true(near(ex->findings[0].records, 40009));
	assert_true(near(ex->findings[0].flow_records, 40009));
	/* More than the exact table holds. */
	export(c, ex, 40009, 60013);
	assert_true(near(ex->findings[0].records, 60013));
	assert_true(near(ex->findings[0].flow_records, 100022));
	/* Page by page: few in each message, many in the flow. */
	classifier_interval(c, 9);
	for (unsigned page = 0; page < 100; page++)
		export(c, ex, page * 101, 101);
	assert_true(ex->findings[0].records >= 101 && near(ex->findings[0].records, 101));
	assert_true(near(ex->findings[0].flow_records, 10100));
	/* One person a hundred times is one. */
	classifier_interval(c, 10);
	exchange_begin(ex);
	for (unsigned i = 0; i < 100; i++)
		say(c, ex, "$.rows[].mail", "mail", i & 1 ? "ana@corp.com" : "ANA@corp.com");
	classifier_settle(c, ex);
	assert_int_equal(ex->findings[0].count, 100);
	assert_int_equal(ex->findings[0].records, 1);
	assert_int_equal(classifier_counts(c)->counts_evicted, 0);
	free(ex);
	classifier_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_in_which_one_in_ten_passes_holds_no_cards),
		cmocka_unit_test(a_field_in_which_all_pass_is_certain),
		cmocka_unit_test(a_column_tells_its_class_without_a_name),
		cmocka_unit_test(a_column_of_dates_is_no_personal_number),
		cmocka_unit_test(ambiguous_words_want_a_person_beside_them),
		cmocka_unit_test(two_that_name_a_person_support_each_other),
		cmocka_unit_test(what_a_field_holds_may_change),
		cmocka_unit_test(another_shape_begins_again),
		cmocka_unit_test(one_value_again_and_again_is_a_constant),
		cmocka_unit_test(memory_is_bounded_and_what_learns_stays),
		cmocka_unit_test(messages_of_a_route_tell_together),
		cmocka_unit_test(siblings_settle_in_messages_too),
		cmocka_unit_test(a_bulk_export_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
