/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and checkpoints against the published vectors of golang.org/x/mod/sumdb/note
 * and of the C2SP specifications, and against damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/note.h"

#define DASH "\xe2\x80\x94 "
#define VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define SKEY "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
/* Somebody else's line, of the C2SP specification; the key is not ours to know. */
#define OTHER DASH "example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static struct note_key peter(void)
{
	struct note_key k;

	assert_int_equal(note_key_parse(&k, VKEY, strlen(VKEY)), 0);
	return k;
}

static enum note_status check(const char *note)
{
	struct note_key k = peter();
	size_t text = 0;

	return note_verify(&k, note, strlen(note), &text);
}

static void the_published_keys_are_read_and_printed_as_published(void **state)
{
	struct note_key k = peter(), s;
	char text[NOTE_KEY_SIZE];

	assert_string_equal(k.name, "PeterNeumann");
	assert_false(k.secret);
	note_key_print(&k, text);
	assert_string_equal(text, VKEY);
	assert_int_equal(note_key_parse_secret(&s, SKEY, strlen(SKEY)), 0);
	assert_memory_equal(s.pub, k.pub, 32);
	note_key_print_secret(&s, text);
	assert_string_equal(text, SKEY);
}

/* Ed25519 is deterministic, so that the published note must come out byte for byte. */
static void signing_gives_the_published_note(void **state)
{
	struct note_key s;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(note_key_parse_secret(&s, SKEY, strlen(SKEY)), 0);
	assert_int_equal(note_sign(&s, TEXT, strlen(TEXT), &b), 0);
	assert_string_equal(buf_str(&b), TEXT "\n" PETER);
	buf_free(&b);
}

static void the_published_note_verifies(void **state)
{
	struct note_key k = peter();
	size_t text = 0;

	assert_int_equal(note_verify(&k, TEXT "\n" PETER, strlen(TEXT "\n" PETER), &text), NOTE_OK);
	assert_int_equal(text, strlen(TEXT));
}

static void other_signers_lines_are_ignored_wherever_they_stand(void **state)
{
	assert_int_equal(check(TEXT "\n" OTHER PETER), NOTE_OK);
	assert_int_equal(check(TEXT "\n" PETER OTHER), NOTE_OK);
	assert_int_equal(check(TEXT "\n" OTHER), NOTE_UNSIGNED);
	assert_int_equal(check(TEXT "\n" DASH "PeterNeumann AAAAAHNvbWVib2R5IGVsc2U=\n" PETER), NOTE_OK);	/* name, other id */
}

static void a_false_signature_in_our_name_refuses_the_note_beside_a_good_one(void **state)
{
	char *bad = strdup(PETER), note[2048];

	bad[40] = bad[40] == 'A' ? 'B' : 'A';
	snprintf(note, sizeof(note), "%s\n%s%s", TEXT, PETER, bad);
	free(bad);
	assert_int_equal(check(note), NOTE_FORGED);
}

static void no_flipped_bit_of_a_note_verifies(void **state)
{
	static const char good[] = TEXT "\n" PETER;
	struct note_key k = peter();
	char note[sizeof(good)];
	size_t text;

	for (size_t bit = 0; bit < (sizeof(good) - 1) * 8; bit++) {
		memcpy(note, good, sizeof(good));
		note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(note_verify(&k, note, sizeof(good) - 1, &text), NOTE_OK);
	}
}

static void no_shortened_or_lengthened_note_verifies(void **state)
{
	static const char good[] = TEXT "\n" PETER;
	struct note_key k = peter();
	char note[sizeof(good) + 1];
	size_t text;

	for (size_t len = 0; len < sizeof(good) - 1; len++)
		assert_int_not_equal(note_verify(&k, good, len, &text), NOTE_OK);
	for (int c = 0; c < 256; c++) {
		memcpy(note, good, sizeof(good) - 1);
		note[sizeof(good) - 1] = (char)c;
		assert_int_not_equal(note_verify(&k, note, sizeof(good), &text), NOTE_OK);
	}
}

