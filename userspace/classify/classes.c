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
_Static_assert(sizeof(rows) / sizeof(rows[0]) <= CLASS_ROWS, "class_id is a byte");

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
	return sizeof(rows) / sizeof(rows[0]);
}

const struct class_row *class_row(unsigned id)
{
	return id < class_count() ? rows[id] : NULL;
}

const struct class_info *class_get(unsigned id)
{
	return id < class_count() ? &rows[id]->info : NULL;
}

int class_find(const char *name)
{
	for (unsigned i = 0; i < class_count(); i++)
		if (!strcmp(rows[i]->info.name, name))
			return (int)i;
	return -1;
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
		const struct class_info *info = &rows[i]->info;

		buf_printf(&text, "%s %s %u %u\n", info->name, group_name(info->group), info->tier, info->confidence);
	}
	sha256(digest, text.ptr, text.len);
	hex_encode(hex, digest, sizeof(digest));
	buf_free(&text);
}
