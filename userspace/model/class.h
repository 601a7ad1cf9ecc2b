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
/* Classes that policies define. Their numbers follow the program's own, and a name keeps its number as
 * long as the process lives: what was told under it may still be on its way. */
#define CLASS_USER_MAX 56
struct class_user { char name[NAME_SIZE], summary[PATH_SIZE]; uint8_t group, tier, confidence, live; };
struct class_users { uint32_t nr; struct class_user list[CLASS_USER_MAX]; };
int class_user_add(const char *name, const char *summary, unsigned group, unsigned tier, unsigned confidence);	/* -1: no room */
void class_users_get(struct class_users *);
void class_users_set(const struct class_users *);
void class_users_clear(void);	/* none is defined; their numbers stay */
bool class_is_user(unsigned id);
bool class_live(unsigned id);	/* one that a policy no longer defines is known by number only */
/* SHA-256 over the table (names, groups, tiers), hex; for the ledger's policy leaf. */
void class_set_hash(char hex[65]);
#endif
