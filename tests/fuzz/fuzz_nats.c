/* SPDX-License-Identifier: Apache-2.0 */
/* NATS, of a corpus that speaks it. */
#include "tests/fuzz/directions.h"
