/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies: what is valid gives the leaves that jansson finds, in their order; what is missing
 * costs no more than itself. And the documents of `weir classify` are JSON where jansson says so. */
#include "tests/unit/content_world.h"

#include <jansson.h>

#include "classify/document.h"
#include "model/class.h"

#define JSON "application/json"
#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)

/* The oracle: leaves of a parsed text, as content_world.h prints them. */

static bool looks_like_value(const char *name, size_t len)
{
	bool odd = false;

	for (size_t i = 0; i < len; i++)
		odd |= name[i] == '@' || (name[i] >= '0' && name[i] <= '9');
	return odd && len > 5;
}

static void oracle_leaf(struct buf *out, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		buf_puts(out, "s ");
		world_text(out, slice_of(json_string_value(v), json_string_length(v)));
		break;
	case JSON_INTEGER: case JSON_REAL:
		buf_printf(out, "n %.12g", json_number_value(v) + 0.0);	/* -0 is 0 */
		break;
	default:
		buf_puts(out, json_is_null(v) ? "null" : json_is_true(v) ? "true" : "false");
	}
	buf_puts(out, "\n");
}

static void oracle_walk(struct buf *out, const json_t *v)
{
	const json_t *member;
	const char *name;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, name, member) {
			if (looks_like_value(name, strlen(name)))
				buf_printf(out, "name %s\n", name);
			if (*name && !json_is_object(member) && !json_is_array(member))
				buf_printf(out, "%s: ", name);
			oracle_walk(out, member);
		}
	} else if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, member)
			oracle_walk(out, member);
	} else {
		oracle_leaf(out, v);
	}
}

/* Ours, in the same words. In lists the list's name is the key; the oracle prints none. */
static bool in_list(const char *path)
{
	return strlen(path) > 2 && !strcmp(path + strlen(path) - 2, "[]");
}

static void our_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct buf *out = owner;
	char number[64];

	if (!f->key.ptr) {	/* a name that looks like a value */
		buf_printf(out, "name %.*s\n", (int)f->value.len, (const char *)f->value.ptr);
		return;
	}
	if (!in_list(f->path) && f->path[1])
		buf_printf(out, "%.*s: ", (int)f->key.len, (const char *)f->key.ptr);
	if (f->type == VALUE_STRING) {
		buf_puts(out, "s ");
		world_text(out, f->value);
	} else if (f->type == VALUE_NUMBER) {
		snprintf(number, sizeof(number), "%.*s", (int)f->value.len, (const char *)f->value.ptr);
		buf_printf(out, "n %.12g", strtod(number, NULL) + 0.0);
	} else {
		buf_printf(out, "%.*s", (int)f->value.len, (const char *)f->value.ptr);
	}
	buf_puts(out, "\n");
}

/* True when the oracle takes it for JSON; then both must say the same. */
static bool agree(const char *text, size_t len)
{
	static struct exchange ex;
	struct buf ours, truth;
	const struct field_sink sink = { .owner = &ours, .field = our_field, .clean = world_clean };
	struct content_job job = { .exchange = &ex, .sink = &sink, .location = LOC_REQUEST_BODY, .inside = CONTENT_INSIDE };
	json_t *parsed = json_loadb(text, len, FLAGS, NULL);
	uint8_t *exact = malloc(len ? len : 1);
	bool valid = parsed != NULL;

	buf_init(&ours, 1 << 20);
	buf_init(&truth, 1 << 20);
	memcpy(exact, text, len);
	content_decode(&job, SLICE(JSON), slice_of(exact, len));
	if (parsed) {
		oracle_walk(&truth, parsed);
		if (strcmp(buf_str(&truth), buf_str(&ours)))
			printf("%.*s\n", (int)len, text);
		assert_string_equal(buf_str(&ours), buf_str(&truth));
		json_decref(parsed);
	}
	free(exact);
	buf_free(&ours);
	buf_free(&truth);
	return valid;
}

