/* SPDX-License-Identifier: Apache-2.0 */
/* Classes over one value, evidence, overlaps, and the classifier of an analyst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify/classify.h"

static struct slice text_slice(const char *s)
{
	return slice_of(s, strlen(s));
}

/* Hits of at least likely, the value in memory without slack. */
static size_t hits_of(const char *key, const char *value, struct hit *out, size_t max)
{
	struct evidence ev = { .key = text_slice(key), .type = VALUE_STRING };
	size_t len = strlen(value), n, kept = 0;
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, value, len);
	n = classify_value(&ev, slice_of(exact, len), out, max);
	free(exact);
	for (size_t i = 0; i < n; i++)
		if (out[i].confidence >= CONF_LIKELY)
			out[kept++] = out[i];
	return kept;
}

static const char *class_of(const char *key, const char *value)
{
	struct hit hits[8];
	size_t n = hits_of(key, value, hits, 8);

	return n ? class_get(hits[0].class_id)->name : "none";
}

/* The first byte of a capital is another one than that of its small letter. */
static void keys_in_cyrillic_capitals_speak(void **state)
{
	struct hit hits[2];

	(void)state;
	assert_int_equal(hits_of("\xd0\xa1\xd0\x9d\xd0\x98\xd0\x9b\xd0\xa1", "11223344595", hits, 2), 1);
	assert_string_equal(class_get(hits[0].class_id)->name, "ru_snils");
	assert_true(hits[0].why & WHY_KEY);
}

static size_t phrases_of(const struct class_row *row)
{
	size_t nr = 0;

	while (row->keys && row->keys[nr].words)
		nr++;
	return nr;
}

static void table_answers_by_name_and_number(void **state)
{
	(void)state;
	assert_true(class_count() >= 10);
	for (unsigned i = 0; i < class_count(); i++) {
		const struct class_info *info = class_get(i);

		assert_int_equal(class_find(info->name), (int)i);
		assert_true(info->tier >= 1 && info->tier <= 3);
		assert_true(strlen(info->name) + 2 < NAME_SIZE);
		assert_non_null(info->summary);
		assert_true(phrases_of(class_row(i)) <= CLASS_PHRASES);
		assert_int_equal(group_parse(group_name(info->group)), (int)info->group);
	}
	assert_null(class_get(class_count()));
	assert_null(class_row(class_count()));
	assert_int_equal(class_find("no_such_class"), -1);
	assert_int_equal(group_parse("nobody"), -1);
}

static void set_hash_is_hex_and_stable(void **state)
{
	char a[65], b[65];

	(void)state;
	class_set_hash(a);
	class_set_hash(b);
	assert_int_equal(strlen(a), 64);
	assert_int_equal(strspn(a, "0123456789abcdef"), 64);
	assert_string_equal(a, b);
}

static void every_single_digit_error_of_a_card_is_refused(void **state)
{
	static const char *const cards[] = { "4539551234566788", "378282246310005", "5555555555554444", "6011000990139424" };

	(void)state;
	for (size_t c = 0; c < sizeof(cards) / sizeof(cards[0]); c++) {
		char text[24];

		snprintf(text, sizeof(text), "%s", cards[c]);
		assert_string_equal(class_of("card_number", text), "pan");
		for (size_t i = 0; text[i]; i++)
			for (char d = '0'; d <= '9'; d++) {
				char old = text[i];

				if (d == old)
					continue;
				text[i] = d;
				assert_string_equal(class_of("card_number", text), "none");
				text[i] = old;
			}
	}
}

static void every_single_error_and_transposition_of_an_iban_is_refused(void **state)
{
	char text[] = "DE41500105170123456789";

	(void)state;
	assert_string_equal(class_of("iban", text), "iban");
	for (size_t i = 4; text[i]; i++) {
		char old = text[i];

		for (char d = '0'; d <= '9'; d++)
			if (d != old) {
				text[i] = d;
				assert_string_not_equal(class_of("iban", text), "iban");
			}
		text[i] = old;
		if (text[i + 1] && text[i + 1] != old) {
			text[i] = text[i + 1];
			text[i + 1] = old;
			assert_string_not_equal(class_of("iban", text), "iban");
			text[i + 1] = text[i];
			text[i] = old;
		}
	}
}

