/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h - the text of SQL statements -> what a flow says of them: the command, its tables, and
 * its literals as fields, named by the columns that they stand for. A reader of tokens and not
 * of grammar: what it takes wrongly costs a name, never a literal. Private to protocol/. */
#ifndef WEIR_SQL_H
#define WEIR_SQL_H
#include "base/buf.h"
#include "model/payload.h"

#define SQL_COLUMNS	64	/* of one list "(a, b, c)"; more have no name */
#define SQL_TABLES	4	/* in a route */
#define SQL_PARAMS	65535	/* "?" of a statement */
#define SQL_DEPTH	32	/* parentheses; deeper ones are not told apart */
#define SQL_COST	6	/* ns to read a byte, fields apart; see field_sink.afford */

/* COPY: how its rows are written. */
struct sql_copy { bool is_copy, csv, binary, header; uint8_t delimiter; };

/* What is known of a statement when it was read. Slices point into its text. */
struct sql_statement {
	char method[WORD_SIZE];		/* "SELECT"; empty: no command that is known */
	char route[PATH_SIZE];		/* "orders+customers", cleaned */
	struct slice table;		/* raw name of the first table, as evidence for its columns */
	unsigned nr_columns;
	struct slice columns[SQL_COLUMNS];	/* of INSERT INTO t (…) and COPY t (…) */
	struct sql_copy copy;
};

struct sql_reader {
	const struct field_sink *sink;
	enum dir dir;
	struct slice text;	/* what is left of it */
	bool cut;		/* it goes on in bytes that are not here */
	bool mysql;		/* "…" is a literal, backslashes escape, # begins a comment, ? stands for a column */
	/* "$7", or the seventh "?", stands for a column, if key is not empty. */
	void (*param)(void *owner, unsigned number, struct slice key);
	void *owner;
	struct buf scratch;	/* of the literal being undone */
};

void sql_begin(struct sql_reader *, const struct field_sink *, enum dir, struct slice text);
bool sql_more(struct sql_reader *);	/* does a statement begin? */
/* Reads one statement; its literals become fields of ex. */
void sql_read(struct sql_reader *, struct exchange *ex, struct sql_statement *);
void sql_end(struct sql_reader *);	/* wipes */
/* The command in a server's answer, "INSERT 0 1": false when it is none that is known. */
bool sql_command(char method[WORD_SIZE], struct slice tag);
#endif