/* What RFC 8259 allows, one sort each, and what it forbids. */
static void valid_texts_give_the_leaves_of_the_oracle(void **state)
{
	static const char *const texts[] = {
		"[]", "{}", "[[]]", "[[]   ]", "[\"\"]", "[0]", "[-0]", "[-1]", "[1E22]", "[1e-2]", "[1.5E+2]", "[0e1]", "[123.456e78]", "[null]",
		"[true]", "[false]", "[null, 1, \"1\", {}]", "[1\n]", " [1]", "[2] ", "[1,null,null,null,2]", "{\"a\":{}}", "{\"\":0}",
		"{\"a\":\"b\"}", "{\"a\":\"b\",\"c\":\"d\"}", "{\"min\":-1.0e+28,\"max\":1.0e+28}", "{\"x\":[{\"id\":\"xx\"}],\"id\":\"yy\"}", "{\"a\":[]}",
		"{\n\"a\": \"b\"\n}", "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\ud801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]", "[\"\\\\n\"]", "[\"\\u0012\"]",
		"[\"\\uFFFF\"]", "[ \"asd\"]", "[\"\xf4\x8f\xbf\xbf\"]", "[\"\xef\xbf\xbf\"]", "[\"\\u0000\"]", "[\"\\u002c\"]", "[\"\xcf\x80\"]",
		"[\"\xf0\x9b\xbf\xbf\"]", "\" \"", "[\"\\uD834\\uDd1e\"]", "[\"\\u0821\"]", "[\"\x7f\"]", "[\"\\u005C\"]", "[\"\\u0022\"]", "[\"\\u200B\"]",
		"[\"\\u2064\"]", "[\"\\uFDD0\"]", "[\"\xe2\x8d\x82\xe3\x88\xb4\"]", "\"\"", "false", "42", "-0.1", "null", "\"asd\"", "true", "[\"a\"]",
		"{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"x\"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		"{\"ana@corp.com\":1,\"a\":{\"number 7\":[1,2]}}", "\t[\r\n1 , 2\t]\n", "[\"comma,\",\"colon:\",\"]\",\"}\"]", "{\"a:\":\":\",\",\":\"\\\\\"}",
		"[\"\\\\\",\"\\\\\\\\\"]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!agree(texts[i], strlen(texts[i])))
			fail_msg("the oracle does not take this for JSON: %s", texts[i]);
}

static void wrong_texts_are_survived(void **state)
{
	static const char *const texts[] = {
		"[1 true]", "[a\xe5]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x", "[3[4]]",
		"[\xff]", "[1:2]", "[,]", "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[\"\va\"\\f]", "[*]", "[\"\"", "[1,", "[{}", "[fals]",
		"[nul]", "[tru]", "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]", "[0.1.2]", "[0.3e+]",
		"[0.e1]", "[0E]", "[1 000.0]", "[1eE2]", "[2.e+3]", "[9.e+]", "[Inf]", "[NaN]", "[0x1]", "[1+2]", "[1ea]", "[- 1]", "[-012]",
		"[\"x\", truth]", "{[: \"x\"}", "{\"x\", null}", "{\"x\"::\"b\"}", "{\"a\":\"a\" 123}", "{key: 'value'}", "{\"a\" b}", "{:\"b\"}", "{\"a\"",
		"{\"a\":", "{1:1}", "{null:null}", "{\"id\":0,,,,,}", "{'a':0}", "{\"id\":0,}", "{\"a\":\"b\"}/**/", "{\"a\":/*comment*/\"b\"}",
		"{\"a\":\"b\",,\"c\":\"d\"}", "{a: \"b\"}", "{\"a\":\"a", "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":\"b\"}#", " ", "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]",
		"[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]", "[\xc3\xa9]", "[\"\\\x00\"]", "[\"\\\\\\\"]", "[\"\\\t\"]", "[\"\\\xf0\x9f\x8c\x80\"]", "[\"\\x00\"]",
		"[\"\\\"]", "[\"\\u00A\"]", "[\"\\uD834\\uDd\"]", "[\"\\uD800\\uD800\\x\"]", "[\"\\a\"]", "[\"\\uqqqq\"]", "[\\u0020\"asd\"]", "[\\n]", "\"", "['single']",
		"abc", "[\"\\", "[\"new\nline\"]", "[\"\t\"]", "\"\\UA66D\"", "<.>", "[<null>]", "[1]x", "[1]]", "[\"asd]", "aA", "[True]", "1]", "{\"x\": true,",
		"[][]", "]", "\xef\xbb{}", "\xe5", "[", "{\"\":", "{}}", "{\"\"", "[\"a", "[\"\\{[\"\\{[\"\\{", "{\"a\":\"b\"}#{}", "[\\u000A\"\"]", "[1", "[ false, nul",
		"{\"asd\":\"asd\"", "\xc3\xa5", "[\xe2\x81\xa0]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (agree(texts[i], strlen(texts[i])))
			fail_msg("the oracle takes this for JSON: %s", texts[i]);
		assert_survives(JSON, texts[i], strlen(texts[i]));
	}
}

/* Texts out of the grammar, and the same with a byte changed. */

static void grow(struct buf *b, unsigned depth)
{
	static const char *const strings[] = { "\"\"", "\"a\"", "\"b c, d\"", "\"\\\"\"", "\"\\\\\"", "\"ends with \\\\\"", "\"x\\u00e9y\"", "\"\\ud83d\\ude00\"",
					       "\"{a}\"", "\"a long one that is longer than sixteen bytes\"", "\"sixteen bytes\\n..\"", "\"\\/\"" };
	static const char *const rest[] = { "0", "-1", "12345678901", "1.5", "-0.25e-3", "1E5", "true", "false", "null" };
	unsigned kind = (unsigned)rand() % (depth ? 6 : 4), n = (unsigned)rand() % 4;

	if (kind < 2)
		buf_puts(b, strings[(size_t)rand() % (sizeof(strings) / sizeof(strings[0]))]);
	else if (kind < 4)
		buf_puts(b, rest[(size_t)rand() % (sizeof(rest) / sizeof(rest[0]))]);
	if (kind < 4)
		return;
	buf_puts(b, kind == 4 ? "[" : "{");
	for (unsigned i = 0; i < n; i++) {
		buf_puts(b, i ? rand() % 3 ? "," : " ,\n\t" : rand() % 3 ? "" : " ");
		if (kind == 5)
			buf_printf(b, "\"%c%s%u\"%s", 'a' + rand() % 26, rand() % 4 ? "" : rand() % 2 ? " a name" : "\\n@", i, rand() % 4 ? ":" : " : ");
		grow(b, depth - 1);
	}
	buf_puts(b, kind == 4 ? "]" : "}");
}

static void random_texts_give_the_leaves_of_the_oracle(void **state)
{
	unsigned valid = 0, wrong = 0;
	struct buf b;

	(void)state;
	srand(11);
	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < 20011; i++) {
		buf_reset(&b);
		grow(&b, 6);
		if (i % 2 && b.len)
			b.ptr[(size_t)rand() % b.len] = (uint8_t)"\"\\{}[]:,0e- \nxtn"[rand() % 16];
		if (agree((const char *)b.ptr, b.len))
			valid++;
		else
			wrong++;
	}
	buf_free(&b);
	assert_true(valid > 10000 && wrong > 2000);
}

static void hit_path(void *owner, const struct document_hit *hit)
{
	if (!strcmp(class_get(hit->class_id)->name, "email"))	/* what grows by chance may be of others */
		memcpy(owner, hit->path, PATH_SIZE);
}

static void documents_are_json_where_the_oracle_says_so(void **state)
{
	struct buf b;

	(void)state;
	srand(13);
	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < 20011; i++) {
		char path[PATH_SIZE] = "";
		json_error_t why;
		json_t *parsed;

		buf_reset(&b);
		buf_puts(&b, "{\"m\":\"ana@corp.com\",\"x\":");
		grow(&b, 5);
		/* Half a surrogate pair is no error to us. */
		if (i % 3 && !strstr(buf_str(&b), "\\ud"))
			b.ptr[23 + (size_t)rand() % (b.len - 23)] = (uint8_t)"\"\\{}[]:,0e- \nxtn"[rand() % 16];
		buf_puts(&b, "}");
		parsed = json_loadb((const char *)b.ptr, b.len, JSON_ALLOW_NUL, &why);
		if (!parsed && json_error_code(&why) == json_error_numeric_overflow)
			continue;
		assert_int_equal(document_classify((const char *)b.ptr, b.len, hit_path, path), 0);
		if (strcmp(path, parsed ? "$.m" : "$"))
			printf("%s\n", buf_str(&b));
		assert_string_equal(path, parsed ? "$.m" : "$");
		json_decref(parsed);
	}
	buf_free(&b);
}

