/* SPDX-License-Identifier: Apache-2.0 */
/* http2_hpack.h - the headers of one direction of HTTP/2, by nghttp2's HPACK (RFC 7541), which
 * is told what it cannot know. Private to protocol/.
 *
 * Indices of the dynamic table count from the newest entry. So who joins late, or has missed
 * a header block, resolves what is inserted from then on, if only the table has entries that
 * stand for those it cannot know: they have no name and no value, and are the first to go. */
#ifndef WEIR_HTTP2_HPACK_H
#define WEIR_HTTP2_HPACK_H
#include "model/payload.h"

struct nghttp2_hd_inflater;
#define HPACK_FORGET 20000	/* ns that the next block costs where unsure is set and there is no inflater */

struct hpack { struct nghttp2_hd_inflater *inflater; bool unsure; };	/* zeroed: a connection begins */

/* Of a field that refers to what is not known, name is empty; value may be. Valid during the call. */
typedef void (*hpack_cb)(void *owner, struct slice name, struct slice value);
/* The next bytes of a header block. false: nobody can read it, or no memory; what was in the
 * table is not known any more. */
bool hpack_take(struct hpack *, struct slice, bool last, hpack_cb, void *owner);
/* Header blocks have not been seen. */
void hpack_miss(struct hpack *);
void hpack_free(struct hpack *);
#endif
