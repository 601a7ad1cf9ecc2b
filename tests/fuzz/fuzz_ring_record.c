/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the data ring. What is taken lies inside the record, and what the rest of
 * weir relies on holds. */
#include <errno.h>

#include "bpf/wire.h"
#include "capture/record.h"
#include "model/payload.h"
#include "tests/fuzz/fuzz.h"

struct record { const uint8_t *ptr; size_t len; unsigned chunks; };

static void on_chunk(void *owner, const struct chunk *c)
{
	struct record *r = owner;

	r->chunks++;
	MUST(c->bytes.ptr >= r->ptr && c->bytes.len <= WIRE_LARGE && c->bytes.ptr + c->bytes.len <= r->ptr + r->len);
	MUST(c->conn.id && c->layer >= LAYER_SOCKET && c->layer <= LAYER_HELLO && c->dir <= DIR_SENT);
	MUST(c->conn.role <= ROLE_CLIENT && c->conn.tls <= TLS_PRESENT && c->conn.binding <= BINDING_EXACT && c->cause < LOSS_MAX);
	MUST(c->pos <= POSITION_MAX);
	MUST(!c->skipped || c->cause != LOSS_NONE);
	MUST(is_clean(c->conn.comm, sizeof(c->conn.comm)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = exact(bytes, len);
	struct record r = { copy, len, 0 };
	int err = record_visit(copy, len, on_chunk, &r);

	MUST(err == 0 || err == -EBADMSG);
	MUST(r.chunks == !err);
	MUST(record_size(copy, len) <= len);
	(void)record_epoch(copy, len);	/* any number is one */
	free(copy);
	return 0;
}
