/* SPDX-License-Identifier: Apache-2.0 */
/* stack_trace.c - what a program's inside looks like when it breaks: the first words of stack traces and of a database's
 * errors. In a log that is what one expects; in a field that an API gives out it is not. */
#include <string.h>

#include "classify/check.h"

static const char *const literals[] = {
	"Traceback (most recent call last)", "Caused by: java", "Caused by: org.", "Caused by: com.", "java.lang.NullPointerException",
	"java.lang.IllegalStateException", "java.lang.IllegalArgumentException", "java.lang.RuntimeException", "java.sql.SQLException",
	"System.NullReferenceException", "System.Data.SqlClient.SqlException", "Fatal error: Uncaught", "Stack trace:",
	"SQLSTATE[", "ORA-0", "You have an error in your SQL syntax", "ERROR: syntax error at or near", "sqlite3.OperationalError",
	"ActiveRecord::StatementInvalid", "PG::UndefinedTable", "thread 'main' panicked at", "Unclosed quotation mark after the character string",
	"ER_PARSE_ERROR", "ER_NO_SUCH_TABLE", NULL
};

/* A literal is all of it: what stands behind may be of another class. */
static int stack_trace_find(struct slice s, size_t at, struct hit *out)
{
	for (const char *const *l = literals; *l; l++)
		if (slice_begins(s, at, *l)) {
			out->start = at;
			out->end = at + strlen(*l);
			mask_set(out->mask, "********");
			return 45;
		}
	return 0;
}

static const struct key_phrase keys[] = {
	{ "stack", KEY_EXACT }, { "stacktrace", KEY_EXACT }, { "backtrace", KEY_EXACT }, { "trace", KEY_EXACT }, { "traceback", KEY_EXACT },
	{ "exception", KEY_EXACT }, { "error", KEY_EXACT }, { "errormessage", KEY_EXACT }, { "detail", KEY_EXACT }, { "debug", KEY_EXACT },
	{ "innerexception", KEY_EXACT }, { "fehler", KEY_EXACT }, { "erreur", KEY_EXACT }, { "message", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_stack_trace = {
	.info = { "stack_trace", GROUP_CONFIDENTIAL, 2, CONF_LIKELY, "stack trace or error of a database" },
	.triggers = TRIGGER_LITERAL,
	.literals = literals,
	.thing = true,
	.keys = keys,
	.find = stack_trace_find,
};
