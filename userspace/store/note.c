/* SPDX-License-Identifier: Apache-2.0 */
#include "store/note.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

#define ED25519		1		/* signature type byte of the specification */
#define SIGNATURE_SIZE	64
#define DASH		"\xe2\x80\x94 "
#define DASH_SIZE	4
#define SIGNATURES_MAX	100
#define BLOB_MAX	8192		/* decoded: key id and a post-quantum signature */
#define SECRET_PREFIX	"PRIVATE+KEY+"

/* Only the one true encoding is taken: a verifier must not accept two texts for one value. */
static int base64_exact(uint8_t *out, size_t size, const char *in, size_t len)
{
	int n = base64_decode(out, size, in, len);
	char quad[5];

	for (size_t i = 0; n >= 0 && i < len; i += 4) {
		size_t at = i / 4 * 3, left = (size_t)n - at;

		base64_encode(quad, out + at, left < 3 ? left : 3);
		if (memcmp(quad, in + i, 4))
			return -EINVAL;
	}
	return n;
}

/* Keys. */

static bool name_ok(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
			return false;
	return len > 0 && len < NOTE_NAME_SIZE;
}

bool note_name_valid(const char *name)
{
	return name_ok(name, strnlen(name, NOTE_NAME_SIZE));
}

static void key_set_id(struct note_key *k)
{
	uint8_t in[NOTE_NAME_SIZE + 2 + 32], hash[32];
	size_t n = strlen(k->name);

	memcpy(in, k->name, n);
	in[n] = '\n';
	in[n + 1] = ED25519;
	memcpy(in + n + 2, k->pub, 32);
	sha256(hash, in, n + 2 + 32);
	memcpy(k->id, hash, sizeof(k->id));
}

static int key_set_pub(struct note_key *k)
{
	EVP_PKEY *p = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k->seed, sizeof(k->seed));
	size_t n = sizeof(k->pub);
	bool ok = p && EVP_PKEY_get_raw_public_key(p, k->pub, &n) == 1 && n == sizeof(k->pub);

	EVP_PKEY_free(p);
	k->secret = ok;
	return ok ? 0 : -EIO;
}

int note_key_make(struct note_key *k, const char *name)
{
	*k = (struct note_key){ 0 };
	if (!note_name_valid(name))
		return -EINVAL;
	snprintf(k->name, sizeof(k->name), "%s", name);
	if (random_bytes(k->seed, sizeof(k->seed)) || key_set_pub(k)) {
		note_key_wipe(k);
		return -EIO;
	}
	key_set_id(k);
	return 0;
}

