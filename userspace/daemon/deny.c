/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/deny.h"

#include "base/hash.h"
#include "capture/record.h"

#define DEATHS_MAX 2

static uint64_t signature(const struct denied *d, const void *record, size_t len)
{
	const struct siphash_key key = { d->k0, d->k1 };

	return record_signature(&key, record, len);
}

int deny_prepare(struct denied *d)
{
	return d->k0 ? 0 : random_bytes(&d->k0, sizeof(d->k0) + sizeof(d->k1));
}

void deny_blame(struct denied *d, const void *record, size_t len)
{
	unsigned at = 0, i;
	uint64_t s;

	s = signature(d, record, len);
	for (i = 0; i < DENIED_MAX && !(d->list[i].deaths && d->list[i].signature == s); i++)
		if (d->list[i].deaths < d->list[at].deaths)
			at = i;
	if (i == DENIED_MAX) {	/* never a moment with one's hash and another's deaths */
		__atomic_store_n(&d->list[at].deaths, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&d->list[at].signature, s, __ATOMIC_RELEASE);
		i = at;
	}
	__atomic_store_n(&d->list[i].deaths, d->list[i].deaths + 1, __ATOMIC_RELEASE);
	for (i = at = 0; i < DENIED_MAX; i++)
		at += d->list[i].deaths >= DEATHS_MAX;
	d->nr = at;
}

bool deny_has(const struct denied *d, const void *record, size_t len)
{
	uint64_t s;

	if (!d->nr)
		return false;
	s = signature(d, record, len);
	for (unsigned i = 0; i < DENIED_MAX; i++)
		if (d->list[i].deaths >= DEATHS_MAX && d->list[i].signature == s)
			return true;
	return false;
}
