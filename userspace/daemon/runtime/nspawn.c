/* SPDX-License-Identifier: Apache-2.0 */
/* nspawn.c - systemd-nspawn: the machine's name is in that of its scope or service, escaped as
 * systemd escapes ("\x2d"). Virtual machines are machines too, and no containers. */
#include <stdio.h>
#include <string.h>

#include "daemon/runtime.h"

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *s, size_t len, char out[256])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < 255; i++) {
		if (s[i] == '\\' && len - i >= 4 && s[i + 1] == 'x' && hex(s[i + 2]) >= 0 && hex(s[i + 3]) >= 0) {
			out[n++] = (char)(16 * hex(s[i + 2]) + hex(s[i + 3]));
			i += 3;
		} else {
			out[n++] = s[i];
		}
	}
	out[n] = 0;
}

static bool named(const char *s, size_t len, char out[256])
{
	static const struct { const char *prefix, *suffix; } forms[] = { { "machine-", ".scope" }, { "systemd-nspawn@", ".service" } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t p = strlen(forms[i].prefix), q = strlen(forms[i].suffix);

		if (len <= p + q || strncmp(s, forms[i].prefix, p) || strncmp(s + len - q, forms[i].suffix, q))
			continue;
		unescape(s + p, len - p - q, out);
		return strncmp(out, "qemu-", 5);
	}
	return false;
}

extern const struct runtime runtime_nspawn;
const struct runtime runtime_nspawn = { .name = "nspawn", .summary = "systemd-nspawn machines", .named = named };
