/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h - secrets that their issuers give a prefix: what follows it, how long, and its checksum. */
#ifndef WEIR_CLASSIFY_TOKENS_H
#define WEIR_CLASSIFY_TOKENS_H
#include "classify/check.h"

enum token_alphabet {
	OF_HEX = 1,	/* either case */
	OF_DIGIT, OF_LOWER, OF_UPPER,	/* LOWER and UPPER: letters of that case, and digits */
	OF_ALNUM,	/* letters and digits */
	OF_WORD,	/* and '_' */
	OF_URL,		/* and '-': base64url */
	OF_BASE64,	/* letters, digits, '+', '/' and '=' */
	OF_DOTTED,	/* as OF_URL, and '.' */
	OF_CRYPT,	/* letters, digits, and what crypt(3) puts between: './$,=+_-:' */
	OF_OPEN,	/* '{' alone, before a scheme */
	OF_ANY,		/* as OF_DOTTED, and '~', '+', '/', '=', '%', ':' */
};

/* Either an alphabet with the least and the most bytes after the prefix, or the body's form: a kind of
 * character and how many of it, "h8-h4"; h hex, d digit, l as OF_LOWER, u as OF_UPPER, a letter or digit,
 * c these and './', w as OF_URL; anything else is itself. */
struct token_format {
	const char *prefix;
	uint8_t alphabet;
	uint16_t min, max;
	const char *form;
	uint8_t back, back_min, back_max;	/* an alphabet, and how many bytes of it belong to the token before the prefix */
	uint8_t says;		/* 0: TOKEN_SAYS */
	/* The issuer's checksum over the body. Where it says no, the token was never given out so. */
	bool (*ok)(const char *body, size_t len);
};
#define TOKEN_SAYS 95
#define TOKEN_DOUBTED 60	/* its checksum is wrong */
int token_find(struct slice, size_t at, struct hit *);

#define TOKEN_CLASS(symbol, name_, about, keys_, ...) \
	static const struct token_format formats_##symbol[] = { __VA_ARGS__, { .prefix = NULL } }; \
	const struct class_row symbol = { \
		.info = { name_, GROUP_SECRET, 1, CONF_CERTAIN, about }, \
		.triggers = TRIGGER_LITERAL, .tokens = formats_##symbol, .keys = keys_, .find = token_find, \
	}
#define KEYS(...) (const struct key_phrase []){ __VA_ARGS__, { NULL, 0 } }
#define K(words) { words, KEY_EXACT }
#define W(words) { words, KEY_WEAK }
#define T(prefix_, of, min_, max_, ...) { .prefix = prefix_, .alphabet = of, .min = min_, .max = max_, __VA_ARGS__ }
#define F(prefix_, form_, ...) { .prefix = prefix_, .form = form_, __VA_ARGS__ }
#define UUID "h8-h4-h4-h4-h12"
#endif
