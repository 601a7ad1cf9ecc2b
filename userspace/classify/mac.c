/* SPDX-License-Identifier: Apache-2.0 */
/* mac.c - hardware addresses, six groups of two hex digits. */
#include <string.h>

#include "classify/ids.h"

#define LENGTH 17

static bool is_joint_of_groups(uint8_t c)
{
	return c == ':' || c == '-';
}

/* A digit is the first or the last of its group, and before that or behind it there are two more. */
static bool has_groups(struct slice s, size_t at)
{
	bool last = is_joint_of_groups(byte_at(s, at + 1));
	size_t group = at - last;
	uint8_t before, behind;

	if (at < last || (!last && !is_joint_of_groups(byte_at(s, at + 2))))
		return false;
	before = group >= 4 ? s.ptr[group - 1] : 0;
	behind = byte_at(s, group + 2);
	return (is_joint_of_groups(before) && s.ptr[group - 4] == before) || (is_joint_of_groups(behind) && byte_at(s, group + 5) == behind);
}

static int mac_find(struct slice s, size_t at, struct hit *out)
{
	size_t start = at;
	uint8_t sep;
	bool zero = true, ones = true;

	if (!has_groups(s, at))
		return 0;
	/* The first digit may be the second of its group, or stand in a later one. */
	for (unsigned back = 0; back < LENGTH && start && (is_hex(s.ptr[start - 1]) || s.ptr[start - 1] == ':' || s.ptr[start - 1] == '-'); back++)
		start--;
	while (start < at && !is_hex(s.ptr[start]))
		start++;
	sep = byte_at(s, start + 2);
	if ((sep != ':' && sep != '-') || s.len - start < LENGTH || (start && is_alnum(s.ptr[start - 1])))
		return 0;
	for (size_t i = 0; i < LENGTH; i++) {
		uint8_t c = s.ptr[start + i];

		if (i % 3 == 2 ? c != sep : !is_hex(c))
			return 0;
		zero &= i % 3 == 2 || c == '0';
		ones &= i % 3 == 2 || to_lower(c) == 'f';
	}
	if (zero || ones || is_alnum(byte_at(s, start + LENGTH)) || (byte_at(s, start + LENGTH) == sep && is_hex(byte_at(s, start + LENGTH + 1))))
		return 0;
	out->start = start;
	out->end = start + LENGTH;
	out->sample = slice_begins_fold(s, start, "00:00:5e") || slice_begins_fold(s, start, "00:11:22:33") || slice_begins_fold(s, start, "aa:bb:cc");
	mask_set(out->mask, "**:**:**:**:**:**");
	return sep == ':' ? 60 : 52;
}

static bool mac_starts(size_t head, size_t run, unsigned after)
{
	return run < 2 || (run == 2 && (after == AFTER_COLON || after == AFTER_MINUS));
}

static const struct key_phrase keys[] = {
	{ "mac", KEY_EXACT }, { "macaddress", KEY_EXACT }, { "macaddr", KEY_EXACT }, { "hwaddr", KEY_EXACT }, { "hardwareaddress", KEY_EXACT },
	{ "bssid", KEY_EXACT }, { "wifimac", KEY_EXACT }, { "ethernetaddress", KEY_EXACT }, { "adressemac", KEY_EXACT }, { "device", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_mac = {
	.info = { "mac", GROUP_PII, 2, CONF_LIKELY, "hardware address of a network interface" },
	.triggers = TRIGGER_DIGIT | TRIGGER_MIXED | TRIGGER_KEY,
	.is_name = true,
	.thing = true,
	.against = AGAINST_GENERAL,
	.keys = keys,
	.starts = mac_starts,
	.group_min = 2,
	.group_max = 2,
	.find = mac_find,
};
