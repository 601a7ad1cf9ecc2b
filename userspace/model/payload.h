/* SPDX-License-Identifier: Apache-2.0 */
/* payload.h - bytes that a watched process sent or received. Refuses to compile
 * outside capture, stream, protocol and classify, and daemon/pipeline.c, which wires them. */
#ifndef WEIR_PAYLOAD_H
#define WEIR_PAYLOAD_H
#ifndef PAYLOAD_ALLOWED
#error "payload ends in classify/: this folder must not see model/payload.h"
#endif

#include <stddef.h>
#include <stdint.h>
#include "model/facts.h"

/* Borrowed bytes. Never owns, never outlives the call, never goes to a log. */
struct slice { const uint8_t *ptr; size_t len; };

#define SLICE(lit) ((struct slice){ (const uint8_t *)(lit), sizeof(lit) - 1 })
static inline struct slice slice_of(const void *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

enum layer { LAYER_SOCKET = 1, LAYER_TLS, LAYER_CIPHER, LAYER_HELLO };	/* equals enum wire_kind */

/* A TLS record header that passed on a socket; body is what it announces. Equals
 * struct wire_header. */
struct record_header { uint8_t type, major, minor, pad; uint32_t body; };

#define POSITION_MAX ((uint64_t)1 << 58)	/* no stream gets there; sums over a connection's sequences cannot wrap */

/* A validated record's bytes with their place in the stream. bytes is borrowed
 * from the queue until the call returns. */
struct chunk {
	struct conn_facts conn;
	struct stamp at;
	enum layer layer;
	enum dir dir;
	uint64_t pos;		/* of bytes.ptr[0] */
	uint64_t skipped;	/* bytes after bytes that moved and were not captured */
	enum loss cause;	/* of skipped */
	enum loss before;	/* of bytes that are missing before pos, if any are; LOSS_NONE: not known */
	uint64_t moved;		/* LAYER_CIPHER: socket bytes of the call */
	uint8_t more;		/* of a datagram: pieces of it follow */
	uint8_t probed;		/* LAYER_CIPHER: a TLS session is bound here */
	uint8_t ahead;		/* LAYER_TLS: the records that carry these bytes have not passed yet */
	uint8_t partly;		/* LAYER_TLS: its library may move more than it is seen to move */
	uint8_t known;		/* LAYER_CIPHER: whole records, and who captured them has opened them: */
	uint32_t framing, plain;	/* of moved; plain follows as LAYER_TLS, the rest nobody could open */
	uint64_t session;	/* LAYER_TLS: the process's TLS object; with generation the session */
	uint32_t generation;
	struct slice bytes;	/* LAYER_CIPHER: struct record_header[] */
};

/* One named value of a message, borrowed until field() returns. */
struct field {
	enum location location;
	enum dir dir;
	const char *path;	/* cleaned, NUL-terminated: "$.users[].email", "query.q", "header.cookie" */
	struct slice key;	/* raw last name; empty in arrays and for path segments */
	struct slice parent;	/* raw name of the enclosing object; may be empty */
	struct slice value;	/* decoded: JSON escapes, percent-encoding and transfer coding removed */
	uint32_t siblings;	/* fields of the same object so far */
	uint8_t type;		/* enum value_type */
	uint8_t cut;		/* the value continues in bytes that were not seen */
	uint8_t text;		/* free text: scan for spans inside the value */
};
enum value_type { VALUE_STRING, VALUE_NUMBER, VALUE_BOOL, VALUE_NULL, VALUE_BYTES };

/* What classify does for protocol: looks at one field and adds findings to the
 * exchange under construction. Implemented in classify/, wired in pipeline.c. */
struct field_sink {
	void *owner;
	void (*field)(void *owner, struct exchange *, const struct field *);
	/* Cleans a raw name for a path: fixed charset, <= 64 bytes, a class in it
	 * becomes "{email}". Returns the length written, NUL-terminated. */
	size_t (*clean)(void *owner, char out[NAME_SIZE], struct slice raw);
	/* Takes the finished exchange; the struct stays the caller's. */
	void (*exchange)(void *owner, const struct exchange *);
	/* Charges the connection ns for work that no field tells of; below 0: it has earned them.
	 * False: it has cost more than its bytes may, and what is left of the message is not
	 * looked at. NULL: no limit. */
	bool (*afford)(void *owner, int64_t ns);
	/* What the handshake of the connection has told so far. NULL: nobody asks. */
	void (*handshake)(void *owner, const struct conn_facts *, struct stamp, const struct tls_facts *);
	/* An address that the connection's process asked for by name. NULL: nobody asks. */
	void (*named)(void *owner, const struct named *);
};
#endif
