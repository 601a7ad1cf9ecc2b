/* SPDX-License-Identifier: Apache-2.0 */
/* Names are payload too: planted values must not survive cleaning, in any dress;
 * ordinary names must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "classify/names.h"

static const char *clean(const char *raw)
{
	static char out[NAME_SIZE];
	size_t len = strlen(raw), n;
	char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, raw, len);
	n = name_clean(out, exact, len);
	free(exact);
	assert_int_equal(n, strlen(out));
	return out;
}

static void ordinary_names_stay(void **state)
{
	static const char *const names[] = {
		"", "id", "email", "user_name", "creditCardNumber", "x-request-id", "Content-Type", "$.users[]", "api.stripe.com",
		"127.0.0.1", "203.0.113.195:65535", "10.200.100.200", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "nginx.service",
		"session-c1.scope", "billing-api", "python3:app.py", "libssl.so.3", "x86_64-linux-gnu", "utf8mb4", "sha256sum",
		"getUserAccountDetailsV2Response", "addressLine1ForShippingLabel", "3f4e5d6c7b8a", "v1", "v2beta1", "i18n",
		"AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "application", "configuration", "authentication", "internationalization",
		"org.freedesktop.systemd1", "s3.eu-west-1.amazonaws.com", "index.html", "a",
		"password", "password_reset_required", "phone_number_verified", "2024-01-15", "1.2.3", "oauth2callback",
		"access_token_expires_in", "paymentMethodDetails", "X-Amz-Security-Token", "Strict-Transport-Security",
		"SSLSessionCacheTimeout", "transactionIdentifier", "com.example.service.UserRepository",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char want[NAME_SIZE];

		snprintf(want, sizeof(want), "%s", names[i]);
		for (char *c = want; *c; c++)
			if (*c == '[' || *c == ']')
				*c = '_';
		assert_string_equal(clean(names[i]), want);
	}
}

static void units_with_an_at_sign_are_no_addresses(void **state)
{
	(void)state;
	assert_string_equal(clean("user@1000.service"), "user_1000.service");
	assert_string_equal(clean("getty@tty1.service"), "getty_tty1.service");
}

static void a_class_takes_the_place_of_the_name(void **state)
{
	(void)state;
	assert_string_equal(clean("ana.ruiz@corp.com"), "{email}");
	assert_string_equal(clean("user_ana.ruiz@corp.com_x"), "{email}");
	assert_string_equal(clean("ana%40corp.com"), "{email}");
	assert_string_equal(clean("ana%2540corp.com"), "{email}");
	assert_string_equal(clean("ana\\u0040corp.com"), "{email}");
	assert_string_equal(clean("4111111111111111"), "{pan}");
	assert_string_equal(clean("4111+1111+1111+1111"), "{pan}");
	assert_string_equal(clean("212-09-1234"), "{us_ssn}");
	assert_string_equal(clean("+14155552671"), "{phone}");
	assert_string_equal(clean("DE41 5001 0517 0123 4567 89"), "{iban}");
	assert_string_equal(clean("AKIAIOSFODNN7EXAMPLE"), "{aws_access_key}");
}

static void long_digits_and_opaque_runs_are_replaced(void **state)
{
	(void)state;
	assert_string_equal(clean("user123456789"), "user{digits}");
	assert_string_equal(clean("1234-5678-9012"), "{digits}");
	assert_string_equal(clean("row_12345678"), "row_12345678");
	assert_string_equal(clean("550e8400-e29b-41d4-a716-446655440000"), "{opaque}");
	assert_string_equal(clean("tok_4f9a8b7c6d5e4f3a2b1c"), "tok_{opaque}");
	assert_string_equal(clean("app-7d9f8b6c5d-x2x9z"), "app-7d9f8b6c5d-x2x9z");
	assert_string_equal(clean("Tr0ub4dor3"), "{opaque}");
	assert_string_equal(clean("PDbplhOtP4rqzg!9zQ"), "{opaque}");
	assert_string_equal(clean("%2B%34%39%33%30%32%39"), "{opaque}");
	assert_string_equal(clean("\\u0050\\u0044\\u0062\\u0070"), "{opaque}");
	assert_string_equal(clean("hello%20world"), "hello_20world");
	assert_string_equal(clean("ip-10-200-100-200.ec2.internal"), "ip-{digits}.ec2.internal");
	assert_string_equal(clean("docker-3f4e5d6c7b8a9f0e1d2c3b4a5f6e7d8c9b0a1f2e3d4c5b6a7f8e9d0c1b2a3f4e.scope"),
			    "docker-{opaque}.scope");
}

static const char *const canaries[] = {
	"canary.person@corp-mail.test", "c@x.io", "4539551234566788", "4539 5512 3456 6788", "212-09-1234",
	"DE41500105170123456789", "DE41 5001 0517 0123 4567 89", "+14155552671", "415-555-2671", "(415) 555-2671",
	"AKIAY34FZKBOKMUTVV7A", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
	"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl", "Basic YW5hOk0wcm5pbmdTdGFy",
};

/* Does the value, or all its digits, or six letters and more of it, stand in out? */
static void assert_hidden(const char *out, const char *planted, const char *how)
{
	if (strlen(planted) >= 6 && strcasestr(out, planted))
		fail_msg("%s survives as %s in %s", planted, how, out);
}

