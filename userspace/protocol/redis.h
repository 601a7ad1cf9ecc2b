/* SPDX-License-Identifier: Apache-2.0 */
/* redis.h - what the parts of Redis's protocol share: redis.c cuts tokens out of the stream and
 * finds them again after a gap, redis_front.c reads commands, redis_back.c what answers them. */
#ifndef WEIR_REDIS_H
#define WEIR_REDIS_H
#include "base/buf.h"
#include "protocol/database.h"

#define RE_DEPTH	16	/* arrays in one another; deeper is not read */
#define RE_LINE		65536	/* bytes of a line */
#define RE_WAITED	32768	/* a bulk up to this is waited for in one piece */
#define RE_QUEUED	64	/* commands of MULTI whose results have names */

enum re_kind {
	RE_NONE,	/* not known, or without a key: arguments have no name */
	RE_VALUE,	/* a key, then values */
	RE_HASH,	/* a key, then names and values */
	RE_NAMES,	/* a key, then names, in whose order it is answered */
	RE_KEYS,	/* keys, in whose order it is answered */
	RE_PAIRS,	/* keys and values */
	RE_ALL,		/* a key; names and values are the answer */
	RE_STREAM,	/* a key, an entry's number, then names and values */
	RE_STREAMS,	/* entries are the answer */
	RE_READ,	/* the same, its keys behind a word */
	RE_SCRIPT, RE_CONFIG, RE_CHANNEL,
	RE_AUTH, RE_HELLO, RE_CLIENT, RE_MULTI, RE_EXEC, RE_DISCARD, RE_SUBSCRIBE, RE_MONITOR, RE_SYNC, RE_ACK,
};

struct re_item { struct owed owed; enum re_kind kind; bool secret; };	/* secret: says who asks */

enum re_phase { PHASE_TOKEN, PHASE_BULK, PHASE_RESYNC };
/* An array that is open: its type, elements to come, elements that came. */
struct re_level { char type; uint32_t left, at; };
struct re_side {
	enum re_phase phase;
	struct re_level levels[RE_DEPTH];
	unsigned depth;
	char bulk;		/* its type */
	uint64_t left;		/* bytes of it to come, its line end too */
	struct buf body;
	bool cut, holed;	/* what is held of it is not whole; nothing more is held */
	bool after_gap;
	uint32_t carried;	/* bytes of a bulk whose end was waited for */
	size_t scanned;		/* bytes without a line end */
	uint64_t message;	/* bytes of it so far */
};

struct re_state {
	const struct field_sink *sink;
	struct session *session;
	enum dir front;			/* the client's direction, once known */
	bool front_known, authenticated, replicates, subscribed, monitors, silent;
	struct re_side sides[2];	/* by enum dir */
	struct ring items;		/* of struct re_item */
	/* The command that comes. */
	struct exchange *ex;
	struct statement *statement;
	enum re_kind kind;
	bool pairs, skip;		/* of RE_STREAM: its number was there, of RE_HELLO: AUTH, of RE_READ: STREAMS; of CLIENT REPLY SKIP */
	char name[NAME_SIZE];		/* of the value that comes next, raw */
	char word[WORD_SIZE];		/* the first argument, upper case */
	bool client_reply, told;	/* told: of RE_STREAM, a name was there */
	/* The answer that comes. */
	bool aside, confirms;		/* nobody asked for it: a message of a channel, or what confirms one */
	struct exchange *message;	/* of that */
	struct statement *channel;
	char last[NAME_SIZE];		/* of pairs: the name of the value that comes next, raw */
	struct statement *queued[RE_QUEUED];	/* since MULTI */
	enum re_kind queued_kind[RE_QUEUED];
	unsigned nr_queued;
};

void re_argument(struct re_state *, unsigned at, struct slice, bool cut, struct stamp);
void re_command(struct re_state *, uint64_t bytes, struct stamp);	/* its last argument was there */
void re_array(struct re_state *, struct stamp);		/* an answer has an array, which was pushed */
void re_scalar(struct re_state *, char type, struct slice, bool cut, struct stamp);
void re_answer(struct re_state *, uint64_t bytes, struct stamp);	/* it is whole */
void re_lost(struct re_state *, enum dir);	/* bytes are missing in that direction, or make no sense */
void re_found(struct re_state *, struct stamp);	/* the first answer after that */
void re_end(struct re_state *, struct stamp);
void re_free(struct re_state *);
bool re_is_command(struct slice);	/* one that is known */

/* A value under "COMMAND.PATTERN" (NULL: the statement's), or its name there; as the content that it is. */
void re_tell(struct re_state *, struct exchange *, const struct statement *, const char *pattern, const char *name, struct slice, enum dir,
	     bool cut);
/* The same of a key's value. */
void re_tell_key(struct re_state *, struct exchange *, const struct statement *, const char *key, struct slice, enum dir, bool cut);
#endif
