/* SPDX-License-Identifier: Apache-2.0 */
/* SQL in a text or a body of its own. */
#define BODY_TYPE "application/sql"
#include "tests/fuzz/body.h"
