/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names are payload too: an e-mail address may be a JSON key, a card
 * number a path segment, base64 of either a host label. What a name gives away is
 * looked for as it stands, after percent and backslash escapes are undone, and
 * inside base64 and hex; then a class takes the place of the whole name, and long
 * digits and opaque runs the place of themselves. What is left is inert in a
 * terminal, a spreadsheet and a web page. */
#include "classify/names.h"

#include <stdio.h>
#include <string.h>

#include "classify/check.h"

#define RAW_MAX		1024	/* a longer name is no name */
#define ROUNDS		4	/* as it stands, and escapes undone up to three times */
#define SHORT_NAME	6	/* too short to hide a value */
#define BASE64_MIN	8	/* characters of the shortest encoding looked into */
#define HEX_MIN		12
#define STRETCH_MIN	6	/* printable bytes of a decoding that are looked at */
#define TEXT_MIN	9	/* a whole decoding this long and printable is a text */
#define DIGITS_LONG	9
#define DOTTED_LONG	13	/* one more than an IPv4 address can have */
#define OPAQUE_LONG	20
#define OPAQUE_SUM	16	/* opaque characters of a run with '-' or '_' inside: a UUID */
#define ESCAPES_MANY	4	/* escapes in one name: it hides something */
#define PASSWORD_MIN	8
#define HEX_ID		12	/* short hex ids are names: containers, commits */

enum { SAYS_NOTHING = -1, SAYS_OPAQUE = -2 };

/* ---- what a name gives away ---- */

static void first_class(void *owner, const struct hit *hit)
{
	int *id = owner;

	if (*id == SAYS_NOTHING && !class_row(hit->class_id)->is_name)
		*id = hit->class_id;
}

static int class_in(struct slice s)
{
	const struct evidence ev = { .type = VALUE_STRING, .text = true };
	int id = SAYS_NOTHING;

	classify_scan(&ev, s, first_class, &id);
	return id;
}

static size_t digits_in(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is_digit(s.ptr[i]);
	return n;
}

/* Is there text worth hiding in decoded bytes? whole: they are all of an encoding. */
static bool decoded_tells(struct slice d, bool whole)
{
	size_t start = 0;

	for (size_t i = 0; i <= d.len; i++) {
		struct slice stretch;

		if (i < d.len && is_print(d.ptr[i]))
			continue;
		stretch = slice_of(d.ptr + start, i - start);
		start = i + 1;
		if (stretch.len < STRETCH_MIN)
			continue;
		if ((whole && stretch.len == d.len && d.len >= TEXT_MIN) || digits_in(stretch) >= DIGITS_LONG ||
		    class_in(stretch) >= 0)
			return true;
	}
	return false;
}

/* The encoding may begin anywhere in the run: every alignment is tried. */
static bool base64_tells(struct slice run)
{
	uint8_t bytes[RAW_MAX];

	for (size_t off = 0; off < 4 && run.len - off >= BASE64_MIN; off++) {
		struct slice part = { run.ptr + off, run.len - off };
		int n;

		if (part.len % 4 == 1)	/* the last character is none of it */
			part.len--;
		n = base64_any(bytes, sizeof(bytes), part);
		if (n > 0 && decoded_tells(slice_of(bytes, (size_t)n), off == 0))
			return true;
	}
	return false;
}

static bool hex_tells(struct slice run)
{
	uint8_t bytes[RAW_MAX / 2];

	for (size_t off = 0; off < 2; off++) {
		size_t n = (run.len - off) / 2;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(hex_value(run.ptr[off + 2 * i]) << 4 | hex_value(run.ptr[off + 2 * i + 1]));
		if (decoded_tells(slice_of(bytes, n), off == 0))
			return true;
	}
	return false;
}

static bool is_base64_plain(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/';
}

/* Asks tells about each run of at least min bytes of a kind. */
static bool runs_tell(struct slice s, bool (*kind)(uint8_t), size_t min, bool (*tells)(struct slice))
{
	size_t start = 0;

	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && kind(s.ptr[i]))
			continue;
		if (i - start >= min && tells(slice_of(s.ptr + start, i - start)))
			return true;
		start = i + 1;
	}
	return false;
}

/* Base64 of either alphabet, or of what both share: three ways to cut the name into runs,
 * which are one where none of the four signs occurs. */
