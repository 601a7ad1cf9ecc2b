/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of PostgreSQL. */
#include "tests/fuzz/directions.h"