/* One example a country, from the registry; mod 97 proves each structure's length. */
static void ibans_of_many_countries_are_known(void **state)
{
	static const char *const ibans[] = {
		"AD1200012030200359100100", "AE070331234567890123456", "AL47212110090000000235698741", "AT611904300234573201",
		"AZ21NABZ00000000137010001944", "BA391290079401028494", "BE68539007547034", "BG80BNBG96611020345678",
		"BH67BMAG00001299123456", "BR1800360305000010009795493C1", "BY13NBRB3600900000002Z00AB00", "CH9300762011623852957",
		"CR05015202001026284066", "CY17002001280000001200527600", "CZ6508000000192000145399", "DE89370400440532013000",
		"DK5000400440116243", "DO28BAGR00000001212453611324", "EE382200221020145685", "EG380019000500000000263180002",
		"ES9121000418450200051332", "FI2112345600000785", "FO6264600001631634", "FR1420041010050500013M02606",
		"GB29NWBK60161331926819", "GE29NB0000000101904917", "GI75NWBK000000007099453", "GL8964710001000206",
		"GR1601101250000000012300695", "GT82TRAJ01020000001210029690", "HR1210010051863000160",
		"HU42117730161111101800000000", "IE29AIBK93115212345678", "IL620108000000099999999", "IQ98NBIQ850123456789012",
		"IS140159260076545510730339", "IT60X0542811101000000123456", "JO94CBJO0010000000000131000302",
		"KW81CBKU0000000000001234560101", "KZ86125KZT5004100100", "LB62099900000001001901229114",
		"LC55HEMM000100010012001200023015", "LI21088100002324013AA", "LT121000011101001000", "LU280019400644750000",
		"LV80BANK0000435195001", "MC5811222000010123456789030", "MD24AG000225100013104168", "ME25505000012345678951",
		"MK07250120000058984", "MR1300020001010000123456753", "MT84MALT011000012345MTLCAST001S",
		"MU17BOMM0101101030300200000MUR", "NL91ABNA0417164300", "NO9386011117947", "PK36SCBL0000001123456702",
		"PL61109010140000071219812874", "PS92PALS000000000400123456702", "PT50000201231234567890154",
		"QA58DOHB00001234567890ABCDEFG", "RO49AAAA1B31007593840000", "RS35260005601001611379", "SA0380000000608010167519",
		"SC18SSCB11010000000000001497USD", "SE4550000000058398257466", "SI56263300012039086", "SK3112000000198742637541",
		"SM86U0322509800000000270100", "ST68000100010051845310112", "SV62CENR00000000000000700025",
		"TL380080012345678910157", "TN5910006035183598478831", "TR330006100519786457841326",
		"UA213223130000026007233566001", "VA59001123000012345678", "VG96VPVG0000012345678901", "XK051212012345678906",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ibans) / sizeof(ibans[0]); i++)
		if (strcmp(class_of("x", ibans[i]), "iban"))
			fail_msg("%s is %s", ibans[i], class_of("x", ibans[i]));
}

static void a_boolean_is_never_a_finding(void **state)
{
	struct evidence ev = { .key = SLICE("password"), .type = VALUE_BOOL };
	struct hit hits[4];

	(void)state;
	assert_int_equal(classify_value(&ev, SLICE("4111111111111111"), hits, 4), 0);
	ev.type = VALUE_NULL;
	assert_int_equal(classify_value(&ev, SLICE("ana@corp.com"), hits, 4), 0);
}

