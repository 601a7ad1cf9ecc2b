/* SPDX-License-Identifier: Apache-2.0 */
/* assign.c - see assign.h. */
#include "classify/assign.h"

#include <string.h>
#include <strings.h>

#define TOKEN_MAX	256	/* bytes of its value */
#define LINE_MOST	120	/* of a value that is a line */
#define WORD_MAX	40	/* bytes of the name in "name=value" */

static inline bool is_name_byte(uint8_t c)
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
	end -= end && v.ptr[end - 1] == ']';	/* card[number]=… */
	for (start = end; start && end - start < WORD_MAX && is_name_byte(v.ptr[start - 1]); start--)
		;
	return (struct slice){ v.ptr + start, end - start };
}

/* Up to two words before the name, for "mot de passe: …"; or what stands before its bracket. */
struct slice assign_before(struct slice v, size_t name)
{
	size_t start = name, blanks = 0;

	if (name && v.ptr[name - 1] == '[') {
		for (start--; start && name - start < WORD_MAX && is_name_byte(v.ptr[start - 1]); start--)
			;
		return (struct slice){ v.ptr + start, name - 1 - start };
	}

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

/* The tags of pages: their names are no fields' names. */
static bool is_page_tag(struct slice name)
{
	static const char *const pages[] = { "html", "!doctype", "body", "head", "div", "span", "table", "script", "style", "svg", "p", "a", "b", "h1", "h2",
					     "h3", "h4", "ul", "ol", "li", "tr", "td", "th", "dt", "dd", "br", "img", "i", "em", "strong", "font", "small", "label",
					     "option", "button", "pre", "code", NULL };

	return word_listed(pages, name);
}

/* Where the name begins of the tag that ends right before start, as in "<m:case>812"; start: no tag does, or it is a page's. */
size_t assign_tag(struct slice v, size_t start)
{
	size_t from = start, end;

	if (!start || v.ptr[start - 1] != '>')
		return start;
	for (from--; from && start - from < WORD_MAX && v.ptr[from - 1] != '<' && v.ptr[from - 1] != '>'; from--)
		;
	for (end = from; is_alnum(byte_at(v, end)); end++)
		;
	return from && v.ptr[from - 1] == '<' && is_alpha(v.ptr[from]) && !is_page_tag((struct slice){ v.ptr + from, end - from }) ? from : start;
}

/* Is it written in a language of tags, but those of pages? */
bool assign_in_tags(struct slice v)
{
	size_t start = 0, end;

	while (start < v.len && (v.ptr[start] == ' ' || v.ptr[start] == '\n'))
		start++;
	if (byte_at(v, start++) != '<')
		return false;
	for (end = start; is_alnum(byte_at(v, end)) || byte_at(v, end) == '!' || byte_at(v, end) == '?'; end++)
		;
	return end > start && !is_page_tag((struct slice){ v.ptr + start, end - start });
}

/* The element without others inside that the tag at i closes: "<m:dob>1985-03-17</m:dob>". false: there is none. */
bool assign_element(struct slice v, size_t i, struct slice *name, struct slice *value)
{
	size_t end = i + 2, start = i;

	if (v.ptr[i] != '<' || byte_at(v, i + 1) != '/')
		return false;
	*name = (struct slice){ v.ptr + end, 0 };
	for (; end < v.len && end - i < 2 * WORD_MAX && v.ptr[end] != '>'; end++) {
		if (v.ptr[end] == ':')
			*name = (struct slice){ v.ptr + end + 1, 0 };
		else
			name->len++;
	}
	while (start && i - start <= TOKEN_MAX && v.ptr[start - 1] != '>' && v.ptr[start - 1] != '<')
		start--;
	*value = (struct slice){ v.ptr + start, i - start };
	return value->len && start && v.ptr[start - 1] == '>' && assign_may_name(*name);
}

/* Does a field begin behind the comma at i: ", city: Lund"? */
static bool field_begins(struct slice v, size_t i)
{
	for (i++; byte_at(v, i) == ' '; i++)
		;
	for (; is_name_byte(byte_at(v, i)); i++)
		;
	return byte_at(v, i) == ':' || byte_at(v, i) == '=';
}

/* What stands behind the ':' at i up to the end of its line, or to a mark that parts fields; commas: to the first of them. */
struct slice assign_line(struct slice v, size_t i, bool commas)
{
	size_t start = i + 1, end;

	while (byte_at(v, start) == ' ')
		start++;
	for (end = start; end < v.len && end - start < LINE_MOST; end++) {
		uint8_t c = v.ptr[end];

		if (c < ' ' || strchr("|;\"<}]", c) || (c == ',' && (commas || field_begins(v, end))) || (c == '\\' && byte_at(v, end + 1) == 'n'))
			break;
	}
	while (end > start && strchr(" .,", v.ptr[end - 1]))
		end--;
	return (struct slice){ v.ptr + start, end - start };
}

/* Is it an option of a command, "-t" or "--type"? */
static bool is_option(struct slice v, size_t i)
{
	return byte_at(v, i) == '-' && (is_alpha(byte_at(v, i + 1)) || (byte_at(v, i + 1) == '-' && is_alpha(byte_at(v, i + 2))));
}

/* "Password: must be longer", "No passphrase: ssh-keygen -t rsa": prose or a command under a heading, not a value. */
bool assign_is_prose(struct slice v, size_t colon, struct slice word)
{
	size_t end = (size_t)(word.ptr - v.ptr) + word.len;
	bool command = is_option(v, end + 1);

	if (v.ptr[colon] != ':' || byte_at(v, end) != ' ' || (!command && !is_alpha(byte_at(v, end + 1))))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_alpha(word.ptr[i]) && word.ptr[i] < 0x80 && !(command && word.ptr[i] == '-'))
			return false;
	return true;
}

