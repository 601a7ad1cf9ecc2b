/* SPDX-License-Identifier: Apache-2.0 */
/* ids_europe.c - personal and tax numbers of western and northern Europe. Weights and rules are those of
 * each authority; classify.md 6.5 has them in one table. */
#include <string.h>

#include "classify/ids.h"

#define W8_2	((const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 0 })
#define W9_2	((const uint8_t []){ 9, 8, 7, 6, 5, 4, 3, 2, 0 })
#define W10_2	((const uint8_t []){ 10, 9, 8, 7, 6, 5, 4, 3, 2, 0 })

static bool one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool uk_nino_ok(const char *t, size_t len)
{
	static const char no[] = " BG GB NK KN TN NT ZZ ";
	char head[] = { ' ', t[0], t[1], ' ', 0 };

	if (!strcmp(t, "QQ123456C"))	/* of the authority's own forms, and so of nobody */
		return true;
	return !one_of(t[0], "DFIQUV") && !one_of(t[1], "DFIOQUV") && !strstr(no, head) && one_of(t[8], "ABCD");
}
ID_CLASS(class_uk_nino, "uk_nino", GROUP_PII, 2, "UK National Insurance number",
	KEYS(K("nino"), K("nationalinsurance"), K("nationalinsurancenumber"), K("nationalinsuranceno"), K("ninumber"), W("ni")),
	.shapes = { { "AA_##_##_##_A", 70 }, { "AA######A", 45 } }, .ok = uk_nino_ok,
	.published = (const char *const []){ "QQ123456C", "AB123456C", NULL });

static bool uk_nhs_ok(const char *t, size_t len)
{
	return (11 - digits_weighed(t, W10_2) % 11) % 11 == digit_at(t, 9);
}
ID_CLASS(class_uk_nhs, "uk_nhs", GROUP_PHI, 2, "UK NHS number",
	KEYS(K("nhs"), K("nhsnumber"), K("nhsno"), K("nhsid"), W("healthnumber")),
	.shapes = { { "###_###_####", 28 }, { "##########", 20 } }, .ok = uk_nhs_ok,
	.published = (const char *const []){ "9434765919", "4010232137", NULL });

static bool uk_utr_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 6, 7, 8, 9, 10, 5, 4, 3, 2, 0 };

	return t[0] == "21987654321"[digits_weighed(t + 1, weights) % 11];
}
ID_CLASS(class_uk_utr, "uk_utr", GROUP_PII, 2, "UK unique taxpayer reference",
	KEYS(K("utr"), K("utrnumber"), K("uniquetaxpayerreference"), K("taxpayerreference"), W("taxreference")),
	.shapes = { { "#####_#####", 25 }, { "##########", 20 } }, .ok = uk_utr_ok);

static bool uk_driver_ok(const char *t, size_t len)
{
	return day_ok(number_at(t, 8, 2), number_at(t, 6, 2) % 50);
}
ID_CLASS(class_uk_driver_license, "uk_driver_license", GROUP_PII, 2, "UK driving licence number",
	KEYS(K("drivinglicence"), K("drivinglicencenumber"), K("driverlicence"), K("driverslicence"), K("licencenumber"),
	     K("driverlicense"), K("driverslicense"), K("driverslicensenumber"), K("driverlicensenumber")),
	.shapes = { { "AAAAA######A**AA", 70 } }, .ok = uk_driver_ok);

