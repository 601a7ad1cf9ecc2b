/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - what decoding a body costs on one core, classification apart: generated bodies of
 * each kind through content_decode into a sink that does nothing, beside a bare scan of the same
 * bytes for one that is not there.
 *
 *   content [--rounds R] [--only KIND]
 *
 * CPU time, best of the rounds (others use the machine as well). Each round checks that as many
 * fields came out as the body has. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "protocol/content.h"

#define BYTES (32 << 20)	/* of bodies in a round */

static unsigned fields;

static void field_counted(void *owner, struct exchange *ex, const struct field *f) { fields++; }
static size_t name_copied(void *owner, char to[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(to, raw.ptr, n);
	to[n] = 0;
	return n;
}
static bool afforded(void *owner, int64_t ns) { return true; }
static const struct field_sink sink = { .field = field_counted, .clean = name_copied, .afford = afforded };

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bodies: each a head, one piece again and again, and an end. */
static const struct kind {
	const char *name, *type, *head, *piece, *tail;
	size_t size;
	unsigned head_fields, piece_fields;
} kinds[] = {
	{ "JSON, 1 KiB, an API's list", "application/json", "{\"total\":1,\"items\":[{}",
	  ",{\"id\":184467,\"name\":\"Berta Smith\",\"status\":\"active\",\"created_at\":\"2026-03-14T15:09:26Z\",\"price\":19.5,"
	  "\"tags\":[\"blue\",\"large\"],\"note\":\"left at the door of the neighbour\",\"ok\":true}", "]}", 1024, 1, 9 },
	{ "JSON, 100 KiB, an API's list", "application/json", "{\"total\":1,\"items\":[{}",
	  ",{\"id\":184467,\"name\":\"Berta Smith\",\"status\":\"active\",\"created_at\":\"2026-03-14T15:09:26Z\",\"price\":19.5,"
	  "\"tags\":[\"blue\",\"large\"],\"note\":\"left at the door of the neighbour\",\"ok\":true}", "]}", 102400, 1, 9 },
	{ "JSON, 100 KiB, texts", "application/json", "{\"n\":0",
	  ",\"text\":\"A weir measures a river without stopping it, and what it measures is told to whoever asks: this "
	  "is a text of some length with a few \\\"escapes\\\" in it, as people write them in a comment below an order.\"", "}", 102400, 1, 1 },
	{ "form", "application/x-www-form-urlencoded", "n=0", "&name=Berta+Smith&status=active&note=left+at+the+door+of+the%20neighbour&price=19.5", "", 16384, 1, 4 },
	{ "multipart", "multipart/form-data; boundary=xYzZY", "--xYzZY",
	  "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nleft at the door of the neighbour\r\n--xYzZY", "--", 16384, 0, 1 },
	{ "XML", "text/xml", "<list>", "<item id=\"184467\"><name>Berta Smith</name><note>left at the door of the neighbour</note></item>", "</list>", 16384, 0, 3 },
	{ "CSV", "text/csv", "id,name,note\n", "184467,Berta Smith,left at the door of the neighbour\n", "", 16384, 0, 3 },
	{ "HTML", "text/html", "<html>", "<tr><td>Berta Smith</td><td class=\"n\">left at the door of the neighbour</td></tr>", "", 16000, 1, 0 },
	{ "MessagePack", "application/msgpack", "\xdd\xff\xff\xff\xff", "\x82\xa4name\xab" "Berta Smith\xa4note\xd9\x21left at the door of the neighbour", "", 16384, 0, 2 },
	{ "CBOR", "application/cbor", "\x9f", "\xa2\x64name\x6b" "Berta Smith\x64note\x78\x21left at the door of the neighbour", "\xff", 16384, 0, 2 },
};

static void body_make(struct buf *b, const struct kind *k, unsigned *expect)
{
	buf_puts(b, k->head);
	*expect = k->head_fields;
	while (b->len < k->size) {
		buf_puts(b, k->piece);
		*expect += k->piece_fields;
	}
	buf_puts(b, k->tail);
}

static void kind_run(const struct kind *k, unsigned rounds)
{
	double best = 1e9, scan = 1e9;
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct buf body;
	unsigned expect;
	size_t times;

	buf_init(&body, 4 << 20);
	body_make(&body, k, &expect);
	times = BYTES / body.len;
	for (unsigned r = 0; r < rounds; r++) {
		double began = cpu_now(), took;
		size_t found = 0;

		for (size_t i = 0; i < times; i++) {
			struct content_job job = { .exchange = ex, .sink = &sink, .location = LOC_REQUEST_BODY };

			fields = 0;
			content_decode(&job, slice_of(k->type, strlen(k->type)), slice_of(body.ptr, body.len));
			if (fields != expect) {
				fprintf(stderr, "content: %s: %u of %u fields came out\n", k->name, fields, expect);
				exit(1);
			}
		}
		took = cpu_now() - began;
		best = took < best ? took : best;
		began = cpu_now();
		for (size_t i = 0; i < times; i++)
			for (size_t j = 0; j < body.len; j++)
				found += body.ptr[j] == 0x7f;
		took = cpu_now() - began;
		scan = took < scan && !found ? took : scan;
	}
	printf("%-30s %7zu bytes %5u fields %8.1f MB/s %6.0f ns/field %6.1f x scan\n", k->name, body.len, expect,
	       (double)body.len * (double)times / 1e6 / best, best * 1e9 / (double)times / expect, best / scan);
	buf_free(&body);
	free(ex);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", 1, NULL, 'r' }, { "only", 1, NULL, 'o' }, { NULL, 0, NULL, 0 } };
	unsigned rounds = 7, only = 0;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == 'r')
			rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'o')
			only = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!only || only == i + 1)
			kind_run(&kinds[i], rounds);
	return 0;
}