static void malformed_notes_are_named_so(void **state)
{
	static const char *const rows[] = {
		"", "\n", "\n\n", "\n\n\n", TEXT, TEXT "\n", TEXT PETER, "\n" PETER, TEXT "\n" DASH "\n", TEXT "\n" DASH "PeterNeumann\n",
		TEXT "\n" DASH " x08go/ZJkuBS\n", TEXT "\n" DASH "Peter+Neumann x08go/ZJkuBS\n", TEXT "\n" DASH "PeterNeumann x08g\n",
		TEXT "\n" DASH "PeterNeumann x08go===\n", TEXT "\n" DASH "PeterNeumann x08go/ZJ kuB\n", TEXT "\n" PETER "x\n",
		TEXT "\n- PeterNeumann AAAAAAA=\n", TEXT "\x01\n\n" PETER, TEXT "\xff\n\n" PETER, TEXT "\xed\xa0\x80\n\n" PETER,
		TEXT "\xc0\xaf\n\n" PETER,
		/* Not the one true base64 of its bytes: unused bits set. */
		TEXT "\n" DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAN=\n",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (check(rows[i]) != NOTE_MALFORMED)
			fail_msg("row %zu is not malformed: %d", i, check(rows[i]));
}

static void a_note_of_sixteen_large_signatures_is_taken_and_of_a_hundred_and_one_not(void **state)
{
	struct note_key k = peter();
	struct buf b;
	size_t text;

	buf_init(&b, NOTE_MAX);
	buf_puts(&b, TEXT "\n");
	for (int i = 0; i < 16; i++) {
		buf_printf(&b, DASH "pq%d.example ", i);
		for (int n = 0; n < 6400; n += 4)
			buf_puts(&b, "AAAA");
		buf_puts(&b, "\n");
	}
	buf_puts(&b, PETER);
	assert_false(b.failed);
	assert_int_equal(note_verify(&k, buf_str(&b), b.len, &text), NOTE_OK);
	buf_reset(&b);
	buf_puts(&b, TEXT "\n");
	for (int i = 0; i < 101; i++)
		buf_puts(&b, PETER);
	assert_int_equal(note_verify(&k, buf_str(&b), b.len, &text), NOTE_MALFORMED);
	buf_free(&b);
}

static void damaged_keys_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "+", "++", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a3+", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",	/* another id */
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",	/* another algorithm, right id */
		"PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",	/* longer, right id */
		"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", VKEY "\n", " " VKEY, SKEY,
	};
	struct note_key k;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!note_key_parse(&k, rows[i], strlen(rows[i])))
			fail_msg("row %zu was taken", i);
	for (size_t n = 0; n < strlen(SKEY); n++)
		assert_int_not_equal(note_key_parse_secret(&k, SKEY, n), 0);
	assert_int_not_equal(note_key_parse_secret(&k, VKEY, strlen(VKEY)), 0);
}

static void a_made_key_signs_what_its_public_half_verifies(void **state)
{
	struct note_key k, pub, other;
	char vkey[NOTE_KEY_SIZE];
	struct buf b;
	size_t text;

	buf_init(&b, 4096);
	assert_int_equal(note_key_make(&k, "host/5f0c2a91"), 0);
	assert_int_equal(note_key_make(&other, "host/5f0c2a91"), 0);
	note_key_print(&k, vkey);
	assert_int_equal(note_key_parse(&pub, vkey, strlen(vkey)), 0);
	assert_int_equal(note_sign(&k, "a\n", 2, &b), 0);
	assert_int_equal(note_verify(&pub, buf_str(&b), b.len, &text), NOTE_OK);
	assert_int_equal(note_verify(&other, buf_str(&b), b.len, &text), NOTE_UNSIGNED);
	assert_int_not_equal(note_sign(&pub, "a\n", 2, &b), 0);	/* no secret */
	assert_int_not_equal(note_sign(&k, "a", 1, &b), 0);	/* no newline */
	buf_free(&b);
}

static void names_with_spaces_pluses_or_controls_make_no_key(void **state)
{
	static const char *const rows[] = { "", "a b", "a+b", "a\nb", "\x7f", "caf\xc3\xa9" };
	char longest[NOTE_NAME_SIZE + 1];
	struct note_key k;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_not_equal(note_key_make(&k, rows[i]), 0);
	memset(longest, 'a', sizeof(longest));
	longest[NOTE_NAME_SIZE] = 0;
	assert_int_not_equal(note_key_make(&k, longest), 0);
	longest[NOTE_NAME_SIZE - 1] = 0;
	assert_int_equal(note_key_make(&k, longest), 0);
}

