/* SPDX-License-Identifier: Apache-2.0 */
/* class.h - the data classes by number and name; rows come from
 * classify/list.def, this door lets every stage name a class without
 * including classify/. */
#ifndef WEIR_CLASS_H
#define WEIR_CLASS_H
#include "model/facts.h"

enum class_group { GROUP_PII, GROUP_SPECIAL, GROUP_PHI, GROUP_PCI, GROUP_SECRET, GROUP_CONFIDENTIAL, GROUP_MAX };

struct class_info {
	const char *name;	/* "email": short, fixed, what policies and users say */
	enum class_group group;
	uint8_t tier;		/* 1 stands on its own, 2 wants a key, 3 needs one */
	enum confidence confidence;	/* of a plain hit, no key */
	const char *summary;	/* one line for `classify --list` */
};

unsigned class_count(void);
const struct class_info *class_get(unsigned id);	/* NULL: no such class */
int class_find(const char *name);		/* -1: no such class */
const char *group_name(unsigned);
int group_parse(const char *);
/* SHA-256 over the table (names, groups, tiers), hex; for the ledger's policy leaf. */
void class_set_hash(char hex[65]);
#endif
