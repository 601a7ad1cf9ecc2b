/* SPDX-License-Identifier: Apache-2.0 */
/* eu_vat.c - value added tax numbers of the European Union and the United Kingdom: a country's letters, its length, its check digits. */
#include <string.h>

#include "classify/ids.h"

#define FIRST 2	/* the country's letters end here */

/* Sums of digits that a whole number divides; where the rule is another, a function. */
struct vat {
	char country[3];
	uint8_t len, modulus;	/* of the number without the letters */
	uint8_t weights[13];	/* ends with 0 */
	bool (*ok)(const char *number);
};

static bool all_digits(const char *t, size_t len)
{
	return strspn(t, "0123456789") >= len;
}

static bool at_ok(const char *t)	/* U and eight digits */
{
	unsigned sum = 4;

	for (size_t i = 1; i < 8; i++) {
		unsigned d = digit_at(t, i) * (i & 1 ? 1 : 2);

		sum += d / 10 + d % 10;
	}
	return t[0] == 'U' && (10 - sum % 10) % 10 == digit_at(t, 8);
}

static bool be_ok(const char *t)
{
	return t[0] <= '1' && 97 - number_at(t, 0, 8) % 97 == number_at(t, 8, 2);
}

/* As they were before a nought was put in front. */
static bool be_old_ok(const char *t)
{
	return t[0] != '0' && 97 - number_at(t, 0, 7) % 97 == number_at(t, 7, 2);
}

static bool bg_ok(const char *t)
{
	unsigned check = digits_weighed(t, (const uint8_t []){ 1, 2, 3, 4, 5, 6, 7, 8, 0 }) % 11;

	if (check == 10)
		check = digits_weighed(t, (const uint8_t []){ 3, 4, 5, 6, 7, 8, 9, 10, 0 }) % 11 % 10;
	return check == digit_at(t, 8);
}

static bool cy_ok(const char *t)
{
	static const uint8_t turned[] = { 1, 0, 5, 7, 9, 13, 15, 17, 19, 21 };
	unsigned sum = 0;

	for (size_t i = 0; i < 8; i++)
		sum += i & 1 ? digit_at(t, i) : turned[digit_at(t, i)];
	return memcmp(t, "12", 2) && t[8] == (char)('A' + sum % 26);
}

static bool cz_ok(const char *t)
{
	unsigned check = 11 - digits_weighed(t, (const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 0 }) % 11;

	return t[0] != '9' && check % 10 == digit_at(t, 7) % 10 && (check != 10 || t[7] == '0') && (check != 11 || t[7] == '1');
}

/* A person's birth number since 1954: women's months are 50 more, and since 2004, where a day has no number left, 20.
 * The check digit is the remainder of the others by 11, and of 10, until 1984, a 0. */
static bool cz_person_ok(const char *t)
{
	unsigned year = number_at(t, 0, 2), month = number_at(t, 2, 2) % 50, rest = number_at(t, 0, 9) % 11;

	if (month > 20 && year >= 4 && year < 54)
		month -= 20;
	if (rest == 10)
		rest = year >= 54 && year < 85 ? 0 : rest;
	return day_ok(number_at(t, 4, 2), month) && rest == digit_at(t, 9);
}

static bool de_ok(const char *t)
{
	return t[0] != '0' && mod11_10_ok(t, 9);
}

static bool dk_ok(const char *t)
{
	return t[0] != '0' && digits_weighed(t, (const uint8_t []){ 2, 7, 6, 5, 4, 3, 2, 1, 0 }) % 11 == 0;
}

static bool el_ok(const char *t)
{
	unsigned sum = 0;

	for (size_t i = 0; i < 8; i++)
		sum = sum * 2 + digit_at(t, i) * 2;
	return sum % 11 % 10 == digit_at(t, 8);
}

