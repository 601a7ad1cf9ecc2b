/* SPDX-License-Identifier: Apache-2.0 */
/* postgres.h - what the parts of PostgreSQL's protocol share: postgres.c cuts messages out of the
 * stream and finds them again after a gap, postgres_front.c reads what clients say,
 * postgres_back.c what servers answer, postgres_queue.c holds who waits for what. */
#ifndef WEIR_POSTGRES_H
#define WEIR_POSTGRES_H
#include "base/buf.h"
#include "protocol/postgres_value.h"
#include "protocol/reader.h"

#define PG_PORTALS	8

/* Formats as Bind has them. */
struct pg_formats { bool known; uint16_t nr; uint8_t bits[COLUMNS_NAMED / 8]; };

struct pg_portal { char name[NAME_SIZE]; struct statement *statement; struct pg_formats formats; };

enum pg_kind { PG_RESULT, PG_DESCRIBE, PG_SYNC };
/* What the server still owes, in order. */
struct pg_item {
	struct owed owed;	/* its exchange: of PG_RESULT; its statement: not of PG_SYNC */
	enum pg_kind kind;
	struct pg_formats formats;
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
	struct ring items;
	struct exchange *asking;	/* of Parse and Bind, and the log-in, until there is an Execute */
	struct statements statements;
	struct pg_portal portals[PG_PORTALS];
	struct copy copy;		/* a row whose end is to come */
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
void pg_push(struct pg_state *, enum pg_kind, struct exchange *ex, struct statement *, const struct pg_formats *, struct stamp);
struct pg_item *pg_first(struct pg_state *);	/* NULL: nothing waits */
/* The result that a server's message belongs to; one of its own when nobody asked. NULL: no memory. */
struct pg_item *pg_answered(struct pg_state *, struct stamp);
void pg_finish(struct pg_state *, struct pg_item *, uint16_t status, struct stamp);	/* of the first: emits it */
/* The server is ready: what waits up to the next PG_SYNC will not be answered. lost: or was, and nobody saw it. */
void pg_ready(struct pg_state *, bool lost, struct stamp);
void pg_catch_up(struct pg_state *, struct stamp);	/* answers were lost: only the last group may be answered now */
void pg_rest(struct pg_state *);	/* keeps no memory of what told nothing */
void pg_end(struct pg_state *, struct stamp);	/* emits what waits */
void pg_free(struct pg_state *);

struct pg_portal *pg_portal_find(struct pg_state *, struct slice name, bool make);	/* NULL: not known */
void pg_portal_clear(struct pg_portal *);
/* A value as a field: named by its column, or by its place. */
void pg_tell(struct pg_state *, struct exchange *, const struct statement *, const struct column *, const char *what, unsigned place,
	     enum dir, enum location, struct value, bool cut);
/* CopyData of either direction; end: nothing more comes. */
void pg_copy(struct pg_state *, struct pg_item *, struct slice data, enum dir, bool end);
bool pg_format(const struct pg_formats *, unsigned i);
#endif
