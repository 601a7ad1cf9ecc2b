/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka, of a corpus that speaks it. */
#include "tests/fuzz/directions.h"
