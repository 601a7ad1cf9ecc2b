/* SPDX-License-Identifier: Apache-2.0 */
/* ftp_data.c - what FTP's data connections move: a file, or a list of them, which goes to the decoders as a body does,
 * under the path that the control connection has said. The exchange is counted there; here is told what was found. */
#include <stdio.h>
#include <string.h>

#include "base/budget.h"
#include "base/buf.h"
#include "protocol/arranged.h"
#include "protocol/content.h"
#include "protocol/ftp.h"
#include "protocol/pairs.h"

struct state {
	const struct field_sink *sink;
	struct session *session;
	const struct conn_facts *conn;
	char method[WORD_SIZE], route[PATH_SIZE];	/* what was asked for before something came */
	bool sends;
	struct buf held;
	enum dir dir;		/* that something came from */
	bool cut, has_gap;
	uint64_t bytes, began;
};

static void init(void *state, const struct conn_facts *conn, const struct field_sink *sink, struct session *session)
{
	struct state *s = state;
	const struct arranged_conn *what = arranged_find(session_arranged(session), conn);

	if (what) {
		memcpy(s->method, what->method, sizeof(s->method));
		memcpy(s->route, what->route, sizeof(s->route));
		s->sends = what->sends;
	}
	s->sink = sink;
	s->session = session;
	s->conn = conn;
	buf_init(&s->held, PROTOCOL_BODY_HELD);
}

static struct feed_result feed(void *state, enum dir dir, struct slice in, struct stamp at)
{
	struct state *s = state;
	size_t room = PROTOCOL_BODY_HELD - s->held.len, n = in.len < room ? in.len : room;

	if (!s->bytes)
		s->dir = dir;
	if (!s->began)
		s->began = at.time;
	s->bytes += in.len;
	if (s->cut || dir != s->dir || (n && buf_add(&s->held, in.ptr, n)))
		n = 0;
	s->cut |= n < in.len;
	session_count(s->session, FATE_EXAMINED, n);
	session_count(s->session, FATE_UNWANTED, in.len - n);
	return (struct feed_result){ FEED_OK, in.len, 0 };
}

/* What is behind a gap is not read: whose line it is nobody knows. */
static int gap(void *state, enum dir dir, uint64_t lost, enum loss cause, struct stamp at)
{
	struct state *s = state;

	s->cut = s->has_gap = true;
	return 0;
}

static uint64_t unwanted(const void *state, enum dir dir)
{
	const struct state *s = state;

	return s->cut ? UINT64_MAX : 0;
}

static void eof(void *state, struct stamp at)
{
	struct state *s = state;
	struct exchange *ex = s->bytes ? pairs_exchange((enum role)s->conn->role, at) : NULL;
	struct content_job job = {
		.exchange = ex, .sink = s->sink, .dir = s->dir, .cut = s->cut, .location = s->sends ? LOC_REQUEST_BODY : LOC_RESPONSE_BODY,
	};

	if (!ex)
		return;
	ex->began = s->began;
	ex->again = 1;
	ex->has_gap = s->has_gap;
	memcpy(ex->method, s->method, sizeof(ex->method));
	memcpy(ex->route, s->route, sizeof(ex->route));
	*(s->sends ? &ex->request_bytes : &ex->response_bytes) = s->bytes;
	ex->inspected = (uint8_t)content_decode(&job, SLICE(""), s->held.len ? slice_of(s->held.ptr, s->held.len) : SLICE(""));
	if (s->cut && ex->inspected == INSPECTED_FULL)
		ex->inspected = INSPECTED_PARTIAL;
	s->bytes = 0;
	pairs_emit(s->session, ex, at);
}

static void fini(void *state)
{
	struct state *s = state;

	buf_free(&s->held);
}

/* Of no row: nobody knows it by what it says. */
const struct protocol ftp_data = {
	.name = "ftp", .summary = "what data connections move", .state_size = sizeof(struct state), .init = init, .feed = feed, .gap = gap,
	.unwanted = unwanted, .eof = eof, .fini = fini,
};
