/* SPDX-License-Identifier: Apache-2.0 */
/* Pages. */
#define BODY_TYPE "text/html"
#include "tests/fuzz/body.h"
