/* SPDX-License-Identifier: Apache-2.0 */
/* Tables. */
#define BODY_TYPE "text/csv"
#include "tests/fuzz/body.h"