static void keys_match_on_word_borders_only(void **state)
{
	(void)state;
	assert_string_equal(class_of("ssn", "212091234"), "us_ssn");
	assert_string_equal(class_of("user-SSN", "212091234"), "us_ssn");
	assert_string_equal(class_of("userSsn2", "212091234"), "us_ssn");
	assert_string_equal(class_of("SOCIAL_SECURITY_NUMBER", "212091234"), "us_ssn");
	assert_string_equal(class_of("session", "212091234"), "none");
	assert_string_equal(class_of("lessnoise", "212091234"), "none");
	assert_string_equal(class_of("compassword", "Winter2024"), "none");
	assert_string_equal(class_of("passwords", "Winter2024"), "password");
}

static void the_head_noun_of_a_key_decides(void **state)
{
	(void)state;
	assert_string_equal(class_of("file_password", "Winter2024"), "password");
	assert_string_equal(class_of("password_file", "Winter2024"), "none");
	assert_string_equal(class_of("order_phone", "4155552671"), "phone");
	assert_string_equal(class_of("phone_order", "4155552671"), "none");
}

static void a_weak_piece_never_becomes_certain(void **state)
{
	struct hit hits[4];

	(void)state;
	assert_int_equal(hits_of("ssn", "212091234", hits, 4), 1);
	assert_int_equal(hits[0].confidence, CONF_LIKELY);
	assert_int_equal(hits_of("phone_number", "4155552671", hits, 4), 1);
	assert_int_equal(hits[0].confidence, CONF_LIKELY);
}

static void one_span_has_one_winner(void **state)
{
	struct hit hits[8];
	size_t n;

	(void)state;
	/* A phone shape inside a card, an e-mail as a password. */
	n = hits_of("f", "5555 5555 5555 4444", hits, 8);
	assert_int_equal(n, 1);
	assert_string_equal(class_get(hits[0].class_id)->name, "pan");
	n = hits_of("password", "ana@corp.com", hits, 8);
	assert_int_equal(n, 1);
	n = hits_of("f", "ana@corp.com, +1 415 555 2671; DE41 5001 0517 0123 4567 89", hits, 8);
	assert_int_equal(n, 3);
	for (size_t i = 1; i < n; i++)
		assert_true(hits[i].start >= hits[i - 1].end);
}

static void offsets_are_those_of_the_value(void **state)
{
	const char *text = "to: ana@corp.com (card 4539 5512 3456 6788)";
	struct hit hits[8];

	(void)state;
	assert_int_equal(hits_of("", text, hits, 8), 2);
	assert_int_equal(hits[0].start, 4);
	assert_int_equal(hits[0].end, 16);
	assert_memory_equal(text + hits[1].start, "4539 5512 3456 6788", 19);
	assert_int_equal(hits[1].end - hits[1].start, 19);
}

static void masks_do_not_give_the_value_away(void **state)
{
	static const struct { const char *key, *value, *mask; } cases[] = {
		{ "card", "4539551234566788", "453955******6788" }, { "iban", "DE41500105170123456789", "DE****************6789" },
		{ "ssn", "212-09-1234", "***-**-1234" }, { "phone", "+14155552671", "********71" },
		{ "email", "ana.ruiz@corp.com", "a***@c***.com" }, { "email", "a@corp.com", "***@c***.com" },
		{ "email", "ana@corp.caf\xc3\xa9", "a***@c***" },	/* a mask is ASCII */
		{ "password", "abc12", "********" }, { "password", "a much longer one 1", "********" },
		{ "k", "ASIAY34FZKBOKMUTVV7A", "ASIA****************" },
	};
	struct hit hits[4];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(hits_of(cases[i].key, cases[i].value, hits, 4), 1);
		assert_string_equal(hits[0].mask, cases[i].mask);
		assert_null(strstr(hits[0].mask, cases[i].value));
	}
}

/* "u0001.b@corp.io ", 16 bytes and a NUL */
static void text_user(char *out, unsigned i)
{
	snprintf(out, 17, "u%04hu.b@corp.io ", (unsigned short)(i % 10000));
}

static void more_hits_than_asked_for_are_dropped(void **state)
{
	struct hit hits[2];

	(void)state;
	assert_int_equal(hits_of("", "a.b@corp.com c.d@corp.com e.f@corp.com", hits, 2), 2);
	assert_int_equal(hits_of("", "a.b@corp.com", hits, 0), 0);
}

