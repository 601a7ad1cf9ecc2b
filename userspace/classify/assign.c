/* SPDX-License-Identifier: Apache-2.0 */
/* assign.c - see assign.h. */
#include "classify/assign.h"

#include <string.h>
#include <strings.h>

#define TOKEN_MAX	256	/* bytes of its value */
#define WORD_MAX	40	/* bytes of the name in "name=value" */

static bool is_name_byte(uint8_t c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.' || c >= 0x80;
}

/* What may stand between a name and the '=' or ':' after it. */
static bool is_between(uint8_t c)
{
	return c == '"' || c == '\'' || c == '\\' || c == ' ';
}

/* The name that ends before the '=' or ':' at i, quotes and blanks between allowed. */
struct slice assign_name(struct slice v, size_t i)
{
	size_t end = i, start;

	for (unsigned n = 0; n < 3 && end && is_between(v.ptr[end - 1]); n++)
		end--;
	for (start = end; start && end - start < WORD_MAX && is_name_byte(v.ptr[start - 1]); start--)
		;
	return (struct slice){ v.ptr + start, end - start };
}

/* Up to two words before the name, for "mot de passe: …". */
struct slice assign_before(struct slice v, size_t name)
{
	size_t start = name, blanks = 0;

	while (start && name - start < WORD_MAX) {
		uint8_t c = v.ptr[start - 1];

		if (c == ' ' ? ++blanks > 3 : !is_alpha(c) && c < 0x80 && c != '\'')
			break;
		start--;
	}
	return (struct slice){ v.ptr + start, name - start };
}

/* The value that begins after the '=' or ':' at i. */
struct slice assign_value(struct slice v, size_t i)
{
	size_t start = i + 1, end;
	uint8_t quote = 0;

	while (start < v.len && start - i <= 4 && v.ptr[start] && strchr(" \t\\\"'", v.ptr[start])) {
		if (v.ptr[start] == '"' || v.ptr[start] == '\'')
			quote = v.ptr[start];
		start++;
		if (quote)
			break;
	}
	for (end = start; end < v.len && end - start < TOKEN_MAX; end++) {
		uint8_t c = v.ptr[end];

		if (c == '\n' || c == '\r' || (quote ? c == quote || c == '\\' : c <= ' ' || strchr("&;,\"'<>)]}", c)))
			break;
	}
	return (struct slice){ v.ptr + start, end - start };
}

/* "Password: must be longer": prose under a heading, not a value. */
bool assign_is_prose(struct slice v, size_t colon, struct slice word)
{
	size_t end = (size_t)(word.ptr - v.ptr) + word.len;

	if (v.ptr[colon] != ':' || byte_at(v, end) != ' ' || !is_alpha(byte_at(v, end + 1)))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_alpha(word.ptr[i]) && word.ptr[i] < 0x80)
			return false;
	return true;
}

/* `MDP = MDP`, `pass = Pass::Base`, `PASSWORD = (BASE + 1)`: source, not a value. Quoted is a value. */
bool assign_is_code(struct slice v, struct slice name, struct slice word)
{
	bool constant = false;
	size_t at = (size_t)(word.ptr - v.ptr);

	if (at && (v.ptr[at - 1] == '"' || v.ptr[at - 1] == '\''))
		return false;
	if (strchr("([{<*:&=>", word.ptr[0] ? word.ptr[0] : ' '))
		return true;
	if (word.len == name.len && !strncasecmp((const char *)word.ptr, (const char *)name.ptr, word.len))
		return true;
	for (size_t i = 1; i < word.len; i++) {
		uint8_t c = word.ptr[i];

		if ((c == ':' && word.ptr[i - 1] == ':') || (c == '>' && word.ptr[i - 1] == '-') ||
		    (c == '(' && is_alnum(word.ptr[i - 1])))
			return true;
		constant |= c == '_';
	}
	for (size_t i = 0; constant && i < word.len; i++)
		constant = is_upper(word.ptr[i]) || word.ptr[i] == '_' || is_digit(word.ptr[i]);
	return constant;
}

/* A phrase of a key begins with a letter, and it or a filler has to end the name: "12:30" has none. */
bool assign_may_name(struct slice name)
{
	uint8_t first = name.len ? name.ptr[0] : 0, last = name.len ? name.ptr[name.len - 1] : 0;

	return is_alpha(last) || last >= 0x80 || (is_digit(last) && is_alpha(first));
}
