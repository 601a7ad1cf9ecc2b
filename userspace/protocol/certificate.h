/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - the subject and the end of a certificate (RFC 5280, 4.1), of DER. */
#ifndef WEIR_CERTIFICATE_H
#define WEIR_CERTIFICATE_H
#include <stdbool.h>
#include "model/payload.h"

/* Names point into the certificate; empty: not there. expires: UTC seconds, 0: not there. */
struct certificate { struct slice common_name, organisation; int64_t expires; };
/* False: not a certificate. Verifies nothing, reads nothing outside in. */
bool certificate_read(struct slice in, struct certificate *out);
#endif
