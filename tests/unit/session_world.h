/* SPDX-License-Identifier: Apache-2.0 */
/* session_world.h - a connection of a server, what its two ends say, and what was told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/protocol.h"

static struct {
	unsigned exchanges, fields, statuses[1000], inspected[3];
	size_t longest;	/* of the values */
	char path[PATH_SIZE], route[PATH_SIZE], method[WORD_SIZE], all[512];
} seen;

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	size_t n = strlen(seen.all);

	seen.fields++;
	seen.longest = f->value.len > seen.longest ? f->value.len : seen.longest;
	memcpy(seen.path, f->path, strlen(f->path) + 1);
	snprintf(seen.all + n, sizeof(seen.all) - n, "%s=%.*s ", f->path, (int)f->value.len, (const char *)f->value.ptr);
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	if (n)
		memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

static void (*each_exchange)(const struct exchange *);	/* for a test that wants more of them than sums; may be NULL */

static void on_exchange(void *owner, const struct exchange *ex)
{
	if (each_exchange)
		each_exchange(ex);
	seen.exchanges++;
	seen.statuses[ex->status]++;
	seen.inspected[ex->inspected]++;
	memcpy(seen.route, ex->route, PATH_SIZE);
	memcpy(seen.method, ex->method, WORD_SIZE);
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

static struct { struct session *s; struct byte_account acct[2]; int64_t given[2]; uint64_t time; } c;

/* False: no memory. */
static inline bool begin(void)
{
	struct conn_facts conn = { .id = 1, .role = ROLE_SERVER, .tls = TLS_ABSENT };

	memset(&seen, 0, sizeof(seen));
	memset(&c, 0, sizeof(c));
	c.s = session_new(&conn, &sink, c.acct);
	return c.s;
}

static inline void give(enum dir dir, const void *bytes, size_t len)
{
	session_bytes(c.s, dir, slice_of(bytes, len), (struct stamp){ c.time += 1000, 1 });
	c.given[dir] += (int64_t)len;
}

static inline void end(void)
{
	session_close(c.s, (struct stamp){ c.time, 1 });
	for (unsigned d = 0; d < 2; d++)
		assert_int_equal(c.acct[d].examined + c.acct[d].opaque + c.acct[d].skipped, c.given[d]);
}

/* say, with every budget from nothing to plenty: whatever is refused, the account holds and all is given back. What was
 * seen is that of the last. */
static inline void say_with_every_budget(void (*say)(void), size_t plenty)
{
	size_t before = budget_used();

	for (size_t limit = before + 1; limit < before + plenty; limit += 997) {
		budget_set(limit);
		if (begin()) {
			say();
			end();
		}
		assert_int_equal(budget_used(), before);
	}
	budget_set(0);
}
