/* SPDX-License-Identifier: Apache-2.0 */
/* amqp.h - what the parts of AMQP 0-9-1 share: amqp.c cuts frames out of the stream and finds them again
 * after a gap, amqp_method.c knows the methods there are, amqp_channel.c puts the contents of channels
 * together and pairs what is asked with what answers it, amqp_table.c reads tables and properties.
 *
 *   frame: type 8 | channel 16 | size 32 | payload | 0xce */
#ifndef WEIR_AMQP_H
#define WEIR_AMQP_H
#include "base/buf.h"
#include "protocol/inflate.h"
#include "protocol/pairs.h"

#define AMQP_HEAD	7
#define AMQP_END	0xce
#define AMQP_FRAME_MAX	(16u << 20)	/* bytes of a payload that is believed */
#define AMQP_CHANNELS	256		/* of a connection that are remembered; one at rest goes, the longest unused first */
#define AMQP_HELD	(4u << 20)	/* bytes of bodies that a connection holds at once */
#define AMQP_SILENT	8		/* consumers of a channel that acknowledge nothing, and are remembered */
#define AMQP_ARGS	8

enum amqp_frame { AMQP_METHOD = 1, AMQP_HEADER = 2, AMQP_BODY = 3, AMQP_HEARTBEAT = 8 };

enum amqp_class {
	AMQP_CONNECTION = 10, AMQP_CHANNEL = 20, AMQP_EXCHANGE = 40, AMQP_QUEUE = 50, AMQP_BASIC = 60, AMQP_CONFIRM = 85, AMQP_TX = 90,
};
#define AMQP_KEY(class, method) ((class) << 7 | (method))	/* of a method, 14 bits */
#define AMQP_START_OK	AMQP_KEY(AMQP_CONNECTION, 11)
#define AMQP_SECURE_OK	AMQP_KEY(AMQP_CONNECTION, 21)
#define AMQP_TUNE	AMQP_KEY(AMQP_CONNECTION, 30)
#define AMQP_CLOSE	AMQP_KEY(AMQP_CONNECTION, 50)
#define AMQP_SECRET	AMQP_KEY(AMQP_CONNECTION, 70)
#define AMQP_CHANNEL_OPEN	AMQP_KEY(AMQP_CHANNEL, 10)
#define AMQP_CHANNEL_CLOSE	AMQP_KEY(AMQP_CHANNEL, 40)
#define AMQP_CHANNEL_CLOSED	AMQP_KEY(AMQP_CHANNEL, 41)
#define AMQP_CONSUME	AMQP_KEY(AMQP_BASIC, 20)
#define AMQP_CONSUMED	AMQP_KEY(AMQP_BASIC, 21)
#define AMQP_PUBLISH	AMQP_KEY(AMQP_BASIC, 40)
#define AMQP_RETURN	AMQP_KEY(AMQP_BASIC, 50)
#define AMQP_DELIVER	AMQP_KEY(AMQP_BASIC, 60)
#define AMQP_GET	AMQP_KEY(AMQP_BASIC, 70)
#define AMQP_GOT	AMQP_KEY(AMQP_BASIC, 71)
#define AMQP_GOT_NONE	AMQP_KEY(AMQP_BASIC, 72)
#define AMQP_ACK	AMQP_KEY(AMQP_BASIC, 80)
#define AMQP_REJECT	AMQP_KEY(AMQP_BASIC, 90)
#define AMQP_NACK	AMQP_KEY(AMQP_BASIC, 120)
#define AMQP_SELECT	AMQP_KEY(AMQP_CONFIRM, 10)

/* Who says it. */
enum amqp_from { AMQP_CLIENT = 1, AMQP_SERVER = 2, AMQP_BOTH = 3 };
struct amqp_row {
	uint16_t key, answers;	/* answers: the key of what it answers; 0: nothing */
	uint8_t from;		/* enum amqp_from */
	bool asks;		/* an answer comes, unless a bit of nowait is set in its bits */
	bool content;		/* a header and bodies follow */
	uint8_t nowait;
	const char *name;
	/* b w d q: a number of 1, 2, 4, 8 bytes, B: bits; T: a table, l: long, and short ones, s: a string, x: an
	 * exchange, k: a routing key, u: a queue, c: a consumer, h: a virtual host, r: what is said of a refusal. */
	const char *args;
};
struct amqp_arg { struct slice text; uint64_t number; };
struct amqp_method { const struct amqp_row *row; uint32_t key; struct amqp_arg args[AMQP_ARGS]; };

