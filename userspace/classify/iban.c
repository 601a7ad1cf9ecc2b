/* SPDX-License-Identifier: Apache-2.0 */
/* iban.c - international bank account numbers: country, its length and structure
 * (SWIFT IBAN registry), ISO 7064 mod 97-10. */
#include <string.h>

#include "classify/check.h"

#define IBAN_MAX 34

/* bban: n digits, a capital letters, c either, each with its count. */
static const struct country { char code[3]; const char *bban; } countries[] = {
	{ "AD", "n8c12" }, { "AE", "n19" }, { "AL", "n8c16" }, { "AT", "n16" }, { "AZ", "a4c20" }, { "BA", "n16" },
	{ "BE", "n12" }, { "BG", "a4n6c8" }, { "BH", "a4c14" }, { "BI", "n23" }, { "BR", "n23a1c1" }, { "BY", "c4n4c16" },
	{ "CH", "n5c12" }, { "CR", "n18" }, { "CY", "n8c16" }, { "CZ", "n20" }, { "DE", "n18" }, { "DJ", "n23" },
	{ "DK", "n14" }, { "DO", "c4n20" }, { "EE", "n16" }, { "EG", "n25" }, { "ES", "n20" }, { "FI", "n14" },
	{ "FK", "a2n12" }, { "FO", "n14" }, { "FR", "n10c11n2" }, { "GB", "a4n14" }, { "GE", "a2n16" },
	{ "GI", "a4c15" }, { "GL", "n14" }, { "GR", "n7c16" }, { "GT", "c24" }, { "HN", "a4n20" }, { "HR", "n17" },
	{ "HU", "n24" }, { "IE", "a4n14" }, { "IL", "n19" }, { "IQ", "a4n15" }, { "IS", "n22" }, { "IT", "a1n10c12" },
	{ "JO", "a4n4c18" }, { "KW", "a4c22" }, { "KZ", "n3c13" }, { "LB", "n4c20" }, { "LC", "a4c24" },
	{ "LI", "n5c12" }, { "LT", "n16" }, { "LU", "n3c13" }, { "LV", "a4c13" }, { "LY", "n21" }, { "MC", "n10c11n2" },
	{ "MD", "c20" }, { "ME", "n18" }, { "MK", "n3c10n2" }, { "MN", "n16" }, { "MR", "n23" }, { "MT", "a4n5c18" },
	{ "MU", "a4n19a3" }, { "NI", "a4n20" }, { "NL", "a4n10" }, { "NO", "n11" }, { "OM", "n3c16" },
	{ "PK", "a4c16" }, { "PL", "n24" }, { "PS", "a4c21" }, { "PT", "n21" }, { "QA", "a4c21" }, { "RO", "a4c16" },
	{ "RS", "n18" }, { "RU", "n14c15" }, { "SA", "n2c18" }, { "SC", "a4n20a3" }, { "SD", "n14" }, { "SE", "n20" },
	{ "SI", "n15" }, { "SK", "n20" }, { "SM", "a1n10c12" }, { "SO", "n19" }, { "ST", "n21" }, { "SV", "a4n20" },
	{ "TL", "n19" }, { "TN", "n20" }, { "TR", "n6c16" }, { "UA", "n6c19" }, { "VA", "n18" }, { "VG", "a4n16" },
	{ "XK", "n16" }, { "YE", "a4n4c18" },
};

/* The examples of the registry and of textbooks. */
static const char *const published[] = {
	"DE89370400440532013000", "GB82WEST12345698765432", "GB29NWBK60161331926819", "GB33BUKB20201555555555",
	"FR1420041010050500013M02606", "FR7630006000011234567890189", "ES9121000418450200051332",
	"IT60X0542811101000000123456", "NL91ABNA0417164300", "BE68539007547034", "CH9300762011623852957",
	"AT611904300234573201", "PL61109010140000071219812874", "PT50000201231234567890154", "SE4550000000058398257466",
	"NO9386011117947", "DK5000400440116243", "FI2112345600000785", "IE29AIBK93115212345678", "DE91100000000123456789",
	"DE75512108001245126199", "LU280019400644750000", "SA0380000000608010167519", "TR330006100519786457841326",
	"AE070331234567890123456", "GB94BARC10201530093459", NULL
};

