/* SPDX-License-Identifier: Apache-2.0 */
/* Two directions of MySQL and MariaDB. */
#include "tests/fuzz/directions.h"
