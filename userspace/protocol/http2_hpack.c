/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http2_hpack.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/budget.h"

/* What peers may agree on for the table is not always seen, and no size is wrong that is
 * larger than theirs: nobody refers to what was evicted at the other end. */
#define TABLE_MAX 65536
#define UNKNOWN 128	/* entries: as many as a table of the usual 4,096 bytes can have */

/* nghttp2's memory within the budget, and wiped: it has values in it. The size stands before. */

#define SIZE_ROOM 16

static void *room(size_t size, void *user)
{
	uint8_t *p = size < SIZE_MAX - SIZE_ROOM ? budget_room(size + SIZE_ROOM) : NULL;

	if (!p)
		return NULL;
	memcpy(p, &size, sizeof(size));
	return p + SIZE_ROOM;
}

static size_t room_size(void *ptr)
{
	size_t size;

	memcpy(&size, (uint8_t *)ptr - SIZE_ROOM, sizeof(size));
	return size;
}

static void room_free(void *ptr, void *user)
{
	if (!ptr)
		return;
	explicit_bzero(ptr, room_size(ptr));
	budget_free((uint8_t *)ptr - SIZE_ROOM, room_size(ptr) + SIZE_ROOM);
}

static void *room_zeroed(size_t nr, size_t size, void *user)
{
	void *p = size && nr > SIZE_MAX / size ? NULL : room(nr * size, user);

	return p ? memset(p, 0, nr * size) : NULL;
}

static void *room_again(void *ptr, size_t size, void *user)
{
	void *p = room(size, user);

	if (p && ptr)
		memcpy(p, ptr, room_size(ptr) < size ? room_size(ptr) : size);
	if (p)
		room_free(ptr, user);
	return p;
}

static bool inflate(nghttp2_hd_inflater *in, struct slice bytes, bool last, hpack_cb each, void *owner)
{
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(in, &nv, &flags, bytes.ptr, bytes.len, last);

		if (n < 0)
			return false;
		bytes = slice_of(bytes.ptr + n, bytes.len - (size_t)n);
		if (flags & NGHTTP2_HD_INFLATE_EMIT && each)
			each(owner, slice_of(nv.name, nv.namelen), slice_of(nv.value, nv.valuelen));
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			return !nghttp2_hd_inflate_end_headers(in);
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && !bytes.len)
			return true;
	}
}

/* A block that no peer sent: the table is as large as it may get, and full of what is not known. */
static bool forget(nghttp2_hd_inflater *in)
{
	uint8_t block[4 + UNKNOWN * 3] = { 0x3f, 0xe1, 0xff, 0x03 };	/* 6.3, 65536 */

	for (unsigned i = 0; i < UNKNOWN; i++)
		block[4 + i * 3] = 0x40;	/* 6.2.1, an empty name, an empty value */
	return inflate(in, slice_of(block, sizeof(block)), true, NULL, NULL);
}

static bool begin(struct hpack *h)
{
	static nghttp2_mem mem = { NULL, room, room_free, room_zeroed, room_again };	/* kept by nghttp2, whatever its manual says */

	if (nghttp2_hd_inflate_new2(&h->inflater, &mem)) {
		h->inflater = NULL;
		return false;
	}
	if (!nghttp2_hd_inflate_change_table_size(h->inflater, TABLE_MAX) && (!h->unsure || forget(h->inflater)))
		return true;
	hpack_free(h);
	return false;
}

void hpack_free(struct hpack *h)
{
	if (h->inflater)
		nghttp2_hd_inflate_del(h->inflater);
	h->inflater = NULL;
}

void hpack_miss(struct hpack *h)
{
	hpack_free(h);
	h->unsure = true;
}

bool hpack_take(struct hpack *h, struct slice in, bool last, hpack_cb each, void *owner)
{
	if ((h->inflater || begin(h)) && inflate(h->inflater, in, last, each, owner))
		return true;
	hpack_miss(h);
	return false;
}
