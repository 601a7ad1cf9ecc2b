/* SPDX-License-Identifier: Apache-2.0 */
#include "model/class_rules.h"

#include <string.h>

#include "base/hash.h"

int class_normal(uint8_t *out, size_t size, const void *value, size_t len)
{
	const uint8_t *p = value;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] && strchr(" -().\t", p[i]))
			continue;
		if (n == size)
			return -1;
		out[n++] = p[i] >= 'A' && p[i] <= 'Z' ? (uint8_t)(p[i] + 32) : p[i];
	}
	return (int)n;
}

void class_hash(uint8_t out[CLASS_HASH], const uint8_t key[CLASS_HASH_KEY], const void *normal, size_t len)
{
	uint8_t whole[32];

	hmac_sha256(whole, key, CLASS_HASH_KEY, normal, len);
	memcpy(out, whole, CLASS_HASH);
}
