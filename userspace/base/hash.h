/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - SipHash-2-4 (keyed, for tables and fingerprints of untrusted bytes)
 * and SHA-256 through libcrypto. */
#ifndef WEIR_HASH_H
#define WEIR_HASH_H
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
struct siphash_key { uint64_t k0, k1; };
uint64_t siphash(const struct siphash_key *, const void *, size_t);
int random_bytes(void *, size_t);	/* 0 or -errno */
void sha256(uint8_t out[32], const void *, size_t);
/* Where keys do not stay with us. */
void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *, size_t);
void hex_encode(char *out, const uint8_t *in, size_t len);	/* writes 2 * len + 1 */
void base64_encode(char *out, const uint8_t *in, size_t len);	/* writes 4 * ((len + 2) / 3) + 1 */
int base64_decode(uint8_t *out, size_t size, const char *in, size_t len);	/* length or -EINVAL */

static inline uint64_t hash_load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* The product of two words, folded: each bit of it depends on many of both. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* For caches that are asked many times a message: a tenth of siphash's cost. Who does not know
 * the key cannot aim at a collision, but it is no MAC: nothing derived from it leaves the process. */
static inline uint64_t quick_hash(const struct siphash_key *key, const void *ptr, size_t len)
{
	const uint8_t *p = ptr;
	uint64_t a = key->k0, b = key->k1, end = 0x9e3779b97f4a7c15ull ^ len;	/* the length beside the bytes would be as a byte of them */

	for (; len >= 16; len -= 16, p += 16)
		a = hash_fold(hash_load(p, 8) ^ a, hash_load(p + 8, 8) ^ b);
	if (len >= 8)
		a = hash_fold(hash_load(p, 8) ^ a, hash_load(p + len - 8, 8) ^ b);
	else if (len >= 4)
		a = hash_fold(hash_load(p, 4) ^ a, hash_load(p + len - 4, 4) ^ b);
	else if (len)
		a = hash_fold(((uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1]) ^ a, b);
	return hash_fold(a ^ key->k1, end ^ key->k0);
}

/* Another one, of bytes behind which there are more: room from ptr on, that may be read. Short ones cost the same whatever their
 * length is, so that nothing is guessed wrong by it. */
static inline uint64_t roomy_hash(const struct siphash_key *key, const void *ptr, size_t len, size_t room)
{
	uint8_t few[16] = { 0 };
	uint64_t low, high;

	if (len > sizeof(few))
		return quick_hash(key, ptr, len);
	if (room < sizeof(few))
		ptr = memcpy(few, ptr, len);
	low = le64toh(hash_load(ptr, 8)) & (len < 8 ? ((uint64_t)1 << 8 * len) - 1 : UINT64_MAX);
	high = le64toh(hash_load((const uint8_t *)ptr + 8, 8)) & (len > 8 ? UINT64_MAX >> 8 * (16 - len) : 0);
	return hash_fold(hash_fold(low ^ key->k0, high ^ key->k1) ^ key->k1, 0x9e3779b97f4a7c15ull ^ len ^ key->k0);
}
#endif
