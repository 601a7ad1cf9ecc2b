/* SPDX-License-Identifier: Apache-2.0 */
/* postgres.h - what the parts of PostgreSQL's protocol share: postgres.c cuts messages out of the
 * stream and finds them again after a gap, postgres_front.c reads what clients say,
 * postgres_back.c what servers answer, postgres_queue.c holds who waits for what. */
#ifndef WEIR_POSTGRES_H
#define WEIR_POSTGRES_H
#include "base/buf.h"
#include "protocol/postgres_value.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"
#include "protocol/sql.h"

#define PG_STATEMENTS	64	/* prepared ones that are remembered; the one used longest ago goes */
#define PG_PORTALS	8
#define PG_COLUMNS	256	/* named columns of a result; those behind are "$257" */
#define PG_ITEMS	1024	/* of the queue */
#define PG_LINE		65536	/* bytes of one row of COPY; the rest is cut */
#define PG_COST		8	/* ns to walk a byte of rows, fields apart; see field_sink.afford */
#define PG_STATUS_DONE	200	/* the others: postgres_status() */

/* A named column: path is "row.email", and behind the first dot stands its name. */
struct pg_column { char path[NAME_SIZE + 8]; uint32_t type; bool binary; };
struct pg_columns { unsigned nr; struct pg_column column[]; };

/* What a statement is; shared by whoever prepared it and by what waits for its results. */
struct pg_statement {
	unsigned refs;
	char name[NAME_SIZE];	/* as the client calls it, raw; empty: unnamed */
	uint64_t used;
	char method[WORD_SIZE], route[PATH_SIZE];
	char table[NAME_SIZE];	/* raw */
	struct sql_copy copy;
	struct pg_columns *params, *rows;	/* NULL: not known. rows of COPY: its columns */
};

/* Formats as Bind has them. */
struct pg_formats { bool known; uint16_t nr; uint8_t bits[PG_COLUMNS / 8]; };

struct pg_portal { char name[NAME_SIZE]; struct pg_statement *statement; struct pg_formats formats; };

enum pg_kind { PG_RESULT, PG_DESCRIBE, PG_SYNC };
/* What the server still owes, in order. */
struct pg_item {
	enum pg_kind kind;
	struct exchange *ex;		/* of PG_RESULT */
	struct pg_statement *statement;	/* not of PG_SYNC */
	struct pg_formats formats;
	uint32_t extra;			/* so many more exchanges like this one */
	uint64_t asked;			/* when its last byte was sent */
	bool answered;
};

enum pg_phase {
	PG_START,	/* nothing yet, or asked whether to encrypt */
	PG_MESSAGE, PG_BODY,	/* of a message longer than what is carried */
	PG_RESYNC,
};

struct pg_side {
	enum pg_phase phase;
	uint8_t type;		/* of the message in PG_BODY */
	uint32_t left;		/* bytes of it to come */
	struct buf body;
	bool cut, holed;	/* what is held of it is not whole; nothing more is held */
	bool after_gap;
	uint32_t carried, total;	/* of a message whose end was waited for; 0: not known */
};

struct pg_state {
	const struct field_sink *sink;
	struct session *session;
	enum dir front;			/* the client's direction, once known */
	bool front_known, started, asked_tls, replicates, plain_password;
	struct pg_side sides[2];	/* by enum dir */
	struct pg_item *items;
	unsigned head, nr, room, results;	/* of items, a ring; results: of them PG_RESULT */
	struct exchange *asking;	/* of Parse and Bind, and the log-in, until there is an Execute */
	struct pg_statement *statements[PG_STATEMENTS];
	struct pg_portal portals[PG_PORTALS];
	uint64_t uses;
	struct buf line;		/* of COPY: a row whose end is to come */
	bool copy_quoted, copy_cut;	/* inside of quotes of CSV; the row is longer than what is held */
	uint32_t copied;		/* rows of it, for its header */
};

/* A whole message, or what there is of it. */
struct pg_message { uint8_t type; struct slice body; uint32_t total; bool cut; };

void pg_front(struct pg_state *, const struct pg_message *, struct stamp);
void pg_startup(struct pg_state *, struct slice body, uint32_t code, struct stamp);
void pg_back(struct pg_state *, const struct pg_message *, struct stamp);

/* postgres_queue.c */
struct exchange *pg_exchange(struct pg_state *, struct stamp);	/* new; NULL: no memory */
struct exchange *pg_asking(struct pg_state *, struct stamp);	/* the one being asked; NULL: no memory */
/* Takes ex (NULL is fine) and a reference of the statement. */
void pg_push(struct pg_state *, enum pg_kind, struct exchange *ex, struct pg_statement *, const struct pg_formats *, struct stamp);
struct pg_item *pg_first(struct pg_state *);	/* NULL: nothing waits */
/* The result that a server's message belongs to; one of its own when nobody asked. NULL: no memory. */
struct pg_item *pg_answered(struct pg_state *, struct stamp);
void pg_finish(struct pg_state *, struct pg_item *, uint16_t status, struct stamp);	/* of the first: emits it */
void pg_drop_first(struct pg_state *);
/* The server is ready: what waits up to the next PG_SYNC will not be answered. lost: or was, and nobody saw it. */
void pg_ready(struct pg_state *, bool lost, struct stamp);
void pg_catch_up(struct pg_state *, struct stamp);	/* answers were lost: only the last group may be answered now */
void pg_emit(struct pg_state *, struct exchange *, struct stamp);	/* and frees */
void pg_rest(struct pg_state *);	/* keeps no memory of what told nothing */
void pg_end(struct pg_state *, struct stamp);	/* emits what waits */
void pg_free(struct pg_state *);

struct pg_statement *pg_statement_new(void);
struct pg_statement *pg_statement_hold(struct pg_statement *);
void pg_statement_put(struct pg_statement *);
void pg_statement_keep(struct pg_state *, struct slice name, struct pg_statement *);	/* takes the reference */
void pg_statement_forget(struct pg_state *, struct slice name);
struct pg_statement *pg_statement_find(struct pg_state *, struct slice name);	/* NULL: not known */
struct pg_portal *pg_portal_find(struct pg_state *, struct slice name, bool make);	/* NULL: not known */
void pg_portal_clear(struct pg_portal *);
struct pg_columns *pg_columns_new(unsigned nr);
void pg_columns_free(struct pg_columns *);
void pg_column_name(struct pg_state *, struct pg_column *, const char *what, struct slice raw);

/* A value as a field: named by its column, or by its place. */
void pg_tell(struct pg_state *, struct exchange *, const struct pg_statement *, const struct pg_column *, const char *what, unsigned place,
	     enum dir, enum location, struct value, bool cut);
void pg_tell_text(struct pg_state *, struct exchange *, const char *path, struct slice key, enum dir, enum location, struct slice);
/* CopyData of either direction; end: nothing more comes. */
void pg_copy(struct pg_state *, struct pg_item *, struct slice data, enum dir, bool end);
bool pg_format(const struct pg_formats *, unsigned i);
struct slice pg_string(struct reader *);	/* up to a NUL, which is taken too */
void pg_name(char out[NAME_SIZE], struct slice raw);	/* cut to what a name may have */
#endif
