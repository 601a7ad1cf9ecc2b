/* SPDX-License-Identifier: Apache-2.0 */
/* back_store.c - the ledger and its index: opened together, held against each other, and
 * what happens when one of them fails. The ledger is the evidence: it fails closed. The
 * index is made from it: when it fails, weir goes on without, and makes it whole again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/back_private.h"
#include "policy/policy.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/violations.h"

#define INDEX "index.sqlite"

/* The index while weir runs. */

static void index_off(struct back *b, const char *what)
{
	index_rollback(b->index);
	if (b->index_behind)
		return;
	b->index_behind = true;
	log_error("%s the index; the ledger goes on, commands that read show what was there before, and once a minute "
		  "it is tried to make the index whole from the ledger", what);
}

void index_take(struct back *b, uint64_t leaf, const char *json, size_t len)
{
	if (b->index && !b->index_behind && index_leaf(b->index, leaf, json, len))
		index_off(b, "cannot write to");
}

/* A reader that holds it for long is no failure: the next commit takes it along. */
void index_settle(struct back *b)
{
	int err = b->index && !b->index_behind ? index_commit(b->index) : 0;

	if (err == -EIO || (!err && b->index && !b->index_behind && index_begin(b->index)))
		index_off(b, "cannot commit");
}

void index_drop(struct back *b)
{
	if (b->index)
		index_rollback(b->index);
	b->index_behind = b->index != NULL;
}

static int index_fill(struct back *b, char *why, size_t why_size)
{
	uint64_t have = index_whole(b->index) ? index_size(b->index) : 0;

	index_begin(b->index);
	for (; have < ledger_size(b->ledger); have++) {
		size_t len;
		const char *json = ledger_leaf(b->ledger, have, &len);

		if (!json || index_leaf(b->index, have, json, len)) {
			index_rollback(b->index);
			snprintf(why, why_size, "leaf %llu cannot be %s", (unsigned long long)have, json ? "indexed" : "read");
			return -EIO;
		}
	}
	return index_commit(b->index) || index_begin(b->index) ? (snprintf(why, why_size, "it cannot be written"), -EIO) : 0;
}

void index_again(struct back *b)
{
	char why[200];

	if (!b->index_behind || b->failed || !b->ledger || index_fill(b, why, sizeof(why)))
		return;
	b->index_behind = false;
	log_info("the index is whole again leaves=%llu", (unsigned long long)ledger_size(b->ledger));
}

/* Opening. */

struct compared { const char *json; size_t len; bool same; };

static int on_doc(void *owner, int columns, const char *const *v)
{
	struct compared *c = owner;

	c->same = columns == 1 && v[0] && strlen(v[0]) == c->len && !memcmp(v[0], c->json, c->len);
	return 1;
}

/* Whatever the index has was signed and durable before it got there. So a ledger that has
 * less, or something else, is not the one that weir left: going on would sign a second
 * history over the same numbers. */
static bool index_agrees(struct back *b, char *why, size_t why_size)
{
	uint64_t have = index_size(b->index), size = ledger_size(b->ledger);
	struct compared c = { .same = false };
	char last[24], ignored[128];
	const char *params[] = { last };

	snprintf(last, sizeof(last), "%llu", (unsigned long long)have - 1);
	c.json = have && have <= size ? ledger_leaf(b->ledger, have - 1, &c.len) : NULL;
	if (!have || (c.json && (index_query(b->index, "SELECT doc FROM leaf WHERE leaf=CAST(?1 AS INTEGER)", params, 1, on_doc, &c,
					     ignored, sizeof(ignored)) || c.same)))
		return true;	/* a damaged one is made again */
	if (have > size)
		snprintf(why, why_size, "the ledger is older than its index (%llu leaves, the index has %llu): it was put back to an earlier "
			 "state, or cut, and nothing was changed; put the newer ledger back, or start a new log with another --state; to sign "
			 "on over this one remove " INDEX ", and tell whoever keeps its later checkpoints",
			 (unsigned long long)size, (unsigned long long)have);
	else
		snprintf(why, why_size, "the ledger is not the one that its index was made from (leaf %llu differs), and nothing was changed; "
			 "put the right ledger back, or start a new log with another --state; if it is the right one, remove " INDEX,
			 (unsigned long long)have - 1);
	return false;
}

