/* SPDX-License-Identifier: Apache-2.0 */
/* fragment.c - fragments of IPv4 and IPv6 datagrams -> datagrams. Offsets count in units of eight
 * bytes; each unit is had or not. */
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "capture/packet/private.h"

#define DATAGRAMS_MAX	64	/* in pieces at once: the oldest goes */
#define DATAGRAM_SIZE	65536
#define UNITS		(DATAGRAM_SIZE / 8)
#define FRAGMENT_NS	30000000000ull

struct datagram {
	bool used, ended;	/* ended: its length is known */
	struct segment who;
	uint8_t protocol;
	uint32_t id;
	uint64_t began;
	size_t len, units;	/* units: had so far */
	uint8_t have[UNITS / 8];
	uint8_t *bytes;
};
struct fragments { struct datagram of[DATAGRAMS_MAX]; };

struct fragments *fragments_new(void)
{
	return calloc(1, sizeof(struct fragments));
}

static void datagram_free(struct datagram *d)
{
	if (d->bytes)
		explicit_bzero(d->bytes, DATAGRAM_SIZE);
	budget_free(d->bytes, d->bytes ? DATAGRAM_SIZE : 0);
	*d = (struct datagram){ 0 };
}

static void datagram_lose(struct packets *t, struct datagram *d)
{
	if (!d->used)
		return;
	t->stats->fragments_lost++;
	datagram_free(d);
}

void fragments_free(struct packets *t)
{
	for (size_t i = 0; t->fragments && i < DATAGRAMS_MAX; i++)
		datagram_lose(t, &t->fragments->of[i]);
	free(t->fragments);
}

static bool is_of(const struct datagram *d, const struct segment *s, uint8_t protocol, uint32_t id)
{
	return d->used && d->id == id && d->protocol == protocol && d->who.family == s->family &&
	       !memcmp(d->who.from.addr, s->from.addr, sizeof(s->from.addr)) && !memcmp(d->who.to.addr, s->to.addr, sizeof(s->to.addr));
}

static struct datagram *datagram_get(struct packets *t, const struct segment *s, uint8_t protocol, uint32_t id)
{
	struct datagram *free_one = NULL, *oldest = &t->fragments->of[0];

	for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
		struct datagram *d = &t->fragments->of[i];

		if (d->used && t->now.time > d->began && t->now.time - d->began > FRAGMENT_NS)
			datagram_lose(t, d);
		if (is_of(d, s, protocol, id))
			return d;
		if (!d->used)
			free_one = d;
		else if (d->began < oldest->began)
			oldest = d;
	}
	if (!free_one) {
		datagram_lose(t, oldest);
		free_one = oldest;
	}
	free_one->bytes = budget_alloc(DATAGRAM_SIZE);
	if (!free_one->bytes)
		return NULL;
	free_one->used = true;
	free_one->who = *s;
	free_one->protocol = protocol;
	free_one->id = id;
	free_one->began = t->now.time;
	return free_one;
}

/* Where bytes came before, they stay or give way. */
static void units_put(struct packets *t, struct datagram *d, size_t at, const uint8_t *ptr, size_t len)
{
	bool conflict = false;

	for (size_t done = 0; done < len; done += 8) {
		size_t unit = (at + done) / 8, n = len - done < 8 ? len - done : 8;
		uint8_t bit = (uint8_t)(1u << unit % 8);

		if (!(d->have[unit / 8] & bit)) {
			d->have[unit / 8] |= bit;
			d->units++;
		} else if (memcmp(d->bytes + at + done, ptr + done, n)) {
			conflict = true;
			for (size_t i = done; i < done + n; i++)
				t->stats->conflict_bytes += d->bytes[at + i] != ptr[i];
			if (t->options.overlap == OVERLAP_FIRST)
				continue;
		}
		memcpy(d->bytes + at + done, ptr + done, n);
	}
	t->stats->conflicts += conflict;
}

void fragment_take(struct packets *t, struct segment *s, uint8_t protocol, uint32_t id, uint32_t offset, bool more, struct span p)
{
	struct datagram *d = datagram_get(t, s, protocol, id);
	struct segment whole;

	t->stats->fragments++;
	if (p.wire > DATAGRAM_SIZE - offset || (more && p.wire % 8)) {
		t->stats->malformed++;
		return;
	}
	if (!d || p.len < p.wire) {	/* it never gets whole */
		t->stats->truncated += p.len < p.wire;
		return;
	}
	if (!more && !d->ended) {
		d->ended = true;
		d->len = offset + p.wire;
	}
	units_put(t, d, offset, p.ptr, p.len);
	if (!d->ended || d->units < (d->len + 7) / 8)
		return;
	whole = *s;
	ip_payload(t, &whole, protocol, (struct span){ d->bytes, d->len, d->len });
	datagram_free(d);
}
