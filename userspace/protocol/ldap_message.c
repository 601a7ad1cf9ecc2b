/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_message.c - what stands in a message of LDAP (RFC 4511, 4): names by component, attributes and what a
 * search asks of them by type, who logs in. Depth and number of elements are capped. */
#include "protocol/ldap.h"

#include <stdio.h>

#include "base/uninitialized.h"
#include "protocol/content/media.h"
#include "protocol/sasl.h"

#define FILTER_DEPTH	32

/* ---- elements ---- */

int ber_length(struct slice in, size_t *head, uint32_t *len)
{
	if (!in.len)
		return -1;
	*head = 1;
	*len = in.ptr[0];
	if (in.ptr[0] < 0x80)
		return 1;
	*head += in.ptr[0] & 0x7f;
	if (*head == 1 || *head > 5)	/* without an end, or longer than anything is */
		return 0;
	if (in.len < *head)
		return -1;
	*len = ber_number(slice_of(in.ptr + 1, *head - 1));
	return 1;
}

uint32_t ber_number(struct slice s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < s.len && i < 4; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

bool ber_take(struct reader *r, struct ber *b)
{
	size_t head;
	uint32_t len;

	*b = (struct ber){ 0 };
	if (r->failed || !r->left.len)
		return false;
	b->tag = (uint8_t)reader_number(r, 1);
	if ((b->tag & 31) == 31 || ber_length(r->left, &head, &len) <= 0) {
		r->failed = true;
		return false;
	}
	reader_take(r, head);
	b->cut = len > r->left.len;
	b->value = reader_take(r, b->cut ? r->left.len : len);
	r->failed |= b->cut;
	return true;
}

/* The next one, when it has that tag. */
static bool take(struct ldap_message *m, struct reader *r, uint8_t tag, struct ber *b)
{
	bool is = ber_take(r, b) && b->tag == tag;

	m->job.limited |= !is || b->cut;
	return is;
}

static struct reader inside(const struct ber *b)
{
	return (struct reader){ .left = b->value };
}

/* ---- fields ---- */

void ldap_leaf(struct ldap_message *m, const char *root, enum location location, struct slice key, const struct ber *value)
{
	char path[PATH_SIZE] UNINITIALIZED;
	size_t n = path_append(path, path_append(path, 0, root), ".");
	const uint8_t *option = key.len ? memchr(key.ptr, ';', key.len) : NULL;
	bool written = value->value.len && is_written(value->value);
	struct field f = { .location = location, .dir = m->job.dir, .path = path, .value = value->value, .cut = value->cut, .text = 1 };

	if (content_full(&m->job))
		return;
	m->job.fields++;
	m->job.location = location;
	f.key = slice_of(key.ptr, option ? (size_t)(option - key.ptr) : key.len);
	f.type = written || !value->value.len ? VALUE_STRING : VALUE_BYTES;
	m->job.sink->clean(m->job.sink->owner, path + n, f.key);
	if (value->cut || !written || !content_inside(&m->job, path, f.key, f.value))
		m->job.sink->field(m->job.sink->owner, m->job.exchange, &f);
}

static void word(struct ldap_message *m, const char *root, enum location location, const char *key, const struct ber *value)
{
	if (value->value.len)
		ldap_leaf(m, root, location, slice_of(key, strlen(key)), value);
}

static enum location body(const struct ldap_message *m, enum ldap_op op)
{
	return op == LDAP_ENTRY ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY;
}

static void route(struct ldap_message *m, const char *name)
{
	path_append(m->job.exchange->route, 0, name);
}

/* ---- requests ---- */

static void tell_sasl(struct ldap_message *m, const struct ber *how)
{
	struct reader r = inside(how);
	struct ber mechanism, credentials;
	char name[NAME_SIZE], text[PATH_SIZE];

	if (!take(m, &r, 0x04, &mechanism))
		return;
	m->auth = (uint8_t)sasl_auth(mechanism.value);
	m->job.sink->clean(m->job.sink->owner, name, mechanism.value);
	snprintf(text, sizeof(text), "sasl/%s", name);
	route(m, text);
	if (r.left.len && take(m, &r, 0x04, &credentials))
		sasl_tell(m->job.sink, m->job.exchange, m->job.dir, mechanism.value, credentials.value);
}

static void tell_bind(struct ldap_message *m, struct reader *r)
{
	struct ber version, name, how;

	if (!take(m, r, 0x02, &version) || !take(m, r, 0x04, &name))
		return;
	if (name.value.len)
		ldap_route(m->job.exchange->route, name.value, m->job.sink);
	ldap_tell_name(m, "bind", LOC_REQUEST_HEADER, name.value);
	if (!ber_take(r, &how)) {
		m->job.limited = true;
	} else if (how.tag == 0xa3) {
		tell_sasl(m, &how);
	} else if (how.tag == 0x80) {
		if (!name.value.len && !how.value.len)
			route(m, "anonymous");
		m->auth = how.value.len ? AUTH_BASIC : AUTH_NONE;
		word(m, "bind", LOC_REQUEST_HEADER, "password", &how);
	} else {
		m->auth = AUTH_OTHER;
	}
}

static void tell_substrings(struct ldap_message *m, struct reader *r, struct slice type)
{
	struct ber list, part;
	struct reader parts;

	if (!take(m, r, 0x30, &list))
		return;
	parts = inside(&list);
	while (ber_take(&parts, &part))
		ldap_leaf(m, "filter", LOC_QUERY, type, &part);
}

/* type, rule and value in any order; [1] to [4] */
static void tell_extensible(struct ldap_message *m, struct reader *r)
{
	struct ber b, value = { 0 };
	struct slice type = { 0 };

	while (ber_take(r, &b)) {
		if (b.tag == 0x82)
			type = b.value;
		else if (b.tag == 0x83)
			value = b;
	}
	if (value.tag)
		ldap_leaf(m, "filter", LOC_QUERY, type, &value);
}

static void tell_condition(struct ldap_message *m, const struct ber *b)
{
	struct reader r = inside(b);
	struct ber type, value;

	if (b->tag == 0xa9) {
		tell_extensible(m, &r);
	} else if (b->tag == 0xa4) {
		if (take(m, &r, 0x04, &type))
			tell_substrings(m, &r, type.value);
	} else if (b->tag == 0xa3 || b->tag == 0xa5 || b->tag == 0xa6 || b->tag == 0xa8) {
		if (take(m, &r, 0x04, &type) && take(m, &r, 0x04, &value))
			ldap_leaf(m, "filter", LOC_QUERY, type.value, &value);
	} else if (b->tag != 0x87) {
		m->job.limited = true;
	}
}

static void tell_filter(struct ldap_message *m, struct reader *in)
{
	struct reader levels[FILTER_DEPTH] UNINITIALIZED;
	unsigned depth = 1;
	struct ber b;

	if (!ber_take(in, &b)) {
		m->job.limited = true;
		return;
	}
	levels[0] = (struct reader){ 0 };
	for (;;) {
		if (b.tag < 0xa0 || b.tag > 0xa2)
			tell_condition(m, &b);
		else if (depth == FILTER_DEPTH)
			m->job.limited = true;	/* what is deeper is passed over */
		else
			levels[depth++] = inside(&b);
		m->job.limited |= b.cut;
		while (!ber_take(&levels[depth - 1], &b)) {
			m->job.limited |= levels[depth - 1].failed;
			if (!--depth)
				return;
		}
		if (content_full(&m->job))
			return;
	}
}

static void tell_search(struct ldap_message *m, struct reader *r)
{
	static const char *const scopes[] = { "?base", "?one", "?sub", "?subordinates" };
	struct ber base, scope, b;
	char *out = m->job.exchange->route;
	size_t n;

	if (!take(m, r, 0x04, &base) || !take(m, r, 0x0a, &scope))
		return;
	ldap_route(out, base.value, m->job.sink);
	n = strlen(out);
	if (scope.value.len == 1 && scope.value.ptr[0] < sizeof(scopes) / sizeof(scopes[0]) && n + strlen(scopes[scope.value.ptr[0]]) < PATH_SIZE)
		path_append(out, n, scopes[scope.value.ptr[0]]);
	ldap_tell_name(m, "dn", LOC_PATH, base.value);
	for (int i = 0; i < 4; i++)	/* aliases, limits, types only */
		if (!ber_take(r, &b)) {
			m->job.limited = true;
			return;
		}
	tell_filter(m, r);
}

/* A type and a set of its values: of an entry, of what is added, of a change. */
static void tell_attribute(struct ldap_message *m, enum location location, struct reader *r)
{
	struct ber type, set, value;
	struct reader values;

	if (!take(m, r, 0x04, &type) || !take(m, r, 0x31, &set))
		return;
	values = inside(&set);
	while (!content_full(&m->job) && ber_take(&values, &value))
		ldap_leaf(m, "entry", location, type.value, &value);
	m->job.limited |= values.failed;
}

static void tell_entry(struct ldap_message *m, enum location location, struct reader *r)
{
	struct ber name, list, attribute;
	struct reader attributes;

	if (!take(m, r, 0x04, &name))
		return;
	ldap_tell_name(m, "dn", location == LOC_RESPONSE_BODY ? location : LOC_PATH, name.value);
	if (location == LOC_REQUEST_BODY)
		ldap_route(m->job.exchange->route, name.value, m->job.sink);
	if (!take(m, r, 0x30, &list))
		return;
	attributes = inside(&list);
	while (!content_full(&m->job) && ber_take(&attributes, &attribute)) {
		struct reader one = inside(&attribute);

		tell_attribute(m, location, &one);
	}
	m->job.limited |= attributes.failed;
}

static void tell_modify(struct ldap_message *m, struct reader *r)
{
	struct ber name, list, change, kind, attribute;
	struct reader changes;

	if (!take(m, r, 0x04, &name))
		return;
	ldap_route(m->job.exchange->route, name.value, m->job.sink);
	ldap_tell_name(m, "dn", LOC_PATH, name.value);
	if (!take(m, r, 0x30, &list))
		return;
	changes = inside(&list);
	while (!content_full(&m->job) && ber_take(&changes, &change)) {
		struct reader one = inside(&change), type;

		if (!take(m, &one, 0x0a, &kind) || !take(m, &one, 0x30, &attribute))
			return;
		type = inside(&attribute);
		tell_attribute(m, LOC_REQUEST_BODY, &type);
	}
	m->job.limited |= changes.failed;
}

static void tell_named(struct ldap_message *m, struct slice name)
{
	ldap_route(m->job.exchange->route, name, m->job.sink);
	ldap_tell_name(m, "dn", LOC_PATH, name);
}

static void tell_rename(struct ldap_message *m, struct reader *r)
{
	struct ber name, relative, old, superior;

	if (!take(m, r, 0x04, &name))
		return;
	tell_named(m, name.value);
	if (!take(m, r, 0x04, &relative))
		return;
	ldap_tell_name(m, "newrdn", LOC_REQUEST_BODY, relative.value);
	if (take(m, r, 0x01, &old) && r->left.len && take(m, r, 0x80, &superior))
		ldap_tell_name(m, "newsuperior", LOC_REQUEST_BODY, superior.value);
}

static void tell_compare(struct ldap_message *m, struct reader *r)
{
	struct ber name, assertion, type, value;
	struct reader in;

	if (!take(m, r, 0x04, &name))
		return;
	tell_named(m, name.value);
	if (!take(m, r, 0x30, &assertion))
		return;
	in = inside(&assertion);
	if (take(m, &in, 0x04, &type) && take(m, &in, 0x04, &value))
		ldap_leaf(m, "compare", LOC_REQUEST_BODY, type.value, &value);
}

/* ---- extensions ---- */

struct named_oid { const char *oid, *name; };

static const struct named_oid extensions[] = {
	{ "1.3.6.1.4.1.1466.20037", "starttls" }, { "1.3.6.1.4.1.1466.20036", "notice-of-disconnection" },
	{ "1.3.6.1.4.1.4203.1.11.1", "password-modify" }, { "1.3.6.1.4.1.4203.1.11.3", "whoami" }, { "1.3.6.1.1.8", "cancel" },
	{ "1.3.6.1.1.21.1", "start-transaction" }, { "1.3.6.1.1.21.3", "end-transaction" },
	{ "1.3.6.1.4.1.1466.101.119.1", "dynamic-refresh" }, { "1.3.6.1.4.1.4203.1.9.1.4", "sync-info" },
};

static const struct named_oid controls[] = {
	{ "1.2.840.113556.1.4.319", "paged-results" }, { "2.16.840.1.113730.3.4.2", "manage-dsa-it" },
	{ "2.16.840.1.113730.3.4.18", "proxied-authorization" }, { "1.2.840.113556.1.4.473", "sort" },
	{ "1.2.840.113556.1.4.474", "sort-response" }, { "1.3.6.1.1.12", "assertion" }, { "1.3.6.1.1.13.1", "pre-read" },
	{ "1.3.6.1.1.13.2", "post-read" }, { "1.3.6.1.4.1.4203.1.9.1.1", "sync-request" }, { "1.3.6.1.4.1.4203.1.9.1.2", "sync-state" },
	{ "1.3.6.1.4.1.4203.1.9.1.3", "sync-done" }, { "1.3.6.1.4.1.42.2.27.8.5.1", "password-policy" },
	{ "2.16.840.1.113730.3.4.9", "virtual-list-view" }, { "1.3.6.1.4.1.4203.1.10.1", "subentries" },
	{ "1.2.826.0.1.3344810.2.3", "matched-values" }, { "1.2.840.113556.1.4.529", "extended-dn" },
	{ "1.2.840.113556.1.4.801", "security-descriptor" }, { "1.2.840.113556.1.4.417", "show-deleted" },
	{ "1.2.840.113556.1.4.805", "tree-delete" }, { "1.2.840.113556.1.4.528", "notification" },
	{ "1.2.840.113556.1.4.841", "dirsync" }, { "1.2.840.113556.1.4.1339", "domain-scope" },
};

/* The number itself, when it is none of these; NULL: it is no number. */
static const char *oid_name(const struct named_oid *of, size_t nr, struct slice oid, char out[NAME_SIZE])
{
	if (!oid.len || oid.len >= NAME_SIZE)
		return NULL;
	for (size_t i = 0; i < oid.len; i++)
		if (oid.ptr[i] != '.' && (oid.ptr[i] < '0' || oid.ptr[i] > '9'))
			return NULL;
	memcpy(out, oid.ptr, oid.len);
	out[oid.len] = 0;
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(of[i].oid, out))
			return of[i].name;
	return out;
}

