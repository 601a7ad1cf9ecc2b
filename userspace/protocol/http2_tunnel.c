/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http2_tunnel.h"

#include "base/budget.h"
#include "protocol/websocket.h"

#define STASH_MAX 65536	/* bytes of frames that are waited for */

struct tunnel {
	struct websocket websocket;
	struct buf stash[2];	/* by enum dir: of what is not whole the beginning, which was counted */
	bool dead[2];		/* it is no WebSocket */
};

struct tunnel *tunnel_new(const struct field_sink *sink, struct session *session, const struct exchange *ex, enum dir asks,
			  struct slice extensions)
{
	struct tunnel *t = budget_alloc(sizeof(*t));

	if (!t)
		return NULL;
	websocket_init(&t->websocket, sink, session, !ex);
	if (ex)
		websocket_open(&t->websocket, ex, asks, extensions);
	buf_init(&t->stash[0], STASH_MAX);
	buf_init(&t->stash[1], STASH_MAX);
	return t;
}

/* Feeds what there is; returns how much was taken. */
static size_t feed(struct tunnel *t, enum dir dir, struct slice in, struct stamp at)
{
	size_t taken = 0;

	while (taken < in.len && !t->dead[dir]) {
		struct feed_result r = websocket_feed(&t->websocket, dir, slice_of(in.ptr + taken, in.len - taken), at);

		websocket_count(&t->websocket, FATE_OPAQUE, r.opaque);
		taken += r.consumed;
		t->dead[dir] = r.status == FEED_BAD;
		if (r.status == FEED_MORE || !r.consumed)
			break;
	}
	return taken;
}

void tunnel_take(struct tunnel *t, enum dir dir, struct slice in, struct stamp at)
{
	struct buf *stash = &t->stash[dir];
	size_t before = stash->len, taken;

	if (!before || buf_add(stash, in.ptr, in.len)) {
		if (before)
			tunnel_gap(t, dir, UINT64_MAX, at);
		before = 0;
	} else {
		in = slice_of(stash->ptr, stash->len);
	}
	t->websocket.counted = before;
	taken = feed(t, dir, in, at);
	websocket_count(&t->websocket, t->dead[dir] ? FATE_OPAQUE : FATE_EXAMINED, in.len - taken);
	if (before)
		buf_consume(stash, taken);
	else if (!t->dead[dir] && taken < in.len && buf_add(stash, in.ptr + taken, in.len - taken))
		tunnel_gap(t, dir, UINT64_MAX, at);
	if (t->dead[dir] || !stash->len)
		buf_free(stash);
}

void tunnel_gap(struct tunnel *t, enum dir dir, uint64_t missing, struct stamp at)
{
	buf_free(&t->stash[dir]);
	t->dead[dir] = false;
	websocket_gap(&t->websocket, dir, missing == UINT64_MAX ? 0 : missing, at);
}

void tunnel_end(struct tunnel *t, struct stamp at)
{
	if (t)
		websocket_end(&t->websocket, at);
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	websocket_fini(&t->websocket);
	buf_free(&t->stash[0]);
	buf_free(&t->stash[1]);
	budget_free(t, sizeof(*t));
}
