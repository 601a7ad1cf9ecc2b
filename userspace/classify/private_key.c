/* SPDX-License-Identifier: Apache-2.0 */
/* private_key.c - private keys in PEM and OpenPGP armour: the head line and a body
 * of base64. Line ends may also be the two characters "\n", as in environment
 * variables and JSON inside JSON. */
#include <stdio.h>
#include <string.h>

#include "classify/check.h"

#define LABEL_MAX	40
#define HEADERS_MAX	512	/* bytes of "Proc-Type: …" lines */
#define BODY_MIN	32	/* base64 characters; the shortest real keys have 64 */
#define BODY_MAX	65536

/* Labels that may stand before "PRIVATE KEY", longest first is not needed: compared whole. */
static const char *const labels[] = {
	"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY",
	"ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "ANY PRIVATE KEY", "SSH2 ENCRYPTED PRIVATE KEY", NULL
};
static const char begin[] = "-----BEGIN ";

/* Skips blanks, line ends, and "\n" or "\r" spelt out, once or twice escaped. */
static size_t skip_breaks(struct slice s, size_t i)
{
	for (;;) {
		uint8_t c = byte_at(s, i);

		if (c == '\\' && (byte_at(s, i + 1) == '\\' || byte_at(s, i + 1) == 'n' || byte_at(s, i + 1) == 'r'))
			i += byte_at(s, i + 1) == '\\' ? 1 : 2;
		else if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			i++;
		else
			return i;
	}
}

/* "Proc-Type: 4,ENCRYPTED": a colon before the line ends. */
static size_t skip_headers(struct slice s, size_t i)
{
	size_t limit = s.len - i > HEADERS_MAX ? i + HEADERS_MAX : s.len;

	for (size_t line = i; line < limit;) {
		size_t end = line;
		bool colon = false;

		while (end < limit && s.ptr[end] != '\n' && s.ptr[end] != '\\') {
			colon |= s.ptr[end] == ':';
			end++;
		}
		if (!colon || end == limit)
			return line;
		line = skip_breaks(s, end);
	}
	return i;
}

/* End of the base64 at i; *nr counts its characters. */
static size_t body_end(struct slice s, size_t i, size_t *nr)
{
	size_t start = i, end = i;

	for (*nr = 0; i < s.len && i - start < BODY_MAX; i = skip_breaks(s, i)) {
		size_t line = i;

		while (i < s.len && (is_alnum(s.ptr[i]) || s.ptr[i] == '+' || s.ptr[i] == '/' || s.ptr[i] == '='))
			i++;
		if (i == line)
			break;
		*nr += i - line;
		end = i;
		if (skip_breaks(s, i) == i)
			break;
	}
	return end;
}

static const char *label_at(struct slice s, size_t at, size_t *end)
{
	for (const char *const *l = labels; *l; l++)
		if (slice_begins(s, at, *l) && slice_begins(s, at + strlen(*l), "-----")) {
			*end = at + strlen(*l) + 5;
			return *l;
		}
	return NULL;
}

static int private_key_find(struct slice s, size_t at, struct hit *out)
{
	size_t label_from = at + sizeof(begin) - 1, i, end, tail, nr;
	const char *label = label_at(s, label_from, &i);

	if (!label)
		return 0;
	i = skip_headers(s, skip_breaks(s, i));
	end = body_end(s, i, &nr);
	if (nr < BODY_MIN || few_bytes((const char *)s.ptr + i, BODY_MIN, 3))
		return 0;	/* a mention of the format, or a placeholder */
	tail = skip_breaks(s, end);
	if (slice_begins(s, tail, "-----END ") && slice_begins(s, tail + 9, label) &&
	    slice_begins(s, tail + 9 + strlen(label), "-----"))
		end = tail + 9 + strlen(label) + 5;
	out->start = at;
	out->end = end;
	out->sample = 0;
	snprintf(out->mask, MASK_SIZE, "PEM %s", label);
	return 98;
}

static const char *const literals[] = { begin, NULL };
static const struct key_phrase keys[] = { { "privatekey", KEY_EXACT }, { NULL, 0 } };

const struct class_row class_private_key = {
	.info = { "private_key", GROUP_SECRET, 1, CONF_CERTAIN, "private key in PEM" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.keys = keys,
	.find = private_key_find,
};
