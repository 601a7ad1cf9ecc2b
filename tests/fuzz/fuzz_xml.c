/* SPDX-License-Identifier: Apache-2.0 */
/* XML. */
#define BODY_TYPE "text/xml"
#include "tests/fuzz/body.h"
