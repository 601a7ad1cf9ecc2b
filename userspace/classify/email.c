/* SPDX-License-Identifier: Apache-2.0 */
/* email.c - addresses: syntax, and a last label that can be a top-level domain.
 * Role addresses (info@, noreply@) stay: they identify a mailbox too. */
#include <stdio.h>
#include <string.h>

#include "classify/check.h"

#define LOCAL_MAX	64	/* RFC 5321 4.5.3.1 */
#define DOMAIN_MAX	253

/* Sure endings; any other of two letters or more is likely only. */
static const char *const known_tlds[] = {
	"com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "aero", "coop", "museum", "mobi",
	"app", "dev", "cloud", "online", "shop", "site", "store", "tech", "xyz", "top", "club", "email", "agency",
	"group", "live", "life", "world", "today", "health", "bank", "law", "consulting", "solutions", "company",
	"example", "test", "invalid", "local", "internal", "corp", "asia", "berlin", "london", "paris", "cat", NULL
};
/* Units and files, between blanks: user@1000.service, logo@2x.png. */
static const char file_tlds[] =
	" service socket timer mount automount scope slice target device path swap png jpg jpeg gif svg webp ico bmp css"
	" scss js mjs cjs jsx ts tsx json map html htm xml txt pdf woff woff2 ttf eot mp3 mp4 wav gz tar tgz yml yaml"
	" toml lock conf cfg ini log bak dll exe jar class tmp csv tsv proto wasm ";
static const char *const sample_names[] = { "example", "test", "invalid", "localhost", NULL };

/* UTF-8 of the Latin letters U+00C0 to U+017F: lead byte and what follows. */
static bool is_latin(struct slice s, size_t i)
{
	uint8_t c = byte_at(s, i);

	if (c >= 0xc3 && c <= 0xc5)
		return (byte_at(s, i + 1) & 0xc0) == 0x80;
	return (c & 0xc0) == 0x80 && i && s.ptr[i - 1] >= 0xc3 && s.ptr[i - 1] <= 0xc5;
}

static bool is_local_byte(struct slice s, size_t i)
{
	uint8_t c = s.ptr[i];

	return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '\'' || c == '%' || is_latin(s, i);
}

/* Start of the local part that ends at `at`; `at` when there is none. */
static size_t local_start(struct slice s, size_t at)
{
	size_t start = at;

	while (start && at - start <= LOCAL_MAX && is_local_byte(s, start - 1)) {
		if (byte_at(s, start - 1) == '%' && is_hex(byte_at(s, start)) && is_hex(byte_at(s, start + 1))) {
			start += 2;	/* "to%3Dalice": the escape is no part of the name */
			break;
		}
		start--;
	}
	if (start > at || at - start > LOCAL_MAX)
		return at;
	while (start < at && !is_alnum(s.ptr[start]) && s.ptr[start] != '_' && !is_latin(s, start))
		start++;
	for (size_t i = start; i + 1 < at; i++)
		if (s.ptr[i] == '.' && s.ptr[i + 1] == '.')
			return at;
	return start < at && s.ptr[at - 1] == '.' ? at : start;
}

/* "scheme://user:secret@host": what stands before '@' is a login. */
static bool in_authority(struct slice s, size_t start)
{
	for (unsigned n = 0; start && n < LOCAL_MAX; n++) {
		uint8_t c = s.ptr[--start];

		if (c == '/')
			return start && s.ptr[start - 1] == '/';
		if (c <= ' ' || c == '"' || c == '<' || c == ',' || c == '?')
			return false;
	}
	return false;
}

/* End of the domain that begins at start; *dots counts its labels' borders. */
static size_t domain_end(struct slice s, size_t start, size_t *last_label, unsigned *dots)
{
	size_t i = start, label = start;

	*dots = 0;
	while (i < s.len && i - start < DOMAIN_MAX) {
		uint8_t c = s.ptr[i];

		if (c == '.') {
			bool next = is_alnum(byte_at(s, i + 1)) || is_latin(s, i + 1);

			if (i == label || s.ptr[i - 1] == '-' || !next)
				break;
			label = i + 1;
			(*dots)++;
		} else if (!is_alnum(c) && (c != '-' || i == label) && !is_latin(s, i)) {
			break;
		}
		i++;
	}
	while (i > label && s.ptr[i - 1] == '-')
		i--;
	*last_label = label;
	return i;
}

static bool is_file_tld(struct slice tld)
{
	char word[16] = " ";

	if (tld.len > sizeof(word) - 3)
		return false;
	for (size_t i = 0; i < tld.len; i++)
		word[1 + i] = (char)to_lower(tld.ptr[i]);
	word[1 + tld.len] = ' ';
	word[2 + tld.len] = 0;
	return strstr(file_tlds, word) != NULL;
}