static void a_body_that_begins_in_the_middle_keeps_what_follows(void **state)
{
	(void)state;
	assert_body(JSON, "ith\",\"email\":\"a@b.org\"}", "l", INSPECTED_FULL, "$ =ith cut\n$.email email=a@b.org\n");
	assert_body(JSON, "il\":\"a@b.org\",\"n\":1}", "l", INSPECTED_FULL, "$.il il=a@b.org\n$.n n=1 number\n");
	assert_body(JSON, "\":\"a@b.org\",\"n\":1}", "l", INSPECTED_FULL, "$ =a@b.org\n$.n n=1 number\n");
	assert_body(JSON, "34,\"n\":1}", "l", INSPECTED_FULL, "$ =34 number cut\n$.n n=1 number\n");
	assert_body(JSON, ":34,\"n\":1}", "l", INSPECTED_FULL, "$ =34 number\n$.n n=1 number\n");
	assert_body(JSON, "\"a@b.org\",\"n\":1}", "l", INSPECTED_FULL, "$ =a@b.org\n$.n n=1 number\n");
	assert_body(JSON, "said \\\"hello\\\" to\",\"n\":1}", "l", INSPECTED_FULL, "$ =said \"hello\" to cut\n$.n n=1 number\n");
	assert_body(JSON, "ue},{\"n\":\"x\"}]}", "l", INSPECTED_FULL, "$ =ue cut\n$.n n=x\n");
}

