/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - XML 1.0 and SOAP: texts of elements and attributes under the names around them, without
 * their namespaces. Nothing is declared, included or expanded but the five entities that every
 * document has; comments and processing instructions are stepped over. An end that fits none of
 * the open elements is of one that began before; one that fits an outer ends those inside. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/content/entity.h"
#include "protocol/content/media.h"
#include "protocol/content/tree.h"

#define TEXT_MAX 65536	/* bytes of a text that is put together; the rest is cut */

struct walker {
	struct content_job *job;
	struct tree *tree;
	const uint8_t *p, *end;
	struct buf text;	/* of the element at hand, where it is in pieces or has entities */
	struct slice plain;	/* where it is neither: in the body */
};

static int match(struct slice essence, struct slice head)
{
	if (ends(essence, "/xml", 4) || ends(essence, "+xml", 4))
		return media_has(essence, "xhtml") ? 0 : 100;
	head = trim(head);
	if (begins(head, "<?xml"))
		return 60;
	return head.len > 1 && head.ptr[0] == '<' && ((head.ptr[1] | 0x20) >= 'a' && (head.ptr[1] | 0x20) <= 'z') ? 30 : 0;
}

static struct slice local_name(struct slice name)
{
	const uint8_t *colon = name.len ? memchr(name.ptr, ':', name.len) : NULL;

	return colon ? slice_of(colon + 1, name.len - (size_t)(colon + 1 - name.ptr)) : name;
}

/* What stands for the bytes: themselves where no entity is in them, else in the buffer. */
static void text_add(struct walker *w, struct slice s, bool entities)
{
	uint8_t *plain;

	entities = entities && s.len && memchr(s.ptr, '&', s.len);
	if (!s.len)
		return;
	if (!entities && !w->plain.len && !w->text.len) {
		w->plain = s;
		return;
	}
	if (w->plain.len) {
		struct slice first = w->plain;

		w->plain = NO_NAME;
		buf_add(&w->text, first.ptr, first.len < TEXT_MAX ? first.len : TEXT_MAX);
	}
	s.len = s.len < TEXT_MAX - w->text.len ? s.len : TEXT_MAX - w->text.len;
	if (!entities) {
		buf_add(&w->text, s.ptr, s.len);
		return;
	}
	plain = malloc(s.len ? s.len : 1);
	if (plain) {
		size_t n = entities_decode(plain, s, false);

		buf_add(&w->text, plain, n);
		explicit_bzero(plain, n);
	}
	w->job->limited |= !plain;
	free(plain);
}

/* A tag ends the text before it. */
static void text_done(struct walker *w, bool cut)
{
	struct slice s = trim(w->plain.len ? w->plain : slice_of(w->text.ptr, w->text.len));

	w->job->limited |= w->text.failed || w->text.len == TEXT_MAX;
	if (s.len)
		tree_text(w->tree, s, cut);
	w->plain = NO_NAME;
	buf_reset(&w->text);
}

static void take_attribute(struct walker *w, const struct attribute *a)
{
	struct slice value = a->value;
	uint8_t *plain = NULL;

	if (begins(a->name, "xmlns") && (a->name.len == 5 || a->name.ptr[5] == ':'))
		return;
	if (value.len && memchr(value.ptr, '&', value.len)) {
		plain = malloc(value.len);
		w->job->limited |= !plain;
		if (!plain)
			return;
		value = slice_of(plain, entities_decode(plain, value, false));
	}
	tree_leaf(w->tree, local_name(a->name), value, VALUE_STRING, !a->whole);
	if (plain)
		explicit_bzero(plain, value.len);
	free(plain);
}

/* At "<name". */
static void take_begin(struct walker *w)
{
	const uint8_t *name = w->p + 1;
	struct attribute a;

	text_done(w, false);
	w->p = name_end(name, w->end);
	if (w->p == name) {	/* no tag: "a < b" in what is not XML */
		w->p += w->p < w->end;
		return;
	}
	tree_open(w->tree, local_name(slice_of(name, (size_t)(w->p - name))), false);
	while (!w->tree->full && attribute_next(&w->p, w->end, &a))
		take_attribute(w, &a);
	if (w->p < w->end && *w->p == '>') {
		if (w->p[-1] == '/')
			tree_close(w->tree);
		w->p++;
	}
}

