/* SPDX-License-Identifier: Apache-2.0 */
/* no_classes.h - sessions as the pipeline has them, with a sink that looks at no field. */
#ifndef NO_CLASSES_H
#define NO_CLASSES_H
#include <string.h>

#include "protocol/protocol.h"
#include "stream/stream.h"

static inline void field_ignored(void *owner, struct exchange *ex, const struct field *f) { }
static inline size_t name_copied(void *owner, char to[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(to, raw.ptr, n);
	to[n] = 0;
	return n;
}
static inline bool afforded(void *owner, int64_t ns) { return true; }
#define NO_CLASSES(each_exchange) { .field = field_ignored, .clean = name_copied, .exchange = each_exchange, .afford = afforded }

static inline void update_session(void *s, const struct conn_facts *conn) { session_update(s, conn); }
static inline void bytes_session(void *s, enum dir dir, struct slice bytes, struct stamp at) { session_bytes(s, dir, bytes, at); }
static inline void gap_session(void *s, enum dir dir, uint64_t lost, enum loss cause, struct stamp at) { session_gap(s, dir, lost, cause, at); }
static inline void flush_session(void *s, struct stamp at, bool closed, const char *reason)
{
	struct traffic t;

	(void)session_flush(s, at, closed, reason, &t);
}
static inline void close_session(void *s, struct stamp at) { session_close(s, at); }
#define SESSIONS(open_session) { .open = open_session, .update = update_session, .bytes = bytes_session, .gap = gap_session, \
				 .flush = flush_session, .close = close_session }
#endif
