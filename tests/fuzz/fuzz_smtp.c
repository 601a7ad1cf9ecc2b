/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP in both directions, with bytes missing; the first byte says whether the connection is older
 * than weir. No byte may leave the account. */
#include "tests/fuzz/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf events;
	struct input in = { bytes, len };
	uint8_t how = (uint8_t)input_number(&in, 1);

	buf_init(&events, 64 << 20);
	replay_connection(&events, slice_of(in.ptr, in.len), how >> 1 & 15, how & 1);
	buf_free(&events);
	return 0;
}
