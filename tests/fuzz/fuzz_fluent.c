/* SPDX-License-Identifier: Apache-2.0 */
/* Forward in both directions, with bytes missing; the first byte says whether the connection is older
 * than weir. No byte may leave the account, and where it is cut changes nothing. */
#include "tests/fuzz/events.h"

static int64_t play(struct buf *events, struct input in, size_t most)
{
	uint8_t how = (uint8_t)input_number(&in, 1);

	return replay_connection(events, slice_of(in.ptr, in.len), most, how & 1).opaque;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return whole_and_pieces(bytes, len, play);
}
