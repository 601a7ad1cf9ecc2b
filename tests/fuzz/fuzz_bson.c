/* SPDX-License-Identifier: Apache-2.0 */
/* BSON. */
#define BODY_TYPE "application/bson"
#include "tests/fuzz/body.h"
