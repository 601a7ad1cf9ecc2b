/* SPDX-License-Identifier: Apache-2.0 */
/* nats.h - lines of NATS: nats_line.c knows what they are, nats.c what they mean. Private to both. */
#ifndef WEIR_NATS_H
#define WEIR_NATS_H
#include <stdbool.h>
#include "model/payload.h"

enum nats_what {
	NATS_NONE, NATS_PUB, NATS_HPUB, NATS_MSG, NATS_HMSG, NATS_SUB, NATS_UNSUB, NATS_CONNECT, NATS_INFO, NATS_PING, NATS_PONG, NATS_OK,
	NATS_ERR
};

struct nats_line {
	enum nats_what what;
	struct slice subject, answer, queue, rest;	/* rest: of INFO, CONNECT, -ERR */
	uint32_t head, size;				/* size: with its head */
};

static inline bool nats_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct slice nats_trim(struct slice);	/* of blanks and a line end */
/* Decimal digits, at most limit. */
bool nats_number(struct slice, uint32_t limit, uint32_t *v);
/* Of a line with its end. False: it is none. */
bool nats_line_read(struct slice, struct nats_line *);
bool nats_front_says(enum nats_what);	/* does a client? */
bool nats_back_says(enum nats_what);
/* Does a line begin here, as clients and servers write it? 1, 0, -1: more would tell. weak: one without arguments
 * will do. */
int nats_begins(struct slice, bool weak);
/* The same of the next place where one may: *at, before which there is none. */
int nats_find(struct slice, bool weak, size_t *at);
/* As much of a line as is there may be one, of *most bytes. */
bool nats_may_be(struct slice, size_t *most);
#endif
