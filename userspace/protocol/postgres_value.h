/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_value.h - a value of PostgreSQL's wire format, text or binary, as a field. Private to
 * protocol/. */
#ifndef WEIR_POSTGRES_VALUE_H
#define WEIR_POSTGRES_VALUE_H
#include "protocol/database.h"

/* binary values are written out in room where that is cheap, else they are bytes. type: the OID
 * of pg_type; 0: not known. */
struct value postgres_value(uint32_t type, bool binary, struct slice raw, char room[VALUE_ROOM]);
#endif
