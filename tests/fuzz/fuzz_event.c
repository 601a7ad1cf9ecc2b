/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events. */
#define BODY_TYPE "text/event-stream"
#include "tests/fuzz/body.h"