/* Of a method's payload: true, with all its arguments. */
bool amqp_method_read(struct slice payload, struct amqp_method *);
/* Does one begin so? As much as is there. */
bool amqp_method_fits(struct slice payload);
const struct amqp_arg *amqp_arg(const struct amqp_method *, char kind);	/* the first of that kind; NULL: none */

struct amqp_content {
	enum { AMQP_NO_CONTENT, AMQP_WANTS_HEADER, AMQP_WANTS_BODY } phase;
	struct exchange *ex;	/* NULL: no memory */
	uint32_t key;		/* of its method */
	uint64_t tag;		/* by which it is acknowledged; 0: by none */
	uint16_t status;	/* known already */
	uint64_t left;
	struct buf held;
	bool cut, unread;
	enum encoding encoding;
	uint8_t type[64];
	uint8_t type_len;
};
struct amqp_channel {
	uint16_t id;
	bool confirms, acknowledges;	/* every publish is confirmed from here on; deliveries are waited for */
	uint64_t published;		/* since confirms */
	uint64_t used;
	uint64_t silent[AMQP_SILENT];	/* consumers, hashed */
	unsigned nr_silent;
	struct amqp_content contents[2];	/* by enum dir */
};

enum amqp_phase { AMQP_PHASE_FRAME, AMQP_PHASE_BODY, AMQP_PHASE_PASS, AMQP_PHASE_RESYNC };
struct amqp_side {
	enum amqp_phase phase;
	uint32_t left;		/* bytes of the frame, its end too */
	uint16_t channel;	/* of the body */
	bool seen;		/* a whole frame */
};
struct amqp_state {
	const struct field_sink *sink;
	struct session *session;
	enum dir front;		/* the client's */
	bool front_known, other;	/* other: another version, which nobody here reads */
	bool begun, sure;	/* a whole frame was seen; it is AMQP: a greeting was, or two frames fit each other */
	uint8_t auth;
	struct amqp_side sides[2];
	struct amqp_channel *channels[AMQP_CHANNELS];
	unsigned nr_channels;
	bool over;		/* there was one too many, whose contents are skipped */
	uint64_t uses;
	size_t held;		/* of the bodies of all */
	struct pairs asked;	/* methods: by channel, direction and key */
	struct pairs published, delivered;	/* by channel and tag */
};

enum role amqp_role(const struct amqp_state *);
/* wire: bytes of the frame. */
void amqp_take_method(struct amqp_state *, enum dir, uint16_t channel, const struct amqp_method *, size_t wire, struct stamp);
void amqp_take_header(struct amqp_state *, enum dir, uint16_t channel, struct slice payload, size_t wire, struct stamp);
enum fate amqp_header_fate(struct amqp_state *, enum dir, uint16_t channel);
/* A frame of a body begins, of so many bytes apart from the payload; then what becomes of that, of its next *n bytes at
 * most, of as many as share a fate. */
void amqp_body_frame(struct amqp_state *, enum dir, uint16_t channel, size_t around);
enum fate amqp_body_fate(struct amqp_state *, enum dir, uint16_t channel, size_t *n);
void amqp_take_body(struct amqp_state *, enum dir, uint16_t channel, struct slice, struct stamp);
/* So many bytes of it are missing. */
void amqp_body_hole(struct amqp_state *, enum dir, uint16_t channel, uint64_t missing, struct stamp);
void amqp_lost(struct amqp_state *, enum dir, struct stamp);	/* whole frames of that direction are missing */
void amqp_interval(struct amqp_state *, struct stamp);
void amqp_end(struct amqp_state *, struct stamp);
void amqp_free(struct amqp_state *);

struct content_job;
/* Leaves of a table, under root. */
void amqp_table(struct content_job *, const char *root, struct slice table);
/* Of a header's payload behind the body's size. False: it is damaged. */
bool amqp_properties(struct amqp_state *, struct amqp_content *, enum dir, struct slice);
/* "WHAT.KEY" */
void amqp_tell(struct amqp_state *, struct exchange *, enum dir, const char *what, const char *key, struct slice value);
#endif
