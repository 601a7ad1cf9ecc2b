/* SPDX-License-Identifier: Apache-2.0 */
/* merkle.h - the RFC 6962 tree of SHA-256, kept as a compact range: one node per set
 * bit of the size, so that appending and the root of any prefix that was passed on
 * the way cost O(log n) and no memory grows. Never touches a file. */
#ifndef WEIR_MERKLE_H
#define WEIR_MERKLE_H
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH	32
#define TILE_WIDTH	256	/* hashes of a full tile (C2SP tlog-tiles, height 8) */
#define TILE_SIZE	(TILE_WIDTH * MERKLE_HASH)
#define TILE_PATH_SIZE	64

/* nodes[i] is the root of a perfect subtree of 2^i leaves, valid where bit i of size is set. */
struct merkle { uint64_t size; uint8_t nodes[64][MERKLE_HASH]; };

void merkle_leaf(uint8_t out[MERKLE_HASH], const void *, size_t);	/* SHA-256(0x00 || leaf) */
void merkle_node(uint8_t out[MERKLE_HASH], const uint8_t left[MERKLE_HASH], const uint8_t right[MERKLE_HASH]);
void merkle_add(struct merkle *, const uint8_t leaf[MERKLE_HASH]);	/* {0} is the empty tree */
void merkle_root(const struct merkle *, uint8_t out[MERKLE_HASH]);
/* "tile/0/x001/x234/067": groups of three digits, all but the last with an x. */
void tile_path(char out[TILE_PATH_SIZE], unsigned level, uint64_t n);
#endif
