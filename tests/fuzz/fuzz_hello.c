/* SPDX-License-Identifier: Apache-2.0 */
/* A ClientHello: the name points into it. */
#include "protocol/hello.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *in = exact(bytes, len);
	struct slice name = hello_server_name(slice_of(in, len));

	MUST(!name.len || (name.ptr >= in && name.ptr + name.len <= in + len));
	free(in);
	return 0;
}
