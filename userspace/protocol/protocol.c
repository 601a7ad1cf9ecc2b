/* SPDX-License-Identifier: Apache-2.0 */
/* protocol.c - the rows of list.def, and what their parsers begin an exchange with. */
#include "protocol/protocol.h"

#include "base/budget.h"

#define PROTOCOL(name) extern const struct protocol protocol_##name;
#include "protocol/list.def"
#undef PROTOCOL

static const struct protocol *const protocols[] = {
#define PROTOCOL(name) &protocol_##name,
#include "protocol/list.def"
#undef PROTOCOL
};

unsigned protocol_count(void)
{
	return sizeof(protocols) / sizeof(protocols[0]);
}

const struct protocol *protocol_get(unsigned i)
{
	return i < protocol_count() ? protocols[i] : NULL;
}

struct protocol_counts protocol_counts;

struct exchange *protocol_exchange(void)
{
	struct exchange *ex = budget_room(sizeof(*ex));

	if (ex)
		exchange_begin(ex);
	else
		protocol_counts.messages_dropped++;
	return ex;
}
