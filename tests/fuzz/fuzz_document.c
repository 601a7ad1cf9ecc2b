/* SPDX-License-Identifier: Apache-2.0 */
/* A document for `weir classify`: offsets lie inside it. */
#include "classify/document.h"
#include "tests/fuzz/fuzz.h"

static void on_hit(void *owner, const struct document_hit *h)
{
	MUST(h->start < h->end && h->end <= *(size_t *)owner && h->class_id < class_count());
	MUST(h->path[0] == '$' && is_clean(h->path, sizeof(h->path)) && is_clean(h->key, sizeof(h->key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *in = (char *)exact(bytes, len);

	MUST(!document_classify(in, len, on_hit, &len));
	free(in);
	return 0;
}
