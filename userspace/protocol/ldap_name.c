/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_name.c - distinguished names (RFC 4514): components as fields, and the template that is a route. */
#include <strings.h>

#include "base/uninitialized.h"
#include "protocol/ldap.h"

#define COMPONENTS	32	/* of a name */
#define VALUE_MAX	256	/* bytes of a value that is written with escapes; of a longer one they stay */

struct component { struct slice type, value; bool last; };	/* last: of those that "+" joins */

static struct slice trim(struct slice s)
{
	while (s.len && s.ptr[0] == ' ')
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* What stands before the next of these three bytes that has no backslash before it. */
static inline struct slice before(struct slice in, const char ends[4])
{
	size_t n = 0;

	while (n < in.len && in.ptr[n] != ends[0] && in.ptr[n] != ends[1] && in.ptr[n] != ends[2])
		n += in.ptr[n] == '\\' && in.len - n > 1 ? 2 : 1;
	return slice_of(in.ptr, n);
}

/* Takes one off the front. */
static bool component(struct slice *in, struct component *c)
{
	struct slice all = before(*in, ",;+"), rest;

	if (!in->len)
		return false;
	c->type = before(all, "===");
	rest = slice_of(all.ptr + c->type.len, all.len - c->type.len);
	c->value = rest.len ? trim(slice_of(rest.ptr + 1, rest.len - 1)) : (struct slice){ 0 };	/* NULL: there is no "=" */
	c->type = trim(c->type);
	c->last = true;
	if (all.len < in->len) {
		c->last = in->ptr[all.len] != '+';
		all.len++;
	}
	*in = slice_of(in->ptr + all.len, in->len - all.len);
	return true;
}

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Without its escapes; s is not longer than out. */
static struct slice plain(uint8_t *out, struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		size_t left = s.len - i;

		if (s.ptr[i] != '\\' || left < 2) {
			out[n++] = s.ptr[i];
		} else if (left > 2 && digit(s.ptr[i + 1]) >= 0 && digit(s.ptr[i + 2]) >= 0) {
			out[n++] = (uint8_t)(digit(s.ptr[i + 1]) << 4 | digit(s.ptr[i + 2]));
			i += 2;
		} else {
			out[n++] = s.ptr[++i];
		}
	}
	return slice_of(out, n);
}

void ldap_tell_name(struct ldap_message *m, const char *root, enum location location, struct slice name)
{
	uint8_t room[VALUE_MAX];
	struct component c;
	unsigned nr = 0;

	while (component(&name, &c)) {
		struct ber value = { .value = c.value };

		if (nr++ == COMPONENTS) {
			m->job.limited = true;
			break;
		}
		if (c.value.len <= sizeof(room) && c.value.len && memchr(c.value.ptr, '\\', c.value.len))
			value.value = plain(room, c.value);
		if (!c.value.ptr && c.type.len) {	/* no name at all: "ana@corp.org", CORP\ana */
			value.value = c.type;
			ldap_leaf(m, root, location, SLICE("user"), &value);
		} else if (c.type.len && c.value.len) {
			ldap_leaf(m, root, location, c.type, &value);
		}
	}
	explicit_bzero(room, sizeof(room));
}

static bool is(struct slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp((const char *)s.ptr, word, s.len);
}

static bool is_place(struct slice type)
{
	return is(type, "dc") || is(type, "ou") || is(type, "o") || is(type, "c") || is(type, "l") || is(type, "st");
}

/* Whose values name a place in the tree and nobody: those of some types, and the common name on which
 * the tree stands (cn=users,dc=corp; cn=config). */
static bool is_shown(const struct component *c, unsigned i, unsigned nr)
{
	if (is_place(c[i].type))
		return true;
	return is(c[i].type, "cn") && (i + 1 == nr || (i && (is(c[i + 1].type, "dc") || is(c[i + 1].type, "o"))));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

void ldap_route(char out[PATH_SIZE], struct slice name, const struct field_sink *sink)
{
	struct component c[COMPONENTS] UNINITIALIZED;
	unsigned nr = 0;
	size_t n = 0;

	out[0] = 0;
	while (nr < COMPONENTS && component(&name, &c[nr]))
		nr += c[nr].type.len > 0;
	for (unsigned i = 0; i < nr; i++) {
		bool named = c[i].value.ptr;
		char type[NAME_SIZE] UNINITIALIZED, value[PATH_SIZE] UNINITIALIZED;
		size_t len = 0;

		if (named) {
			sink->clean(sink->owner, type, c[i].type);
			len = strlen(type) + 1;
		}
		if (named && is_shown(c, i, nr))
			route_template(value, c[i].value, sink);
		else
			memcpy(value, "{id}", 5);
		if ((i > 0) + len + strlen(value) >= PATH_SIZE - n)	/* the front of it is as good a name */
			break;
		n = path_append(out, n, !i ? "" : named && !c[i - 1].last ? "+" : ",");
		if (named)
			n = path_append(out, path_append(out, n, type), "=");
		n = path_append(out, n, value);
	}
	for (size_t i = 0; i < n; i++)
		out[i] = lower(out[i]);
	if (!n)
		path_append(out, 0, "rootdse");
}