static bool ie_ppsn_ok(const char *t, size_t len)
{
	unsigned sum = digits_weighed(t, W8_2) + (len == 9 ? 9 * ((unsigned)(t[8] - 'A' + 1) % 23) : 0);

	return t[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}
ID_CLASS(class_ie_ppsn, "ie_ppsn", GROUP_PII, 2, "Irish personal public service number",
	KEYS(K("pps"), K("ppsn"), K("ppsnumber"), K("ppsno"), K("personalpublicservicenumber")),
	.shapes = { { "#######AA", 40 }, { "#######A", 40 } }, .ok = ie_ppsn_ok);

static bool fr_nir_ok(const char *t, size_t len)
{
	char plain[16];
	unsigned month, rest = 0;

	memcpy(plain, t, 15);
	if (!one_of(t[0], "123478") || (t[5] == '2' && one_of(t[6], "AB") ? false : !is_digit((uint8_t)t[6])))
		return false;
	plain[15] = 0;
	if (t[6] == 'A' || t[6] == 'B') {	/* Corsica counts as 19 and 18 */
		plain[5] = '1';
		plain[6] = t[6] == 'A' ? '9' : '8';
	}
	month = number_at(plain, 3, 2);
	if (!(month >= 1 && month <= 12) && month != 20 && !(month >= 30 && month <= 42) && month < 50)
		return false;
	for (size_t i = 0; i < 13; i++)
		rest = (rest * 10 + digit_at(plain, i)) % 97;
	return memcmp(t + 5, "00", 2) && 97 - rest == number_at(plain, 13, 2);
}
ID_CLASS(class_fr_nir, "fr_nir", GROUP_PII, 1, "French social security number (NIR)",
	KEYS(K("nir"), K("numerosecu"), K("secu"), K("securitesociale"), K("numerodesecuritesociale"), K("numerosecuritesociale"),
	     K("nosecu"), K("insee"), K("numeroinsee"), K("sécuritésociale"), K("numérodesécuritésociale"), K("cartevitale"),
	     K("nss"), W("socialsecuritynumber"), W("ssn"), NATIONAL_ID),
	.shapes = { { "#_##_##_##_###_###_##", 88 }, { "#_##_##_#A_###_###_##", 88 }, { "######A########", 80 },
		    { "###############", 45 } }, .ok = fr_nir_ok,
	.published = (const char *const []){ "255081416802538", "269054958815780", NULL });

static bool fr_siren_ok(const char *t, size_t len)
{
	return luhn_ok(t, 9);
}
ID_CLASS(class_fr_siren, "fr_siren", GROUP_CONFIDENTIAL, 2, "French company number (SIREN)",
	KEYS(K("siren"), K("numerosiren"), K("nosiren")),
	.shapes = { { "###_###_###", 25 }, { "#########", 18 } }, .ok = fr_siren_ok);

/* The offices of La Poste share a SIREN that leaves no room for Luhn: their digits sum up to a five. */
static bool fr_siret_ok(const char *t, size_t len)
{
	static const uint8_t ones[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };

	return luhn_ok(t, 14) || (!memcmp(t, "356000000", 9) && digits_weighed(t, ones) % 5 == 0);
}
ID_CLASS(class_fr_siret, "fr_siret", GROUP_CONFIDENTIAL, 2, "French establishment number (SIRET)",
	KEYS(K("siret"), K("numerosiret"), K("nosiret")),
	.shapes = { { "###_###_###_#####", 45 }, { "##############", 18 } }, .ok = fr_siret_ok);

static bool fr_spi_ok(const char *t, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < 10; i++)
		n = n * 10 + digit_at(t, i);
	return t[0] <= '3' && n % 511 == number_at(t, 10, 3);
}
ID_CLASS(class_fr_spi, "fr_spi", GROUP_PII, 2, "French tax number (SPI)",
	KEYS(K("spi"), K("numerofiscal"), K("numérofiscal"), K("numerospi"), K("identifiantfiscal"), W("taxid")),
	.shapes = { { "##_##_###_###_###", 60 }, { "#############", 40 } }, .ok = fr_spi_ok);

/* One digit stands two or three times among the first ten, one or two are missing. */
static bool de_tax_id_ok(const char *t, size_t len)
{
	unsigned count[10] = { 0 }, repeated = 0;

	for (size_t i = 0; i < 10; i++)
		count[digit_at(t, i)]++;
	for (size_t i = 0; i < 10; i++) {
		repeated += count[i] > 1;
		if (count[i] > 3)
			return false;
	}
	return t[0] != '0' && repeated == 1 && mod11_10_ok(t, 11);
}
ID_CLASS(class_de_tax_id, "de_tax_id", GROUP_PII, 2, "German tax identification number",
	KEYS(K("steuerid"), K("steueridnr"), K("steueridentifikationsnummer"), K("steuerliche"), K("idnr"), K("tin"), K("taxid"),
	     K("steuernummer"), K("taxidentificationnumber"), K("germantaxid"), W("taxnumber")),
	.shapes = { { "## ### ### ###", 60 }, { "##_###_###_###", 40 }, { "###########", 40 } }, .ok = de_tax_id_ok,	/* with dots it may be an address */
	.published = (const char *const []){ "86095742719", "65929970489", "26954371827", NULL });