#define OID_NAME(list, oid, out) oid_name(list, sizeof(list) / sizeof((list)[0]), oid, out)

/* RFC 3062: [0] whose, [1] the old one, [2] the new one; of the answer [0] the one that was made. */
static void tell_new_password(struct ldap_message *m, struct slice in, bool answer)
{
	struct reader r = { .left = in };
	struct ber list, b;

	if (!take(m, &r, 0x30, &list))
		return;
	r = inside(&list);
	while (ber_take(&r, &b)) {
		if (b.tag != 0x80 || answer)
			word(m, "extended", answer ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY, "password", &b);
		else if (b.value.len && memchr(b.value.ptr, '=', b.value.len))
			ldap_tell_name(m, "extended", LOC_REQUEST_BODY, b.value);
		else
			word(m, "extended", LOC_REQUEST_BODY, "user", &b);
	}
}

/* "dn:uid=ana,ou=people" or "u:ana" (RFC 4513, 5.2.1.8). */
static void tell_identity(struct ldap_message *m, const char *root, enum location location, const struct ber *b)
{
	struct ber user = *b;

	if (b->value.len > 3 && !memcmp(b->value.ptr, "dn:", 3)) {
		ldap_tell_name(m, root, location, slice_of(b->value.ptr + 3, b->value.len - 3));
		return;
	}
	if (b->value.len > 2 && !memcmp(b->value.ptr, "u:", 2))
		user.value = slice_of(b->value.ptr + 2, b->value.len - 2);
	word(m, root, location, "user", &user);
}

