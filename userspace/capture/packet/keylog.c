/* SPDX-License-Identifier: Apache-2.0 */
/* keylog.c - the NSS key log format: a line LABEL CLIENT_RANDOM SECRET in hex for each secret of a
 * session, as SSLKEYLOGFILE makes browsers, curl and others write it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "capture/packet/private.h"

#define SESSIONS_MAX (1 << 20)
#define LINE_SIZE 512

static const struct { const char *label; enum secret secret; } labels[] = {
	{ "CLIENT_RANDOM", SECRET_MASTER },
	{ "CLIENT_EARLY_TRAFFIC_SECRET", SECRET_CLIENT_EARLY },
	{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET", SECRET_CLIENT_HANDSHAKE },
	{ "SERVER_HANDSHAKE_TRAFFIC_SECRET", SECRET_SERVER_HANDSHAKE },
	{ "CLIENT_TRAFFIC_SECRET_0", SECRET_CLIENT_TRAFFIC },
	{ "SERVER_TRAFFIC_SECRET_0", SECRET_SERVER_TRAFFIC },
};

struct session { uint8_t random[32]; struct secrets secrets; };
struct keylog {
	struct siphash_key key;
	struct session *sessions;
	uint32_t *slots;	/* index + 1 */
	size_t nr, size;	/* slots are twice as many, a power of two */
};

static uint32_t *slot_of(const struct keylog *k, const uint8_t random[32])
{
	size_t i = siphash(&k->key, random, 32) & (2 * k->size - 1);

	while (k->slots[i] && memcmp(k->sessions[k->slots[i] - 1].random, random, 32))
		i = (i + 1) & (2 * k->size - 1);
	return &k->slots[i];
}

static bool sessions_grow(struct keylog *k)
{
	size_t size = k->size ? 2 * k->size : 64;
	struct session *sessions = budget_alloc(size * sizeof(*sessions));
	uint32_t *slots = budget_alloc(2 * size * sizeof(*slots));

	if (!sessions || !slots) {
		budget_free(sessions, sessions ? size * sizeof(*sessions) : 0);
		budget_free(slots, slots ? 2 * size * sizeof(*slots) : 0);
		return false;
	}
	if (k->nr) {
		memcpy(sessions, k->sessions, k->nr * sizeof(*sessions));
		explicit_bzero(k->sessions, k->nr * sizeof(*sessions));
	}
	budget_free(k->sessions, k->size * sizeof(*sessions));
	budget_free(k->slots, 2 * k->size * sizeof(*slots));
	k->sessions = sessions;
	k->slots = slots;
	k->size = size;
	for (size_t i = 0; i < k->nr; i++)
		*slot_of(k, sessions[i].random) = (uint32_t)i + 1;
	return true;
}

static struct secrets *session_get(struct keylog *k, const uint8_t random[32])
{
	uint32_t *slot = k->size ? slot_of(k, random) : NULL;

	if (slot && *slot)
		return &k->sessions[*slot - 1].secrets;
	if (k->nr == SESSIONS_MAX || (k->nr == k->size && !sessions_grow(k)))
		return NULL;
	slot = slot_of(k, random);
	memcpy(k->sessions[k->nr].random, random, 32);
	*slot = (uint32_t)++k->nr;
	return &k->sessions[k->nr - 1].secrets;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes, or -EINVAL: not hex, or more than size. */
static int hex_take(const char *in, uint8_t *out, size_t size)
{
	size_t n = strlen(in);

	if (n % 2 || n / 2 > size)
		return -EINVAL;
	for (size_t i = 0; i < n; i += 2) {
		int high = digit(in[i]), low = digit(in[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (int)(n / 2);
}

/* 1: a secret of the format, 0: another line, -ENOMEM. */
static int line_take(struct keylog *k, char *line)
{
	char *rest = NULL, *label = strtok_r(line, " \t\r\n", &rest);
	char *random_hex = label ? strtok_r(NULL, " \t\r\n", &rest) : NULL, *secret_hex = random_hex ? strtok_r(NULL, " \t\r\n", &rest) : NULL;
	uint8_t random[32], secret[48];
	struct secrets *s;
	size_t i = 0;
	int n;

	while (label && i < sizeof(labels) / sizeof(labels[0]) && strcmp(label, labels[i].label))
		i++;
	if (!secret_hex || i == sizeof(labels) / sizeof(labels[0]) || hex_take(random_hex, random, sizeof(random)) != sizeof(random))
		return 0;
	n = hex_take(secret_hex, secret, sizeof(secret));
	if (n != 32 && n != 48)
		return 0;
	s = session_get(k, random);
	if (s && !s->of[labels[i].secret].len) {	/* what was given first stays */
		s->of[labels[i].secret].len = (uint8_t)n;
		memcpy(s->of[labels[i].secret].bytes, secret, (size_t)n);
	}
	explicit_bzero(secret, sizeof(secret));
	return s ? 1 : -ENOMEM;
}

/* The next line, or what of a longer one has room; false: left bytes were read, or there are no more. */
static bool line_read(FILE *f, uint64_t *left, char line[LINE_SIZE])
{
	size_t n = 0;
	int c = 0;

	while (n < LINE_SIZE - 1 && c != '\n' && *left && (c = getc(f)) != EOF) {
		line[n++] = (char)c;
		--*left;
	}
	line[n] = 0;
	return n > 0;
}

struct keylog *keylog_new(void)
{
	struct keylog *k = calloc(1, sizeof(*k));

	if (k && !random_bytes(&k->key, sizeof(k->key)))
		return k;
	free(k);
	return NULL;
}

int keylog_add(struct keylog *k, FILE *f, uint64_t left)
{
	char line[LINE_SIZE];
	int rc = 0;

	while (rc >= 0 && line_read(f, &left, line))
		rc = line_take(k, line);
	explicit_bzero(line, sizeof(line));
	return rc < 0 ? rc : 0;
}

bool keylog_has(const struct keylog *k)
{
	return k && k->nr;
}

void keylog_full(char *why, size_t why_size)
{
	snprintf(why, why_size, "no room for its keys: at most %d sessions are taken", SESSIONS_MAX);
}

struct keylog *keylog_read(FILE *f, char *why, size_t why_size)
{
	struct keylog *k = keylog_new();
	int rc = k ? keylog_add(k, f, UINT64_MAX) : -ENOMEM;

	if (!rc && k->nr)
		return k;
	if (rc)
		keylog_full(why, why_size);
	else
		snprintf(why, why_size, "none of its lines is of a key log (CLIENT_RANDOM or CLIENT_TRAFFIC_SECRET_0, a random, a secret): "
			 "give the file that SSLKEYLOGFILE named for the client or the server");
	keylog_free(k);
	return NULL;
}

void keylog_free(struct keylog *k)
{
	if (!k)
		return;
	if (k->nr)
		explicit_bzero(k->sessions, k->nr * sizeof(*k->sessions));
	budget_free(k->sessions, k->size * sizeof(*k->sessions));
	budget_free(k->slots, 2 * k->size * sizeof(*k->slots));
	free(k);
}

bool keylog_find(const struct keylog *k, const uint8_t client_random[32], struct secrets *out)
{
	uint32_t at = k->size ? *slot_of(k, client_random) : 0;

	if (at)
		*out = k->sessions[at - 1].secrets;
	return at > 0;
}
