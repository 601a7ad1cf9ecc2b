/* SPDX-License-Identifier: Apache-2.0 */
/* tls_early.c - of the records that came before the first plaintext of their direction: which of them
 * carries it, and which are the rest of a TLS 1.3 handshake, by their sizes. Only looks; tls_record.c
 * counts. */
#include "stream/private.h"

#define FINISHED_13	(4 + 32 + OVERHEAD_13)	/* one of TLS 1.3, with SHA-256 and with SHA-384 */
#define FINISHED_13_384	(4 + 48 + OVERHEAD_13)
#define TICKET_MAX	1024	/* more than a session ticket holds, less than a buffer that is read into */
#define SHAKE_MAX	16384	/* of records that may be a handshake, where its end was not seen */

/* First of the records from `from` on that together hold exactly n; nr_early: none do. */
static unsigned early_exact(const struct cipher *c, unsigned from, int64_t n)
{
	for (unsigned i = from; i < c->nr_early; i++) {
		int64_t sum = 0;

		for (unsigned j = i; j < c->nr_early && sum < n; j++) {
			sum += capacity_of(c, c->early[j]);
			if (sum == n)
				return i;
		}
	}
	return c->nr_early;
}

static bool is_finished(uint32_t body)
{
	return body == FINISHED_13 || body == FINISHED_13_384;
}

/* The first record that is none of the handshake, by sizes alone. A client sends nothing between
 * its Finished and its data, a server tickets. nr_early: not known. */
static unsigned early_data(const struct cipher *c, bool client)
{
	unsigned i = 0;

	while (i < c->nr_early && !is_finished(c->early[i]))
		i++;
	if (client)
		return i < c->nr_early ? i + 1 : c->unwalked ? 0 : i;
	for (i++; i < c->nr_early && c->early[i] <= TICKET_MAX;)
		i++;
	return i < c->nr_early ? i : c->nr_early;
}

/* Of a connection older than weir: the newest records that can have held them. The call of those
 * before had begun when weir came. */
static unsigned late_split(const struct cipher *c, int64_t n)
{
	int64_t sum = 0;
	unsigned i;

	for (i = c->nr_early; i > 0 && sum < n; i--)
		sum += capacity_of(c, c->early[i - 1]);
	return i;
}

unsigned early_split(const struct cipher *c, int64_t n, bool late, bool client, bool *sure)
{
	int64_t sum = 0;
	unsigned i;

	*sure = true;
	if (!c->nr_early || (c->tls12 && !late))
		return 0; /* the handshake is not in type 23 */
	if (late && !c->handshake)
		return late_split(c, n);
	/* Who reads or writes record by record is at the last, whatever else may have its size: a
	 * ticket may. */
	if (c->alone && c->nr_early > 1 && capacity_of(c, c->early[c->nr_early - 1]) == n)
		return c->nr_early - 1u;
	/* The first is Finished or earlier, but for early data. */
	i = early_exact(c, 1, n);
	if (i == c->nr_early)
		i = early_exact(c, 0, n);
	if (i < c->nr_early)
		return i;
	*sure = false;
	i = early_data(c, client);
	if (i < c->nr_early || c->unwalked >= n)
		return i;
	/* A reader with a small buffer takes the first bytes of a longer record. */
	for (i = c->nr_early; i > 0 && sum < n; i--)
		sum += capacity_of(c, c->early[i - 1]);
	return i;
}

/* A connection older than weir shows no handshake: its first plaintext tells the
 * overhead, if it was one record. */
static void overhead_guess(struct cipher *c, int64_t n)
{
	static const uint8_t known[] = { OVERHEAD_13, OVERHEAD_12, OVERHEAD_CHACHA };

	if (c->handshake || c->overhead)
		return;
	for (size_t k = 0; k < sizeof(known); k++)
		for (unsigned i = 0; i < c->nr_early; i++)
			if (c->early[i] == n + known[k]) {
				c->overhead = known[k];
				return;
			}
}

/* Where the first plaintext, n bytes, is what a record of Java holds, and of nobody else. */
static void padding_guess(struct cipher *c, int64_t n)
{
	if (!c->handshake || c->overhead || early_exact(c, 1, n) < c->nr_early)
		return;
	for (unsigned i = 1; i < c->nr_early; i++)
		if (c->early[i] == n + OVERHEAD_JSSE)
			c->overhead = OVERHEAD_JSSE;
}

void early_overhead(struct cipher *c, int64_t n)
{
	overhead_guess(c, n);
	padding_guess(c, n);
}

/* All, unless plaintext may have come before it and was lost. */
unsigned early_shake(const struct cipher *c, unsigned split, bool late, bool client)
{
	unsigned n = early_data(c, client);
	int64_t sum = 0;

	if (late && !c->handshake)
		return 0;
	if (!c->hurt || n < c->nr_early)
		return !c->hurt || n > split ? split : n;
	for (n = 0; n < split && (sum += c->early[n]) <= SHAKE_MAX;)
		n++;
	return n;
}

/* Tickets of one session are of one size, and mostly two; one record alone may be anything. */
unsigned early_silent(const struct cipher *c, bool client, bool ours)
{
	unsigned i = 0, from;

	while (i < c->nr_early && !is_finished(c->early[i]))
		i++;
	if (i == c->nr_early)
		return 0;
	from = ++i;
	while (!client && i < c->nr_early && c->early[i] <= TICKET_MAX && c->early[i] == c->early[from])
		i++;
	if (!ours && i == from + 1)
		i = from;
	return i + 1 == c->nr_early && c->early[i] == ALERT_13 ? i + 1 : i;
}

/* One that rested, and is closed: that is no library without a probe. */
unsigned early_alert(const struct cipher *c, bool late)
{
	return late && c->records == 1 && c->nr_early == 1 && c->early[0] == ALERT_13;
}
