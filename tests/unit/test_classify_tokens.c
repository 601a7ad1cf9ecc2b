/* SPDX-License-Identifier: Apache-2.0 */
/* Recall of secrets: of every format of every class of tokens, valid ones are drawn (shortest, middle and longest) and
 * put where programs carry them. Each must be found as a secret, to its last byte, and nearly all as what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "classify/document.h"
#include "classify/ids.h"
#include "classify/tokens.h"

#define TEXT_MAX 8192
#define DRAWS 4		/* of each format and length */

/* @ is the token, % the token as a URL carries it. */
static const struct { const char *name, *text; } places[] = {
	{ "text", "please rotate @ before noon" },
	{ "end of a sentence", "It is in the vault as well: @." },
	{ "JSON, opaque key", "{\"id\":17,\"f7\":\"@\",\"n\":true}" },
	{ "JSON in JSON", "{\"msg\":\"{\\\"f7\\\":\\\"@\\\",\\\"n\\\":1}\"}" },
	{ "header", "POST /v1/items HTTP/1.1\r\nHost: api.shop.internal\r\nAuthorization: Bearer @\r\nAccept: */*" },
	{ "URL query", "GET /v1/items?page=2&x=%&sort=name HTTP/1.1" },
	{ "env", "export F7=@" },
	{ "env, quoted", "PORT=8080\nF7=\"@\"\nDEBUG=0" },
	{ "YAML", "service:\n  port: 8080\n  f7: @\n  debug: false" },
	{ "command", "curl -H 'X-Thing: @' https://api.shop.internal/v1" },
	{ "markdown", "use `@` for staging" },
	{ "CSV", "17,blue,@,2026-03-04" },
	{ "SQL", "INSERT INTO t_17 (a, b) VALUES (12, '@')" },
	{ "XML", "<item><f7>@</f7><n>1</n></item>" },
};
#define NR_PLACES (sizeof(places) / sizeof(places[0]))

static uint64_t seed = 11;

static uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
static const char *alphabet_of(unsigned alphabet)
{
	switch (alphabet) {
	case OF_HEX:
		return DIGITS "abcdef";
	case OF_DIGIT:
		return DIGITS;
	case OF_LOWER:
		return DIGITS LOWER;
	case OF_UPPER:
		return DIGITS UPPER;
	case OF_ALNUM:
		return DIGITS UPPER LOWER;
	case OF_WORD:
		return DIGITS UPPER LOWER "_";
	case OF_OPEN:
		return "{";
	case OF_BASE64: case OF_CRYPT:
		return DIGITS UPPER LOWER "+/";
	default:
		return DIGITS UPPER LOWER "_-";
	}
}

static const char *kind_alphabet(char kind)
{
	static const struct { char kind; uint8_t of; } kinds[] = {
		{ 'h', OF_HEX }, { 'd', OF_DIGIT }, { 'l', OF_LOWER }, { 'u', OF_UPPER }, { 'a', OF_ALNUM }, { 'w', OF_URL },
	};

	if (kind == 'c')
		return DIGITS UPPER LOWER "./";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return alphabet_of(kinds[i].of);
	fail_msg("no alphabet is called %c", kind);
	return NULL;
}

static size_t put(char *out, size_t len, const char *alphabet, size_t nr)
{
	size_t letters = strlen(alphabet);

	assert_true(len + nr < TEXT_MAX);
	for (; nr; nr--)
		out[len++] = alphabet[draw((uint32_t)letters)];
	out[len] = 0;
	return len;
}

static size_t put_form(char *out, size_t len, const char *form)
{
	while (*form) {
		char *end, kind = *form++;
		size_t nr = strtoul(form, &end, 10);

		if (end == form || !strchr("hdlucwa", kind)) {
			out[len++] = kind;
			out[len] = 0;
			continue;
		}
		form = end;
		len = put(out, len, kind_alphabet(kind), nr);
	}
	return len;
}

/* The checksum of GitHub and npm: CRC-32 of the body, six digits in base 62. */
static void put_crc(char *body, size_t len)
{
	static const char digits[] = DIGITS UPPER LOWER;
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)body, (uInt)(len - 6));

	for (size_t i = len; i > len - 6; i--, crc /= 62)
		body[i - 1] = digits[crc % 62];
}

static void draw_token(const struct token_format *f, unsigned size, char out[TEXT_MAX])
{
	size_t before = 0, prefix, nr = size == 0 ? f->min : size == 1 ? ((size_t)f->min + f->max) / 2 : f->max, len;

	if (f->back)
		before = put(out, 0, f->back == OF_DIGIT ? DIGITS + 1 : alphabet_of(f->back), size == 2 ? f->back_max : f->back_min);
	if (f->back == OF_DOTTED && is_alpha((uint8_t)*f->prefix))	/* of which a word begins the prefix, or a digit stands before it */
		out[before - 1] = f->prefix[1] == '~' ? '8' : '.';
	prefix = before + strlen(f->prefix);
	memcpy(out + before, f->prefix, prefix - before + 1);
	do {
		len = f->form ? put_form(out, prefix, f->form) : put(out, prefix, alphabet_of(f->alphabet), nr);
	} while (!is_alnum((uint8_t)out[len - 1]) || !is_alnum((uint8_t)out[prefix]));
	if (f->ok)
		put_crc(out + prefix, len - prefix);
}