static bool es_ok(const char *t)
{
	unsigned sum = 0, number = 0;

	if (!all_digits(t + 1, 7))
		return false;
	if (is_digit((uint8_t)t[0]) || (t[0] >= 'X' && t[0] <= 'Z') || (t[0] >= 'K' && t[0] <= 'M')) {	/* a person's */
		number = is_digit((uint8_t)t[0]) ? digit_at(t, 0) : t[0] >= 'X' ? (unsigned)(t[0] - 'X') : 0;
		return t[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[(number * 10000000 + number_at(t, 1, 7)) % 23];
	}
	for (size_t i = 1; i < 8; i++)
		sum += i & 1 ? digit_at(t, i) * 2 / 10 + digit_at(t, i) * 2 % 10 : digit_at(t, i);
	sum = (10 - sum % 10) % 10;
	/* Who ends with a letter: public and foreign bodies, and whoever is not established there; others may. */
	if (t[8] == "JABCDEFGHI"[sum])
		return strchr("CDFGJNPQRSUVW", t[0]) || (strchr("ABEH", t[0]) && !memcmp(t + 1, "00", 2));
	return t[8] == (char)('0' + sum) && strchr("ABCDEFGHJUV", t[0]);
}

static bool fr_ok(const char *t)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	const char *first = strchr(alphabet, t[0]), *second = strchr(alphabet, t[1]);
	unsigned key;

	if (!first || !second || !all_digits(t + 2, 9) || !luhn_ok(t + 2, 9))
		return false;
	if (all_digits(t, 2))
		return (number_at(t, 2, 9) % 97 * 100 + 12) % 97 == number_at(t, 0, 2);
	/* A key with letters, as firms have it that are not known since long. */
	key = is_digit((uint8_t)t[0]) ? (unsigned)(first - alphabet) * 24 + (unsigned)(second - alphabet) - 10 :
					(unsigned)(first - alphabet) * 34 + (unsigned)(second - alphabet) - 100;
	return (number_at(t, 2, 9) + 1 + key / 11) % 11 == key % 11;
}

static bool hr_ok(const char *t)
{
	return mod11_10_ok(t, 11);
}

