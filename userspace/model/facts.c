/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - the words of the enums, and sums of bytes. */
#include "model/facts.h"

#include <stdlib.h>
#include <string.h>

#define WORDS(name, ...) static const char *const name##_words[] = { __VA_ARGS__ }
WORDS(dir, "received", "sent");
WORDS(role, "unknown", "server", "client");
WORDS(tls, "unknown", "absent", "present");
WORDS(binding, "none", "weak", "strong", "exact");
WORDS(zone, "unknown", "loopback", "host", "private", "internet");
WORDS(confidence, "unknown", "possible", "likely", "certain");
WORDS(location, "none", "path", "query", "request-header", "response-header", "request-body", "response-body", "text");
WORDS(loss, "none", "missing", "truncated", "unreadable", "no_args", "evicted", "restart", "budget");
WORDS(auth, "none", "basic", "bearer", "cookie", "other");
WORDS(inspected, "full", "partial", "none");

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
PARSE(role)
PARSE(tls)
PARSE(zone)
PARSE(location)

int confidence_parse(const char *s)
{
	int v = word_find(confidence_words, NR(confidence), s);

	return v > 0 ? v : -1;
}

struct exchange *exchange_new(void)
{
	struct exchange *ex = malloc(sizeof(*ex));

	if (ex)
		memset(ex, 0, offsetof(struct exchange, findings));
	return ex;
}

void exchange_copy(struct exchange *to, const struct exchange *from)
{
	uint32_t nr = from->nr_findings < MAX_FINDINGS ? from->nr_findings : MAX_FINDINGS;

	memcpy(to, from, offsetof(struct exchange, findings) + nr * sizeof(from->findings[0]));
}

void byte_account_add(struct byte_account *sum, const struct byte_account *more)
{
	sum->moved += more->moved;
	sum->examined += more->examined;
	sum->opaque += more->opaque;
	sum->skipped += more->skipped;
	sum->lost += more->lost;
	sum->framing += more->framing;
}

int64_t byte_account_unexplained(const struct byte_account *a)
{
	return a->moved - a->examined - a->opaque - a->skipped - a->lost - a->framing;
}