static bool encoding_in(struct slice s)
{
	bool plain = false, url = false;

	for (size_t i = 0; i < s.len; i++) {
		plain |= s.ptr[i] == '+' || s.ptr[i] == '/';
		url |= s.ptr[i] == '-' || s.ptr[i] == '_';
	}
	return runs_tell(s, is_hex, HEX_MIN, hex_tells) || runs_tell(s, is_alnum, BASE64_MIN, base64_tells) ||
	       (plain && runs_tell(s, is_base64_plain, BASE64_MIN, base64_tells)) ||
	       (url && runs_tell(s, is_base64, BASE64_MIN, base64_tells));
}

/* One escape at i undone into *c; bytes it took, or 0 when there is none. */
static size_t escape_at(struct slice s, size_t i, uint8_t *c)
{
	uint8_t kind = byte_at(s, i + 1);
	size_t hex = i + 1;

	if (s.ptr[i] == '\\' && (kind == 'u' || kind == 'x')) {
		hex = i + 2;
		if (kind == 'u') {
			if (byte_at(s, hex) != '0' || byte_at(s, hex + 1) != '0')
				return 0;
			hex += 2;
		}
	} else if (s.ptr[i] == '\\' && kind && strchr("/\\\"", kind)) {
		*c = kind;
		return 2;
	} else if (s.ptr[i] != '%') {
		return 0;
	}
	if (!is_hex(byte_at(s, hex)) || !is_hex(byte_at(s, hex + 1)))
		return 0;
	*c = (uint8_t)(hex_value(s.ptr[hex]) << 4 | hex_value(s.ptr[hex + 1]));
	return hex + 2 - i;
}

/* Undoes one layer of escapes in place; false when there was none. */
static bool escapes_undo(uint8_t *text, size_t *len)
{
	struct slice s = { text, *len };
	size_t n = 0, used;
	bool any = false;

	for (size_t i = 0; i < s.len; i += used) {
		uint8_t c = text[i];

		used = escape_at(s, i, &c);
		any |= used > 0 || c == '+';
		if (!used)
			used = 1;
		text[n++] = c == '+' ? ' ' : c;
	}
	*len = n;
	return any;
}

/* A name that was written to be read needs few escapes and no password's punctuation. */
static bool looks_hidden(struct slice raw)
{
	size_t escapes = 0, odd = 0, letters = 0;
	uint8_t c;

	for (size_t i = 0; i < raw.len; i++) {
		escapes += escape_at(raw, i, &c) > 0;
		odd += raw.ptr[i] && strchr("!#^&~;|`?", raw.ptr[i]) != NULL;
		letters += !is_digit(raw.ptr[i]) && is_alnum(raw.ptr[i]);
	}
	return escapes >= ESCAPES_MANY || (odd && letters && raw.len >= PASSWORD_MIN && digits_in(raw));
}

/* A class, SAYS_OPAQUE, or SAYS_NOTHING. */
static int name_says(struct slice raw)
{
	uint8_t text[RAW_MAX];
	size_t len = raw.len;
	int says = SAYS_NOTHING;

	if (len > RAW_MAX)
		return SAYS_OPAQUE;
	if (len)
		memcpy(text, raw.ptr, len);
	for (int round = 0; round < ROUNDS && says == SAYS_NOTHING; round++) {
		if (round && !escapes_undo(text, &len))
			break;
		says = class_in(slice_of(text, len));
		if (says == SAYS_NOTHING && encoding_in(slice_of(text, len)))
			says = SAYS_OPAQUE;
		/* Undone escapes may show digits that the raw name does not. */
		if (says == SAYS_NOTHING && round && digits_in(slice_of(text, len)) >= DIGITS_LONG &&
		    digits_in(slice_of(text, len)) > digits_in(raw))
			says = SAYS_OPAQUE;
	}
	explicit_bzero(text, sizeof(text));
	return says == SAYS_NOTHING && looks_hidden(raw) ? SAYS_OPAQUE : says;
}

/* ---- pieces: letters and digits between anything else ---- */

/* Letters that follow from case: "getUserName" three, "dGhpc0lz" six. */
static size_t piece_words(struct slice p)
{
	size_t words = 1;

	for (size_t i = 1; i < p.len; i++)
		words += is_digit(p.ptr[i]) != is_digit(p.ptr[i - 1]) ||
			 (is_upper(p.ptr[i]) && is_lower(p.ptr[i - 1]));
	return words;
}