static int tld_says(struct slice tld, struct slice domain)
{
	if (tld.len < 2 || tld.len > 24 || is_file_tld(tld))
		return 0;
	for (size_t i = 0; i < tld.len; i++)
		if (!is_alpha(tld.ptr[i]) && !slice_begins_fold(tld, 0, "xn--") && !is_latin(tld, i))
			return 0;
	if (domain.len > 3 && is_digit(domain.ptr[0]) && domain.ptr[1] == 'x' && domain.ptr[2] == '.')
		return 0;	/* icon@2x.zip */
	return tld.len == 2 || word_listed(known_tlds, tld) || slice_begins_fold(tld, 0, "xn--") ? 90 : 60;
}

/* RFC 2606 names: the label itself, or "example" right before the ending. */
static bool is_sample(struct slice domain, struct slice tld)
{
	size_t end = domain.len - tld.len, start;

	if (word_listed(sample_names, tld))
		return true;
	if (!end)
		return false;
	for (start = --end; start && domain.ptr[start - 1] != '.'; start--)
		;
	return slice_equal(slice_of(domain.ptr + start, end - start), "example");
}

static void email_mask(char mask[MASK_SIZE], struct slice local, struct slice domain, struct slice tld)
{
	char first[2] = "", host[2] = "";

	/* A very short name would be given away whole by its first letter. */
	if (local.len > 2 && is_alnum(local.ptr[0]))
		first[0] = (char)local.ptr[0];
	if (domain.len > tld.len + 2 && is_alnum(domain.ptr[0]))
		host[0] = (char)domain.ptr[0];
	if (tld.len > 12 || tld.len == domain.len)
		tld.len = 0;
	/* A mask is printable ASCII: the schema of facts refuses the exchange of any other. */
	for (size_t i = 0; i < tld.len; i++)
		if (!is_alnum(tld.ptr[i]) && tld.ptr[i] != '-')
			tld.len = 0;
	snprintf(mask, MASK_SIZE, "%s***@%s***%s%.*s", first, host, tld.len ? "." : "", (int)tld.len, (const char *)tld.ptr);
}

/* "ana@corp.com.json" is a file that is called by an address: where the address ends. */
static size_t before_file(struct slice s, size_t from, size_t end, size_t *label)
{
	size_t stop = *label - 1, start = stop;

	while (start > from && s.ptr[start - 1] != '.')
		start--;
	if (start == from || !word_listed(known_tlds, slice_of(s.ptr + start, stop - start)))
		return end;
	*label = start;
	return stop;
}

static int email_find(struct slice s, size_t at, struct hit *out)
{
	size_t from = at + (s.ptr[at] == '@' ? 1 : 3), start = local_start(s, at), label, end;
	struct slice local = { s.ptr + start, at - start }, domain, tld;
	unsigned dots;
	int says;

	if (!local.len || in_authority(s, start))
		return 0;
	end = domain_end(s, from, &label, &dots);
	if (dots > 1 && is_file_tld(slice_of(s.ptr + label, end - label)))
		end = before_file(s, from, end, &label);
	domain = slice_of(s.ptr + from, end - from);
	tld = slice_of(s.ptr + label, end - label);
	if (!domain.len || byte_at(s, end) == '@')
		return 0;
	/* git@host:path is a remote to clone from, user@host:/path is where a file is copied to. */
	if (byte_at(s, end) == ':' && (byte_at(s, end + 1) == '/' || (is_alnum(byte_at(s, end + 1)) && slice_equal(local, "git"))))
		return 0;
	/* A host without a dot needs a key: user@host is also a login. */
	says = dots ? tld_says(tld, domain) : is_alpha(domain.ptr[0]) ? 10 : 0;
	out->start = start;
	out->end = end;
	out->sample = is_sample(domain, tld);
	email_mask(out->mask, local, domain, tld);
	return says;
}

static const struct key_phrase keys[] = {
	{ "email", KEY_EXACT }, { "emailaddress", KEY_EXACT }, { "mail", KEY_EXACT }, { "mailaddress", KEY_EXACT },
	{ "emails", KEY_EXACT }, { "useremail", KEY_EXACT }, { "emailid", KEY_EXACT }, { "mailto", KEY_EXACT },
	{ "emailadresse", KEY_EXACT }, { "courriel", KEY_EXACT }, { "correo", KEY_EXACT }, { "correoelectronico", KEY_EXACT },
	{ "adresseemail", KEY_EXACT }, { "postaelettronica", KEY_EXACT }, { "upn", KEY_EXACT }, { "replyto", KEY_EXACT },
	{ "cc", KEY_WEAK }, { "bcc", KEY_WEAK }, { "from", KEY_WEAK }, { "to", KEY_WEAK }, { "login", KEY_WEAK },
	{ "username", KEY_WEAK }, { "contact", KEY_WEAK }, { "recipient", KEY_WEAK }, { "sender", KEY_WEAK },
	{ NULL, 0 }
};
/* Message ids and logins have the same shape. */
static const char *const counter[] = { "-id", "references", "host", "server", "remote", NULL };

const struct class_row class_email = {
	.info = { "email", GROUP_PII, 1, CONF_CERTAIN, "e-mail address" },
	.triggers = TRIGGER_AT,
	.keys = keys,
	.counter = counter,
	.find = email_find,
};