static void count_hit(void *owner, const struct hit *hit)
{
	size_t *n = owner;

	(void)hit;
	(*n)++;
}

static void a_long_text_loses_no_hit(void **state)
{
	const struct evidence ev = { .type = VALUE_STRING, .text = true };
	char *text = malloc(300 * 16 + 1);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 300; i++)
		text_user(text + 16 * i, (unsigned)i);
	classify_scan(&ev, text_slice(text), count_hit, &n);
	assert_int_equal(n, 300);
	free(text);
}

/* ---- the classifier ---- */

static void field_add(struct classifier *c, struct exchange *ex, const char *path, const char *key, const char *value)
{
	const struct field f = {
		.location = LOC_REQUEST_BODY, .dir = DIR_RECEIVED, .path = path, .key = text_slice(key),
		.value = text_slice(value), .type = VALUE_STRING,
	};

	classifier_field(c, ex, &f);
}

static void equal_findings_are_counted_in_one_row(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));

	(void)state;
	assert_non_null(c);
	assert_non_null(ex);
	field_add(c, ex, "$.users[].email", "email", "ana@corp.com");
	field_add(c, ex, "$.users[].email", "email", "bob@corp.com");
	field_add(c, ex, "$.users[].email", "email", "ANA@corp.com");
	field_add(c, ex, "$.owner.email", "email", "ana@corp.com");
	assert_int_equal(ex->nr_findings, 2);
	assert_int_equal(ex->findings[0].count, 3);
	assert_int_equal(ex->findings[0].distinct, 2);
	assert_string_equal(ex->findings[0].path, "$.users[].email");
	assert_string_equal(ex->findings[0].key, "email");
	assert_string_equal(ex->findings[0].mask, "a***@c***.com");
	assert_int_equal(ex->findings[0].sample, 0);
	assert_int_equal(ex->findings[1].count, 1);
	assert_int_equal(ex->findings[1].distinct, 0);
	free(ex);
	classifier_free(c);
}

static void a_new_interval_counts_values_again(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));

	(void)state;
	field_add(c, ex, "$.e", "email", "ana@corp.com");
	field_add(c, ex, "$.e", "email", "ana@corp.com");
	assert_int_equal(ex->findings[0].distinct, 1);
	classifier_interval(c, 7);
	field_add(c, ex, "$.e", "email", "ana@corp.com");
	assert_int_equal(ex->findings[0].distinct, 2);
	assert_int_equal(ex->findings[0].count, 3);
	free(ex);
	classifier_free(c);
}

static void another_flow_counts_its_own_values(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	b->conn.role = a->conn.role = ROLE_CLIENT;
	b->conn.remote.addr[15] = 9;
	field_add(c, a, "$.e", "email", "ana@corp.com");
	field_add(c, b, "$.e", "email", "ana@corp.com");
	assert_int_equal(b->findings[0].distinct, 1);
	free(a);
	free(b);
	classifier_free(c);
}

static void clients_of_a_server_are_one_flow(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	b->conn.role = a->conn.role = ROLE_SERVER;
	b->conn.remote.addr[15] = 9;
	field_add(c, a, "$.e", "email", "ana@corp.com");
	field_add(c, b, "$.e", "email", "ana@corp.com");
	assert_int_equal(b->findings[0].distinct, 0);
	free(a);
	free(b);
	classifier_free(c);
}

static void rows_beyond_the_limit_are_counted(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	char path[32];

	(void)state;
	for (int i = 0; i < MAX_FINDINGS + 5; i++) {
		snprintf(path, sizeof(path), "$.f%d", i);
		field_add(c, ex, path, "email", "ana@corp.com");
	}
	assert_int_equal(ex->nr_findings, MAX_FINDINGS);
	assert_int_equal(ex->findings_dropped, 5);
	free(ex);
	classifier_free(c);
}

