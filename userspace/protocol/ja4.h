/* SPDX-License-Identifier: Apache-2.0 */
/* ja4.h - the JA4 fingerprint of a TLS client over TCP: what it offers, sorted and hashed, so
 * that one program has one fingerprint whatever order it chooses. */
#ifndef WEIR_JA4_H
#define WEIR_JA4_H
#include <stdbool.h>
#include "model/payload.h"

#define JA4_CIPHERS	256
#define JA4_EXTENSIONS	128
#define JA4_ALGORITHMS	64

/* Lists as they stand in the ClientHello, GREASE (RFC 8701) left out. */
struct offer {
	uint16_t version;	/* the highest */
	uint16_t ciphers[JA4_CIPHERS], extensions[JA4_EXTENSIONS], algorithms[JA4_ALGORITHMS];
	unsigned nr_ciphers, nr_extensions, nr_algorithms;
	struct slice alpn;	/* the first */
	bool has_name, beyond;	/* beyond: a list did not fit */
};
bool is_grease(uint16_t);
/* Sorts the lists of the offer. */
void ja4_make(char out[JA4_SIZE], struct offer *);
#endif
