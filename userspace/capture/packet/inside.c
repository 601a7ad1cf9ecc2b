/* SPDX-License-Identifier: Apache-2.0 */
/* inside.c - what a .pcapng has beside its packets that libpcap passes over: Decryption Secrets Blocks,
 * in which whoever captured has put the key log of the TLS connections (editcap --inject-secrets). They
 * should stand before the packets they open and need not: so they are read first, in a pass of their own.
 *
 * A block is type, length, body, length again; a section begins with a block that says by a number which
 * byte order its lengths have. A length that cannot be ends the pass: libpcap says what is wrong there. */
#include <errno.h>
#include <string.h>

#include "capture/packet/private.h"

enum { SECTION = 0x0a0d0d0a, SECRETS = 10 };
#define ORDER		0x1a2b3c4du
#define TLS_KEY_LOG	0x544c534bu
#define HEAD		8u	/* type and length */
#define BLOCK_MIN	(HEAD + 4u)

struct blocks { FILE *f; bool swapped; };

/* The next numbers; false: the file ends. */
static bool numbers(const struct blocks *b, uint32_t *out, unsigned nr)
{
	if (fread(out, sizeof(*out), nr, b->f) != nr)
		return false;
	for (unsigned i = 0; i < nr && b->swapped; i++)
		out[i] = __builtin_bswap32(out[i]);
	return true;
}

/* What packets take is read and let go: to seek costs more, and what it has read besides. */
static bool pass(FILE *f, uint32_t nr)
{
	uint8_t room[4096];

	if (nr > 16 * sizeof(room))
		return !fseeko(f, nr, SEEK_CUR);
	for (size_t n; nr; nr -= (uint32_t)n) {
		n = nr < sizeof(room) ? nr : sizeof(room);
		if (fread(room, 1, n, f) != n)
			return false;
	}
	return true;
}

/* The first block of a section; its length is of the order that is behind it. */
static bool section_begin(struct blocks *b, uint32_t *len, uint32_t *taken)
{
	uint32_t order;

	if (fread(&order, sizeof(order), 1, b->f) != 1 || (order != ORDER && __builtin_bswap32(order) != ORDER))
		return false;
	if (b->swapped != (order != ORDER))
		*len = __builtin_bswap32(*len);
	b->swapped = order != ORDER;
	*taken += sizeof(order);
	return true;
}

/* Secrets of one kind and their length, then they. */
static int secrets_take(struct blocks *b, uint32_t len, uint32_t *taken, struct keylog **keys, struct packet_stats *stats)
{
	uint32_t is[2];

	if (len < BLOCK_MIN + sizeof(is) || !numbers(b, is, 2))
		return 0;
	*taken += sizeof(is);
	if (is[0] != TLS_KEY_LOG || is[1] > len - BLOCK_MIN - sizeof(is))
		return 0;
	if (!*keys)
		*keys = keylog_new();
	stats->secrets++;
	*taken += is[1];
	return *keys ? keylog_add(*keys, b->f, is[1]) : -ENOMEM;
}

int inside_keys(FILE *f, struct keylog **keys, struct packet_stats *stats)
{
	struct blocks b = { .f = f };
	uint32_t head[2];
	bool first = true;
	int err = 0;

	while (!err && numbers(&b, head, 2)) {
		uint32_t taken = HEAD;

		if (head[0] == SECTION ? !section_begin(&b, &head[1], &taken) : first)
			break;
		first = false;
		if (head[0] == SECRETS)
			err = secrets_take(&b, head[1], &taken, keys, stats);
		if (head[1] < taken || head[1] < BLOCK_MIN || head[1] % 4 || !pass(f, head[1] - taken))
			break;
	}
	rewind(f);
	return err;
}