static void a_full_fingerprint_table_says_so(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	char value[32];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		snprintf(value, sizeof(value), "u%d@corp.com", i);
		field_add(c, ex, "$.e", "email", value);
	}
	assert_int_equal(ex->findings[0].count, 60000);
	assert_true(ex->findings[0].distinct > 40000 && ex->findings[0].distinct < 60000);
	assert_int_equal(classifier_counts(c)->values_uncounted, 60000 - ex->findings[0].distinct);
	free(ex);
	classifier_free(c);
}

static void a_real_value_hides_the_sample_mark(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));

	(void)state;
	field_add(c, ex, "$.e", "email", "zoe@example.com");
	assert_int_equal(ex->findings[0].sample, 1);
	field_add(c, ex, "$.e", "email", "ana@corp.com");
	assert_int_equal(ex->findings[0].sample, 0);
	assert_string_equal(ex->findings[0].mask, "a***@c***.com");
	free(ex);
	classifier_free(c);
}

static void a_number_cut_short_is_no_finding(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct field f = {
		.path = "$.card", .key = SLICE("card_number"), .value = SLICE("4222222222222"), .type = VALUE_STRING, .cut = 1
	};

	(void)state;
	classifier_field(c, ex, &f);
	assert_int_equal(ex->nr_findings, 0);
	f.cut = 0;
	classifier_field(c, ex, &f);
	assert_int_equal(ex->nr_findings, 1);
	free(ex);
	classifier_free(c);
}

static void too_long_a_value_makes_inspection_partial(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	char *value = malloc(CLASSIFY_SCAN + 64);
	struct field f = { .path = "$.t", .value = { (uint8_t *)value, CLASSIFY_SCAN + 20 }, .type = VALUE_STRING };

	(void)state;
	memset(value, ' ', CLASSIFY_SCAN + 64);
	memcpy(value + CLASSIFY_SCAN + 2, "ana@corp.com", 12);
	classifier_field(c, ex, &f);
	assert_int_equal(ex->nr_findings, 0);
	assert_int_equal(ex->inspected, INSPECTED_PARTIAL);
	assert_int_equal(classifier_counts(c)->bytes_over_budget, 20);
	free(value);
	free(ex);
	classifier_free(c);
}

static void hits_beyond_the_limit_are_counted(void **state)
{
	struct classifier *c = classifier_new();
	struct exchange *ex = calloc(1, sizeof(*ex));
	char *text = malloc(100 * 16 + 1);

	(void)state;
	for (int i = 0; i < 100; i++)
		text_user(text + 16 * i, (unsigned)i);
	field_add(c, ex, "$.t", "t", text);
	assert_int_equal(ex->findings[0].count, 1);
	assert_int_equal(ex->findings[0].distinct, CLASSIFY_HITS);
	assert_int_equal(classifier_counts(c)->hits_dropped, 100 - CLASSIFY_HITS);
	free(text);
	free(ex);
	classifier_free(c);
}

struct coded_field { const char *path, *key, *value; uint32_t siblings; };

static bool coded_gives(struct classifier *c, const struct coded_field *f, const char *class)
{
	struct exchange *ex = calloc(1, sizeof(*ex));
	bool found;

	assert_non_null(ex);
	for (; f->path; f++) {
		const struct field field = {
			.path = f->path, .key = { (const uint8_t *)f->key, strlen(f->key) }, .value = { (const uint8_t *)f->value, strlen(f->value) },
			.type = VALUE_STRING, .siblings = f->siblings,
		};

		classifier_field(c, ex, &field);
	}
	classifier_settle(c, ex);
	found = ex->nr_findings == 1 && !strcmp(class_get(ex->findings[0].class_id)->name, class);
	assert_true(found || !ex->nr_findings);
	free(ex);
	return found;
}