static const struct country *country_find(const char *code)
{
	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++)
		if (!memcmp(countries[i].code, code, 2))
			return &countries[i];
	return NULL;
}

static bool kind_ok(char kind, uint8_t c)
{
	if (kind == 'n')
		return is_digit(c);
	return kind == 'a' ? is_upper(c) : is_alnum(c);
}

/* Count at *p, which stands after its letter; *p moves on. */
static unsigned count_take(const char **p)
{
	unsigned n = 0;

	while (is_digit((uint8_t)**p))
		n = n * 10 + (unsigned)(*(*p)++ - '0');
	return n;
}

static size_t bban_len(const char *bban)
{
	size_t len = 0;

	while (*bban) {
		bban++;
		len += count_take(&bban);
	}
	return len;
}

static bool bban_ok(const char *bban, const char *text)
{
	while (*bban) {
		char kind = *bban++;

		for (unsigned n = count_take(&bban); n; n--)
			if (!kind_ok(kind, (uint8_t)*text++))
				return false;
	}
	return true;
}

/* Reads len letters and digits, upper-cased, at start; single blanks only after
 * every fourth. Returns the end, or 0. */
static size_t text_read(struct slice s, size_t start, size_t len, char text[IBAN_MAX + 1])
{
	size_t i = start, n = 0;
	bool grouped = byte_at(s, start + 4) == ' ' || byte_at(s, start + 4) == '-';
	uint8_t sep = byte_at(s, start + 4);

	while (n < len) {
		if (grouped && n && n % 4 == 0) {
			if (byte_at(s, i) != sep)
				return 0;
			i++;
		}
		if (!is_alnum(byte_at(s, i)))
			return 0;
		text[n++] = (char)(is_lower(s.ptr[i]) ? s.ptr[i] - 32 : s.ptr[i]);
		i++;
	}
	text[n] = 0;
	return i;
}

static int iban_find(struct slice s, size_t at, struct hit *out)
{
	char text[IBAN_MAX + 1], turned[IBAN_MAX + 1], code[2];
	const struct country *country;
	size_t start, end, len;

	if (at < 2 || !is_alpha(s.ptr[at - 1]) || is_upper(s.ptr[at - 1]) != is_upper(s.ptr[at - 2]) ||
	    !is_digit(byte_at(s, at + 1)) || !edge_before(s, at - 2))
		return 0;
	start = at - 2;
	code[0] = (char)(s.ptr[start] & ~0x20);
	code[1] = (char)(s.ptr[start + 1] & ~0x20);
	country = country_find(code);
	if (!country)
		return 0;
	len = 4 + bban_len(country->bban);
	end = text_read(s, start, len, text);
	if (!end || !edge_after(s, end) || !bban_ok(country->bban, text + 4))
		return 0;
	memcpy(turned, text + 4, len - 4);
	memcpy(turned + len - 4, text, 4);
	if (mod97(turned, len) != 1)
		return 0;
	out->start = start;
	out->end = end;
	out->sample = 0;
	for (const char *const *p = published; *p; p++)
		out->sample |= !strcmp(*p, text);
	mask_ends(out->mask, text, len, 2, 4);
	return 90;
}

static bool iban_starts(size_t head, size_t run, unsigned after)
{
	return head == 2;
}

static const struct key_phrase keys[] = {
	{ "iban", KEY_EXACT }, { "bankaccount", KEY_EXACT }, { "accountnumber", KEY_EXACT }, { "kontonummer", KEY_EXACT },
	{ "bankverbindung", KEY_EXACT }, { "compte", KEY_WEAK }, { "cuenta", KEY_WEAK }, { "conto", KEY_WEAK },
	{ "conta", KEY_WEAK }, { "konto", KEY_WEAK }, { "rekening", KEY_WEAK }, { "rekeningnummer", KEY_EXACT },
	{ "numerkonta", KEY_EXACT }, { "account", KEY_WEAK }, { NULL, 0 }
};

const struct class_row class_iban = {
	.info = { "iban", GROUP_PII, 1, CONF_CERTAIN, "international bank account number" },
	.triggers = TRIGGER_MIXED,
	.against = AGAINST_NOTHING,
	.keys = keys,
	.starts = iban_starts,
	.find = iban_find,
};
