/* SPDX-License-Identifier: Apache-2.0 */
/* html_text.c - the text of a page as one text, so that words keep what they stand before; beside it
 * what forms are filled with, and what attributes say. Styles are not read; scripts are, as the
 * text that they are, since pages carry their data in them. */
#include <stdlib.h>
#include <string.h>

#include "protocol/content/entity.h"
#include "protocol/content/media.h"
#include "protocol/content/tree.h"

#define COST_TAG 60	/* ns to know a tag */
#define SKIM 1024	/* bytes in which a page says that it is one */

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	uint8_t *text, *copy;	/* of the page; of one attribute */
	size_t len;
};

static int match(struct slice essence, struct slice head)
{
	if (is_fold(essence, "text/html") || is_fold(essence, "application/xhtml+xml"))
		return 100;
	head = trim(head);
	head.len = head.len < SKIM ? head.len : SKIM;
	return begins_fold(head, "<!doctype html") || begins_fold(head, "<html") ? 60 : 0;
}

static bool name_is(struct slice name, const char *lower)
{
	return name.len && (name.ptr[0] | 0x20) == (uint8_t)lower[0] && name.len == strlen(lower) && begins_fold(name, lower);
}

static bool listed(struct slice name, const char *const *list)
{
	for (; *list; list++)
		if (name_is(name, *list))
			return true;
	return false;
}

/* What a tag is in the text: nothing, a blank, or the end of a line. */
static void text_break(struct walker *w, struct slice name)
{
	static const char *const within[] = { "a", "abbr", "b", "bdi", "bdo", "code", "em", "font", "i", "mark", "s", "small", "strong", "sub", "sup",
					      "u", "wbr", NULL };
	static const char *const blank[] = { "dd", "dt", "input", "label", "span", "td", "th", NULL };

	if (w->len && is_blank(w->text[w->len - 1]))
		return;
	if (!listed(name, within))
		w->text[w->len++] = listed(name, blank) ? ' ' : '\n';
}

static void tell(struct walker *w, struct slice key, struct slice value, bool whole)
{
	if (value.len && memchr(value.ptr, '&', value.len))
		value = slice_of(w->copy, entities_decode(w->copy, value, true));
	if (value.len)
		tree_leaf(w->tree, key, value, VALUE_STRING, !whole);
}

/* Attributes that are for people, or that a form sends: <input name=email value=…>. */
static void take_attributes(struct walker *w)
{
	static const char *const naming[] = { "name", "id", "property", "itemprop", NULL };
	static const char *const told[] = { "alt", "content", "href", "placeholder", "title", NULL };
	struct attribute a, value = { .name = NO_NAME };
	struct slice name = NO_NAME;

	while (!w->tree->full && attribute_next(&w->p, w->end, &a)) {
		if (listed(a.name, naming))
			name = name.ptr && !name_is(a.name, "name") ? name : a.value;
		else if (name_is(a.name, "value") || name_is(a.name, "content"))
			value = a;
		else if (listed(a.name, told) || begins_fold(a.name, "data-"))
			tell(w, a.name, a.value, a.whole);
	}
	tell(w, name.len ? name : value.name, value.value, value.whole);
}

/* What is not markup inside, up to its end tag: nothing of a style is read. */
static void take_raw(struct walker *w, const char *end_tag, bool read)
{
	const uint8_t *from = w->p, *p = from;

	while ((p = memchr(p, '<', (size_t)(w->end - p))) && !begins_fold(slice_of(p, (size_t)(w->end - p)), end_tag))
		p++;
	w->p = p ? p : w->end;
	if (read && w->p > from)
		tree_leaf(w->tree, SLICE("script"), trim(slice_of(from, (size_t)(w->p - from))), VALUE_STRING, !p && w->job->cut);
}

static void step_over(struct walker *w, const char *until)
{
	const uint8_t *at = memmem(w->p, (size_t)(w->end - w->p), until, strlen(until));

	w->job->limited |= !at;
	w->p = at ? at + strlen(until) : w->end;
}

static void take_tag(struct walker *w)
{
	struct slice rest = slice_of(w->p, (size_t)(w->end - w->p)), name;
	const uint8_t *from = w->p + 1;
	bool closes;

	if (begins(rest, "<!--")) {
		step_over(w, "-->");
		return;
	}
	if (begins(rest, "<!") || begins(rest, "<?")) {
		step_over(w, ">");
		return;
	}
	closes = rest.len > 1 && rest.ptr[1] == '/';
	from += closes;
	if (from >= w->end || (*from | 0x20) < 'a' || (*from | 0x20) > 'z') {	/* a lone '<' */
		w->text[w->len++] = *w->p++;
		return;
	}
	if (w->job->sink->afford)
		w->job->sink->afford(w->job->sink->owner, COST_TAG);
	w->p = name_end(from, w->end);
	name = slice_of(from, (size_t)(w->p - from));
	text_break(w, name);
	take_attributes(w);
	if (w->p < w->end && *w->p == '>')
		w->p++;
	if (!closes && name_is(name, "script"))
		take_raw(w, "</script", true);
	else if (!closes && name_is(name, "style"))
		take_raw(w, "</style", false);
}

static void walk(struct walker *w)
{
	const uint8_t *tag = w->job->late ? memchr(w->p, '>', (size_t)(w->end - w->p)) : NULL;

	if (tag && !memchr(w->p, '<', (size_t)(tag - w->p)))	/* the rest of a tag, maybe; as text it is read as well */
		w->len = entities_decode(w->text, slice_of(w->p, (size_t)(tag - w->p)), true);
	w->p = tag && w->len ? tag : w->p;
	while (w->p < w->end && !w->tree->full) {
		tag = memchr(w->p, '<', (size_t)(w->end - w->p));
		tag = tag ? tag : w->end;
		w->len += entities_decode(w->text + w->len, slice_of(w->p, (size_t)(tag - w->p)), true);
		w->p = tag;
		if (tag < w->end)
			take_tag(w);
	}
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .tree = tree_new(job, "html"), .p = body.ptr, .end = body.ptr + body.len };
	struct slice text;

	w.text = malloc(body.len + 1);
	w.copy = malloc(body.len + 1);
	if (w.tree && w.text && w.copy) {
		walk(&w);
		text = trim(slice_of(w.text, w.len));
		if (text.len && !w.tree->full)
			content_text(job, "html", text);
	}
	job->limited |= !w.text || !w.copy;
	if (w.text)
		explicit_bzero(w.text, body.len + 1);
	if (w.copy)
		explicit_bzero(w.copy, body.len + 1);
	free(w.text);
	free(w.copy);
	tree_free(w.tree);
}

const struct content content_html_text = {
	.name = "html_text", .summary = "text of pages, forms in them", .match = match, .decode = decode,
};
