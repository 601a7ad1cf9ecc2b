/* SPDX-License-Identifier: Apache-2.0 */
/* flat.h - is this MessagePack one array of scalars? Asked before msgpack-c is, which
 * allocates what an array's header announces before the elements are there. */
#ifndef WEIR_FLAT_H
#define WEIR_FLAT_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of the array that begins at p; 0: it goes on behind size; -1: it is none. */
ssize_t flat_len(const uint8_t *p, size_t size);
#endif
