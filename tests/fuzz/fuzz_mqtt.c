/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of MQTT. Where the bytes are cut into calls must not change what is found in them, and
 * no byte may leave the account. Only behind bytes that are no MQTT may the cuts matter. 'L' in front:
 * the connection is older. */
#include "base/budget.h"
#include "tests/fuzz/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf whole, cut;
	bool late = len && bytes[0] == 'L', same;
	size_t used = budget_used();
	int64_t lost;

	buf_init(&whole, 64 << 20);
	buf_init(&cut, 64 << 20);
	lost = replay_connection(&whole, slice_of(bytes + late, len - late), 0, late).opaque;
	lost += replay_connection(&cut, slice_of(bytes + late, len - late), len % 7 + 1, late).opaque;
	same = whole.len == cut.len && !(whole.len && memcmp(whole.ptr, cut.ptr, whole.len));
	if (!lost && !late && !same) {
		fprintf(stderr, "--- whole\n");
		fwrite(whole.ptr, 1, whole.len, stderr);
		fprintf(stderr, "--- in pieces of %zu\n", len % 7 + 1);
		fwrite(cut.ptr, 1, cut.len, stderr);
	}
	MUST(lost || late || same);
	buf_free(&whole);
	buf_free(&cut);
	MUST(budget_used() == used);
	return 0;
}
