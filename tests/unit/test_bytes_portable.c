/* SPDX-License-Identifier: Apache-2.0 */
/* The same of a machine that has no SSE2. */
#undef __SSE2__
#include "tests/unit/test_bytes.c"
