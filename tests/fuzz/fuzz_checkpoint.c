/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, checkpoints, keys and pins as text. What is taken prints as what it was. */
#include "base/buf.h"
#include "store/note.h"
#include "tests/fuzz/fuzz.h"

/* A key of this target alone; note_sign and note_verify are each other's oracle. */
static const struct note_key *signer(void)
{
	static struct note_key key;

	if (!key.secret)
		MUST(!note_key_make(&key, "host/fuzz"));
	return &key;
}

static void check_note(const char *text, size_t len)
{
	size_t first = note_first(text, len, true), n = 0;

	MUST(first <= len && note_first(text, len, false) <= len);
	MUST(note_verify(signer(), text, len, &n) != NOTE_OK);	/* nobody guesses a signature */
}

static void check_checkpoint(const char *text, size_t len)
{
	struct checkpoint c, pin;
	char *line = malloc(len + 1);
	struct buf out;
	size_t n = 0;

	memcpy(line, text, len);
	line[len] = 0;
	if (!checkpoint_pin(&pin, line))
		MUST(pin.size >= 1 && !pin.origin[0]);
	free(line);
	if (checkpoint_parse(&c, text, len))
		return;
	buf_init(&out, NOTE_MAX);
	MUST(!checkpoint_print(&c, &out) && out.len == len && !memcmp(out.ptr, text, len));
	buf_reset(&out);
	MUST(!note_sign(signer(), text, len, &out));
	MUST(note_verify(signer(), (const char *)out.ptr, out.len, &n) == NOTE_OK && n == len);
	out.ptr[len / 2] ^= 1;
	MUST(note_verify(signer(), (const char *)out.ptr, out.len, &n) != NOTE_OK);
	buf_free(&out);
}

static void check_key(const char *text, size_t len)
{
	char again[NOTE_KEY_SIZE];
	struct note_key key;

	if (!note_key_parse(&key, text, len)) {
		note_key_print(&key, again);
		MUST(strlen(again) == len && !memcmp(again, text, len));
	}
	if (!note_key_parse_secret(&key, text, len)) {
		note_key_print_secret(&key, again);
		MUST(strlen(again) == len && !memcmp(again, text, len));
		note_key_wipe(&key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = (char *)exact(bytes, len);

	check_note(text, len);
	check_checkpoint(text, len);
	check_key(text, len);
	free(text);
	return 0;
}
