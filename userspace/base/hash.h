/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - SipHash-2-4 (keyed, for tables and fingerprints of untrusted bytes)
 * and SHA-256 through libcrypto. */
#ifndef WEIR_HASH_H
#define WEIR_HASH_H
#include <stddef.h>
#include <stdint.h>
struct siphash_key { uint64_t k0, k1; };
/* For caches that are asked many times a message: a tenth of siphash's cost. Who does not know
 * the key cannot aim at a collision, but it is no MAC: nothing derived from it leaves the process. */
uint64_t quick_hash(const struct siphash_key *, const void *, size_t);
uint64_t siphash(const struct siphash_key *, const void *, size_t);
int random_bytes(void *, size_t);	/* 0 or -errno */
void sha256(uint8_t out[32], const void *, size_t);
/* Where keys do not stay with us. */
void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *, size_t);
void hex_encode(char *out, const uint8_t *in, size_t len);	/* writes 2 * len + 1 */
void base64_encode(char *out, const uint8_t *in, size_t len);	/* writes 4 * ((len + 2) / 3) + 1 */
int base64_decode(uint8_t *out, size_t size, const char *in, size_t len);	/* length or -EINVAL */
#endif