static bool digit_sums_ok(const char *digits, const uint8_t *weights, unsigned check)
{
	unsigned sum = 0;

	for (size_t i = 0; weights[i]; i++) {
		unsigned product = digit_at(digits, i) * weights[i];

		sum += product / 10 + product % 10;
	}
	return sum % 10 == check;
}

/* A letter counts as the two digits of its place in the alphabet. */
static bool de_rvnr_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1, 0 };
	unsigned place = (unsigned)(t[8] - 'A' + 1);
	char digits[13];

	memcpy(digits, t, 8);
	digits[8] = (char)('0' + place / 10);
	digits[9] = (char)('0' + place % 10);
	memcpy(digits + 10, t + 9, 2);
	digits[12] = 0;
	return day_ok(number_at(t, 2, 2) % 50, number_at(t, 4, 2)) && digit_sums_ok(digits, weights, digit_at(t, 11));
}
ID_CLASS(class_de_rvnr, "de_rvnr", GROUP_PII, 2, "German pension insurance number",
	KEYS(K("rvnr"), K("rentenversicherungsnummer"), K("sozialversicherungsnummer"), K("svnummer"), K("svnr"),
	     K("versicherungsnummer"), W("socialsecuritynumber")),
	.shapes = { { "##_######_A_###", 70 }, { "########A###", 60 } }, .ok = de_rvnr_ok,
	.published = (const char *const []){ "15070649C103", "65070803A019", NULL });

static bool de_kvnr_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 0 };
	unsigned place = (unsigned)(t[0] - 'A' + 1);
	char digits[11];

	digits[0] = (char)('0' + place / 10);
	digits[1] = (char)('0' + place % 10);
	memcpy(digits + 2, t + 1, 8);
	digits[10] = 0;
	return digit_sums_ok(digits, weights, digit_at(t, 9));
}
ID_CLASS(class_de_kvnr, "de_kvnr", GROUP_PHI, 2, "German health insurance number",
	KEYS(K("kvnr"), K("krankenversichertennummer"), K("versichertennummer"), K("krankenversicherungsnummer"), K("egknummer"),
	     K("krankenkassennummer")),
	.shapes = { { "A#########", 35 } }, .ok = de_kvnr_ok,
	.published = (const char *const []){ "A123456780", NULL });

/* Vowels and letters like digits are not given out. */
static bool de_id_card_ok(const char *t, size_t len)
{
	for (size_t i = 0; i < 9; i++)
		if (!is_digit((uint8_t)t[i]) && !one_of(t[i], "CFGHJKLMNPRTVWXYZ"))
			return false;
	return len == 9 || mrz_ok(t, 10);
}
ID_CLASS(class_de_id_card, "de_id_card", GROUP_PII, 2, "German identity card or passport number",
	KEYS(K("personalausweis"), K("personalausweisnummer"), K("ausweisnummer"), K("ausweis"), K("reisepass"), K("reisepassnummer"),
	     K("passnummer"), K("persoid"), W("passport"), W("passportnumber"), W("idcard")),
	.shapes = { { "A********#", 28 }, { "A********", 12 } }, .ok = de_id_card_ok,
	.published = (const char *const []){ "T220001293", "L01X00T471", "C01X00T478", NULL });

static bool es_letter_ok(const char *digits, size_t len, char letter)
{
	return letter == "TRWAGMYFPDXBNJZSQVHLCKE"[number_at(digits, 0, len) % 23];
}

static bool es_nif_ok(const char *t, size_t len)
{
	return es_letter_ok(t, 8, t[8]);
}
ID_CLASS(class_es_nif, "es_nif", GROUP_PII, 2, "Spanish identity and tax number (DNI, NIF)",
	KEYS(K("dni"), K("nif"), K("numerodni"), K("documentonacional"), K("documentodeidentidad"), K("numerodedocumento"),
	     NATIONAL_ID, W("documento")),
	.shapes = { { "########_A", 62 }, { "##.###.###_A", 70 }, { "########A", 45 } }, .ok = es_nif_ok,
	.published = (const char *const []){ "12345678Z", "00000000T", NULL });

