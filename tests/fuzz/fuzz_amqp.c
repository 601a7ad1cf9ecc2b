/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP, of a corpus that speaks it. */
#include "tests/fuzz/directions.h"