static size_t piece_switches(struct slice p)
{
	size_t n = 0;

	for (size_t i = 1; i < p.len; i++)
		n += is_digit(p.ptr[i]) != is_digit(p.ptr[i - 1]);
	return n;
}

static bool is_hex_piece(struct slice p)
{
	for (size_t i = 0; i < p.len; i++)
		if (!is_hex(p.ptr[i]))
			return false;
	return true;
}

/* Not made of words: a piece of a token, digest or UUID. */
static bool is_odd_piece(struct slice p)
{
	size_t digits = digits_in(p), lower = 0;

	if (p.len < 8)
		return false;
	for (size_t i = 0; i < p.len; i++)
		lower += is_lower(p.ptr[i]);
	if (p.len >= OPAQUE_LONG) {
		if (!digits)
			return 5 * piece_words(p) > 2 * p.len;
		return digits > 4 || 4 * piece_words(p) > p.len || 10 * lower < 6 * p.len;
	}
	if (!digits)
		return false;
	return piece_switches(p) >= 4 || (is_hex_piece(p) && digits < p.len) || digits >= DIGITS_LONG;
}

/* An odd piece that stays: a short hex id. */
static bool is_short_id(struct slice p)
{
	return p.len <= HEX_ID && is_hex_piece(p) && digits_in(p) < DIGITS_LONG;
}

static size_t piece_end(struct slice s, size_t i)
{
	while (i < s.len && is_alnum(s.ptr[i]))
		i++;
	return i;
}

/* Characters in odd pieces from the one at i on, pieces joined by '-', '_', '+', '=';
 * *end is where the last of them ends. */
static size_t run_odd(struct slice s, size_t i, size_t *end)
{
	size_t odd = 0;

	*end = i;
	while (i < s.len && (is_alnum(s.ptr[i]) || (s.ptr[i] && strchr("-_+=", s.ptr[i])))) {
		size_t stop = piece_end(s, i);
		struct slice piece = { s.ptr + i, stop - i };

		if (is_odd_piece(piece)) {
			odd += piece.len;
			*end = stop;
		}
		i = stop > i ? stop : i + 1;
	}
	return odd;
}

/* Does a token of several pieces begin with the piece at i, "550e8400-e29b-…"? */
static bool run_begins(struct slice s, size_t i, size_t *end)
{
	struct slice piece = { s.ptr + i, piece_end(s, i) - i };

	if ((i && is_alnum(s.ptr[i - 1])) || !is_odd_piece(piece) || digits_in(piece) == piece.len)
		return false;
	return run_odd(s, i, end) >= OPAQUE_SUM;
}

/* End of the digits that begin at i, joined by one of "-_ ." each, when they are
 * too many to be kept; else 0. */
static size_t digits_end(struct slice s, size_t i)
{
	size_t nr = 0, end = i;
	bool dotted = false;

	while (is_digit(byte_at(s, i))) {
		while (is_digit(byte_at(s, i))) {
			nr++;
			i++;
		}
		end = i;
		if (i >= s.len || !s.ptr[i] || !strchr("-_ .", s.ptr[i]))
			break;
		if (s.ptr[i] == '.' && is_digit(byte_at(s, i + 1)))
			dotted = true;
		i++;
	}
	return nr >= (dotted ? DOTTED_LONG : DIGITS_LONG) ? end : 0;
}

/* ---- writing ---- */

struct writer { char *out; size_t len; bool full; };

static bool is_name_byte(uint8_t c)
{
	return is_alnum(c) || (c && strchr("_.:/{}$*+-", c));
}

static void put_bytes(struct writer *w, struct slice s)
{
	for (size_t i = 0; i < s.len && !w->full; i++) {
		w->full = w->len == NAME_SIZE - 1;
		if (!w->full)
			w->out[w->len++] = is_name_byte(s.ptr[i]) ? (char)s.ptr[i] : '_';
	}
}

/* A placeholder stands whole or not at all. */
static void put_word(struct writer *w, const char *word)
{
	size_t n = strlen(word);

	w->full = w->full || n > NAME_SIZE - 1 - w->len;
	if (w->full)
		return;
	memcpy(w->out + w->len, word, n);
	w->len += n;
}