#define LINE_SEEN 160	/* bytes of its line that tell source from text, to either side */

/* Does the line of i have what programs have and texts and settings do not? */
static bool in_source(struct slice v, size_t i)
{
	static const char *const marks[] = { "=>", "->", "::", "()", "self.", "this.", "def ", "):", "{", "}", NULL };
	size_t from = i, end = i;
	uint8_t last;

	while (from && i - from < LINE_SEEN && v.ptr[from - 1] != '\n')
		from--;
	while (end < v.len && end - i < LINE_SEEN && v.ptr[end] != '\n')
		end++;
	for (size_t at = from; at < end; at++)
		for (const char *const *m = marks; *m; m++)
			if (v.ptr[at] == (uint8_t)**m && slice_begins(v, at, *m))
				return true;
	while (end > from && (v.ptr[end - 1] == ' ' || v.ptr[end - 1] == '\r'))
		end--;
	last = end > from ? v.ptr[end - 1] : 0;
	return last == ';' || last == ',';
}

/* A name of a program's: a variable, a member, a type. In capitals it may be a code. */
static bool is_identifier(struct slice word, bool *digits)
{
	bool small = false;

	*digits = false;
	for (size_t i = 0; i < word.len; i++) {
		uint8_t c = word.ptr[i];

		if (!is_alnum(c) && c != '_' && (c != '.' || !i))
			return false;
		*digits |= is_digit(c);
		small |= is_lower(c);
	}
	return word.len && small && !is_digit(word.ptr[0]);
}

/* `password = auth`, `password: PasswordType;`, `'password': parsed.value,`: what stands there is a name itself. */
static bool is_name_of(struct slice v, size_t i, struct slice word)
{
	size_t end = (size_t)(word.ptr - v.ptr) + word.len;
	bool spaced = byte_at(v, i + 1) == ' ', digits;

	if (!is_identifier(word, &digits))
		return false;
	if (spaced && byte_at(v, end) == ';')
		return true;
	if (digits)
		return false;
	if (v.ptr[i] == '=' && spaced && i && v.ptr[i - 1] == ' ')
		return true;
	return (spaced || v.ptr[i] == ':' || memchr(word.ptr, '.', word.len)) && in_source(v, i);
}

/* `? "PASS" : "FAIL"`: the name is one of two values that a program chooses from. */
static bool is_choice(struct slice v, struct slice name)
{
	size_t i = (size_t)(name.ptr - v.ptr);

	if (i < 2 || (v.ptr[i - 1] != '"' && v.ptr[i - 1] != '\''))
		return false;
	for (i--; i && v.ptr[i - 1] == ' '; i--)
		;
	return i && v.ptr[i - 1] == '?';
}

/* `-debug-pass=Executions`: of an option with words around that of a weak key, a word says how and not what. */
bool assign_is_option(struct slice v, struct slice name, struct slice word)
{
	bool words = false;

	if (!is_option(v, (size_t)(name.ptr - v.ptr)))
		return false;
	for (size_t i = 2; i < name.len; i++)
		words |= name.ptr[i] == '-' && name.ptr[i - 1] != '-';
	for (size_t i = 0; i < word.len; i++)
		if (!is_alpha(word.ptr[i]) && word.ptr[i] != '-')
			return false;
	return words;
}

/* `MDP = MDP`, `pass = Pass::Base`, `PASSWORD = (BASE + 1)`, `a: Dict[str]`: source, not a value. Quoted is a value. */
bool assign_is_code(struct slice v, size_t assign, struct slice name, struct slice word)
{
	bool constant = false;
	size_t at = (size_t)(word.ptr - v.ptr), end = at + word.len;

	if (is_choice(v, name))
		return true;
	if (at && (v.ptr[at - 1] == '"' || v.ptr[at - 1] == '\''))
		return false;
	if (strchr("([{<*:&=>", word.ptr[0] ? word.ptr[0] : ' '))
		return true;
	if (word.len == name.len && !strncasecmp((const char *)word.ptr, (const char *)name.ptr, word.len))
		return true;
	if (byte_at(v, end) == '<' && is_alnum(word.ptr[word.len - 1]) && is_alpha(byte_at(v, end + 1)))
		return true;
	for (size_t i = 1; i < word.len; i++) {
		uint8_t c = word.ptr[i];

		if ((c == ':' && word.ptr[i - 1] == ':') || (c == '>' && word.ptr[i - 1] == '-') ||
		    ((c == '(' || c == '[') && is_alnum(word.ptr[i - 1])))
			return true;
		constant |= c == '_';
	}
	for (size_t i = 0; constant && i < word.len; i++)
		constant = is_upper(word.ptr[i]) || word.ptr[i] == '_' || is_digit(word.ptr[i]);
	return constant || is_name_of(v, assign, word);
}

/* A phrase of a key begins with a letter, and it or a filler has to end the name: "12:30" has none. */
bool assign_may_name(struct slice name)
{
	uint8_t first = name.len ? name.ptr[0] : 0, last = name.len ? name.ptr[name.len - 1] : 0;

	return is_alpha(last) || last >= 0x80 || (is_digit(last) && is_alpha(first));
}
