/* SPDX-License-Identifier: Apache-2.0 */
/* memcached.h - what the parts of memcached's protocols share: memcached_text.c and memcached_binary.c read the
 * heads of commands and answers, memcached_value.c what a key holds, memcached.c says whose is what. */
#ifndef WEIR_MEMCACHED_H
#define WEIR_MEMCACHED_H
#include <stdbool.h>
#include <stdint.h>
#include "protocol/protocol.h"

#define MC_KEY_MAX	250		/* bytes; no server allows more */
#define MC_VALUE_MAX	(1u << 30)	/* nor of a value */
#define MC_LINE_MAX	2048		/* bytes of a line; of a get more: PROTOCOL_HEAD_MAX */

enum mc_what {
	MC_NONE, MC_GET, MC_GETS, MC_GAT, MC_GATS, MC_SET, MC_ADD, MC_REPLACE, MC_APPEND, MC_PREPEND, MC_CAS, MC_INCR, MC_DECR, MC_DELETE,
	MC_TOUCH, MC_MG, MC_MS, MC_MD, MC_MA, MC_MN, MC_ME, MC_STATS, MC_VERSION, MC_FLUSH_ALL, MC_VERBOSITY, MC_QUIT, MC_LRU,
	MC_LRU_CRAWLER, MC_SLABS, MC_CACHE_MEMLIMIT, MC_WATCH, MC_SHUTDOWN, MC_NOOP, MC_SASL_LIST, MC_SASL_AUTH, MC_SASL_STEP,
};

/* Of a command or of a part of an answer, all that stands before its value. */
struct mc_head {
	enum mc_what what;		/* of an answer in text, which does not say it: the command that has mostly such ones */
	bool front;			/* a client says it */
	bool quiet;			/* answered only where something is to be said */
	bool mute;			/* never answered */
	bool more;			/* of an answer: parts of it follow */
	bool valued, hit;		/* a value comes; of an answer: it is one that was asked for */
	bool coded;			/* its key stands in base64 */
	uint8_t sure;			/* 0..100 how likely nobody else says so */
	uint16_t status;		/* of an answer */
	uint8_t answer;			/* in text: its place among the answers */
	uint8_t tail;			/* bytes that end the value */
	uint32_t len, value;		/* bytes of the head, of the value */
	uint64_t id;			/* what names it to who asked; 0: its turn does */
	struct slice key, keys;		/* keys: those behind it, with blanks between */
	struct slice text;		/* of an answer: a number or what is wrong */
};

const char *mc_word(enum mc_what);	/* "get" */
bool mc_is_get(enum mc_what);		/* is a key without value a miss? */

/* A head in text, which begins in. 1; 0: none begins so; -1: its end is not there. least: how sure one must be for
 * that to be waited for. */
int mc_text_read(struct slice in, unsigned least, struct mc_head *);
/* May it be the answer to that command, asked with that id? */
bool mc_text_fits(const struct mc_head *answer, enum mc_what, bool quiet, uint64_t id);
/* It has the form of an mg, and is the answer to who asked for all keys. */
void mc_text_dumped(struct mc_head *);
/* The same in binary: with the key and what stands before it. */
int mc_binary_read(struct slice in, struct mc_head *);

/* Where in the middle of other bytes a head of either, or of the one that is spoken, may begin: 1 and *at; 0: nowhere,
 * -1: more would tell, before *at none begins. strict: nothing else says that it is memcached's. */
enum mc_mode { MC_ANY, MC_TEXT, MC_BINARY };
int mc_find(struct slice in, enum mc_mode, bool strict, size_t *at);

/* In datagrams: memcached_udp.c has a talk for each request, which memcached.c reads as a stream whose bytes are counted
 * already. */
void mc_begin(void *state, const struct conn_facts *, const struct field_sink *, struct session *);
bool mc_rests(const void *state);	/* no answer, nor the rest of one, is waited for */
bool mc_asks(struct slice in);		/* a command, by its first head */
struct mc_datagrams;
int mc_datagram_guess(struct slice whole, enum dir);
struct mc_datagrams *mc_datagrams_new(const struct protocol *stream, const struct conn_facts *, const struct field_sink *, struct session *);
struct feed_result mc_datagrams_feed(struct mc_datagrams *, enum dir, struct slice in, struct stamp);
void mc_datagrams_interval(struct mc_datagrams *, struct stamp);
void mc_datagrams_end(struct mc_datagrams *, struct stamp);	/* tells what waits; NULL: nothing does */
void mc_datagrams_free(struct mc_datagrams *);

/* A value under "set.user:{id}:cart", as the content that it is, whatever packs it. */
void mc_value(const struct field_sink *, struct exchange *, enum dir, enum location, const char *word,
	      const char *pattern, struct slice value, bool cut);
#endif
