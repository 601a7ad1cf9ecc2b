/* SPDX-License-Identifier: Apache-2.0 */
/* us_ssn.c - United States social security numbers. There is no check digit, and
 * nine bare digits are everywhere (1,830 per MB of API JSON): only the dashed form
 * stands on its own, bare digits need a key. */
#include <string.h>

#include "classify/ids.h"

static const char *const published[] = {
	"078051120", "219099999", "123456789", "457555462", "987654321", NULL
};

/* Area not 000, 666 or 9xx, group not 00, serial not 0000. */
static bool is_issued(const char *d)
{
	return memcmp(d, "000", 3) && memcmp(d, "666", 3) && d[0] != '9' && memcmp(d + 3, "00", 2) &&
	       memcmp(d + 5, "0000", 4);
}

static bool is_published(const char *d)
{
	for (const char *const *p = published; *p; p++)
		if (!strcmp(d, *p))
			return true;
	/* 987-65-4320 to 4329 are reserved for advertisements. */
	return !memcmp(d, "98765432", 8) || few_bytes(d, 9, 1);
}

static int us_ssn_find(struct slice s, size_t at, struct hit *out)
{
	struct digits d;
	bool grouped;

	if (!edge_before(s, at))
		return 0;
	digits_read(&d, s, at, "- ");
	grouped = d.sep && d.nr_groups >= 3 && d.group[0] == 3 && d.group[1] == 2 && d.group[2] == 4;
	if (!grouped && (d.group[0] != 9 || (d.nr_groups > 1 && d.sep == '-')))
		return 0;
	/* A fourth group of the same kind makes it another number. */
	if (grouped && (d.nr_groups > 3 || d.more))
		return 0;
	d.text[9] = 0;
	out->start = at;
	out->end = grouped ? d.end[2] : d.end[0];
	if (!edge_after(s, out->end) || byte_at(s, out->end) == '@')
		return 0;
	out->sample = is_published(d.text);
	if (!is_issued(d.text) && memcmp(d.text, "98765432", 8))
		return 0;
	mask_set(out->mask, "***-**-");
	memcpy(out->mask + 7, d.text + 5, 5);
	if (!grouped)
		return 10;
	return d.sep == '-' ? 55 : 25;
}

static bool us_ssn_starts(size_t head, size_t run, unsigned after)
{
	return run == 9 || (run == 3 && (after == AFTER_BLANK || after == AFTER_MINUS));
}

static const struct key_phrase keys[] = {
	{ "ssn", KEY_EXACT }, { "socialsecurity", KEY_EXACT }, { "socialsecuritynumber", KEY_EXACT },
	{ "socialsecurityno", KEY_EXACT }, { "ssnumber", KEY_EXACT }, { "socsec", KEY_EXACT }, { "socialsec", KEY_EXACT },
	{ "taxpayerid", KEY_EXACT }, { "tin", KEY_WEAK }, { "social", KEY_WEAK }, { "taxid", KEY_WEAK },
	{ "nationalid", KEY_WEAK }, { "nationalidentifier", KEY_WEAK }, { "ssnum", KEY_EXACT }, { "socialsecuritynum", KEY_EXACT },
	{ "soc", KEY_WEAK }, { "idnumber", KEY_WEAK }, { "taxidentificationnumber", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_us_ssn = {
	.info = { "us_ssn", GROUP_PII, 2, CONF_LIKELY, "US social security number" },
	.triggers = TRIGGER_DIGIT,
	.digits = 9,
	.against = AGAINST_GENERAL | AGAINST_NUMBER,
	.keys = keys,
	.starts = us_ssn_starts,
	.find = us_ssn_find,
};
