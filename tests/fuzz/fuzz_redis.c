/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of Redis. */
#include "tests/fuzz/directions.h"
