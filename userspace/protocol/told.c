/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/told.h"

#include <stddef.h>

void told_add(struct byte_sums *a, const struct byte_sums *b)
{
	a->moved += b->moved;
	a->examined += b->examined;
	a->opaque += b->opaque;
	a->skipped += b->skipped;
	a->lost += b->lost;
	a->framing += b->framing;
}

int64_t told_open(const struct byte_sums *b)
{
	return b->moved - b->examined - b->opaque - b->skipped - b->lost - b->framing;
}

/* Takes n off what is told; returns what of it was not there. */
static int64_t hold_back(struct byte_sums *b, int64_t n)
{
	int64_t *columns[] = { &b->examined, &b->opaque, &b->lost, &b->framing, &b->skipped };

	for (size_t i = 0; n > 0 && i < sizeof(columns) / sizeof(columns[0]); i++) {
		int64_t part = *columns[i] < n ? *columns[i] : n;

		*columns[i] -= part;
		n -= part;
	}
	return n;
}

void told_keep(struct byte_sums *b)
{
	int64_t *columns[] = { &b->examined, &b->opaque, &b->lost, &b->framing, &b->skipped };
	int64_t back = 0;

	if ((b->examined | b->opaque | b->lost | b->framing | b->skipped) >= 0)
		return;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		back += *columns[i] < 0 ? -*columns[i] : 0;
		*columns[i] = *columns[i] < 0 ? 0 : *columns[i];
	}
	b->moved += hold_back(b, back);
}

void told_leave_open(struct byte_sums *b, int64_t open)
{
	if (open > 0)
		b->moved -= open;
	else if (open < 0)
		b->moved += hold_back(b, -open);
}

static int64_t reason_hold(int64_t *one, int64_t n)
{
	int64_t part = *one < n ? *one : n;

	if (n <= 0)
		return n;
	*one -= part;
	return n - part;
}

/* Of the reasons those for what is told; others wait with what they are for: as hold_back() has it that is first what
 * is opaque, then what is lost, of which the reasons come before, then what was skipped. Of what was told and then
 * taken back the reasons may be short by as much: then they are of the kind that is there. */
void told_reasons(int64_t left[LOSS_MAX], int64_t out[LOSS_MAX], int64_t need)
{
	int64_t rest = -need;
	unsigned most = LOSS_MISSING;

	if (!need)	/* of most facts: all was examined */
		return;
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		out[i] = left[i] > 0 ? left[i] : 0;
		rest += out[i];
	}
	for (unsigned i = LOSS_UNWANTED; i-- > 0;)
		rest = reason_hold(&out[i], rest);
	rest = reason_hold(&out[LOSS_UNWANTED], rest);
	for (unsigned i = 0; i < LOSS_MAX; i++)
		most = out[i] > out[most] ? i : most;
	out[most] -= rest;
	for (unsigned i = 0; i < LOSS_MAX; i++)
		left[i] -= out[i];
}