void note_key_wipe(struct note_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

static void key_print(const struct note_key *k, const char *prefix, const uint8_t part[32], char out[NOTE_KEY_SIZE])
{
	uint8_t typed[33] = { ED25519 };
	char id[9], text[45];

	memcpy(typed + 1, part, 32);
	hex_encode(id, k->id, sizeof(k->id));
	base64_encode(text, typed, sizeof(typed));
	snprintf(out, NOTE_KEY_SIZE, "%s%s+%s+%s", prefix, k->name, id, text);
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(text, sizeof(text));
}

void note_key_print(const struct note_key *k, char out[NOTE_KEY_SIZE])
{
	key_print(k, "", k->pub, out);
}

void note_key_print_secret(const struct note_key *k, char out[NOTE_KEY_SIZE])
{
	key_print(k, SECRET_PREFIX, k->seed, out);
}

/* name+keyid+base64(type || 32 bytes): the name ends at the first plus, for it holds none. */
static int key_split(struct note_key *k, const char *text, size_t len, char id[8], uint8_t part[32])
{
	const char *plus = memchr(text, '+', len);
	size_t name = plus ? (size_t)(plus - text) : 0;
	uint8_t typed[33];
	int err = -EINVAL;

	if (name_ok(text, name) && len - name > 10 && text[name + 9] == '+' &&
	    base64_exact(typed, sizeof(typed), text + name + 10, len - name - 10) == sizeof(typed) && typed[0] == ED25519) {
		memcpy(k->name, text, name);
		memcpy(id, text + name + 1, 8);
		memcpy(part, typed + 1, 32);
		err = 0;
	}
	explicit_bzero(typed, sizeof(typed));
	return err;
}

static bool key_id_is(const struct note_key *k, const char id[8])
{
	char own[9];

	hex_encode(own, k->id, sizeof(k->id));
	return !memcmp(own, id, 8);
}

int note_key_parse(struct note_key *k, const char *text, size_t len)
{
	char id[8];

	*k = (struct note_key){ 0 };
	if (key_split(k, text, len, id, k->pub))
		return -EINVAL;
	key_set_id(k);
	return key_id_is(k, id) ? 0 : -EINVAL;
}

int note_key_parse_secret(struct note_key *k, const char *text, size_t len)
{
	const size_t skip = sizeof(SECRET_PREFIX) - 1;
	char id[8];

	*k = (struct note_key){ 0 };
	if (len < skip || memcmp(text, SECRET_PREFIX, skip) || key_split(k, text + skip, len - skip, id, k->seed) ||
	    key_set_pub(k))
		goto refuse;
	key_set_id(k);
	if (key_id_is(k, id))
		return 0;
refuse:
	note_key_wipe(k);
	return -EINVAL;
}

/* Notes. */

int note_sign(const struct note_key *k, const char *text, size_t len, struct buf *out)
{
	EVP_PKEY *p = k->secret ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k->seed, sizeof(k->seed)) : NULL;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t blob[4 + SIGNATURE_SIZE];
	char base64[4 * ((sizeof(blob) + 2) / 3) + 1];
	size_t n = SIGNATURE_SIZE;
	int err = -EIO;

	memcpy(blob, k->id, sizeof(k->id));
	if (!len || text[len - 1] != '\n')
		err = -EINVAL;
	else if (p && c && EVP_DigestSignInit(c, NULL, NULL, NULL, p) == 1 &&
		 EVP_DigestSign(c, blob + 4, &n, (const unsigned char *)text, len) == 1 && n == SIGNATURE_SIZE) {
		base64_encode(base64, blob, sizeof(blob));
		buf_add(out, text, len);
		err = buf_printf(out, "\n" DASH "%s %s\n", k->name, base64);
		err = out->failed ? -ENOSPC : err;
	}
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(p);
	return err;
}

static bool signature_ok(const struct note_key *k, const char *text, size_t len, const uint8_t *signature)
{
	EVP_PKEY *p = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->pub, sizeof(k->pub));
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = p && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, p) == 1 &&
		  EVP_DigestVerify(c, signature, SIGNATURE_SIZE, (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(p);
	return ok;
}

/* Length of the UTF-8 sequence at s, of left bytes; 0: none that a note may hold. */
static size_t text_step(const uint8_t *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
		   s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!n || n > left || (s[0] < 0x20 && s[0] != '\n'))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)))
		return 0;	/* overlong, surrogate */
	if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
		return 0;
	return n;
}

static bool text_ok(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = text_step((const uint8_t *)text + i, len - i);
		if (!n)
			return false;
	}
	return len > 0 && text[len - 1] == '\n';
}

/* The text ends before the last empty line; 0: there is none. */
static size_t text_end(const char *note, size_t len)
{
	for (size_t i = len; i >= 2; i--)
		if (note[i - 1] == '\n' && note[i - 2] == '\n')
			return i - 1;
	return 0;
}

/* One signature line without its newline. */
static enum note_status line_check(const struct note_key *k, const char *line, size_t len, const char *text, size_t text_len)
{
	const char *name = line + DASH_SIZE, *space;
	uint8_t blob[BLOB_MAX];
	size_t name_len;
	int n;

