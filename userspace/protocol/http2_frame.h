/* SPDX-License-Identifier: Apache-2.0 */
/* http2_frame.h - frames of HTTP/2 (RFC 9113, 4.1), and where one could begin among other
 * bytes. Private to protocol/.
 *
 *   length 24 | type 8 | flags 8 | reserved 1, stream 31 | payload */
#ifndef WEIR_HTTP2_FRAME_H
#define WEIR_HTTP2_FRAME_H
#include "model/payload.h"

#define FRAME_HEAD 9
#define PREFACE_SIZE 24

enum frame_type {
	FRAME_DATA, FRAME_HEADERS, FRAME_PRIORITY, FRAME_RST_STREAM, FRAME_SETTINGS, FRAME_PUSH_PROMISE, FRAME_PING, FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE, FRAME_CONTINUATION, FRAME_TYPES
};
enum { FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 32 };

struct frame { uint32_t len, stream; uint8_t type, flags; };

/* What a client says first: 1 it stands here, 0 it does not, -1 too short to tell. */
int preface_begins(struct slice in);
/* The head of a frame; in has FRAME_HEAD bytes. */
struct frame frame_read(const uint8_t *in);
/* Could the protocol have this frame? Unknown types are to be ignored, so they are fine. */
bool frame_valid(const struct frame *);
/* Do frames begin here, where nothing is known of what stood before? 1 yes, 0 no, -1 more is
 * needed to tell. Asks for more than frame_valid(): what peers send, and one behind the other. */
int frames_begin(struct slice in);
/* As seek of struct protocol. */
bool frames_seek(struct slice in, size_t *at);
#endif