static bool es_nie_ok(const char *t, size_t len)
{
	char digits[9] = { (char)('0' + (t[0] - 'X')) };

	if (t[0] < 'X')
		return false;
	memcpy(digits + 1, t + 1, 7);
	return es_letter_ok(digits, 8, t[8]);
}
ID_CLASS(class_es_nie, "es_nie", GROUP_PII, 2, "Spanish number of foreigners (NIE)",
	KEYS(K("nie"), K("numeronie"), K("numerodeidentidaddeextranjero"), K("extranjero")),
	.shapes = { { "A_#######_A", 72 }, { "A#######A", 60 } }, .ok = es_nie_ok,
	.published = (const char *const []){ "X1234567L", "X0000000T", NULL });

static bool es_cif_ok(const char *t, size_t len)
{
	unsigned sum = 0, check;

	if (!one_of(t[0], "ABCDEFGHJNPQRSUVW"))
		return false;
	for (size_t i = 1; i < 8; i++) {
		unsigned d = digit_at(t, i);

		sum += i & 1 ? (2 * d) / 10 + (2 * d) % 10 : d;
	}
	check = (10 - sum % 10) % 10;
	return t[8] == (char)('0' + check) || t[8] == "JABCDEFGHI"[check];
}
ID_CLASS(class_es_cif, "es_cif", GROUP_CONFIDENTIAL, 2, "Spanish company tax number (CIF)",
	KEYS(K("cif"), K("numerocif"), K("cifempresa"), W("nif")),
	.shapes = { { "A_########", 30 }, { "A#######*", 28 } }, .ok = es_cif_ok);

static unsigned it_value(char c, bool odd)
{
	static const uint8_t odds[] = { 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23 };
	unsigned place = is_digit((uint8_t)c) ? (unsigned)(c - '0') : (unsigned)(c - 'A');

	return odd ? odds[place] : place;
}

static bool it_codice_ok(const char *t, size_t len)
{
	unsigned sum = 0, day = number_at(t, 9, 2);

	for (size_t i = 0; i < 15; i++)
		sum += it_value(t[i], i % 2 == 0);
	return one_of(t[8], "ABCDEHLMPRST") && day % 40 >= 1 && day <= 71 && day % 40 <= 31 && t[15] == (char)('A' + sum % 26);
}
ID_CLASS(class_it_codice_fiscale, "it_codice_fiscale", GROUP_PII, 1, "Italian tax code",
	KEYS(K("codicefiscale"), K("codfiscale"), W("cf"), K("fiscalcode"), W("taxcode"), W("taxid")),
	.shapes = { { "AAAAAA##A##A###A", 92 }, { "AAA AAA ##A## A###A", 92 } }, .ok = it_codice_ok,
	.published = (const char *const []){ "RSSMRA85T10A562S", "MRTMTT91D08F205J", NULL });

static bool luhn11_ok(const char *t, size_t len)
{
	return luhn_ok(t, 11) && t[0] != '9';
}
ID_CLASS(class_it_partita_iva, "it_partita_iva", GROUP_CONFIDENTIAL, 2, "Italian VAT number",
	KEYS(K("partitaiva"), K("piva"), K("numeropartitaiva"), W("vat"), W("vatnumber")),
	.shapes = { { "###########", 20 } }, .ok = luhn11_ok);

static bool pt_nif_ok(const char *t, size_t len)
{
	unsigned check = 11 - digits_weighed(t, W9_2) % 11;

	return one_of(t[0], "1235689") && (check > 9 ? 0 : check) == digit_at(t, 8);
}
ID_CLASS(class_pt_nif, "pt_nif", GROUP_PII, 2, "Portuguese tax number (NIF)",
	KEYS(K("nif"), K("contribuinte"), K("numerodecontribuinte"), K("numerocontribuinte"), K("numerofiscal"), K("nipc"), W("taxid")),
	.shapes = { { "###_###_###", 28 }, { "#########", 20 } }, .ok = pt_nif_ok);

