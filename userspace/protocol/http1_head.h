/* SPDX-License-Identifier: Apache-2.0 */
/* http1_head.h - the head of an HTTP/1 message: start line and headers, RFC 9112. Works
 * on a private copy that it changes in place (obs-fold, percent-decoding). */
#ifndef WEIR_HTTP1_HEAD_H
#define WEIR_HTTP1_HEAD_H
#include "protocol/http.h"

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_BAD };

struct head {
	bool response;
	struct slice method, target;	/* of a request */
	uint16_t status;		/* of a response */
	enum framing framing;		/* as the headers alone say */
	uint64_t length;
	struct slice upgrade;		/* what it goes over to */
	struct slice extensions;	/* of WebSocket, that are agreed on */
		struct slice type;		/* Content-Type */
	enum auth auth;
	struct slice host;
};

/* Bytes of the head that begins at in, its empty line included; 0: not complete yet.
 * *scanned is where the last look ended, so that a head that trickles in stays cheap. */
size_t head_length(struct slice in, size_t *scanned);
/* Does a message begin here? 1 yes, 0 no, -1 too short to tell. *response as well. */
int head_begins(struct slice in, bool *response);
/* Parses a whole head. false: it is none. */
bool head_parse(uint8_t *copy, size_t len, struct head *);
/* Reads the headers of a parsed head, and emits the fields of all of it. */
void head_fields(const struct http_message *, const struct head *, uint8_t *copy, size_t len);
#endif
