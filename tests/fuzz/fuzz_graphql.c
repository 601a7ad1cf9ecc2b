/* SPDX-License-Identifier: Apache-2.0 */
/* GraphQL documents. */
#define BODY_TYPE "application/graphql"
#include "tests/fuzz/body.h"