static bool nl_bsn_ok(const char *t, size_t len)
{
	return (digits_weighed(t, W9_2) + 10 * digit_at(t, 8)) % 11 == 0;	/* the last weighs -1 */
}
ID_CLASS(class_nl_bsn, "nl_bsn", GROUP_PII, 2, "Dutch citizen service number (BSN)",
	KEYS(K("bsn"), K("burgerservicenummer"), K("bsnnummer"), K("sofinummer"), K("bsnnumber"), NATIONAL_ID),
	.shapes = { { "####_##_###", 28 }, { "###_###_###", 25 }, { "#########", 20 } }, .ok = nl_bsn_ok,
	.published = (const char *const []){ "111222333", "123456782", NULL });

/* The month and day may be unknown (00), the month counted on by 20 or 40. */
static bool be_rrn_ok(const char *t, size_t len)
{
	unsigned n = number_at(t, 0, 9), check = number_at(t, 9, 2), month = number_at(t, 2, 2) % 20;

	if (month > 12 || number_at(t, 4, 2) > 31 || number_at(t, 2, 2) >= 60 || number_at(t, 6, 3) == 0)
		return false;
	return 97 - n % 97 == check || 97 - (2000000000u + n) % 97 == check;
}
ID_CLASS(class_be_rrn, "be_rrn", GROUP_PII, 1, "Belgian national number",
	KEYS(K("rijksregisternummer"), K("numeronational"), K("numérodenational"), K("numeroderegistrenational"), K("registrenational"),
	     K("nationaalnummer"), K("insz"), K("niss"), K("rrn"), K("numeroregistrenational"), W("nationalnumber"), NATIONAL_ID),
	.shapes = { { "##.##.##-###.##", 92 }, { "##_##_##_###_##", 70 }, { "###########", 45 } }, .ok = be_rrn_ok,
	.published = (const char *const []){ "85073003328", "93051822361", NULL });

static bool lu_matricule_ok(const char *t, size_t len)
{
	char other[13];

	memcpy(other, t, 11);
	other[11] = t[12];
	other[12] = 0;
	return date_ok(t, "Ymd") && luhn_ok(t, 12) && verhoeff_ok(other, 12);
}
ID_CLASS(class_lu_matricule, "lu_matricule", GROUP_PII, 1, "Luxembourg national number",
	KEYS(K("matricule"), K("matriculenationale"), K("numeromatricule"), NATIONAL_ID),
	.shapes = { { "####_##_##_###_##", 88 }, { "#############", 48 } }, .ok = lu_matricule_ok);

static bool ch_ahv_ok(const char *t, size_t len)
{
	return !memcmp(t, "756", 3) && gs1_ok(t, 13);
}
ID_CLASS(class_ch_ahv, "ch_ahv", GROUP_PII, 1, "Swiss social security number (AHV, AVS)",
	KEYS(K("ahv"), K("ahvnr"), K("ahvnummer"), K("ahvn"), K("avs"), K("numeroavs"), K("sozialversicherungsnummer"), K("oasi"),
	     K("navs"), K("numerodavs"), W("socialsecuritynumber")),
	.shapes = { { "756.####.####.##", 95 }, { "756##########", 62 }, { "756_####_####_##", 85 } }, .ok = ch_ahv_ok,
	.published = (const char *const []){ "7569217076985", "7561234567897", NULL });

static bool at_svnr_ok(const char *t, size_t len)
{
	static const uint8_t head[] = { 3, 7, 9, 0 }, tail[] = { 5, 8, 4, 2, 1, 6, 0 };
	unsigned month = number_at(t, 6, 2);

	return t[0] != '0' && month >= 1 && month <= 15 && day_ok(number_at(t, 4, 2), month > 12 ? 1 : month) &&
	       (digits_weighed(t, head) + digits_weighed(t + 4, tail)) % 11 == digit_at(t, 3);
}
ID_CLASS(class_at_svnr, "at_svnr", GROUP_PII, 2, "Austrian social insurance number",
	KEYS(K("svnr"), K("svnummer"), K("sozialversicherungsnummer"), K("versicherungsnummer"), K("ecardnummer"),
	     W("socialsecuritynumber")),
	.shapes = { { "####_######", 45 }, { "##########", 28 } }, .ok = at_svnr_ok,
	.published = (const char *const []){ "1237010180", NULL });
