/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the whole front half: capture, stream, protocol, classify. Every fact must
 * pass the keeper's schema, and the bytes of all facts must add up.
 *
 * 0xff OP begins a record, the bytes up to the next 0xff are its payload. OP: bit 0 direction,
 * 1 a gap before it, 2 which connection, 3 plaintext of TLS, 4 it repeats what was, 5 time
 * passes, 6 the connection closes, 7 an interval ends. */
#include "bpf/wire.h"
#include "daemon/pipeline.h"
#include "tests/fuzz/fuzz.h"

struct world { struct byte_account by[2]; uint64_t pos[2][2][2]; uint64_t time; bool tls; struct fact again; uint8_t packed[FACT_MAX_SIZE]; };

static void on_fact(void *owner, const struct fact *f)
{
	struct world *w = owner;
	int n = facts_pack(f, w->packed, sizeof(w->packed));

	MUST(n > 0 && facts_unpack(w->packed, (size_t)n, &w->again) == (int)f->kind);
	if (f->kind != FACT_HANDSHAKE)
		byte_accounts_add(w->by, f->kind == FACT_EXCHANGE ? f->exchange.bytes : f->traffic.bytes);
}

static void push(struct front *f, struct world *w, unsigned op, const uint8_t *bytes, size_t len)
{
	unsigned dir = op & 1, conn = op >> 2 & 1, tls = op >> 3 & 1;
	uint64_t *pos = &w->pos[conn][tls][dir];
	struct wire_data d = {
		.kind = tls ? WIRE_TLS : WIRE_SOCKET, .flags = tls ? WIRE_F_BOUND : 0, .len = (u32)len, .time = w->time,
		.who = { .conn = 5 + conn, .tgid = 7, .start = 9, .comm = "fuzz", .family = 2 }, .epoch = 1, .dir = (u8)dir,
	};
	uint8_t *record;

	len = len > WIRE_LARGE ? WIRE_LARGE : len;
	w->tls |= tls;
	*pos += op & 2 ? 7 : 0;
	d.pos = op & 16 && *pos > 3 ? *pos - 3 : *pos;
	d.len = d.call = (u32)len;
	*pos = d.pos + len;
	record = malloc(sizeof(d) + len);
	memcpy(record, &d, sizeof(d));
	if (len)
		memcpy(record + sizeof(d), bytes, len);
	MUST(!front_record(f, record, sizeof(d) + len));
	free(record);
}

static void step(struct front *f, struct world *w, unsigned op)
{
	unsigned conn = op >> 2 & 1;

	if (op & 32)
		front_tick(f, (struct stamp){ w->time += 300000000, 1 });
	if ((op & 0xe4) == 0xe4)	/* an order about a third connection, which is not true of anything */
		front_close(f, 7, op * 0x9e3779b97f4a7c15ull, w->time << 40, UINT64_MAX, op, (struct stamp){ w->time, UINT32_MAX });
	if (op & 64)
		front_close(f, 5 + conn, w->pos[conn][0][DIR_SENT], w->pos[conn][0][DIR_RECEIVED], w->pos[conn][0][DIR_SENT],
			    w->pos[conn][0][DIR_RECEIVED], (struct stamp){ w->time, 1 });
	if (op & 128)
		front_interval(f, (struct stamp){ w->time, 1 });
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));
	struct front *f = front_new(on_fact, w);

	w->time = 1;
	for (size_t at = 0, end; at < len; at = end) {
		unsigned op = bytes[at] == 0xff && at + 1 < len ? bytes[at + 1] : 0;
		size_t from = bytes[at] == 0xff ? at + 2 : at;

		for (end = from; end < len && bytes[end] != 0xff; end++)
			;
		if (from < len)
			push(f, w, op, bytes + from, end - from);
		step(f, w, op);
	}
	front_interval(f, (struct stamp){ w->time, 1 });
	front_free(f);
	for (unsigned d = 0; d < 2; d++) {
		MUST(w->by[d].examined >= 0 && w->by[d].opaque >= 0 && w->by[d].lost >= 0 && w->by[d].framing >= 0);
		if (!w->tls)
			MUST(!byte_account_unexplained(&w->by[d]));
	}
	free(w);
	return 0;
}
