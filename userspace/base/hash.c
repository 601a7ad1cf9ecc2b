/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = ROTL(v[1], 13); v[1] ^= v[0]; v[0] = ROTL(v[0], 32);
	v[2] += v[3]; v[3] = ROTL(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = ROTL(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = ROTL(v[1], 17); v[1] ^= v[2]; v[2] = ROTL(v[2], 32);
}

/* Aumasson and Bernstein, SipHash-2-4; libcrypto's is a MAC object, too dear per table look-up. */
uint64_t siphash(const struct siphash_key *key, const void *ptr, size_t len)
{
	uint64_t v[4] = { key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
			  key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull };
	const uint8_t *p = ptr;
	uint64_t m, last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	while (left--)
		last |= (uint64_t)p[left] << (8 * left);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void sha256(uint8_t out[32], const void *ptr, size_t len)
{
	unsigned n = 32;

	if (EVP_Digest(ptr, len, out, &n, EVP_sha256(), NULL) != 1)
		__builtin_trap();	/* no SHA-256, no evidence: nothing sensible can follow */
}

void hmac_sha256(uint8_t out[32], const void *key, size_t key_len, const void *ptr, size_t len)
{
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), key, (int)key_len, ptr, len, out, &n) || n != 32)
		__builtin_trap();
}

void hex_encode(char *out, const uint8_t *in, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = 0;
}

void base64_encode(char *out, const uint8_t *in, size_t len)
{
	EVP_EncodeBlock((unsigned char *)out, in, (int)len);
}

int base64_decode(uint8_t *out, size_t size, const char *in, size_t len)
{
	uint8_t block[3];
	size_t n = 0, pad;

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		pad = (in[i + 3] == '=') + (in[i + 3] == '=' && in[i + 2] == '=');
		if (pad && i + 4 != len)
			return -EINVAL;
		if (EVP_DecodeBlock(block, (const unsigned char *)in + i, 4) != 3 || 3 - pad > size - n)
			return -EINVAL;
		memcpy(out + n, block, 3 - pad);
		n += 3 - pad;
	}
	return (int)n;
}