static void bytes_missing_inside_cost_no_more_than_themselves(void **state)
{
	(void)state;
	/* The end of a text and the begin of the next are gone. */
	assert_body(JSON, "{\"a\":\"one\",\"b\":\"tw\"email\":\"a@b.org\"}", "c", INSPECTED_PARTIAL, "$.a a=one\n$.b b=tw cut\n$.email email=a@b.org\n");
	/* The ends of two containers are gone: a name ends the list, a document the last one. */
	assert_body(JSON, "{\"l\":[1,2,\"email\":\"a@b.org\"}", "c", INSPECTED_PARTIAL, "$.l[] l=1 number\n$.l[] l=2 number\n$.email email=a@b.org\n");
	assert_body(JSON, "{\"a\":{\"b\":1\n{\"email\":\"a@b.org\"}", "c", INSPECTED_PARTIAL, "$.a.b b=1 number\n$.email email=a@b.org\n");
}

static void many_documents_are_one_body(void **state)
{
	(void)state;
	assert_body("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\r\n[3]\n4\n\"x\"", "", INSPECTED_FULL,
		    "$.a a=1 number\n$.a a=2 number\n$[] =3 number\n$ =4 number\n$ =x\n");
	assert_body("application/json-seq", "\x1e{\"a\":1}\n\x1e{\"a\":2}\n", "", INSPECTED_FULL, "$.a a=1 number\n$.a a=2 number\n");
	assert_body(JSON, "\xef\xbb\xbf{\"a\":1}", "", INSPECTED_FULL, "$.a a=1 number\n");
}

static void names_twice_are_told_twice(void **state)
{
	(void)state;
	assert_body(JSON, "{\"a\":\"x\",\"a\":{\"b\":\"y\"}}", "", INSPECTED_FULL, "$.a a=x\n$.a.b b=y\n");
}

static void depth_and_fields_have_limits(void **state)
{
	struct world w = { 0 };
	size_t len = 1 << 20;
	char *deep = malloc(len);

	(void)state;
	memset(deep, '[', len);
	world_decode(&w, JSON, deep, len, "");
	assert_int_equal(w.done, INSPECTED_PARTIAL);
	for (size_t i = 0; i < len; i += 2)
		memcpy(deep + i, "1,", 2);
	world_decode(&w, JSON, deep, len, "");
	assert_int_equal(w.job.fields, CONTENT_FIELDS);
	assert_int_equal(w.done, INSPECTED_PARTIAL);
	/* And time: what the connection cannot pay is left. */
	w.credit = len * CONTENT_COST + 1;
	memset(deep, ' ', len);
	memcpy(deep, "[\"{}\",1,2]", 10);
	world_decode(&w, JSON, deep, len, "");
	assert_int_equal(w.done, INSPECTED_PARTIAL);
	w.credit = 1;
	world_decode(&w, JSON, deep, len, "");
	assert_int_equal(w.done, INSPECTED_NONE);
	world_free(&w);
	free(deep);
}

static void a_media_type_is_more_than_a_word_in_it(void **state)
{
	(void)state;
	assert_body("application/problem+json; charset=utf-8", "\"a\"", "", INSPECTED_FULL, "$ =a\n");
	assert_body("text/plain; boundary=json", "\"a\"", "", INSPECTED_FULL, "body =\"a\"\n");
	assert_body("", " [1]", "", INSPECTED_FULL, "$[] =1 number\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_texts_give_the_leaves_of_the_oracle),
		cmocka_unit_test(wrong_texts_are_survived),
		cmocka_unit_test(random_texts_give_the_leaves_of_the_oracle),
		cmocka_unit_test(documents_are_json_where_the_oracle_says_so),
		cmocka_unit_test(a_body_that_begins_in_the_middle_keeps_what_follows),
		cmocka_unit_test(bytes_missing_inside_cost_no_more_than_themselves),
		cmocka_unit_test(many_documents_are_one_body),
		cmocka_unit_test(names_twice_are_told_twice),
		cmocka_unit_test(depth_and_fields_have_limits),
		cmocka_unit_test(a_media_type_is_more_than_a_word_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
