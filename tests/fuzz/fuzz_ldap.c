/* SPDX-License-Identifier: Apache-2.0 */
/* LDAP in both directions, with bytes missing. */
#include "tests/fuzz/directions.h"
