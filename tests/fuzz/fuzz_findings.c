/* SPDX-License-Identifier: Apache-2.0 */
/* A packed fact, the keeper's only input from those who see payload: what is taken holds
 * inert text only, and survives packing and unpacking unchanged. */
#include "model/class.h"
#include "tests/fuzz/fuzz.h"

static struct fact fact, again;
static uint8_t packed[FACT_MAX_SIZE];

/* Printable, and nothing that HTML, shells and terminals act on. */
static bool is_inert(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~' || strchr("<>\"'`&\\", s[i]))
			return false;
	return len < size;
}

static void check_exchange(const struct exchange *ex)
{
	MUST(is_inert(ex->method, sizeof(ex->method)) && is_inert(ex->route, sizeof(ex->route)) && is_inert(ex->host, sizeof(ex->host)));
	MUST(ex->nr_findings <= MAX_FINDINGS && ex->inspected <= INSPECTED_NONE && ex->conn.role <= ROLE_CLIENT);
	for (uint32_t i = 0; i < ex->nr_findings; i++) {
		const struct finding *f = &ex->findings[i];

		MUST(f->class_id < class_count() && f->location < LOC_MAX && f->dir <= DIR_SENT);
		MUST(is_inert(f->path, sizeof(f->path)) && is_inert(f->key, sizeof(f->key)));
		MUST(is_inert(f->mask, sizeof(f->mask)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *in = exact(bytes, len);
	int kind, n;

	memset(&fact, 0, sizeof(fact));
	memset(&again, 0, sizeof(again));
	kind = facts_unpack(in, len, &fact);
	free(in);
	if (kind < 0)
		return 0;
	MUST(kind >= FACT_EXCHANGE && kind <= FACT_LAST && kind == (int)fact.kind);
	if (kind == FACT_EXCHANGE)
		check_exchange(&fact.exchange);
	n = facts_pack(&fact, packed, sizeof(packed));
	MUST(n > 0);
	MUST(facts_unpack(packed, (size_t)n, &again) == kind);
	MUST(!memcmp(&fact, &again, sizeof(fact)));
	return 0;
}
