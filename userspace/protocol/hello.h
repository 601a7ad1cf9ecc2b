/* SPDX-License-Identifier: Apache-2.0 */
/* hello.h - what the clear part of a TLS handshake tells: names, version, cipher, the
 * client's fingerprint, and, up to TLS 1.2, whose certificates were shown. Looks at the
 * messages of handshake records up to the first record of another type, in both
 * directions; never decrypts, verifies nothing, keeps no byte longer than its message. */
#ifndef WEIR_HELLO_H
#define WEIR_HELLO_H
#include <stdbool.h>
#include "model/payload.h"

#define HELLO_MAX 16384	/* bytes of a direction that are looked at; the kernel side copies fewer */

struct hello;
struct hello *hello_new(void);	/* NULL: no memory */
void hello_free(struct hello *);
/* Bytes of TLS records at a position of the direction; what does not follow what came
 * before ends the direction. sink cleans the names. */
void hello_bytes(struct hello *, enum dir, uint64_t pos, struct slice, const struct field_sink *sink);
void hello_end(struct hello *);	/* no more bytes come: what there is of a cut message is looked at */
bool hello_ended(const struct hello *);	/* nothing more can be learnt */
/* False: nothing was learnt since the last call. */
bool hello_take(struct hello *, struct tls_facts *out);
#endif
