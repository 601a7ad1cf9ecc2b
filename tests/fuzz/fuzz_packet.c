/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file for `weir replay`, and a key log, through the whole front half. Whatever they hold,
 * the chunks of a direction follow each other without a hole or an overlap up to the position that
 * its close names, and the bytes of all facts add up.
 *
 * Byte 0: bit 0 the last of bytes that differ count, 1 the client's side, 2 no key log, 3 the chunks alone,
 * which is faster. Bytes 1 and 2: length of the key log, which follows; the rest is the file. */
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_NS	(100 * 400)	/* of a handshake of 60 bytes OpenSSL derives six keys, and looks up by name how */
#include "capture/packet/packet.h"
#include "daemon/pipeline.h"
#include "model/payload.h"
#include "tests/fuzz/fuzz.h"

#define CONNS 4096	/* of which the positions are followed */

struct conn { uint64_t id, socket[2], plain[2]; bool closed; };
struct world {
	struct front *front;
	struct stamp now;
	struct byte_account by[2];
	struct conn conns[CONNS];
	uint8_t packed[FACT_MAX_SIZE];
	struct fact again;
};

static void on_fact(void *owner, const struct fact *f)
{
	struct world *w = owner;
	int n = facts_pack(f, w->packed, sizeof(w->packed));

	MUST(n > 0 && facts_unpack(w->packed, (size_t)n, &w->again) == (int)f->kind);
	if (f->kind != FACT_HANDSHAKE)
		byte_accounts_add(w->by, f->kind == FACT_EXCHANGE ? f->exchange.bytes : f->traffic.bytes);
}

static struct conn *conn_of(struct world *w, uint64_t id)
{
	MUST(id);
	return id < CONNS && w->conns[id].id == id ? &w->conns[id] : NULL;
}

static void on_time(void *owner, uint64_t base_ms, struct stamp at)
{
	struct world *w = owner;

	MUST(at.epoch >= w->now.epoch && at.time <= POSITION_MAX);
	if (w->front && w->now.epoch && at.epoch != w->now.epoch)
		front_interval(w->front, w->now);
	w->now = at;
	if (w->front)
		front_tick(w->front, at);
}

static void on_conn(void *owner, const struct conn_seen *seen)
{
	struct world *w = owner;

	MUST(!conn_of(w, seen->conn.id));
	if (seen->conn.id < CONNS)
		w->conns[seen->conn.id].id = seen->conn.id;
}

static void on_chunk(void *owner, const struct chunk *ch)
{
	struct world *w = owner;
	struct conn *c = conn_of(w, ch->conn.id);
	uint64_t extent = ch->layer == LAYER_CIPHER ? ch->moved : ch->bytes.len + ch->skipped;
	uint64_t *pos = !c ? NULL : ch->layer == LAYER_TLS ? &c->plain[ch->dir] : &c->socket[ch->dir];
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < ch->bytes.len; i++)	/* they are there */
		sum = (uint8_t)(sum + ch->bytes.ptr[i]);
	MUST(ch->conn.id >= CONNS || (c && !c->closed));
	if (pos && ch->layer != LAYER_HELLO) {
		MUST(ch->pos == *pos && extent);
		*pos += extent;
	}
	if (w->front)
		front_chunk(w->front, ch);
}

static void on_close(void *owner, uint64_t id, const uint64_t pos[2], struct stamp at)
{
	struct world *w = owner;
	struct conn *c = conn_of(w, id);

	if (c) {
		MUST(!c->closed && pos[0] == c->socket[0] && pos[1] == c->socket[1]);
		c->closed = true;
	}
	if (w->front)
		front_close(w->front, id, pos[DIR_SENT], pos[DIR_RECEIVED], pos[DIR_SENT], pos[DIR_RECEIVED], at);
}

static FILE *file_of(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	FILE *f = fdopen(fd, "w+");

	MUST(f && fwrite(bytes, 1, len, f) == len && !fflush(f));
	rewind(f);
	return f;
}

static struct keylog *keys_of(const uint8_t *bytes, size_t len)
{
	char why[256] = "";
	struct keylog *k;
	FILE *f;

	if (!len)
		return NULL;
	f = file_of(bytes, len);
	k = keylog_read(f, why, sizeof(why));
	MUST(!k == !!why[0]);
	fclose(f);
	return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct packet_sink sink = { w, on_time, on_conn, on_chunk, on_close };
	struct packet_options options = { 0 };
	struct input in = { bytes, len };
	unsigned op = (unsigned)input_number(&in, 1);
	size_t keys = (size_t)input_number(&in, 2);
	struct keylog *log;
	struct packet_stats stats;
	char why[512] = "";
	FILE *f;

	keys = keys < in.len ? keys : in.len;
	log = keys_of(in.ptr, keys);
	options = (struct packet_options){ op & 1 ? OVERLAP_LAST : OVERLAP_FIRST, op & 2, op & 4 ? NULL : log };
	f = file_of(in.ptr + keys, in.len - keys);
	w->front = op & 8 ? NULL : front_new(on_fact, w);
	if (packet_file_is(f) && packet_read(f, &options, &sink, &stats, why, sizeof(why)))
		MUST(why[0]);
	for (size_t i = 0; i < CONNS; i++)
		MUST(!w->conns[i].id || w->conns[i].closed);
	if (w->front) {
		front_tick(w->front, (struct stamp){ w->now.time + 3600000000000ull, w->now.epoch });
		front_interval(w->front, w->now);
		front_free(w->front);
	}
	for (unsigned d = 0; d < 2; d++) {
		MUST(w->by[d].moved >= 0 && w->by[d].examined >= 0 && w->by[d].opaque >= 0 && w->by[d].lost >= 0 && w->by[d].framing >= 0);
		MUST(!byte_account_unexplained(&w->by[d]));
	}
	keylog_free(log);
	fclose(f);
	free(w);
	return 0;
}
