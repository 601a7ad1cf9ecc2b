/* SPDX-License-Identifier: Apache-2.0 */
/* MongoDB, of a corpus that speaks it. */
#include "tests/fuzz/directions.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return fuzz_directions(bytes, len);
}
