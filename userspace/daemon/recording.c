/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recording.h"

#include <errno.h>
#include <msgpack.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/flat.h"
#include "bpf/wire.h"

#define ENTRY_MAX (1 << 20)	/* bytes of one entry */
#define MAGIC "weir-recording"

static int flush(int fd, msgpack_sbuffer *b)
{
	int err = write_all(fd, b->data, b->size);

	msgpack_sbuffer_destroy(b);
	return err;
}

int recording_write_header(int fd)
{
	uint64_t now = clock_utc_ms(), boot = clock_boot_ns() / 1000000;
	struct utsname u;
	msgpack_sbuffer b;
	msgpack_packer p;

	uname(&u);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_array(&p, 5);
	msgpack_pack_str(&p, strlen(MAGIC));
	msgpack_pack_str_body(&p, MAGIC, strlen(MAGIC));
	msgpack_pack_uint32(&p, RECORDING_FORMAT);
	msgpack_pack_uint32(&p, WIRE_VERSION);
	msgpack_pack_uint64(&p, now - boot);
	msgpack_pack_str(&p, strlen(u.release));
	msgpack_pack_str_body(&p, u.release, strlen(u.release));
	return flush(fd, &b);
}

int recording_write(int fd, enum recording_kind kind, const void *ptr, size_t len)
{
	msgpack_sbuffer b;
	msgpack_packer p;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_array(&p, 2);
	msgpack_pack_uint32(&p, kind);
	msgpack_pack_bin(&p, len);
	msgpack_pack_bin_body(&p, ptr, len);
	return flush(fd, &b);
}

static bool is_uint(const msgpack_object *o, uint64_t max)
{
	return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= max;
}

static int header_take(const msgpack_object *o, struct recording_header *h, char *why, size_t why_size)
{
	const msgpack_object *v;

	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size != 5)
		goto not;
	v = o->via.array.ptr;
	if (v[0].type != MSGPACK_OBJECT_STR || v[0].via.str.size != strlen(MAGIC) ||
	    memcmp(v[0].via.str.ptr, MAGIC, strlen(MAGIC)) || !is_uint(&v[1], UINT32_MAX) || !is_uint(&v[2], UINT32_MAX) ||
	    !is_uint(&v[3], UINT64_MAX) || v[4].type != MSGPACK_OBJECT_STR)
		goto not;
	*h = (struct recording_header){ (uint32_t)v[1].via.u64, (uint32_t)v[2].via.u64, v[3].via.u64, "" };
	snprintf(h->kernel, sizeof(h->kernel), "%.*s", v[4].via.str.size > 64 ? 64 : (int)v[4].via.str.size, v[4].via.str.ptr);
	if (h->format == RECORDING_FORMAT && h->wire == WIRE_VERSION)
		return 0;
	snprintf(why, why_size, "the recording is of format %u, records %u; this weir reads format %u, records %u: "
		 "replay it with the version that made it", h->format, h->wire, RECORDING_FORMAT, WIRE_VERSION);
	return -EPROTO;
not:
	snprintf(why, why_size, "this is not a weir recording");
	return -EBADMSG;
}

static int entry_take(const msgpack_object *o, int (*entry)(void *, enum recording_kind, const void *, size_t), void *owner)
{
	const msgpack_object *v = o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == 2 ? o->via.array.ptr : NULL;

	if (!v || !is_uint(&v[0], RECORDING_ORDER) || !v[0].via.u64 || v[1].type != MSGPACK_OBJECT_BIN)
		return -EBADMSG;
	return entry(owner, (enum recording_kind)v[0].via.u64, v[1].via.bin.ptr, v[1].via.bin.size);
}

/* One array at the front of the bytes: the header, then entries. */
struct reader {
	struct recording_header *header;
	bool have_header;
	int (*entry)(void *, enum recording_kind, const void *, size_t);
	void *owner;
	char *why;
	size_t why_size;
};

static int array_take(struct reader *r, const uint8_t *ptr, size_t len)
{
	msgpack_unpacked item;
	size_t at = 0;
	int err = -EBADMSG;

	msgpack_unpacked_init(&item);
	if (msgpack_unpack_next(&item, (const char *)ptr, len, &at) == MSGPACK_UNPACK_SUCCESS)
		err = r->have_header ? entry_take(&item.data, r->entry, r->owner) :
				       header_take(&item.data, r->header, r->why, r->why_size);
	msgpack_unpacked_destroy(&item);
	if (!err)
		r->have_header = true;
	return err;
}

/* Takes the whole arrays of b; what is left is the beginning of one. */
static int arrays_take(struct reader *r, struct buf *b)
{
	size_t at = 0;
	ssize_t len = 0;
	int err = 0;

	while (!err && at < b->len && (len = flat_len(b->ptr + at, b->len - at)) > 0) {
		err = array_take(r, b->ptr + at, (size_t)len);
		at += (size_t)len;
	}
	buf_consume(b, at);
	return err ? err : len < 0 || b->len > ENTRY_MAX ? -EBADMSG : 0;
}

int recording_read(FILE *f, struct recording_header *h, int (*entry)(void *, enum recording_kind, const void *, size_t),
		   void *owner, char *why, size_t why_size)
{
	struct reader r = { .header = h, .entry = entry, .owner = owner, .why = why, .why_size = why_size };
	uint8_t block[16384];
	size_t n, total = 0;
	struct buf b;
	int err = 0;

	why[0] = 0;
	buf_init(&b, ENTRY_MAX + sizeof(block));
	while (!err && (n = fread(block, 1, sizeof(block), f))) {
		total += n;
		err = buf_add(&b, block, n);
		if (!err)
			err = arrays_take(&r, &b);
	}
	if (err == -ENOMEM)
		snprintf(why, why_size, "no memory to read the recording");
	else if (err && r.have_header)
		snprintf(why, why_size, "the recording is damaged near byte %zu", total);
	else if (!err && r.have_header && b.len)
		snprintf(why, why_size, "the recording ends in the middle of an entry");
	else if (!r.have_header && !why[0])
		snprintf(why, why_size, "this is not a weir recording");
	explicit_bzero(block, sizeof(block));
	buf_free(&b);
	return err ? err : why[0] ? -EBADMSG : 0;
}