/* At "</name>". */
static void take_end(struct walker *w)
{
	struct tree *t = w->tree;
	struct slice name;
	const uint8_t *from = w->p + 2;
	unsigned level;

	text_done(w, false);
	w->p = name_end(from, w->end);
	name = local_name(slice_of(from, (size_t)(w->p - from)));
	name.len = name.len < KEY_KEPT ? name.len : KEY_KEPT;
	while (w->p < w->end && *w->p != '>' && *w->p != '<')
		w->p++;
	w->p += w->p < w->end && *w->p == '>';
	if (t->too_deep) {
		tree_close(t);
		return;
	}
	for (level = t->depth; level > 1; level--)
		if (t->stack[level - 1].key_len == name.len && (!name.len || !memcmp(t->stack[level - 1].key, name.ptr, name.len)))
			break;
	while (level > 1 && t->depth >= level)
		tree_close(t);
}

/* What begins with so many bytes ends behind these; without an end, nothing follows. */
static void step_over(struct walker *w, size_t skip, const char *until)
{
	const uint8_t *from = w->p + skip, *at = memmem(from, (size_t)(w->end - from), until, strlen(until));

	w->job->limited |= !at;
	w->p = at ? at + strlen(until) : w->end;
}

/* <!DOCTYPE name [ … ]>: none of it is obeyed. */
static void skip_declaration(struct walker *w)
{
	bool inside = false;
	uint8_t quote = 0;

	for (w->p += 2; w->p < w->end; w->p++) {
		uint8_t c = *w->p;

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '[' || c == ']') {
			inside = c == '[';
		} else if (c == '>' && !inside) {
			w->p++;
			return;
		}
	}
	w->job->limited = true;
}

static void take_cdata(struct walker *w)
{
	const uint8_t *from = w->p + 9, *close = memmem(from, (size_t)(w->end - from), "]]>", 3);

	text_add(w, slice_of(from, (size_t)((close ? close : w->end) - from)), false);
	w->p = close ? close + 3 : w->end;
	if (!close)
		text_done(w, true);
}

static void take_markup(struct walker *w)
{
	struct slice rest = slice_of(w->p, (size_t)(w->end - w->p));

	if (begins(rest, "<!--"))
		step_over(w, 4, "-->");
	else if (begins(rest, "<![CDATA["))
		take_cdata(w);
	else if (begins(rest, "<?"))
		step_over(w, 2, "?>");
	else if (begins(rest, "<!"))
		skip_declaration(w);
	else if (begins(rest, "</"))
		take_end(w);
	else
		take_begin(w);
}

/* The rest of a tag: its attributes are those of no name that is known. */
static void late_start(struct walker *w)
{
	const uint8_t *tag = memchr(w->p, '>', (size_t)(w->end - w->p));
	size_t len = tag ? (size_t)(tag - w->p) : 0;
	struct attribute a;

	if (!len || memchr(w->p, '<', len) || !memchr(w->p, '=', len))
		return;
	while (!w->tree->full && attribute_next(&w->p, tag, &a))
		take_attribute(w, &a);
	w->p = tag + 1;
}

static void walk(struct walker *w)
{
	while (w->p < w->end && !w->tree->full) {
		const uint8_t *mark = memchr(w->p, '<', (size_t)(w->end - w->p)), *to = mark ? mark : w->end;

		text_add(w, slice_of(w->p, (size_t)(to - w->p)), true);
		w->p = to;
		if (mark)
			take_markup(w);
	}
	if (!w->tree->full)
		text_done(w, w->job->cut);
}

static void decode(struct content_job *job, struct slice body)
{
	struct walker w = { .job = job, .tree = tree_new(job, "xml"), .p = body.ptr, .end = body.ptr + body.len };

	if (!w.tree)
		return;
	buf_init(&w.text, TEXT_MAX + 1);
	if (job->late)
		late_start(&w);
	walk(&w);
	buf_free(&w.text);
	tree_free(w.tree);
}

const struct content content_xml = {
	.name = "xml", .summary = "XML and SOAP, elements and attributes", .match = match, .decode = decode,
};
