/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - the facts by name and the values they are compared with. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/private.h"

static const char *const names[P_MAX] = {
#define X(id, name, type) [P_##id] = name,
	POLICY_FACTS(X)
#undef X
};

static const uint8_t types[P_MAX] = {
#define X(id, name, type) [P_##id] = T_##type,
	POLICY_FACTS(X)
#undef X
};

static const char *class_word(unsigned id)
{
	const struct class_info *c = class_get(id);

	return c ? c->name : "?";
}

/* Number 0 of most words is "not known", which no rule may ask for: that is on_unknown. */
static const struct { const char *what; unsigned first, end; const char *(*name)(unsigned); } words[T_WORDS] = {
	[T_CLASS] = { "data class", 0, 0, class_word },	/* end: class_count() */
	[T_GROUP] = { "class group", 0, GROUP_MAX, group_name },
	[T_CONFIDENCE] = { "confidence", CONF_POSSIBLE, CONF_CERTAIN + 1, confidence_name },
	[T_LOCATION] = { "location", LOC_PATH, LOC_MAX, location_name },
	[T_ZONE] = { "zone", ZONE_LOOPBACK, ZONE_INTERNET + 1, zone_name },
	[T_TLS] = { "state of TLS", TLS_ABSENT, TLS_PRESENT + 1, tls_name },
	[T_AUTH] = { "authentication", AUTH_NONE, AUTH_MAX, auth_name },
	[T_ROLE] = { "role", ROLE_SERVER, ROLE_CLIENT + 1, role_name },
	[T_DIR] = { "direction", DIR_RECEIVED, DIR_SENT + 1, dir_name },
};

const char *word_name(enum value_type type, uint64_t number)
{
	return words[type].name((unsigned)number);
}

const char *fact_name(enum policy_fact fact)
{
	return names[fact];
}

enum value_type fact_type(enum policy_fact fact)
{
	return types[fact];
}

int fact_find(const char *name)
{
	for (int i = 0; i < P_MAX; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

const char *fact_hint(const char *name)
{
	return policy_hint(name, names, P_MAX);
}

bool is_fact_group(const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < P_MAX; i++)
		if (!strncmp(names[i], name, len) && names[i][len] == '.')
			return true;
	return false;
}

enum policy_fact node_fact(struct source *s, yaml_node_t *key, const char *group)
{
	const char *text = (const char *)key->data.scalar.value, *near[P_MAX];
	char full[128];
	size_t nr = 0;
	int fact;

	snprintf(full, sizeof(full), "%s%s%s", group ? group : "", group ? "." : "", text);
	fact = fact_find(full);
	if (fact >= 0)
		return (enum policy_fact)fact;
	for (int i = 0; i < P_MAX; i++) {
		if (!group)
			near[nr++] = names[i];
		else if (!strncmp(names[i], group, strlen(group)) && names[i][strlen(group)] == '.')
			near[nr++] = names[i] + strlen(group) + 1;
	}
	policy_error(s, key->start_mark, "unknown fact '%s'%s", full, policy_hint(text, near, nr));
	return P_MAX;
}

static bool word_parse(struct source *s, yaml_node_t *n, enum value_type type, const char *text, struct value *v)
{
	const char *all[256];
	unsigned end = type == T_CLASS ? class_count() : words[type].end;
	size_t nr = 0;

	for (unsigned i = words[type].first; i < end && nr < 256; i++) {
		if (type == T_CLASS && !class_live(i))
			continue;
		all[nr++] = words[type].name(i);
		if (!strcmp(all[nr - 1], text)) {
			v->number = i;
			return true;
		}
	}
	policy_error(s, n->start_mark, "unknown %s '%s'%s", words[type].what, text, policy_hint(text, all, nr));
	return false;
}

bool address_parse(const char *text, struct value *v)
{
	const char *slash = strchr(text, '/'), *digits = slash ? slash + 1 : "";
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	unsigned long bits;
	bool four;

	*v = (struct value){ 0 };
	if (len >= sizeof(address) || (slash && (!*digits || strlen(digits) > 3 || digits[strspn(digits, "0123456789")])))
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	four = inet_pton(AF_INET, address, v->addr + 12) == 1;
	if (four)
		v->addr[10] = v->addr[11] = 0xff;
	else if (inet_pton(AF_INET6, address, v->addr) != 1)
		return false;
	bits = slash ? strtoul(digits, NULL, 10) : four ? 32 : 128;
	if (bits > (four ? 32 : 128))
		return false;
	v->bits = (uint8_t)(bits + (four ? 96 : 0));
	for (unsigned i = v->bits; i < 128; i++)
		if (v->addr[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

bool value_parse(struct source *s, yaml_node_t *n, enum value_type type, struct value *v)
{
	const char *text;
	bool yes;

	*v = (struct value){ 0 };
	if (type == T_BOOL) {
		if (!node_bool(s, n, "this value", &yes))
			return false;
		v->number = yes;
		return true;
	}
	if (type == T_NUMBER)
		return node_number(s, n, "this value", &v->number);
	text = node_text(s, n, "this value");
	if (!text)
		return false;
	if (type < T_WORDS)
		return word_parse(s, n, type, text, v);
	if (type == T_ADDRESS) {
		if (address_parse(text, v))
			return true;
		policy_error(s, n->start_mark,
			     "bad address or CIDR '%s'; write 10.1.2.3, 10.0.0.0/8 or fd00::/8 with no bits after the prefix", text);
		return false;
	}
	if (type == T_HOST && text[strcspn(text, " \t/@")]) {
		policy_error(s, n->start_mark, "'%s' is no host; write a name without scheme and path, '*' for any part", text);
		return false;
	}
	v->text = policy_copy(s->load->set, text);
	return v->text;
}
