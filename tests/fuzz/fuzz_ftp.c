/* SPDX-License-Identifier: Apache-2.0 */
/* FTP's control connection, with bytes missing. */
#include "tests/fuzz/directions.h"
