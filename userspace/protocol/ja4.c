/* SPDX-License-Identifier: Apache-2.0 */
/* ja4.c - see ja4.h. Three parts joined by '_':
 *
 *	t13d1516h2	TCP, version, d: a name is sent (i: none), how many ciphers and
 *			extensions, the first and last character of the first ALPN
 *	8daaf6152771	of the ciphers, sorted, as "1301,1302,..."
 *	e5627efa2ab1	of the extensions but name and ALPN, sorted, then '_' and the
 *			signature algorithms as they came */
#include "protocol/ja4.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

enum { SERVER_NAME = 0, ALPN = 16 };

bool is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void sort(uint16_t *list, unsigned nr)
{
	for (unsigned i = 1; i < nr; i++) {
		uint16_t v = list[i];
		unsigned k = i;

		for (; k && list[k - 1] > v; k--)
			list[k] = list[k - 1];
		list[k] = v;
	}
}

static size_t join(char *out, size_t size, const uint16_t *list, unsigned nr)
{
	size_t n = 0;

	for (unsigned i = 0; i < nr; i++)
		n += (size_t)snprintf(out + n, size - n, n ? ",%04x" : "%04x", list[i]);
	return n;
}

static void hash12(char out[13], const char *text, size_t len)
{
	uint8_t hash[32];
	char hex[65];

	sha256(hash, text, len);
	hex_encode(hex, hash, sizeof(hash));
	snprintf(out, 13, "%.12s", len ? hex : "000000000000");
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void alpn_ends(char out[3], struct slice alpn)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t first, last;

	memcpy(out, "00", 3);
	if (!alpn.len)
		return;
	first = alpn.ptr[0];
	last = alpn.ptr[alpn.len - 1];
	if (is_alnum(first) && is_alnum(last)) {
		out[0] = (char)first;
		out[1] = (char)last;
	} else {	/* the first and last digit of its hex form */
		out[0] = hex[first >> 4];
		out[1] = hex[last & 15];
	}
}

static const char *version_of(uint16_t version)
{
	static const char *const names[] = { "s3", "10", "11", "12", "13" };

	return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : version == 0x0002 ? "s2" : "00";
}

/* Of the second and third part. */
static unsigned hashed_extensions(struct offer *o)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < o->nr_extensions; i++)
		if (o->extensions[i] != SERVER_NAME && o->extensions[i] != ALPN)
			o->extensions[nr++] = o->extensions[i];
	return nr;
}

void ja4_make(char out[JA4_SIZE], struct offer *o)
{
	char text[5 * (JA4_CIPHERS + JA4_EXTENSIONS + JA4_ALGORITHMS)], ciphers[13], rest[13], alpn[3];
	unsigned nr_ciphers = o->nr_ciphers < 99 ? o->nr_ciphers : 99, nr = o->nr_extensions < 99 ? o->nr_extensions : 99, hashed;
	size_t n;

	alpn_ends(alpn, o->alpn);
	sort(o->ciphers, o->nr_ciphers);
	hash12(ciphers, text, join(text, sizeof(text), o->ciphers, o->nr_ciphers));
	hashed = hashed_extensions(o);
	sort(o->extensions, hashed);
	n = join(text, sizeof(text), o->extensions, hashed);
	if (n && o->nr_algorithms) {
		text[n++] = '_';
		n += join(text + n, sizeof(text) - n, o->algorithms, o->nr_algorithms);
	}
	hash12(rest, text, n);
	snprintf(out, JA4_SIZE, "t%s%c%02u%02u%s_%s_%s", version_of(o->version), o->has_name ? 'd' : 'i', nr_ciphers, nr, alpn, ciphers, rest);
}
