/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/container.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify/names.h"
#include "daemon/runtime.h"

void place_init(struct place *p)
{
	*p = (struct place){ .user = -1 };
}

static bool starts(const char *s, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && !strncmp(s, prefix, strlen(prefix));
}

static bool ends(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !strncmp(s + len - n, suffix, n);
}

/* Exactly 64 hex digits in a row, NULL: there are none. */
static const char *id_in(const char *s, size_t len)
{
	for (size_t i = 0, run = 0; i <= len; i++) {
		if (i < len && isxdigit((unsigned char)s[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID)
			return s + i - run;
		run = 0;
	}
	return NULL;
}

bool container_is_id(const char *s)
{
	return strlen(s) == CONTAINER_ID && id_in(s, strlen(s));
}

static const struct runtime *runtime_by_prefix(const char *s, size_t len)
{
	for (unsigned i = 0; i < runtime_count(); i++)
		for (const char *const *p = runtime_get(i)->prefixes; p && *p; p++)
			if (starts(s, len, *p))
				return runtime_get(i);
	return NULL;
}

static const struct runtime *runtime_by_name(const char *s, size_t len, char out[256])
{
	for (unsigned i = 0; i < runtime_count(); i++)
		if (runtime_get(i)->named && runtime_get(i)->named(s, len, out))
			return runtime_get(i);
	return NULL;
}

/* What was the innermost container has another one inside. */
static void go_in(struct place *p)
{
	p->nested = p->id[0] || p->name[0];
	if (p->nested)
		snprintf(p->outer, sizeof(p->outer), "%s", p->id[0] ? p->id : p->name);
	p->id[0] = p->name[0] = 0;
	p->runtime = NULL;
}

/* False: what lies here watches over a container and is not in it. */
static bool component(struct place *p, const char *s, size_t len)
{
	static const char *const watchers[] = { "libpod-conmon-", "crio-conmon-", "lxc.monitor" };
	const struct runtime *named;
	char name[256], *end;
	const char *id;

	for (size_t i = 0; i < sizeof(watchers) / sizeof(watchers[0]); i++)
		if (starts(s, len, watchers[i]))
			return false;
	id = id_in(s, len);
	named = id ? NULL : runtime_by_name(s, len, name);
	if (id || named) {
		go_in(p);
		p->runtime = id ? runtime_by_prefix(s, len) : named;
		if (id)
			snprintf(p->id, sizeof(p->id), "%.*s", CONTAINER_ID, id);
		else
			name_clean(p->name, name, strlen(name));
		return true;
	}
	if (starts(s, len, "user@") && ends(s, len, ".service"))
		p->user = strtol(s + 5, &end, 10);
	if (ends(s, len, ".service") || ends(s, len, ".scope"))
		name_clean(p->unit, s, len);
	return true;
}

void place_read(struct place *p, const char *path, size_t len)
{
	struct place n;
	bool inside = true;

	place_init(&n);
	for (size_t at = 0, size; at < len && inside; at += size + 1) {
		for (size = 0; at + size < len && path[at + size] != '/'; size++)
			;
		if (size)
			inside = component(&n, path + at, size);
	}
	if (!p->unit[0])
		memcpy(p->unit, n.unit, sizeof(p->unit));
	/* Of several hierarchies, the one that is most inside. */
	if ((n.id[0] || n.name[0]) && ((!p->id[0] && !p->name[0]) || (n.nested && !p->nested))) {
		memcpy(n.unit, p->unit, sizeof(n.unit));
		*p = n;
	}
	if (p->user < 0)
		p->user = n.user;
}

static bool name_check(char name[NAME_SIZE])
{
	char raw[NAME_SIZE];

	memcpy(raw, name, NAME_SIZE);
	if (strnlen(raw, NAME_SIZE) == NAME_SIZE)
		return false;
	name_clean(name, raw, strlen(raw));
	return true;
}

bool container_names_check(struct container_names *n)
{
	return (n->runtime == RUNTIME_UNKNOWN || n->runtime < runtime_count()) && name_check(n->name) && name_check(n->pod) &&
	       name_check(n->pod_namespace);
}

bool container_named(const struct container_names *n)
{
	return n && (n->name[0] || n->pod[0]);
}

/* Whoever runs containers inside of one says what they are called: its own name stays before. */
static void qualify(const struct place *p, const struct container_names *outer, struct process_facts *f)
{
	bool named = outer && outer->name[0];
	char name[NAME_SIZE], inner[NAME_SIZE];

	snprintf(name, sizeof(name), "%.*s", container_is_id(p->outer) && !named ? 12 : 31, named ? outer->name : p->outer);
	snprintf(inner, sizeof(inner), "%s", f->container);
	snprintf(f->container, sizeof(f->container), "%.31s/%.32s", name, inner);
	if (!f->pod_namespace[0])
		return;
	snprintf(inner, sizeof(inner), "%s", f->pod_namespace);
	snprintf(f->pod_namespace, sizeof(f->pod_namespace), "%.31s/%.32s", name, inner);
}

void container_facts(const struct place *p, const struct container_names *names, const struct container_names *outer, struct process_facts *f)
{
	const struct runtime *runtime = p->runtime ? p->runtime : names ? runtime_get(names->runtime) : NULL;

	memcpy(f->unit, p->unit, sizeof(f->unit));
	if (!place_is_container(p))
		return;
	snprintf(f->container_id, sizeof(f->container_id), "%.12s", p->id);
	snprintf(f->container, sizeof(f->container), "%s", names && names->name[0] ? names->name : p->id[0] ? f->container_id : p->name);
	snprintf(f->pod, sizeof(f->pod), "%s", names ? names->pod : "");
	snprintf(f->pod_namespace, sizeof(f->pod_namespace), "%s", names ? names->pod_namespace : "");
	snprintf(f->runtime, sizeof(f->runtime), "%s", runtime ? runtime->name : "");
	if (p->nested)
		qualify(p, outer, f);
}