static void percent_all(char *out, size_t size, const char *in, const char *format)
{
	size_t n = 0;

	for (; *in && n + 7 < size; in++)
		n += (size_t)snprintf(out + n, size - n, format, (unsigned)(uint8_t)*in);
}

static void planted_values_do_not_survive_in_any_dress(void **state)
{
	static const char *const frames[] = { "%s", "user-%s", "%s.corp.io", "k_%s_v", "x%s", "path/%s/more", "a=%s&b=1", "[%s]" };
	char dress[6][512], framed[640];

	(void)state;
	for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++) {
		const char *value = canaries[i];

		snprintf(dress[0], sizeof(dress[0]), "%s", value);
		percent_all(dress[1], sizeof(dress[1]), value, "%%%02X");
		percent_all(dress[2], sizeof(dress[2]), value, "\\u%04x");
		base64_encode(dress[3], (const uint8_t *)value, strlen(value));
		hex_encode(dress[4], (const uint8_t *)value, strlen(value));
		percent_all(dress[5], sizeof(dress[5]), value, "\\x%02x");
		for (size_t d = 0; d < 6; d++)
			for (size_t f = 0; f < sizeof(frames) / sizeof(frames[0]); f++) {
				char plain[512];
				const char *out;

				/* An embedded "x" makes a class unrecognisable, digits and runs must still go. */
				snprintf(framed, sizeof(framed), frames[f], dress[d]);
				out = clean(framed);
				snprintf(plain, sizeof(plain), "%s", dress[d]);
				plain[strcspn(plain, "=")] = 0;
				if (f == 4 && d == 0 && strchr(value, ' '))
					continue;
				assert_hidden(out, plain, frames[f]);
				if (d)
					assert_hidden(out, value, frames[f]);
			}
	}
}

static void separators_that_cleaning_replaces_do_not_save_digits(void **state)
{
	(void)state;
	assert_string_equal(clean("4539_5512_3456_6788"), "{digits}");
	assert_string_equal(clean("4539.5512.3456.6788"), "{digits}");
	assert_string_equal(clean("212_09_1234"), "{digits}");
}

static void names_are_inert_for_terminals_spreadsheets_and_pages(void **state)
{
	(void)state;
	assert_string_equal(clean("=cmd|' /C calc'!A0"), "{opaque}");
	assert_string_equal(clean("+1"), "_1");
	assert_string_equal(clean("-x"), "_x");
	assert_string_equal(clean("@SUM"), "_SUM");
	assert_string_equal(clean("<script>"), "_script_");
	assert_string_equal(clean("\x1b[2Jx"), "__2Jx");
	assert_string_equal(clean("a\r\nb\tc\"d'e,f;g"), "a__b_c_d_e_f_g");
	assert_string_equal(clean("h\xc3\xa9"), "h__");
}

