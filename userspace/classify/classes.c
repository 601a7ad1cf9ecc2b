/* SPDX-License-Identifier: Apache-2.0 */
/* classes.c - list.def as a table, and the questions of model/class.h about it. */
#include "classify/classify.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

#define CLASS(name) extern const struct class_row class_##name;
#include "classify/list.def"
#undef CLASS

static const struct class_row *const rows[] = {
#define CLASS(name) &class_##name,
#include "classify/list.def"
#undef CLASS
};
#define OWN_CLASSES (sizeof(rows) / sizeof(rows[0]))
_Static_assert(OWN_CLASSES + CLASS_USER_MAX <= CLASS_ROWS, "class_id is a byte");

/* Those of the user, and what classify/ does about them. */
static struct class_users users;
static struct class_row user_rows[CLASS_USER_MAX];

static const char *const groups[GROUP_MAX] = {
	[GROUP_PII] = "pii",
	[GROUP_SPECIAL] = "special",
	[GROUP_PHI] = "phi",
	[GROUP_PCI] = "pci",
	[GROUP_SECRET] = "secret",
	[GROUP_CONFIDENTIAL] = "confidential",
};

unsigned class_count(void)
{
	return OWN_CLASSES + users.nr;
}

bool class_is_user(unsigned id)
{
	return id >= OWN_CLASSES && id < class_count();
}

bool class_live(unsigned id)
{
	return id < OWN_CLASSES || (class_is_user(id) && users.list[id - OWN_CLASSES].live);
}

const struct class_row *class_row(unsigned id)
{
	return id < OWN_CLASSES ? rows[id] : class_is_user(id) ? &user_rows[id - OWN_CLASSES] : NULL;
}

const struct class_info *class_get(unsigned id)
{
	const struct class_row *row = class_row(id);

	return row ? &row->info : NULL;
}

int class_find(const char *name)
{
	for (unsigned i = 0; i < class_count(); i++)
		if (class_live(i) && !strcmp(class_get(i)->name, name))
			return (int)i;
	return -1;
}

/* Users' classes. */

static void user_row(unsigned i)
{
	const struct class_user *u = &users.list[i];

	user_rows[i].info = (struct class_info){ u->name, u->group, u->tier, u->confidence, u->summary };
}

int class_user_add(const char *name, const char *summary, unsigned group, unsigned tier, unsigned confidence)
{
	unsigned i = 0;

	while (i < users.nr && strcmp(users.list[i].name, name))
		i++;
	if (i == CLASS_USER_MAX)
		return -1;
	snprintf(users.list[i].name, NAME_SIZE, "%s", name);
	snprintf(users.list[i].summary, PATH_SIZE, "%s", summary);
	users.list[i].group = (uint8_t)group;
	users.list[i].tier = (uint8_t)tier;
	users.list[i].confidence = (uint8_t)confidence;
	users.list[i].live = 1;
	users.nr += i == users.nr;
	user_row(i);
	return (int)(OWN_CLASSES + i);
}

void class_users_get(struct class_users *out)
{
	*out = users;
}

void class_users_set(const struct class_users *in)
{
	users = *in;
	for (unsigned i = 0; i < users.nr; i++)
		user_row(i);
}

void class_users_clear(void)
{
	for (unsigned i = 0; i < users.nr; i++)
		users.list[i].live = 0;
}

struct class_row *class_user_row(unsigned id)
{
	return class_is_user(id) ? &user_rows[id - OWN_CLASSES] : NULL;
}

const char *group_name(unsigned group)
{
	return group < GROUP_MAX ? groups[group] : "?";
}

int group_parse(const char *name)
{
	for (int i = 0; i < GROUP_MAX; i++)
		if (!strcmp(groups[i], name))
			return i;
	return -1;
}

void class_set_hash(char hex[65])
{
	struct buf text;
	uint8_t digest[32];

	buf_init(&text, CLASS_ROWS * 128);
	for (unsigned i = 0; i < class_count(); i++) {
		const struct class_info *info = class_get(i);

		if (class_live(i))
			buf_printf(&text, "%s %s %u %u\n", info->name, group_name(info->group), info->tier, info->confidence);
	}
	sha256(digest, text.ptr, text.len);
	hex_encode(hex, digest, sizeof(digest));
	buf_free(&text);
}
