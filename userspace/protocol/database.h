/* SPDX-License-Identifier: Apache-2.0 */
/* database.h - what the protocols of databases share: statements and the names of their columns,
 * values as fields, who waits for which answer. Private to protocol/. */
#ifndef WEIR_DATABASE_H
#define WEIR_DATABASE_H
#include "protocol/protocol.h"
#include "protocol/sql.h"

#define COLUMNS_NAMED	256	/* of a result; those behind are "$257" */
#define STATEMENTS_MAX	64	/* prepared ones that are remembered; the one used longest ago goes */
#define WAITING_MAX	1024	/* of a ring */
#define COPY_LINE	65536	/* bytes of one row of COPY; the rest is cut */
#define ROW_COST	8	/* ns to walk a byte of rows, fields apart; see field_sink.afford */
#define VALUE_ROOM	64	/* of a number, date or UUID written out */
#define STATUS_DONE	200	/* the others: database_status() */

struct value { struct slice text; enum value_type type; bool free_text; };

/* A named column: path is "row.email", and behind the first dot stands its name. type: as its protocol counts. */
struct column { char path[NAME_SIZE + 8]; uint32_t type; bool binary; };
struct columns { unsigned nr; struct column column[]; };

struct columns *columns_new(unsigned nr);	/* at most COLUMNS_NAMED */
void columns_free(struct columns *);
void column_name(const struct field_sink *, struct column *, const char *what, struct slice raw);
/* A value as a field: named by its column, or by its place (c: NULL, or it has no name). */
struct place { const char *table; const struct column *column; const char *what; unsigned nr; enum dir dir; enum location location; };
void column_tell(const struct field_sink *, struct exchange *, const struct place *, struct value, bool cut);
void text_tell(const struct field_sink *, struct exchange *, const char *path, struct slice key, enum dir, enum location, struct slice);
/* "WHAT.NAME", for what has a name of its own. */
void named_tell(const struct field_sink *, struct exchange *, const char *what, struct slice name, enum dir, enum location, struct slice);
void password_tell(const struct field_sink *, struct exchange *, enum dir, struct slice);	/* in the clear */

struct value value_written(char room[VALUE_ROOM], int n, enum value_type);
struct value value_bytes(struct slice raw);
struct value value_text(struct slice raw);	/* a string where it can be read, else bytes */
struct value value_integer(char room[VALUE_ROOM], int64_t);
struct value value_real(char room[VALUE_ROOM], uint64_t bits, bool single);

/* What a statement is; shared by whoever prepared it and by what waits for its results. */
struct statement {
	unsigned refs;
	char name[NAME_SIZE];	/* as the client calls it, raw; empty: unnamed */
	uint64_t used;
	char method[WORD_SIZE], route[PATH_SIZE];
	char table[NAME_SIZE];	/* raw */
	struct sql_copy copy;
	struct columns *params, *rows;	/* NULL: not known. rows of COPY: its columns */
	unsigned nr_params;		/* as the server counted; 0: not known */
};
struct statements { struct statement *kept[STATEMENTS_MAX]; uint64_t uses; };

struct statement *statement_new(void);
struct statement *statement_hold(struct statement *);
void statement_put(struct statement *);
/* One statement of a text; its literals become fields of ex. params: how many may be named. NULL: no memory. */
struct statement *statement_read(const struct field_sink *, struct sql_reader *, struct exchange *ex, unsigned params);
void statement_trim(struct statement *, unsigned params);	/* room for so many, and for those that have a name */
void statements_keep(struct statements *, struct slice name, struct statement *);	/* takes the reference */
void statements_forget(struct statements *, struct slice name);
struct statement *statements_find(struct statements *, struct slice name);	/* NULL: not known */
void statements_free(struct statements *);

/* Rows that are lines of text, in pieces. */
struct copy { struct buf line; bool quoted, cut; uint32_t rows; };

/* A row ends at a line end outside of quotes, or where nothing more comes. data: never NULL. */
void copy_text(const struct field_sink *, struct copy *, struct exchange *, const struct statement *, struct slice data, enum dir, bool end);
void copy_end(struct copy *);

void raw_name(char out[NAME_SIZE], struct slice raw);	/* cut to what a name may have */
bool raw_named(const char *have, struct slice raw);
bool database_affords(const struct field_sink *, struct exchange *, size_t bytes, unsigned ns);	/* else ex is partial */
uint16_t database_status(struct slice sqlstate);	/* in HTTP's numbers, which policies know */

struct exchange *database_exchange(uint8_t role, struct stamp);	/* new; NULL: no memory */
void database_emit(struct session *, struct exchange *, struct stamp);	/* and frees */

/* What a server owes: the first member of what waits in a ring. */
struct owed {
	struct exchange *ex;		/* NULL: its answer is no exchange */
	struct statement *statement;
	uint64_t asked;			/* when its last byte was sent */
	uint32_t extra;			/* so many more exchanges like this one */
	bool answered;
};
/* A queue that grows to WAITING_MAX, and keeps no memory when nothing waits. */
struct ring { uint8_t *items; unsigned size, head, nr, room, exchanges; };

void *ring_at(struct ring *, unsigned i);	/* NULL: there is none */
/* Zeroed but for what it owes. When more cannot wait, the last with an exchange stands for this
 * one too: NULL, and what it owes is freed. */
void *ring_push(struct ring *, struct owed);
/* For one more exchange that there is no memory for. */
void ring_fold(struct ring *, struct owed);
void ring_drop(struct ring *);			/* the first */
void ring_interval(struct ring *, struct session *, struct stamp);	/* tells what was found of those that wait for long */
void owed_answered(struct owed *, struct stamp);
/* Emits it; true: it stands for one more, and waits again. false: drop it. */
bool owed_emit(struct owed *, struct session *, struct stamp);
#endif
