/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - the words of the enums, and sums of bytes. */
#include "model/facts.h"

#include <string.h>

#define WORDS(name, ...) static const char *const name##_words[] = { __VA_ARGS__ }
WORDS(dir, "received", "sent");
WORDS(role, "unknown", "server", "client");
WORDS(tls, "unknown", "absent", "present");
WORDS(binding, "none", "weak", "strong", "exact");
WORDS(zone, "unknown", "loopback", "host", "private", "internet");
WORDS(confidence, "unknown", "possible", "likely", "certain");
WORDS(location, "none", "path", "query", "request-header", "response-header", "request-body", "response-body", "text");
WORDS(loss, "none", "record_lost", "truncated", "read_fault", "other_call", "evicted", "analyst_restart", "budget",
	"io_uring", "sendfile", "splice", "zerocopy_recv", "discarded", "urgent", "ring_full", "skipped_run",
	"ktls", "quic", "unprobed_tls", "no_plaintext", "unknown_protocol", "late_attach", "relayed", "unwanted");
_Static_assert(sizeof(loss_words) / sizeof(loss_words[0]) == LOSS_MAX, "a name for each");
WORDS(auth, "none", "basic", "bearer", "cookie", "other", "database-user");
_Static_assert(sizeof(auth_words) / sizeof(auth_words[0]) == AUTH_MAX, "a name for each");
WORDS(inspected, "full", "partial", "none");
WORDS(mutual, "unknown", "no", "yes");
WORDS(why, "value", "key", "object", "sibling", "records");
WORDS(upgrade, "none", "smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgres", "mysql", "http-connect");

static int word_find(const char *const *words, size_t nr, const char *word)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

#define NR(name) (sizeof(name##_words) / sizeof(name##_words[0]))
#define NAME(name) \
	const char *name##_name(unsigned v) { return v < NR(name) ? name##_words[v] : "unknown"; }
#define PARSE(name) \
	int name##_parse(const char *s) { return word_find(name##_words, NR(name), s); }
NAME(dir)
NAME(role)
NAME(tls)
NAME(binding)
NAME(zone)
NAME(confidence)
NAME(location)
NAME(loss)
NAME(auth)
NAME(inspected)
NAME(mutual)
NAME(upgrade)
PARSE(role)
PARSE(tls)
PARSE(zone)
PARSE(location)

const char *why_name(unsigned bit)
{
	return bit && bit <= WHY_ALL ? why_words[__builtin_ctz(bit)] : NULL;
}

int why_parse(const char *s)
{
	int v = word_find(why_words, NR(why), s);

	return v < 0 ? 0 : 1 << v;
}

int confidence_parse(const char *s)
{
	int v = word_find(confidence_words, NR(confidence), s);

	return v > 0 ? v : -1;
}

void exchange_begin(struct exchange *ex)
{
	memset(ex, 0, offsetof(struct exchange, findings));
}

void exchange_copy(struct exchange *to, const struct exchange *from)
{
	uint32_t nr = from->nr_findings < MAX_FINDINGS ? from->nr_findings : MAX_FINDINGS;

	memcpy(to, from, offsetof(struct exchange, findings) + nr * sizeof(from->findings[0]));
	for (uint32_t i = MAX_FINDINGS - from->nr_possible; i < MAX_FINDINGS; i++)
		to->findings[i] = from->findings[i];
}

/* A fact's number is within 2^60 (facts_wire.c); whoever lies with many of them gets no wrap. */
static void sum_add(int64_t *sum, int64_t more)
{
	const int64_t most = (int64_t)1 << 59;	/* so that what adds and subtracts sums of both directions does not wrap either */

	*sum += more;
	*sum = *sum > most ? most : *sum < -most ? -most : *sum;
}

void byte_account_add(struct byte_account *sum, const struct byte_account *more)
{
	sum_add(&sum->moved, more->moved);
	sum_add(&sum->examined, more->examined);
	sum_add(&sum->opaque, more->opaque);
	sum_add(&sum->skipped, more->skipped);
	sum_add(&sum->lost, more->lost);
	sum_add(&sum->framing, more->framing);
	for (unsigned i = 0; i < LOSS_MAX; i++)
		sum_add(&sum->why[i], more->why[i]);
}

void byte_accounts_add(struct byte_account sum[2], const struct byte_account more[2])
{
	for (unsigned d = 0; d < 2; d++)
		byte_account_add(&sum[d], &more[d]);
}

struct byte_account byte_accounts_sum(const struct byte_account by[2])
{
	const struct byte_account *a = &by[0], *b = &by[1];
	struct byte_account sum = { .sums = { a->moved + b->moved, a->examined + b->examined, a->opaque + b->opaque,
					      a->skipped + b->skipped, a->lost + b->lost, a->framing + b->framing } };

	for (unsigned i = 0; i < LOSS_MAX; i++)
		sum.why[i] = a->why[i] + b->why[i];
	return sum;
}

enum loss byte_account_why(const struct byte_account *a)
{
	unsigned most = LOSS_NONE;

	for (unsigned i = 1; i < LOSS_MAX; i++)
		if (a->why[i] > (most ? a->why[most] : 0))
			most = i;
	return most;
}

int64_t byte_account_unexplained(const struct byte_account *a)
{
	return a->moved - a->examined - a->opaque - a->skipped - a->lost - a->framing;
}
