/* SPDX-License-Identifier: Apache-2.0 */
/* A file for `weir replay`: its entries, and why it is refused. */
#include "daemon/recording.h"
#include "tests/fuzz/fuzz.h"

static int on_entry(void *owner, enum recording_kind kind, const void *ptr, size_t len)
{
	uint8_t *copy = exact(ptr, len);

	MUST(kind >= RECORDING_RECORD && kind <= RECORDING_ORDER);
	++*(unsigned *)owner;
	free(copy);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *in = exact(bytes, len);
	FILE *f = fmemopen(in, len ? len : 1, "r");
	struct recording_header h = { 0 };
	char why[256] = "";
	unsigned entries = 0;
	int err = recording_read(f, &h, on_entry, &entries, why, sizeof(why));

	MUST(err <= 0 && !!err == !!why[0]);
	MUST(entries <= len);
	MUST(!entries || h.format == RECORDING_FORMAT);
	MUST(memchr(h.kernel, 0, sizeof(h.kernel)));
	fclose(f);
	free(in);
	return 0;
}