/* As a document is read, so are the fields of a message: what FHIR says beside a value names it, in its object alone. */
static void what_stands_beside_a_value_names_it(void **state)
{
	static const char icd[] = "http://hl7.org/fhir/sid/icd-10-cm";
	struct classifier *c = classifier_new();
	const struct coded_field beside[] = { { "$.coding[].system", "system", icd, 0 }, { "$.coding[].code", "code", "E11.9", 1 }, { 0 } };
	const struct coded_field next[] = { { "$.coding[].system", "system", icd, 1 }, { "$.coding[].code", "code", "E11.9", 0 }, { 0 } };
	const struct coded_field other[] = { { "$.a.system", "system", icd, 0 }, { "$.b.code", "code", "E11.9", 1 }, { 0 } };
	const struct coded_field unknown[] = { { "$.a.system", "system", "http://x.example/rooms", 0 }, { "$.a.code", "code", "E11.9", 1 }, { 0 } };
	const struct coded_field type[] = { { "$.identifier[].type.coding[].code", "code", "MR", 0 }, { "$.identifier[].value", "value", "482913", 2 }, { 0 } };
	const struct coded_field no_type[] = { { "$.identifier[].type.coding[].code", "code", "XX", 0 }, { "$.identifier[].value", "value", "482913", 2 }, { 0 } };

	(void)state;
	assert_non_null(c);
	assert_true(coded_gives(c, beside, "icd10"));
	assert_false(coded_gives(c, next, "icd10"));
	assert_false(coded_gives(c, other, "icd10"));
	assert_false(coded_gives(c, unknown, "icd10"));
	assert_true(coded_gives(c, type, "medical_record_number"));
	assert_false(coded_gives(c, no_type, "medical_record_number"));
	classifier_free(c);
}

static void cleaning_twice_gives_the_same_name(void **state)
{
	struct classifier *c = classifier_new();
	char a[NAME_SIZE], b[NAME_SIZE];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(classifier_clean(c, a, SLICE("ana@corp.com")), 7);
		assert_string_equal(a, "{email}");
		assert_int_equal(classifier_clean(c, b, SLICE("user_name")), 9);
		assert_string_equal(b, "user_name");
		assert_int_equal(classifier_clean(c, b, SLICE("")), 0);
		assert_int_equal(classifier_clean(c, a, SLICE("id")), 2);
		assert_int_equal(classifier_clean(c, b, SLICE("ide")), 3);
		assert_string_equal(b, "ide");
	}
	classifier_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_answers_by_name_and_number),
		cmocka_unit_test(keys_in_cyrillic_capitals_speak),
		cmocka_unit_test(set_hash_is_hex_and_stable),
		cmocka_unit_test(every_single_digit_error_of_a_card_is_refused),
		cmocka_unit_test(every_single_error_and_transposition_of_an_iban_is_refused),
		cmocka_unit_test(ibans_of_many_countries_are_known),
		cmocka_unit_test(a_boolean_is_never_a_finding),
		cmocka_unit_test(keys_match_on_word_borders_only),
		cmocka_unit_test(the_head_noun_of_a_key_decides),
		cmocka_unit_test(a_weak_piece_never_becomes_certain),
		cmocka_unit_test(one_span_has_one_winner),
		cmocka_unit_test(offsets_are_those_of_the_value),
		cmocka_unit_test(masks_do_not_give_the_value_away),
		cmocka_unit_test(more_hits_than_asked_for_are_dropped),
		cmocka_unit_test(a_long_text_loses_no_hit),
		cmocka_unit_test(equal_findings_are_counted_in_one_row),
		cmocka_unit_test(a_new_interval_counts_values_again),
		cmocka_unit_test(another_flow_counts_its_own_values),
		cmocka_unit_test(clients_of_a_server_are_one_flow),
		cmocka_unit_test(rows_beyond_the_limit_are_counted),
		cmocka_unit_test(a_full_fingerprint_table_says_so),
		cmocka_unit_test(a_real_value_hides_the_sample_mark),
		cmocka_unit_test(a_number_cut_short_is_no_finding),
		cmocka_unit_test(too_long_a_value_makes_inspection_partial),
		cmocka_unit_test(hits_beyond_the_limit_are_counted),
		cmocka_unit_test(what_stands_beside_a_value_names_it),
		cmocka_unit_test(cleaning_twice_gives_the_same_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