static void zero_bytes_and_any_byte_stay_in_the_charset(void **state)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/{}$*+-";
	char out[NAME_SIZE], raw[300];
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len = seed % sizeof(raw), n;
		char *exact = malloc(len + 1);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525u + 1013904223u;
			raw[i] = (char)(seed >> 16 & (round & 1 ? 0x7f : 0xff));
		}
		seed++;
		memcpy(exact, raw, len);
		n = name_clean(out, exact, len);
		free(exact);
		assert_true(n < NAME_SIZE);
		assert_int_equal(strspn(out, allowed), n);
		assert_int_equal(strlen(out), n);
	}
}

static void cleaning_a_clean_name_changes_nothing(void **state)
{
	static const char *const names[] = { "ana@corp.com", "row_12345678", "user123456789", "<b>", "x-4f9a8b7c6d5e4f3a2b1c" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char once[NAME_SIZE];

		snprintf(once, sizeof(once), "%s", clean(names[i]));
		assert_string_equal(clean(once), once);
	}
}

static void long_names_are_cut_at_64_bytes(void **state)
{
	char raw[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = i % 6 == 5 ? '-' : 'w';
	raw[500] = 0;
	assert_int_equal(strlen(clean(raw)), NAME_SIZE - 1);
	raw[500] = 'w';
	raw[1999] = 0;
	assert_string_equal(clean(raw), "{opaque}");
}

static const char *clean_path(const char *raw)
{
	static char out[EXE_SIZE];
	size_t len = strlen(raw), n;
	char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, raw, len);
	n = name_clean_path(out, exact, len);
	free(exact);
	assert_int_equal(n, strlen(out));
	return out;
}

static void paths_are_cleaned_segment_by_segment(void **state)
{
	(void)state;
	assert_string_equal(clean_path("/usr/lib/x86_64-linux-gnu/libssl.so.3"), "/usr/lib/x86_64-linux-gnu/libssl.so.3");
	assert_string_equal(clean_path("/home/ana@corp.com/bin/app"), "/home/{email}/bin/app");
	assert_string_equal(clean_path("/tmp/4539551234566788/x"), "/tmp/{pan}/x");
	assert_string_equal(clean_path(""), "");
	assert_string_equal(clean_path("relative"), "relative");
	assert_string_equal(clean_path("/a b/<x>"), "/a_b/_x_");
}

static void long_paths_keep_their_base_name(void **state)
{
	char raw[1000] = "";
	const char *out;

	(void)state;
	for (int i = 0; i < 60; i++)
		memcpy(raw + 8 * i, "/segment", 9);
	memcpy(raw + 480, "/the-binary", 12);
	out = clean_path(raw);
	assert_int_equal(strlen(out), EXE_SIZE - 1);
	assert_int_equal(out[0], '*');
	assert_string_equal(out + strlen(out) - 11, "/the-binary");
}

static void base64_across_slashes_does_not_survive_in_a_path(void **state)
{
	static const char value[] = "ca?nary?pe?rson@corp-mail.test";	/* its base64 holds a '/' */
	char b64[64], raw[128];

	(void)state;
	base64_encode(b64, (const uint8_t *)value, sizeof(value) - 1);
	assert_non_null(strchr(b64, '/'));
	snprintf(raw, sizeof(raw), "/opt/%s/bin", b64);
	assert_null(strstr(clean_path(raw), b64));
	assert_string_equal(clean_path(raw), "{opaque}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_stay),
		cmocka_unit_test(units_with_an_at_sign_are_no_addresses),
		cmocka_unit_test(a_class_takes_the_place_of_the_name),
		cmocka_unit_test(long_digits_and_opaque_runs_are_replaced),
		cmocka_unit_test(planted_values_do_not_survive_in_any_dress),
		cmocka_unit_test(separators_that_cleaning_replaces_do_not_save_digits),
		cmocka_unit_test(names_are_inert_for_terminals_spreadsheets_and_pages),
		cmocka_unit_test(zero_bytes_and_any_byte_stay_in_the_charset),
		cmocka_unit_test(cleaning_a_clean_name_changes_nothing),
		cmocka_unit_test(long_names_are_cut_at_64_bytes),
		cmocka_unit_test(paths_are_cleaned_segment_by_segment),
		cmocka_unit_test(long_paths_keep_their_base_name),
		cmocka_unit_test(base64_across_slashes_does_not_survive_in_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
