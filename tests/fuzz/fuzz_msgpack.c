/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack. */
#define BODY_TYPE "application/msgpack"
#include "tests/fuzz/body.h"
