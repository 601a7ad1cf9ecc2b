/* SPDX-License-Identifier: Apache-2.0 */
/* Mails: headers in all encodings, parts. */
#define BODY_TYPE "message/rfc822"
#include "tests/fuzz/body.h"
