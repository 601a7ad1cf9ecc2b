/* SPDX-License-Identifier: Apache-2.0 */
/* kafka.h - what the parts of Kafka's protocol share: kafka.c finds requests and pairs them with their
 * responses, kafka_api.c knows the requests there are and reads those that are small, kafka_records.c
 * walks over the records of Produce and Fetch. Private to protocol/.
 *
 *   request:  size 32 | api 16 | version 16 | correlation 32 | client id | [tags] | body
 *   response: size 32 | correlation 32 | [tags] | body */
#ifndef WEIR_KAFKA_H
#define WEIR_KAFKA_H
#include "protocol/frames.h"
#include "protocol/pairs.h"
#include "protocol/reader.h"

#define KAFKA_APIS	93
#define KAFKA_TOPICS	4		/* of a message in its route */
#define KAFKA_IDS	64		/* topics whose names are remembered for their ids */
#define KAFKA_COST	8		/* ns to walk a byte of records, their contents apart; see field_sink.afford */
#define KAFKA_REQUEST	(100 << 20)	/* bytes of a request that servers take */
#define KAFKA_RESPONSE	(1 << 30)

enum kafka_key { KAFKA_PRODUCE = 0, KAFKA_FETCH = 1, KAFKA_METADATA = 3, KAFKA_HANDSHAKE = 17, KAFKA_VERSIONS = 18, KAFKA_AUTHENTICATE = 36 };

/* Where the response of an API says that it failed. */
enum kafka_error { ERROR_NONE, ERROR_FIRST, ERROR_BEHIND_TIME };	/* the time that it was throttled for */
struct kafka_api {
	const char *name;
	uint8_t max;		/* the newest version whose layout is known here */
	uint8_t flexible;	/* the first with compact lengths and tags */
	uint8_t error;		/* enum kafka_error */
	uint8_t time_from;	/* the first version with that time */
};

enum kafka_stage { STAGE_TAGS, STAGE_HEAD, STAGE_TOPIC, STAGE_PARTITION, STAGE_ABORTED, STAGE_RECORDS, STAGE_REST };

/* The message that a direction is in. */
struct kafka_message {
	uint16_t api, version;
	bool known, flexible, response;
	struct exchange *ex;	/* NULL: nobody asked, or no memory */
	uint32_t id;
	uint64_t asked;
	uint64_t total;
	/* Of Produce and Fetch: */
	uint8_t stage;		/* enum kafka_stage */
	bool silent;		/* acks=0: no response comes */
	bool looked, unread;	/* at records; some could not be read */
	bool topic_told;	/* of the topic being read */
	uint8_t topics_told;
	uint16_t error;
	uint32_t topics, partitions, aborted;	/* left */
	uint64_t records;	/* bytes left of this partition's */
	uint32_t fields;
	char topic[NAME_SIZE];	/* cleaned */
};

struct kafka_id { uint8_t id[16]; char name[NAME_SIZE]; };
struct kafka_ids { unsigned nr, next; struct kafka_id id[KAFKA_IDS]; };

struct kafka_state {
	const struct field_sink *sink;
	struct session *session;
	struct frames frames;
	struct pairs pairs;
	enum dir front;			/* the client's direction, once known */
	bool front_known;
	bool sure, bad;			/* two messages fit each other; the second was none */
	bool client_told;
	int8_t client_len;		/* of its id; -1: none, as far as it is known */
	bool client_known;
	bool tokens;			/* what is no request is a token of SASL */
	uint8_t auth, auth_asked;	/* enum auth */
	char client[64], mechanism[NAME_SIZE];
	struct kafka_message in[2];	/* by enum dir */
	struct kafka_ids *ids;		/* NULL: none is known */
};

/* kafka_api.c */
const struct kafka_api *kafka_api(uint16_t key);	/* NULL: not known */
void kafka_method(char method[WORD_SIZE], uint16_t key);
uint16_t kafka_status(uint16_t error);
/* Reads a message that is held whole, or what there is of it. */
void kafka_request(struct kafka_state *, struct kafka_message *, enum dir, struct slice body);
void kafka_response(struct kafka_state *, struct kafka_message *, struct slice body);
bool kafka_is_read(const struct kafka_message *);	/* false: nothing in it is of interest */
void kafka_token(struct kafka_state *, struct exchange *, enum dir, struct slice);
/* Lengths and texts, of which flexible versions count one more; *null may be NULL. */
uint32_t kafka_count(struct reader *, bool flexible);
struct slice kafka_string(struct reader *, bool flexible);
struct slice kafka_bytes(struct reader *, bool flexible);
void kafka_tags(struct reader *, bool flexible);
/* The name of a topic, of its id where the version has no names. */
void kafka_topic(struct kafka_state *, struct reader *, bool id, bool flexible, char name[NAME_SIZE]);
void kafka_route(struct exchange *, const char *topic, uint8_t *told);

/* kafka_records.c; as walk and hole of struct frames_ops */
size_t kafka_walk(struct kafka_state *, struct kafka_message *, enum dir, struct slice, enum frames_more);
uint64_t kafka_hole(struct kafka_message *, uint64_t missing);
#endif