static bool ie_ok(const char *t)	/* seven digits and one letter or two, the second of them A to I, or W */
{
	unsigned sum = digits_weighed(t, (const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 0 }) + (t[8] ? 9 * ((unsigned)(t[8] - 'A' + 1) % 23) : 0);

	return (t[8] <= 'I' || t[8] == 'W') && t[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

static bool it_ok(const char *t)
{
	unsigned office = number_at(t, 7, 3);	/* the province that gave it out; of the state, of those abroad */

	return luhn_ok(t, 11) && memcmp(t, "0000000", 7) && ((office && office < 202) || office == 888 || office == 999);
}

/* Of a firm; the last digit but one is a one. */
static bool lt_ok(const char *t)
{
	size_t last = strlen(t) - 1;
	unsigned sum = 0, again = 0;

	for (size_t i = 0; i < last; i++) {
		sum += digit_at(t, i) * (unsigned)(1 + i % 9);
		again += digit_at(t, i) * (unsigned)(1 + (i + 2) % 9);
	}
	sum = sum % 11 == 10 ? again % 11 % 10 : sum % 11;
	return t[last - 1] == '1' && sum == digit_at(t, last);
}

static bool lu_ok(const char *t)
{
	return number_at(t, 0, 6) % 89 == number_at(t, 6, 2);
}

static bool lv_ok(const char *t)
{
	return t[0] > '3' && digits_weighed(t, (const uint8_t []){ 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1, 0 }) % 11 == 3;
}

static bool mt_ok(const char *t)
{
	unsigned check = 37 - digits_weighed(t, (const uint8_t []){ 3, 4, 6, 7, 8, 9, 0 }) % 37;

	return t[0] != '0' && number_at(t, 6, 2) == check;
}

/* Nine digits, B and two: a firm's by the digits, a person's since 2020 by all of it. */
static bool nl_ok(const char *t)
{
	char whole[15] = "NL";

	if (t[9] != 'B' || !all_digits(t, 9) || !all_digits(t + 10, 2) || !number_at(t, 10, 2))
		return false;
	memcpy(whole + 2, t, 12);
	return digits_weighed(t, (const uint8_t []){ 9, 8, 7, 6, 5, 4, 3, 2, 10, 0 }) % 11 == 0 || mod97(whole, 14) == 1;
}

static bool pt_ok(const char *t)
{
	unsigned rest = digits_weighed(t, (const uint8_t []){ 9, 8, 7, 6, 5, 4, 3, 2, 0 }) % 11;

	return t[0] != '0' && (rest < 2 ? 0 : 11 - rest) == digit_at(t, 8);
}

static bool ro_ok(const char *t)
{
	static const uint8_t weights[] = { 7, 5, 3, 2, 1, 7, 5, 3, 2 };
	size_t last = strlen(t) - 1;
	unsigned sum = 0;

	for (size_t i = 0; i < last; i++)
		sum += digit_at(t, i) * weights[9 - last + i];
	return t[0] != '0' && sum * 10 % 11 % 10 == digit_at(t, last);
}

static bool se_ok(const char *t)
{
	return luhn_ok(t, 10) && t[10] == '0' && t[11] != '0';
}

static bool si_ok(const char *t)
{
	unsigned rest = digits_weighed(t, (const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 0 }) % 11;

	return t[0] != '0' && rest && (11 - rest) % 10 == digit_at(t, 7);
}

static bool sk_ok(const char *t)
{
	return t[0] != '0' && strchr("234789", t[2]) && (number_at(t, 0, 9) % 11 * 10 + digit_at(t, 9)) % 11 == 0;
}

static bool gb_ok(const char *t)
{
	unsigned rest = digits_weighed(t, (const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 10, 1, 0 }) % 97;

	return rest == 0 ? memcmp(t, "0000000", 7) != 0 : rest == 42 && t[0] != '0';	/* before and since 2009 */
}

static const struct vat vats[] = {
	{ .country = "AT", .len = 9, .ok = at_ok },
	{ .country = "BE", .len = 10, .ok = be_ok },
	{ .country = "BE", .len = 9, .ok = be_old_ok },
	{ .country = "BG", .len = 9, .ok = bg_ok },
	{ .country = "CY", .len = 9, .ok = cy_ok },
	{ .country = "CZ", .len = 8, .ok = cz_ok },
	{ .country = "CZ", .len = 10, .ok = cz_person_ok },
	{ .country = "DE", .len = 9, .ok = de_ok },
	{ .country = "DK", .len = 8, .ok = dk_ok },
	{ .country = "EE", .len = 9, .modulus = 10, .weights = { 3, 7, 1, 3, 7, 1, 3, 7, 1 } },
	{ .country = "EL", .len = 9, .ok = el_ok },
	{ .country = "ES", .len = 9, .ok = es_ok },
	{ .country = "FI", .len = 8, .modulus = 11, .weights = { 7, 9, 10, 5, 8, 4, 2, 1 } },
	{ .country = "FR", .len = 11, .ok = fr_ok },
	{ .country = "GB", .len = 9, .ok = gb_ok },
	{ .country = "HR", .len = 11, .ok = hr_ok },
	{ .country = "HU", .len = 8, .modulus = 10, .weights = { 9, 7, 3, 1, 9, 7, 3, 1 } },
	{ .country = "IE", .len = 8, .ok = ie_ok },
	{ .country = "IE", .len = 9, .ok = ie_ok },
	{ .country = "IT", .len = 11, .ok = it_ok },
	{ .country = "LT", .len = 9, .ok = lt_ok },
	{ .country = "LT", .len = 12, .ok = lt_ok },
	{ .country = "LU", .len = 8, .ok = lu_ok },
	{ .country = "LV", .len = 11, .ok = lv_ok },
	{ .country = "MT", .len = 8, .ok = mt_ok },
	{ .country = "NL", .len = 12, .ok = nl_ok },
	{ .country = "PL", .len = 10, .modulus = 11, .weights = { 6, 5, 7, 2, 3, 4, 5, 6, 7, 10 } },
	{ .country = "PT", .len = 9, .ok = pt_ok },
	{ .country = "RO", .len = 10, .ok = ro_ok },
	{ .country = "RO", .len = 9, .ok = ro_ok },
	{ .country = "RO", .len = 8, .ok = ro_ok },
	{ .country = "SE", .len = 12, .ok = se_ok },
	{ .country = "SI", .len = 8, .ok = si_ok },
	{ .country = "SK", .len = 10, .ok = sk_ok },
	{ .country = "XI", .len = 9, .ok = gb_ok },	/* Northern Ireland */
};

/* Which places of the number may be no digit. */
static bool letters_fit(const struct vat *v, const char *t)
{
	switch (v->country[0] << 8 | v->country[1]) {
	case 'A' << 8 | 'T':
		return all_digits(t + 1, 8);
	case 'C' << 8 | 'Y':
		return all_digits(t, 8) && is_upper((uint8_t)t[8]);
	case 'E' << 8 | 'S': case 'F' << 8 | 'R': case 'N' << 8 | 'L':
		return true;	/* their own rule looks */
	case 'I' << 8 | 'E':
		return all_digits(t, 7) && is_upper((uint8_t)t[7]) && (!t[8] || is_upper((uint8_t)t[8]));
	default:
		return all_digits(t, v->len);
	}
}

static bool eu_vat_ok(const char *text, size_t len)
{
	const char *number = text + FIRST;

	for (size_t i = 0; i < sizeof(vats) / sizeof(vats[0]); i++) {
		const struct vat *v = &vats[i];

		if (memcmp(text, v->country, FIRST) || v->len != len - FIRST || !letters_fit(v, number))
			continue;
		if (v->ok ? v->ok(number) : digits_weighed(number, v->weights) % v->modulus == 0)
			return true;
	}
	return false;
}

ID_CLASS(class_eu_vat, "eu_vat", GROUP_CONFIDENTIAL, 2, "European VAT number",
	KEYS(K("vat"), K("vatid"), K("vatnumber"), K("vatno"), K("vatin"), K("euvat"), K("vatregistration"), K("vatregistrationnumber"), K("vatregno"),
	     K("taxvat"), K("ustid"), K("ustidnr"), K("umsatzsteuerid"), K("umsatzsteueridentifikationsnummer"), K("uid"), K("uidnummer"), K("tva"),
	     K("numerotva"), K("tvaintra"), K("tvaintracommunautaire"), K("nif"), K("nifiva"), K("iva"), K("numeroiva"), K("partitaiva"), K("piva"),
	     K("contribuinte"), K("btw"), K("btwnummer"), K("btwid"), K("nip"), K("nipue"), K("vateu"), W("taxid"), W("taxnumber"), W("taxno")),
	.shapes = { { "AA###########", 30 }, { "AA############", 30 }, { "AA##########", 30 }, { "AA#########", 30 }, { "AA########", 28 },
		    { "AA*#######**", 30 }, { "AA#########A##", 40 }, { "AA *#######**", 30 }, { "AA**#########", 30 }, { "AA** #########", 30 }, { "AA ## #########", 30 },
		    { "AA *########", 30 }, { "AA ###########", 30 }, { "AA ##########", 30 }, { "AA ############", 30 }, { "AA #### ####", 28 },
		    { "AA ### ### ##", 28 }, { "AA #########A##", 40 }, { "AA*#######*", 30 }, { "AA#######A", 30 }, { "AA#######AA", 30 }, { "AA ########", 28 },
		    { "AA #### ### ###", 30 }, { "AA ####.###.###", 30 }, { "AA####.###.###", 30 }, { "AA ### ### ###", 30 }, { "AA ### #### ##", 30 } },
	.ok = eu_vat_ok);
