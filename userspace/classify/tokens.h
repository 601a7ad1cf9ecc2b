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
	OF_BASE64,	/* letters, digits, '+', '/', '=' */
	OF_DOTTED,	/* OF_URL and '.' */
	OF_ANY,		/* OF_DOTTED, '~', '+', '/', '=', '%', ':' */
};
struct token_format {
	const char *prefix;
	uint8_t alphabet;
	uint16_t min, max;	/* bytes after the prefix */
	uint8_t says;
	/* The token as a whole is right; NULL: nothing more is known of it. Where it says no, the
	 * prefix is chance or the token mistyped. */
	bool (*ok)(const char *token, size_t len);
	const char *form;	/* of the body where it has parts: "A22_A59", see token.c; NULL: it has none */
};
int token_find(struct slice, size_t at, struct hit *);

#define TOKEN_CLASS(symbol, name_, about, keys_, ...) \
	static const struct token_format formats_##symbol[] = { __VA_ARGS__, { NULL, 0, 0, 0, 0, NULL, NULL } }; \
	const struct class_row symbol = { \
		.info = { name_, GROUP_SECRET, 1, CONF_CERTAIN, about }, \
		.triggers = TRIGGER_LITERAL, .tokens = formats_##symbol, .keys = keys_, .find = token_find, \
	}
#endif
