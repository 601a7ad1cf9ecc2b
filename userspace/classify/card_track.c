/* SPDX-License-Identifier: Apache-2.0 */
/* card_track.c - what the magnetic stripe of a card says (ISO 7813): its number, the holder's name on the first track, the
 * expiry, the service code. Nobody may keep it after the payment. */
#include <string.h>

#include "classify/check.h"

#define HOLDER_MAX	26	/* bytes of the holder's name that the standard allows */
#define TRACK_MAX	107

/* Year and month of the expiry and the service code, which begin at i. */
static bool expiry_ok(struct slice s, size_t i)
{
	unsigned month;

	for (size_t n = 0; n < 7; n++)
		if (!is_digit(byte_at(s, i + n)))
			return false;
	month = (unsigned)(s.ptr[i + 2] - '0') * 10 + (unsigned)(s.ptr[i + 3] - '0');
	return month >= 1 && month <= 12 && strchr("125679", s.ptr[i + 4]) && strchr("024", s.ptr[i + 5]) && s.ptr[i + 6] <= '7';
}

/* Where the holder's name of the first track ends, at its '^', or 0. */
static size_t name_end(struct slice s, size_t i)
{
	for (size_t n = 0; n <= HOLDER_MAX; n++) {
		uint8_t c = byte_at(s, i + n);

		if (c == '^')
			return n < 2 ? 0 : i + n;
		if (!is_alnum(c) && !strchr(" /.'-,&*", c ? c : '"') && c < 0x80)
			return 0;
	}
	return 0;
}

static bool number_ok(const uint8_t *text, size_t len, char out[20])
{
	memcpy(out, text, len);
	out[len] = 0;
	return luhn_ok(out, len) && !few_bytes(out, len, 1);
}

static int card_track_find(struct slice s, size_t at, struct hit *out)
{
	size_t end = at, i;
	char number[20];

	while (end - at < 20 && is_digit(byte_at(s, end)))
		end++;
	if (end - at < 12 || end - at > 19)
		return 0;
	i = end + 1;
	if (byte_at(s, end) == '^') {
		if (!at || to_lower(s.ptr[at - 1]) != 'b' || !(i = name_end(s, i)))
			return 0;
		out->start = at - 1 - (at > 1 && s.ptr[at - 2] == '%');
		i++;
	} else if (byte_at(s, end) == '=' || byte_at(s, end) == 'D') {
		if (!edge_before(s, at))
			return 0;
		out->start = at - (at && s.ptr[at - 1] == ';');
	} else {
		return 0;
	}
	if (!expiry_ok(s, i) || !number_ok(s.ptr + at, end - at, number))
		return 0;
	for (i += 7; i < s.len && i - out->start < TRACK_MAX && is_alnum(s.ptr[i]); i++)
		;
	out->end = i + (byte_at(s, i) == '?');
	out->sample = slice_begins(s, at, "4111111111111111") || slice_begins(s, at, "4242424242424242") || slice_begins(s, at, "5555555555554444") ||
		      slice_begins(s, at, "378282246310005") || slice_begins(s, at, "5105105105105100") || few_bytes(number, end - at, 3);
	mask_ends(out->mask, number, end - at, 6, 4);
	explicit_bzero(number, sizeof(number));
	return 95;
}

static const struct key_phrase keys[] = {
	{ "track1", KEY_EXACT }, { "track2", KEY_EXACT }, { "trackdata", KEY_EXACT }, { "track1data", KEY_EXACT }, { "track2data", KEY_EXACT },
	{ "magstripe", KEY_EXACT }, { "magstripedata", KEY_EXACT }, { "magneticstripe", KEY_EXACT }, { "swipe", KEY_EXACT }, { "swipedata", KEY_EXACT },
	{ "cardtrack", KEY_EXACT }, { "track2equivalentdata", KEY_EXACT }, { "magnetstreifen", KEY_EXACT }, { "card", KEY_WEAK }, { NULL, 0 }
};

/* "%B" before a card's number, or ";" alone. */
static bool card_track_starts(size_t head, size_t run, unsigned after)
{
	return head <= 1 && run <= 19;
}

const struct class_row class_card_track = {
	.info = { "card_track", GROUP_PCI, 1, CONF_CERTAIN, "magnetic stripe of a card" },
	.triggers = TRIGGER_DIGIT | TRIGGER_MIXED,
	.digits = 12,
	.starts = card_track_starts,
	.against = AGAINST_NOTHING,
	.keys = keys,
	.find = card_track_find,
};
