/* SPDX-License-Identifier: Apache-2.0 */
/* memcached, of a corpus that speaks it. */
#include "tests/fuzz/directions.h"
