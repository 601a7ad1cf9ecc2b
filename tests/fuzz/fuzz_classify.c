/* SPDX-License-Identifier: Apache-2.0 */
/* One value beside a key (up to the first '='; none: free text). Hits lie inside the value, in
 * order, without overlap, and a mask never shows what it stands for. */
#include "classify/classify.h"
#include "tests/fuzz/fuzz.h"

struct order { size_t len, end; unsigned hits; };

static void on_hit(void *owner, const struct hit *h)
{
	struct order *o = owner;
	size_t n = strnlen(h->mask, sizeof(h->mask));

	MUST(h->class_id < class_count() && h->confidence >= CONF_POSSIBLE && h->confidence <= CONF_CERTAIN);
	MUST(h->start < h->end && h->end <= o->len && h->start >= o->end);
	MUST(n && n < sizeof(h->mask));
	for (size_t i = 0; i < n; i++)
		MUST(h->mask[i] >= ' ' && h->mask[i] <= '~');
	o->end = h->end;
	o->hits++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *eq = len ? memchr(bytes, '=', len < 64 ? len : 64) : NULL;
	size_t key = eq ? (size_t)(eq - bytes) : 0, from = eq ? key + 1 : 0;
	uint8_t *name = exact(bytes, key), *value = exact(bytes + from, len - from);
	struct evidence ev = { .key = slice_of(name, key), .location = LOC_REQUEST_BODY, .type = VALUE_STRING, .text = !eq };
	struct order o = { .len = len - from };
	struct hit few[2];

	classify_scan(&ev, slice_of(value, len - from), on_hit, &o);
	MUST(classify_value(&ev, slice_of(value, len - from), few, 2) == (o.hits < 2 ? o.hits : 2));
	free(name);
	free(value);
	return 0;
}