/* As it stands, or as a URL carries it; returns where it ends. */
static size_t add_token(char *out, size_t len, const char *token, bool url)
{
	for (; *token; token++) {
		assert_true(len + 4 < TEXT_MAX);
		if (!url || is_alnum((uint8_t)*token) || strchr("-_.~", *token))
			out[len++] = *token;
		else
			len += (size_t)snprintf(out + len, 4, "%%%02X", (unsigned)(uint8_t)*token);
	}
	return len;
}

struct wanted { size_t start, end; int class_id; bool secret, whole, named; };

static void note(void *owner, const struct document_hit *hit)
{
	struct wanted *w = owner;

	if (hit->confidence < CONF_LIKELY || hit->start > w->start + 32 || hit->end < w->end || class_get(hit->class_id)->group != GROUP_SECRET)
		return;
	w->secret = true;
	w->whole |= hit->end == w->end;
	w->named |= (int)hit->class_id == w->class_id;
}

static struct wanted look(unsigned place, unsigned class_id, bool keyed, const char *token)
{
	struct wanted w = { .class_id = (int)class_id };
	static char doc[TEXT_MAX * 4];
	size_t len = 0;

	for (const char *p = places[place].text; *p; p++) {
		if (keyed && (!strncmp(p, "f7", 2) || !strncmp(p, "F7", 2))) {
			len += (size_t)snprintf(doc + len, 64, "%s", class_row(class_id)->keys[0].words);
			p++;
			continue;
		}
		if (*p != '@' && *p != '%') {
			doc[len++] = *p;
			continue;
		}
		w.start = len;
		len = add_token(doc, len, token, *p == '%');
		w.end = len;
	}
	assert_int_equal(document_classify(doc, len, note, &w), 0);
	return w;
}

struct score { unsigned drawn, found, whole, named; };

/* What so short a prefix says counts only where a key says it too. */
static bool wants_key(const struct token_format *f)
{
	return f->says && f->says < ID_ALONE;
}

static bool stands_in(unsigned place, const struct token_format *f)
{
	const char *text = places[place].text;

	return !wants_key(f) || strstr(text, "f7") || strstr(text, "F7");
}

static void score_format(struct score *score, unsigned class_id, const struct token_format *f, bool tell)
{
	char token[TEXT_MAX];

	for (unsigned i = 0; i < DRAWS * (f->form || f->min == f->max ? 1 : 3); i++) {
		draw_token(f, i % 3, token);
		for (unsigned place = 0; place < NR_PLACES; place++) {
			struct wanted w;

			if (!stands_in(place, f))
				continue;
			w = look(place, class_id, wants_key(f), token);
			score[place].drawn++;
			score[place].found += w.secret;
			score[place].whole += w.whole;
			score[place].named += w.named;
			if (tell && (!w.secret || !w.whole || !w.named))
				print_message("%s %s, %s: %s\n", !w.secret ? "MISSED" : !w.whole ? "TOO LONG" : "OTHER", class_get(class_id)->name,
					      places[place].name, token);
		}
	}
}

static void valid_tokens_of_every_format_are_found_wherever_they_stand(void **state)
{
	struct score score[NR_PLACES] = { 0 };
	unsigned formats = 0, lost = 0, longer = 0, unnamed = 0, drawn = 0;

	(void)state;
	for (unsigned i = 0; class_row(i); i++)
		for (const struct token_format *f = class_row(i)->tokens; f && f->prefix; f++, formats++)
			score_format(score, i, f, getenv("WEIR_TELL") != NULL);
	print_message("%u formats of secrets\n%-18s %8s %8s %8s %8s\n", formats, "PLACE", "TOKENS", "RECALL", "EXACT", "NAMED");
	for (unsigned i = 0; i < NR_PLACES; i++) {
		struct score *s = &score[i];

		print_message("%-18s %8u %8.4f %8.4f %8.4f\n", places[i].name, s->drawn, (double)s->found / s->drawn,
			      (double)s->whole / s->drawn, (double)s->named / s->drawn);
		lost += s->drawn - s->found;
		longer += s->found - s->whole;
		/* After "Bearer" it is a bearer token first of all. */
		unnamed += strcmp(places[i].name, "header") ? s->drawn - s->named : 0;
		drawn += s->drawn;
	}
	print_message("%u in all: %u not found, %u found too long, %u not found as what they are\n", drawn, lost, longer, unnamed);
	assert_true(formats >= 200);
	assert_int_equal(lost, 0);
	assert_int_equal(longer, 0);
	assert_int_equal(unnamed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(valid_tokens_of_every_format_are_found_wherever_they_stand) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
