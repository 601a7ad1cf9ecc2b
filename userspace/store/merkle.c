/* SPDX-License-Identifier: Apache-2.0 */
#include "store/merkle.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* Incremental, so that a leaf need not be copied behind its prefix. */
void merkle_leaf(uint8_t out[MERKLE_HASH], const void *ptr, size_t len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned n = MERKLE_HASH;

	if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(c, "", 1) != 1 ||
	    EVP_DigestUpdate(c, ptr, len) != 1 || EVP_DigestFinal_ex(c, out, &n) != 1)
		__builtin_trap();	/* as sha256(): without hashes nothing sensible can follow */
	EVP_MD_CTX_free(c);
}

void merkle_node(uint8_t out[MERKLE_HASH], const uint8_t left[MERKLE_HASH], const uint8_t right[MERKLE_HASH])
{
	uint8_t both[1 + 2 * MERKLE_HASH] = { 1 };

	memcpy(both + 1, left, MERKLE_HASH);
	memcpy(both + 1 + MERKLE_HASH, right, MERKLE_HASH);
	sha256(out, both, sizeof(both));
}

/* Like adding one in binary: each carry joins two perfect subtrees of equal size. */
void merkle_add(struct merkle *m, const uint8_t leaf[MERKLE_HASH])
{
	uint8_t carry[MERKLE_HASH];
	unsigned i = 0;

	memcpy(carry, leaf, MERKLE_HASH);
	for (; m->size >> i & 1; i++)
		merkle_node(carry, m->nodes[i], carry);
	memcpy(m->nodes[i], carry, MERKLE_HASH);
	m->size++;
}

/* From the smallest subtree, which lies rightmost, to the largest. */
void merkle_root(const struct merkle *m, uint8_t out[MERKLE_HASH])
{
	unsigned i = 0;

	if (!m->size) {
		sha256(out, "", 0);
		return;
	}
	while (!(m->size >> i & 1))
		i++;
	memcpy(out, m->nodes[i], MERKLE_HASH);
	for (i++; i < 64; i++)
		if (m->size >> i & 1)
			merkle_node(out, m->nodes[i], out);
}

void tile_path(char out[TILE_PATH_SIZE], unsigned level, uint64_t n)
{
	uint64_t unit = 1;
	int at = snprintf(out, TILE_PATH_SIZE, "tile/%u", level);

	while (n / unit >= 1000)
		unit *= 1000;
	for (; at > 0 && at < TILE_PATH_SIZE; unit /= 1000) {
		at += snprintf(out + at, (size_t)(TILE_PATH_SIZE - at), unit > 1 ? "/x%03u" : "/%03u", (unsigned)(n / unit % 1000));
		if (unit == 1)
			break;
	}
}
