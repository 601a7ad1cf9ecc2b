/* SPDX-License-Identifier: Apache-2.0 */
/* mongodb.h - what the parts of MongoDB's protocol share: mongodb.c finds messages and pairs them,
 * mongodb_message.c reads their documents. Private to protocol/.
 *
 *   length 32 | id 32 | id of what it answers 32 | operation 32 | body; the lowest byte first */
#ifndef WEIR_MONGODB_H
#define WEIR_MONGODB_H
#include "protocol/frames.h"
#include "protocol/pairs.h"
#include "protocol/reader.h"

#define MONGO_HEAD	16
#define MONGO_LONGEST	(48000000 + 16384)	/* bytes of a message that servers take */

enum mongo_operation {
	OP_REPLY = 1, OP_UPDATE = 2001, OP_INSERT, OP_QUERY = 2004, OP_GET_MORE, OP_DELETE, OP_KILL_CURSORS, OP_COMPRESSED = 2012, OP_MSG
};
enum { MSG_CHECKSUM = 1, MSG_MORE = 2, MSG_EXHAUST = 1 << 16 };

enum mongo_stage { MONGO_FLAGS, MONGO_SECTION, MONGO_SEQUENCE, MONGO_DOCUMENTS, MONGO_REST };

/* The message that a direction is in. */
struct mongo_message {
	struct exchange *ex;	/* NULL: nobody asked, or no memory */
	uint64_t total;
	uint32_t id, operation, flags;
	uint8_t stage;		/* enum mongo_stage */
	bool response;
	bool looked, unread;
	uint8_t command;	/* enum mongo_command */
	bool is_command;	/* of OP_QUERY: its document is one */
	bool failed;		/* what it answers did not work out */
	bool done;		/* of a log-in */
	uint32_t code;
	uint64_t sequence;	/* bytes left of a section of documents */
	uint32_t fields;
	char base[NAME_SIZE + 8];	/* "$.documents[]" */
};

/* Commands of which more is asked than their fields. */
enum mongo_command { COMMAND_OTHER, COMMAND_HELLO, COMMAND_LOGIN, COMMAND_NONE };	/* the last: documents alone answer it */

struct mongo_state {
	const struct field_sink *sink;
	struct session *session;
	struct frames frames;
	struct pairs pairs;
	enum dir front;		/* the client's direction, once known */
	bool front_known;
	uint8_t auth;		/* enum auth */
	struct mongo_message in[2];	/* by enum dir */
	/* Answers that follow an answer unasked: */
	uint32_t more_id;
	bool more;
	char more_method[WORD_SIZE], more_route[PATH_SIZE];
};

/* As walk of struct frames_ops. */
size_t mongo_walk(struct mongo_state *, struct mongo_message *, enum dir, struct slice, enum frames_more);
uint16_t mongo_status(const struct mongo_message *);
#endif
