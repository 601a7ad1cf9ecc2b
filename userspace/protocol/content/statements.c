/* SPDX-License-Identifier: Apache-2.0 */
/* statements.c - SQL that writes, in a text or a body of its own: its literals, under the columns that they are for, as
 * the databases' protocols give them. */
#include <stdio.h>

#include "protocol/content/media.h"
#include "protocol/content.h"
#include "protocol/sql.h"

/* Where the fields of the reader go. */
struct onward { struct content_job *job; };

static void onward_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct content_job *job = ((struct onward *)owner)->job;
	struct field there = *f;
	char path[PATH_SIZE];

	if (content_full(job))
		return;
	there.location = job->location;
	if (job->base) {
		snprintf(path, sizeof(path), "%.*s%s", PATH_SIZE / 2, job->base, f->path + strlen("sql"));
		there.path = path;
	}
	job->sink->field(job->sink->owner, ex, &there);
	job->fields++;
}

static size_t onward_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	const struct field_sink *sink = ((struct onward *)owner)->job->sink;

	return sink->clean(sink->owner, out, raw);
}

static int match(struct slice essence, struct slice head)
{
	if (is_fold(essence, "application/sql") || is_fold(essence, "application/x-sql") || is_fold(essence, "text/x-sql"))
		return 100;
	if (essence.len && !is_fold(essence, "text/plain") && !is_fold(essence, "application/octet-stream"))
		return 0;
	return sql_writes(head) ? 40 : 0;
}

static void decode(struct content_job *job, struct slice body)
{
	struct onward onward = { job };
	const struct field_sink sink = { .owner = &onward, .field = onward_field, .clean = onward_clean };
	struct sql_statement statement;
	struct sql_reader r;

	sql_begin(&r, &sink, job->dir, body);
	r.cut = job->cut;
	while (sql_more(&r) && !content_full(job))
		sql_read(&r, job->exchange, &statement);
	sql_end(&r);
	explicit_bzero(&statement, sizeof(statement));
}

const struct content content_statements = {
	.name = "statements", .summary = "literals of SQL that writes, by their columns", .match = match, .decode = decode,
};
