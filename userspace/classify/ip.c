/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c - internet addresses. A public IPv4 address is likely by itself, a private one wants a key; four numbers
 * after a word like "version" are none. */
#include <arpa/inet.h>
#include <string.h>

#include "classify/ids.h"

#define TEXT_MAX 45	/* of an IPv6 address */

/* Four numbers without leading zeros. Returns the end, or 0. */
static size_t quad_read(struct slice s, size_t at, unsigned octet[4])
{
	size_t i = at;

	for (int n = 0; n < 4; n++) {
		size_t start = i;

		if (n && byte_at(s, i++) != '.')
			return 0;
		start = i;
		for (octet[n] = 0; is_digit(byte_at(s, i)) && i - start < 3; i++)
			octet[n] = octet[n] * 10 + (unsigned)(s.ptr[i] - '0');
		if (i == start || octet[n] > 255 || (i - start > 1 && s.ptr[start] == '0'))
			return 0;
	}
	return i;
}

static bool is_private(const unsigned *o)
{
	return o[0] == 0 || o[0] == 10 || o[0] == 127 || o[0] >= 224 || (o[0] == 192 && o[1] == 168) || (o[0] == 172 && o[1] >= 16 && o[1] < 32) ||
	       (o[0] == 169 && o[1] == 254) || (o[0] == 100 && o[1] >= 64 && o[1] < 128);
}

/* Of RFC 5737 and RFC 3849, and the resolvers that every example names. */
static bool is_documented(const unsigned *o)
{
	return (o[0] == 192 && o[1] == 0 && o[2] == 2) || (o[0] == 198 && o[1] == 51 && o[2] == 100) || (o[0] == 203 && o[1] == 0 && o[2] == 113) ||
	       (o[0] == 8 && o[1] == 8) || (o[0] == 1 && o[1] == 1) || (o[0] == 1 && o[1] == 2 && o[2] == 3);
}

/* "(>= 29.1.3.2)", "24.3.4.5+dfsg", "21.0.99.1~": a version, of a package. */
static bool is_version(struct slice s, size_t at, size_t end)
{
	uint8_t mark = at > 1 && s.ptr[at - 1] == ' ' ? s.ptr[at - 2] : 0, before = at > 2 ? s.ptr[at - 3] : 0;

	if (at && s.ptr[at - 1] == '/') {	/* Chrome/109.8.14.16 */
		size_t word = at - 1;

		while (word && is_alpha(s.ptr[word - 1]))
			word--;
		return word < at - 1 && (!word || !strchr("/.-_:", s.ptr[word - 1] ? s.ptr[word - 1] : ' '));
	}
	return byte_at(s, end) == '+' || byte_at(s, end) == '~' || mark == '<' || mark == '>' ||
	       (mark == '=' && (before == '<' || before == '>' || before == '(' || before == '='));
}

static int v4_find(struct slice s, size_t at, struct hit *out)
{
	unsigned octet[4];
	size_t end = quad_read(s, at, octet);

	if (!end || !edge_before(s, at) || is_alnum(byte_at(s, end)) || (byte_at(s, end) == '.' && is_digit(byte_at(s, end + 1))) ||
	    byte_at(s, end) == '-' || byte_at(s, end) == '_' || is_version(s, at, end))
		return 0;
	out->start = at;
	out->end = end;
	out->sample = is_documented(octet);
	mask_set(out->mask, "***.***.***.***");
	if (octet[0] == 0 || octet[0] >= 224 || octet[0] == 127)
		return 0;
	/* Low numbers are a version's. */
	return is_private(octet) ? 20 : octet[0] < 12 || octet[3] == 0 ? 28 : 55;
}

static int v6_find(struct slice s, size_t at, struct hit *out)
{
	char text[TEXT_MAX + 1];
	uint8_t bin[16];
	size_t start = at, end, colons = 0;

	while (start && at - start < 5 && (is_hex(s.ptr[start - 1]) || s.ptr[start - 1] == ':'))
		start--;
	if (!edge_before(s, start))	/* a time after its date */
		return 0;
	for (end = start; end < s.len && end - start < TEXT_MAX && (is_hex(s.ptr[end]) || s.ptr[end] == ':' || s.ptr[end] == '.'); end++)
		colons += s.ptr[end] == ':';
	while (end > start && (s.ptr[end - 1] == '.' || (s.ptr[end - 1] == ':' && byte_at(s, end - 2) != ':')))
		end--;
	if (colons < 2 || is_alnum(byte_at(s, end)))
		return 0;
	memcpy(text, s.ptr + start, end - start);
	text[end - start] = 0;
	if (inet_pton(AF_INET6, text, bin) != 1 || bin[0] == 0 || bin[0] == 0xff)
		return 0;
	out->start = start;
	out->end = end;
	out->sample = bin[0] == 0x20 && bin[1] == 0x01 && bin[2] == 0x0d && bin[3] == 0xb8;
	mask_set(out->mask, "****:****::****");
	if ((bin[0] & 0xe0) != 0x20)	/* not given out to the world */
		return colons >= 4 ? 20 : 0;
	return colons >= 4 ? 60 : 40;
}

static int ip_find(struct slice s, size_t at, struct hit *out)
{
	size_t run = at;

	while (is_digit(byte_at(s, run)) && run - at < 4)
		run++;
	if (byte_at(s, run) == '.' && run - at < 4)
		return v4_find(s, at, out);
	if (at > 0 || !is_digit(s.ptr[0]))	/* the whole value of a key, or a digit in a group of hex */
		return byte_at(s, run) == ':' || is_hex(byte_at(s, run)) ? v6_find(s, at, out) : 0;
	return memchr(s.ptr, ':', s.len < TEXT_MAX ? s.len : TEXT_MAX) ? v6_find(s, at, out) : 0;
}

static bool ip_starts(size_t head, size_t run, unsigned after)
{
	return after == AFTER_DOT ? run < 4 : run <= 4 && (after == AFTER_COLON || after == AFTER_HEX);
}

static const struct key_phrase keys[] = {
	{ "ip", KEY_EXACT }, { "ipaddress", KEY_EXACT }, { "ipaddr", KEY_EXACT }, { "clientip", KEY_EXACT }, { "remoteip", KEY_EXACT },
	{ "remoteaddr", KEY_EXACT }, { "remoteaddress", KEY_EXACT }, { "xforwardedfor", KEY_EXACT }, { "xrealip", KEY_EXACT },
	{ "sourceip", KEY_EXACT }, { "userip", KEY_EXACT }, { "lastloginip", KEY_EXACT }, { "ipv4", KEY_EXACT }, { "ipv6", KEY_EXACT },
	{ "adresseip", KEY_EXACT }, { "direccionip", KEY_EXACT }, { "indirizzoip", KEY_EXACT }, { "ipadresse", KEY_EXACT }, { "peer", KEY_WEAK },
	{ "host", KEY_WEAK }, { "address", KEY_WEAK }, { "from", KEY_WEAK }, { NULL, 0 }
};
static const char *const counter[] = { "version", "build", "release", "firmware", "chrome", "agent", "v", "ver", "update", "fixes", "mask", "subnet", "range", "cidr", NULL };

const struct class_row class_ip = {
	.info = { "ip", GROUP_PII, 2, CONF_LIKELY, "internet address" },
	.triggers = TRIGGER_DIGIT | TRIGGER_KEY,
	.is_name = true,
	.thing = true,
	.against = AGAINST_GENERAL,
	.keys = keys,
	.counter = counter,
	.starts = ip_starts,
	.group_min = 1,
	.group_max = 4,
	.find = ip_find,
};