static void the_checkpoint_of_the_specification_is_read_and_printed_the_same(void **state)
{
	static const char text[] = "example.com/behind-the-sofa\n20852163\n" ROOT "\n";
	struct checkpoint c;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(checkpoint_parse(&c, text, sizeof(text) - 1), 0);
	assert_string_equal(c.origin, "example.com/behind-the-sofa");
	assert_int_equal(c.size, 20852163);
	assert_int_equal(checkpoint_print(&c, &b), 0);
	assert_string_equal(buf_str(&b), text);
	buf_free(&b);
}

static void checkpoints_of_any_other_form_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "\n", "a\n1\n", "a\n1\n" ROOT, "\n1\n" ROOT "\n", "a b\n1\n" ROOT "\n", "a\n\n" ROOT "\n", "a\n01\n" ROOT "\n",
		"a\n-1\n" ROOT "\n", "a\n+1\n" ROOT "\n", "a\n1 \n" ROOT "\n", "a\n0x1\n" ROOT "\n", "a\n9999999999999999999\n" ROOT "\n",
		"a\n1\n" ROOT "\nextension\n", "a\n1\n" ROOT "\n\n", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
		"a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "a\n1\n\n", "a\n1\nAAAA\n",
	};
	struct checkpoint c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!checkpoint_parse(&c, rows[i], strlen(rows[i])))
			fail_msg("row %zu was taken", i);
}

static void a_pin_is_a_size_from_one_and_a_root(void **state)
{
	static const char *const bad[] = { "", ":", "5", "5:", ":" ROOT, "0:" ROOT, "05:" ROOT, "5:" ROOT "\n", "5: " ROOT, "5 :" ROOT, "x:" ROOT };
	struct checkpoint c;

	assert_int_equal(checkpoint_pin(&c, "5:" ROOT), 0);
	assert_int_equal(c.size, 5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!checkpoint_pin(&c, bad[i]))
			fail_msg("row %zu was taken", i);
}

static void notes_one_after_the_other_are_split_where_the_next_begins(void **state)
{
	static const char two[] = "a\n1\nx\n\n" PETER OTHER "b\n2\ny\n\n" PETER;
	const size_t first = strlen("a\n1\nx\n\n" PETER OTHER), all = sizeof(two) - 1;

	assert_int_equal(note_first(two, all, true), first);
	assert_int_equal(note_first(two + first, all - first, true), all - first);
	/* More bytes could be another signature. */
	assert_int_equal(note_first(two + first, all - first, false), 0);
	for (size_t n = 0; n < strlen("a\n1\nx\n\n" PETER); n++)
		assert_int_equal(note_first(two, n, true), 0);
	assert_int_equal(note_first("a\n\nb\n", 5, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_keys_are_read_and_printed_as_published),
		cmocka_unit_test(signing_gives_the_published_note),
		cmocka_unit_test(the_published_note_verifies),
		cmocka_unit_test(other_signers_lines_are_ignored_wherever_they_stand),
		cmocka_unit_test(a_false_signature_in_our_name_refuses_the_note_beside_a_good_one),
		cmocka_unit_test(no_flipped_bit_of_a_note_verifies),
		cmocka_unit_test(no_shortened_or_lengthened_note_verifies),
		cmocka_unit_test(malformed_notes_are_named_so),
		cmocka_unit_test(a_note_of_sixteen_large_signatures_is_taken_and_of_a_hundred_and_one_not),
		cmocka_unit_test(damaged_keys_are_refused),
		cmocka_unit_test(a_made_key_signs_what_its_public_half_verifies),
		cmocka_unit_test(names_with_spaces_pluses_or_controls_make_no_key),
		cmocka_unit_test(the_checkpoint_of_the_specification_is_read_and_printed_the_same),
		cmocka_unit_test(checkpoints_of_any_other_form_are_refused),
		cmocka_unit_test(a_pin_is_a_size_from_one_and_a_root),
		cmocka_unit_test(notes_one_after_the_other_are_split_where_the_next_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