	if (len <= DASH_SIZE || memcmp(line, DASH, DASH_SIZE))
		return NOTE_MALFORMED;
	space = memchr(name, ' ', len - DASH_SIZE);
	if (!space || space == name)
		return NOTE_MALFORMED;
	name_len = (size_t)(space - name);
	n = base64_exact(blob, sizeof(blob), space + 1, len - DASH_SIZE - name_len - 1);
	if (n < 5 || memchr(name, '+', name_len))
		return NOTE_MALFORMED;
	if (name_len != strlen(k->name) || memcmp(name, k->name, name_len) || memcmp(blob, k->id, sizeof(k->id)))
		return NOTE_UNSIGNED;
	return n == 4 + SIGNATURE_SIZE && signature_ok(k, text, text_len, blob + 4) ? NOTE_OK : NOTE_FORGED;
}

enum note_status note_verify(const struct note_key *k, const char *note, size_t len, size_t *text_len)
{
	size_t text = len <= NOTE_MAX && text_ok(note, len) ? text_end(note, len) : 0;
	enum note_status all = NOTE_UNSIGNED;
	unsigned nr = 0;

	if (!text || text + 1 >= len)
		return NOTE_MALFORMED;
	for (size_t at = text + 1; at < len; nr++) {
		size_t line = (size_t)((const char *)memchr(note + at, '\n', len - at) - (note + at));
		enum note_status one = line_check(k, note + at, line, note, text);

		if (one == NOTE_MALFORMED || one == NOTE_FORGED || nr >= SIGNATURES_MAX)
			return one == NOTE_FORGED ? one : NOTE_MALFORMED;
		if (one == NOTE_OK)
			all = NOTE_OK;
		at += line + 1;
	}
	if (all == NOTE_OK)
		*text_len = text;
	return all;
}

size_t note_first(const char *ptr, size_t len, bool end)
{
	const char *blank = memmem(ptr, len, "\n\n", 2), *newline;
	size_t at = blank ? (size_t)(blank - ptr) + 2 : 0, nr = 0;

	if (!blank)
		return 0;
	while (len - at >= DASH_SIZE && !memcmp(ptr + at, DASH, DASH_SIZE)) {
		newline = memchr(ptr + at, '\n', len - at);
		if (!newline)
			return 0;
		at = (size_t)(newline - ptr) + 1;
		nr++;
	}
	/* Too few bytes to tell whether another signature follows. */
	if (len - at < DASH_SIZE && !memcmp(ptr + at, DASH, len - at) && !(end && at == len))
		return 0;
	return nr ? at : 0;
}

/* Checkpoints. */

int checkpoint_print(const struct checkpoint *c, struct buf *out)
{
	char root[45];

	base64_encode(root, c->root, sizeof(c->root));
	buf_printf(out, "%s\n%llu\n%s\n", c->origin, (unsigned long long)c->size, root);
	return out->failed ? -ENOSPC : 0;
}

static int size_parse(const char *text, size_t len, uint64_t *size)
{
	uint64_t n = 0;

	if (!len || len > 18 || (text[0] == '0' && len > 1))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*size = n;
	return 0;
}

int checkpoint_parse(struct checkpoint *c, const char *text, size_t len)
{
	const char *one = memchr(text, '\n', len), *two, *three;
	const char *end = text + len;

	*c = (struct checkpoint){ 0 };
	two = one ? memchr(one + 1, '\n', (size_t)(end - one - 1)) : NULL;
	three = two ? memchr(two + 1, '\n', (size_t)(end - two - 1)) : NULL;
	if (!three || three + 1 != end || !name_ok(text, (size_t)(one - text)) ||
	    size_parse(one + 1, (size_t)(two - one - 1), &c->size) ||
	    base64_exact(c->root, sizeof(c->root), two + 1, (size_t)(three - two - 1)) != sizeof(c->root))
		return -EINVAL;
	memcpy(c->origin, text, (size_t)(one - text));
	return 0;
}

int checkpoint_pin(struct checkpoint *c, const char *text)
{
	const char *colon = strchr(text, ':');

	*c = (struct checkpoint){ 0 };
	if (!colon || size_parse(text, (size_t)(colon - text), &c->size) || !c->size ||
	    base64_exact(c->root, sizeof(c->root), colon + 1, strlen(colon + 1)) != sizeof(c->root))
		return -EINVAL;
	return 0;
}