/* [0] the number, [1] the value; of answers [10] and [11], behind the result. */
static void tell_extended(struct ldap_message *m, enum ldap_op op, struct reader *r)
{
	bool answer = op != LDAP_EXTENDED;
	enum location location = answer ? LOC_RESPONSE_BODY : LOC_REQUEST_BODY;
	char oid[NAME_SIZE], *route = m->job.exchange->route;
	const char *name = NULL;
	struct ber b;

	while (ber_take(r, &b)) {
		if (b.tag == (op == LDAP_EXTENDED_DONE ? 0x8a : 0x80)) {
			name = OID_NAME(extensions, b.value, oid);
			if (name && !route[0])
				snprintf(route, PATH_SIZE, "%s", name);
			continue;
		}
		if (b.tag != (op == LDAP_EXTENDED_DONE ? 0x8b : 0x81))
			continue;
		if (!strcmp(route, "password-modify"))
			tell_new_password(m, b.value, answer);
		else if (!strcmp(route, "whoami"))
			tell_identity(m, "extended", location, &b);
		else
			word(m, "extended", location, name ? name : "value", &b);
	}
	m->job.limited |= r->failed;
}

static void tell_control(struct ldap_message *m, struct reader *r)
{
	bool answer = m->job.location == LOC_RESPONSE_HEADER;
	char oid[NAME_SIZE];
	struct ber b, value = { 0 };
	const char *name;

	if (!take(m, r, 0x04, &b) || !(name = OID_NAME(controls, b.value, oid)))
		return;
	while (ber_take(r, &b))
		if (b.tag == 0x04)
			value = b;
	if (answer && (!strcmp(name, "pre-read") || !strcmp(name, "post-read"))) {	/* RFC 4527: the entry as it was, or is */
		struct reader in = inside(&value);

		if (take(m, &in, LDAP_ENTRY, &b)) {
			in = inside(&b);
			tell_entry(m, LOC_RESPONSE_BODY, &in);
		}
	} else if (!strcmp(name, "proxied-authorization")) {
		tell_identity(m, "control", LOC_REQUEST_HEADER, &value);
	} else {
		ldap_leaf(m, "control", answer ? LOC_RESPONSE_HEADER : LOC_REQUEST_HEADER, slice_of(name, strlen(name)), &value);
	}
}

