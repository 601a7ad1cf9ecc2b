/* SPDX-License-Identifier: Apache-2.0 */
/* expressions.h - what a detector finds, as a regular expression: of a token its format, of a number one of its shapes. */
#ifndef BENCH_EXPRESSIONS_H
#define BENCH_EXPRESSIONS_H
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "classify/ids.h"
#include "classify/tokens.h"

static void escape(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_printf(b, is_alnum((uint8_t)*text) ? "%c" : "\\x%02x", (uint8_t)*text);
}

static const char *alphabet(unsigned of)
{
	static const char *const sets[] = {
		[OF_HEX] = "[0-9a-fA-F]", [OF_DIGIT] = "[0-9]", [OF_LOWER] = "[a-z0-9]", [OF_UPPER] = "[A-Z0-9]", [OF_ALNUM] = "[A-Za-z0-9]",
		[OF_WORD] = "[A-Za-z0-9_]", [OF_URL] = "[A-Za-z0-9_-]", [OF_BASE64] = "[A-Za-z0-9+/=]", [OF_DOTTED] = "[A-Za-z0-9_.-]",
		[OF_CRYPT] = "[A-Za-z0-9./$,=+_:-]", [OF_ANY] = "[A-Za-z0-9_.~+/=%:-]",
	};

	return sets[of];
}

static void form_rule(struct buf *b, const char *form)
{
	while (*form) {
		char kind = *form++, one[2] = { kind, 0 };
		unsigned n = (unsigned)strtoul(form, (char **)&form, 10);

		if (!n)
			escape(b, one);
		else
			buf_printf(b, "%s{%u}", kind == 'h' ? "[0-9a-fA-F]" : kind == 'd' ? "[0-9]" : kind == 'l' ? "[a-z0-9]" : kind == 'u' ? "[A-Z0-9]" :
				   kind == 'c' ? "[A-Za-z0-9./]" : kind == 'w' ? "[A-Za-z0-9_-]" : "[A-Za-z0-9]", n);
	}
}

static void shape_rule(struct buf *b, const char *form)
{
	bool ends = form[strlen(form) - 1] != ')';	/* after it anything is a border */

	buf_puts(b, *form == '(' ? "" : "\\b");
	for (; *form; form++) {
		char one[2] = { *form, 0 };

		if (*form == '#')
			buf_puts(b, "[0-9]");
		else if (*form == 'A')
			buf_puts(b, "[A-Za-z]");
		else if (*form == '*')
			buf_puts(b, "[A-Za-z0-9]");
		else if (*form == '_')
			buf_puts(b, "[ ./-]");
		else
			escape(b, one);
	}
	buf_puts(b, ends ? "\\b" : "");
}

static void token_rule(struct buf *b, const struct token_format *f)
{
	escape(b, f->prefix);
	if (f->form)
		form_rule(b, f->form);
	else
		buf_printf(b, "%s{%u,}", alphabet(f->alphabet), f->min);
}
#endif
