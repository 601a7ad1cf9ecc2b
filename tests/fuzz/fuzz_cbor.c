/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR. */
#define BODY_TYPE "application/cbor"
#include "tests/fuzz/body.h"
