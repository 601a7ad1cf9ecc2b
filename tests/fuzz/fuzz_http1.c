/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of HTTP/1. Where the bytes are cut into calls must not change what is
 * found in them, and no byte may leave the account. Only behind bytes that are no HTTP may
 * the cuts matter: there the beginning of a call is where the next message is looked for. */
#include "tests/fuzz/events.h"

static int64_t play(struct buf *events, struct input in, size_t most)
{
	bool late = in.len && in.ptr[0] == 'L';

	return replay_connection(events, slice_of(in.ptr + late, in.len - late), most, late).opaque;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return whole_and_pieces(bytes, len, play);
}