/* No new log, and no new key, where an index tells that there was one. */
static bool log_gone(const struct back *b, char *why, size_t why_size)
{
	struct index *x;
	uint64_t have = 0;
	struct stat st;

	if (!fstatat(b->config.state, "ledger/key", &st, AT_SYMLINK_NOFOLLOW) || errno != ENOENT ||
	    !fstatat(b->config.state, "ledger/leaves", &st, AT_SYMLINK_NOFOLLOW) || errno != ENOENT || stat(INDEX, &st))
		return false;
	x = index_open(INDEX, false, why, why_size);
	if (x)
		have = index_size(x);
	index_close(x);
	if (have)
		snprintf(why, why_size, "the ledger is gone, but its index is here (%llu leaves): put the ledger back, or start a new log with "
			 "another --state; no new key is made over a log", (unsigned long long)have);
	return have;
}

static int index_anew(struct back *b, char *why, size_t why_size)
{
	index_close(b->index);
	b->index = NULL;
	if ((unlink(INDEX) && errno != ENOENT) || (unlink(INDEX "-journal") && errno != ENOENT)) {
		snprintf(why, why_size, "it cannot be removed: %s", strerror(errno));
		return -errno;
	}
	b->index = index_open(INDEX, true, why, why_size);
	return b->index ? index_fill(b, why, why_size) : -EIO;
}

static int on_open_violation(void *owner, int columns, const char *const *values)
{
	struct back *b = owner;
	uint64_t window = 3600000000000ull;

	for (size_t i = 0; values[1] && i < policy_rules(b->policy); i++)
		if (!strcmp(policy_rule(b->policy, i)->id, values[1]))
			window = policy_rule(b->policy, i)->window_ns;
	violations_restore(b->violations, columns, values, window, clock_boot_ns(), clock_utc_ms());
	return 0;
}

static void write_genesis(struct back *b)
{
	struct utsname u;
	struct json j = leaf_begin(b, "genesis");

	uname(&u);
	json_string(&j, "host", b->config.host);
	json_string(&j, "machine", u.machine);
	json_string(&j, "origin", ledger_origin(b->ledger));
	json_string(&j, "key", ledger_vkey(b->ledger));
	leaf_end(b, &j, "genesis", NULL);
	back_commit(b);
}

static int store_index(struct back *b, char *why, size_t why_size, int *exit_code)
{
	char reason[200];

	b->index = index_open(INDEX, true, reason, sizeof(reason));
	if (b->index && !index_agrees(b, why, why_size)) {
		*exit_code = 4;
		return -EIO;
	}
	if (b->index && !index_fill(b, reason, sizeof(reason)))
		return 0;
	log_warn("the index is made again from the ledger: %s", reason);
	if (!index_anew(b, reason, sizeof(reason)))
		return 0;
	snprintf(why, why_size, "the index cannot be made (the ledger is whole): %s; make room or repair the disk of the state folder, "
		 "then start again", reason);
	*exit_code = 3;
	return -EIO;
}

int store_open(struct back *b, char *why, size_t why_size, int *exit_code)
{
	enum ledger_error err = LEDGER_OK;
	char reason[400];
	bool created = false;
	uint64_t cut = 0;

	*exit_code = 4;
	if (log_gone(b, why, why_size))
		return -EIO;
	b->ledger = ledger_open(b->config.state, b->config.host, &created, &cut, &err, reason, sizeof(reason));
	if (!b->ledger) {
		snprintf(why, why_size, "the ledger cannot be used%s: %s", err == LEDGER_IO ? "" : " and nothing was changed", reason);
		*exit_code = err == LEDGER_IO ? 3 : 4;
		return -EIO;
	}
	if (store_index(b, why, why_size, exit_code))
		return -EIO;
	if (created)
		write_genesis(b);
	if (index_query(b->index, violations_restore_sql, NULL, 0, on_open_violation, b, reason, sizeof(reason)))
		log_warn("open violations cannot be taken over and will open again: %s", reason);
	if (cut)
		log_warn("the last %llu bytes of the ledger were a torn leaf, signed by nobody, and were cut", (unsigned long long)cut);
	return 0;
}
