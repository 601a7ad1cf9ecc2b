/* SPDX-License-Identifier: Apache-2.0 */
/* sasl.h - what the first message of a client in a SASL exchange tells (RFC 4616, 5802, 7628): who, and
 * with what secret where that goes in the clear. Private to protocol/. */
#ifndef WEIR_SASL_H
#define WEIR_SASL_H
#include "model/payload.h"

enum auth sasl_auth(struct slice mechanism);	/* AUTH_NONE: it is none that authenticates */
/* Fields of ex: "sasl.user", "sasl.password", "sasl.token". */
void sasl_tell(const struct field_sink *, struct exchange *ex, enum dir, struct slice mechanism, struct slice message);
#endif
