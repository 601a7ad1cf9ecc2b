/* SPDX-License-Identifier: Apache-2.0 */
/* arranged.h - connections that the talk of another one has arranged, as those are which move FTP's files: between the
 * same two addresses, at a port that was told. What nobody's guess takes for something else is read as what was
 * arranged. Remembers ARRANGED_MAX, and forgets the oldest. */
#ifndef WEIR_ARRANGED_H
#define WEIR_ARRANGED_H
#include "model/payload.h"

#define ARRANGED_MAX 64

struct protocol;
struct arranged_conn {
	const struct protocol *protocol;	/* that reads it */
	struct conn_facts by;			/* the connection that arranged it */
	uint16_t port;
	bool local;				/* the port is this end's */
	/* What it is for, when that is known. */
	char method[WORD_SIZE], route[PATH_SIZE];
	bool sends;				/* the one who asks sends, as STOR does */
	uint64_t taken;				/* by that connection; 0: by none yet */
	uint32_t number;
};

struct arranged;
struct arranged *arranged_new(void);	/* NULL: no memory */
void arranged_free(struct arranged *);
/* Its number, by which what it is for can be said later; never 0. NULL may be given: 0. */
uint32_t arranged_add(struct arranged *, const struct arranged_conn *);
struct arranged_conn *arranged_numbered(struct arranged *, uint32_t number);	/* NULL: it is forgotten, or 0 */
/* Which of them is that connection, and nobody else was? NULL: none. */
struct arranged_conn *arranged_find(struct arranged *, const struct conn_facts *);
#endif
