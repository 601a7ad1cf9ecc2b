/* SPDX-License-Identifier: Apache-2.0 */
/* http1_head.h - the head of an HTTP/1 message: start line and headers, RFC 9112. */
#ifndef WEIR_HTTP1_HEAD_H
#define WEIR_HTTP1_HEAD_H
#include "protocol/http.h"

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_BAD };

struct head {
	bool response;
	struct slice method, target;	/* of a request */
	uint16_t status;		/* of a response */
	/* Of the lines behind: */
	enum framing framing;		/* as the headers alone say */
	uint64_t length;
	struct slice upgrade;		/* what it goes over to */
	struct slice extensions;	/* of WebSocket, that are agreed on */
};

/* Where the last look at a head ended, so that one that trickles in stays cheap; folded: a line of it goes on in the next. */
struct head_scan { size_t scanned; bool folded; };

/* Where the next one begins, line by line as they are when they are unfolded; the start line is the first. */
#define HEAD_LINES (1 + HTTP_HEADERS_MAX)
struct head_lines { unsigned nr; uint32_t next[HEAD_LINES]; };

/* Bytes of the head that begins at in, its empty line included; 0: not complete yet, and of its lines not all are there. */
size_t head_length(struct slice in, struct head_scan *, struct head_lines *);
/* Does a message begin here? 1 yes, 0 no, -1 too short to tell. *response as well. */
int head_begins(struct slice in, bool *response);
/* Makes one line of each that is folded. */
void head_unfold(uint8_t *copy, size_t len);
/* Parses the start line of a whole head, which begins as one does; lines that continue it are unfolded by now. */
void head_parse(struct slice in, bool response, const struct head_lines *, struct head *);
/* Reads its other lines, and emits the fields of all of it. */
void head_fields(const struct http_message *, struct slice in, const struct head_lines *, struct head *);
#endif
