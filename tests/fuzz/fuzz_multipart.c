/* SPDX-License-Identifier: Apache-2.0 */
/* Parts; the boundary is the body's own. */
#define BODY_TYPE "multipart/form-data"
#include "tests/fuzz/body.h"