void ldap_tell_controls(struct ldap_message *m, struct slice in)
{
	enum location location = m->job.location;
	struct reader r = { .left = in };
	struct ber b;

	while (!content_full(&m->job) && ber_take(&r, &b)) {
		struct reader one = inside(&b);

		m->job.location = location;
		tell_control(m, &one);
	}
	m->job.limited |= r.failed;
}

/* ---- answers ---- */

static void tell_referrals(struct ldap_message *m, struct reader *r)
{
	struct ber uri;

	while (!content_full(&m->job) && ber_take(r, &uri))
		word(m, "referral", LOC_RESPONSE_BODY, "uri", &uri);
	m->job.limited |= r->failed;
}

static void tell_result(struct ldap_message *m, enum ldap_op op, struct reader *r)
{
	struct ber code, matched, text, b;

	if (!take(m, r, 0x0a, &code) || !take(m, r, 0x04, &matched) || !take(m, r, 0x04, &text))
		return;
	m->result = ber_number(code.value);
	ldap_tell_name(m, "matched", LOC_RESPONSE_HEADER, matched.value);
	word(m, "result", LOC_RESPONSE_HEADER, "message", &text);
	if (r->left.len && r->left.ptr[0] == 0xa3 && ber_take(r, &b)) {
		struct reader uris = inside(&b);

		tell_referrals(m, &uris);
	}
	if (op == LDAP_EXTENDED_DONE)
		tell_extended(m, op, r);
}

void ldap_tell(struct ldap_message *m, enum ldap_op op, struct slice in)
{
	struct reader r = { .left = in };

	switch (op) {
	case LDAP_BIND: tell_bind(m, &r); break;
	case LDAP_SEARCH: tell_search(m, &r); break;
	case LDAP_MODIFY: tell_modify(m, &r); break;
	case LDAP_ADD: case LDAP_ENTRY: tell_entry(m, body(m, op), &r); break;
	case LDAP_DELETE: tell_named(m, in); break;
	case LDAP_RENAME: tell_rename(m, &r); break;
	case LDAP_COMPARE: tell_compare(m, &r); break;
	case LDAP_EXTENDED: case LDAP_INTERMEDIATE: tell_extended(m, op, &r); break;
	case LDAP_REFERENCE: tell_referrals(m, &r); break;
	case LDAP_UNBIND: case LDAP_ABANDON: break;
	default: tell_result(m, op, &r); break;
	}
}