static void put_piece(struct writer *w, struct slice p)
{
	if (is_odd_piece(p) && !is_short_id(p))
		put_word(w, "{opaque}");
	else
		put_bytes(w, p);
}

/* A name that gives nothing away as a whole, piece by piece. */
static void put_pieces(struct writer *w, struct slice s)
{
	size_t end;

	for (size_t i = 0; i < s.len && !w->full; i = end) {
		if (!is_alnum(s.ptr[i])) {
			end = i + 1;
			put_bytes(w, slice_of(s.ptr + i, 1));
		} else if (run_begins(s, i, &end)) {
			put_word(w, "{opaque}");
		} else if (is_digit(s.ptr[i]) && (end = digits_end(s, i))) {
			put_word(w, "{digits}");
		} else {
			end = i;
			/* Digits that are too many end a piece of letters before them. */
			while (end < s.len && is_alnum(s.ptr[end]) &&
			       !(end > i && is_digit(s.ptr[end]) && !is_digit(s.ptr[end - 1]) && digits_end(s, end)))
				end++;
			put_piece(w, slice_of(s.ptr + i, end - i));
		}
	}
}

size_t name_clean(char out[NAME_SIZE], const char *raw, size_t len)
{
	struct writer w = { .out = out };
	struct slice s = slice_of(raw, len);
	int says = len > SHORT_NAME ? name_says(s) : SAYS_NOTHING;

	if (says >= 0) {
		put_word(&w, "{");
		put_word(&w, class_get((unsigned)says)->name);
		put_word(&w, "}");
	} else if (says == SAYS_OPAQUE) {
		put_word(&w, "{opaque}");
	} else {
		put_pieces(&w, s);
	}
	/* A spreadsheet takes a cell that begins so for a formula. */
	if (w.len && (out[0] == '+' || out[0] == '-'))
		out[0] = '_';
	out[w.len] = 0;
	return w.len;
}

/* A hit that lies across a '/', which segments would cut in two. */
static void class_across(void *owner, const struct hit *hit)
{
	struct { struct slice path; int id; } *across = owner;

	if (memchr(across->path.ptr + hit->start, '/', hit->end - hit->start))
		across->id = hit->class_id;
}

static int path_says(struct slice path)
{
	const struct evidence ev = { .type = VALUE_STRING, .text = true };
	struct { struct slice path; int id; } across = { path, SAYS_NOTHING };

	if (path.len > 4 * RAW_MAX)
		return SAYS_OPAQUE;
	classify_scan(&ev, path, class_across, &across);
	if (across.id == SAYS_NOTHING && path.len <= RAW_MAX && runs_tell(path, is_base64_plain, BASE64_MIN, base64_tells))
		return SAYS_OPAQUE;
	return across.id;
}

/* Adds one cleaned segment with the '/' before it; the path keeps its end, because
 * the base name says most. */
static void path_add(char out[EXE_SIZE], size_t *len, const char *name, size_t n, bool slash)
{
	size_t need = n + slash, drop;

	if (need > EXE_SIZE - 1 - *len) {
		drop = need - (EXE_SIZE - 1 - *len) + 1;	/* and one for the '*' */
		if (drop > *len)
			drop = *len;
		memmove(out + 1, out + drop, *len - drop);
		out[0] = '*';
		*len = *len - drop + 1;
	}
	if (slash)
		out[(*len)++] = '/';
	memcpy(out + *len, name, n);
	*len += n;
}

size_t name_clean_path(char out[EXE_SIZE], const char *raw, size_t len)
{
	struct slice path = slice_of(raw, len);
	int says = path_says(path);
	size_t n = 0, start = 0;
	char name[NAME_SIZE];

	if (says != SAYS_NOTHING) {
		n = (size_t)snprintf(out, EXE_SIZE, "{%s}", says >= 0 ? class_get((unsigned)says)->name : "opaque");
		return n;
	}
	for (size_t i = 0; i <= len; i++) {
		if (i < len && raw[i] != '/')
			continue;
		path_add(out, &n, name, name_clean(name, raw + start, i - start), start > 0);
		start = i + 1;
	}
	out[n] = 0;
	return n;
}
