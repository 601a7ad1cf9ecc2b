/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recording.h"

#include <errno.h>
#include <msgpack.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
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

int recording_read(FILE *f, struct recording_header *h, int (*entry)(void *, enum recording_kind, const void *, size_t),
		   void *owner, char *why, size_t why_size)
{
	msgpack_unpacker u;
	msgpack_unpacked item;
	bool have_header = false;
	size_t total = 0, pending = 0;
	int err = 0;

	if (!msgpack_unpacker_init(&u, 65536))
		return -ENOMEM;
	msgpack_unpacked_init(&item);
	for (;;) {
		msgpack_unpack_return r = msgpack_unpacker_next(&u, &item);
		size_t n;

		if (r == MSGPACK_UNPACK_SUCCESS) {
			pending = 0;
			err = have_header ? entry_take(&item.data, entry, owner) : header_take(&item.data, h, why, why_size);
			if (err && have_header)
				snprintf(why, why_size, "an entry near byte %zu is damaged", total);
			have_header = true;
			if (err)
				break;
			continue;
		}
		if (r != MSGPACK_UNPACK_CONTINUE || pending > ENTRY_MAX) {
			snprintf(why, why_size, have_header ? "the recording is damaged near byte %zu" : "this is not a weir recording", total);
			err = -EBADMSG;
			break;
		}
		if (!msgpack_unpacker_reserve_buffer(&u, 65536)) {
			err = -ENOMEM;
			break;
		}
		n = fread(msgpack_unpacker_buffer(&u), 1, 65536, f);
		if (!n) {
			if (!have_header || msgpack_unpacker_message_size(&u)) {
				snprintf(why, why_size, have_header ? "the recording ends in the middle of an entry" : "this is not a weir recording");
				err = -EBADMSG;
			}
			break;
		}
		msgpack_unpacker_buffer_consumed(&u, n);
		total += n;
		pending += n;
	}
	msgpack_unpacked_destroy(&item);
	msgpack_unpacker_destroy(&u);
	return err;
}
