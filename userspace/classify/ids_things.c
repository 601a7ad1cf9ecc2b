/* SPDX-License-Identifier: Apache-2.0 */
/* ids_things.c - numbers of devices, vehicles, accounts, securities and health records that have a shape or a check digit. */
#include <string.h>

#define ID_KIND .thing = true,
#include "classify/ids.h"

/* ---- devices and vehicles */

static bool imei_ok(const char *t, size_t len)
{
	return len != 15 || luhn_ok(t, 15);	/* with the version of its software (IMEISV), and without its last, it has no check digit */
}
ID_CLASS(class_imei, "imei", GROUP_PII, 2, "number of a mobile device (IMEI)",
	KEYS(K("imei"), K("imeisv"), K("imeinumber"), K("deviceimei"), K("meid")),
	.shapes = { { "##_######_######_##", 28 }, { "##_######_######_#", 60 }, { "##_######_######", 15 }, { "########-######-#", 28 },
		    { "########-######", 15 }, { "###############", 25 }, { "################", 15 }, { "##############", 12 } }, .ok = imei_ok,
	.published = (const char *const []){ "490154203237518", "352099001761481", NULL });

static bool imsi_ok(const char *t, size_t len)
{
	return t[0] >= '2' && t[0] <= '7';	/* the country's code; 001 and 999 are for tests */
}
ID_CLASS(class_imsi, "imsi", GROUP_PII, 2, "number of a mobile subscriber (IMSI)",
	KEYS(K("imsi"), K("imsinumber"), K("subscriberidentity")),
	.shapes = { { "###############", 20 }, { "##############", 18 } }, .ok = imsi_ok);

static bool iccid_ok(const char *t, size_t len)
{
	return len == 18 || luhn_ok(t, len);
}
ID_CLASS(class_iccid, "iccid", GROUP_PII, 2, "number of a SIM card (ICCID)",
	KEYS(K("iccid"), K("sim"), K("simnumber"), K("simcard"), K("simserial"), K("simcardnumber"), K("icc")),
	.shapes = { { "89##################", 45 }, { "89#################", 45 }, { "89################", 20 } }, .ok = iccid_ok);

/* Letters have the values of their row in the standard's table; the ninth place is the check digit. */
static bool vin_ok(const char *t, size_t len)
{
	static const uint8_t letter[] = { 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const uint8_t weights[] = { 8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2 };
	unsigned sum = 0, letters = 0;

	for (size_t i = 0; i < 17; i++) {
		unsigned v = is_digit((uint8_t)t[i]) ? digit_at(t, i) : letter[t[i] - 'A'];

		if (strchr("IOQ", t[i]))
			return false;
		letters += !is_digit((uint8_t)t[i]);
		sum += v * weights[i];
	}
	return letters >= 2 && t[8] == "0123456789X"[sum % 11];
}
ID_CLASS(class_vin, "vin", GROUP_PII, 2, "vehicle identification number",
	KEYS(K("vin"), K("vinnumber"), K("vehicleidentificationnumber"), K("vehiclevin"), K("fahrgestellnummer"), K("chassis"),
	     K("chassisnumber"), K("fin"), K("bastidor"), K("telaio"), K("vinno"), K("vinnum")),
	.shapes = { { "*****************", 28 } }, .ok = vin_ok,
	.published = (const char *const []){ "1HGCM82633A004352", "1M8GDM9AXKP042788", NULL });

static const struct id_rule rule_plate_text = { .shapes = { { "AA##_AAA", 28 }, { "AA_###_AA", 28 }, { "A-AA ####", 28 }, { "A_AA_####", 28 }, { "####_AAA", 28 } } };

/* Of some country: letters and digits, in groups or not. */
static bool is_plate(struct slice v)
{
	size_t digits = 0, letters = 0, marks = 0;

	for (size_t i = 0; i < v.len; i++) {
		digits += is_digit(v.ptr[i]);
		letters += is_upper(v.ptr[i]) || v.ptr[i] >= 0x80;
		marks += v.ptr[i] == ' ' || v.ptr[i] == '-';
	}
	return digits && digits <= 6 && letters && marks <= 2 && digits + letters + marks == v.len && digits + letters >= 4 && v.len <= 12;
}

static int plate_find(struct slice s, size_t at, struct hit *out)
{
	int says = id_find(s, at, out);

	if (says || at || !is_plate(s))
		return says;
	return hit_hidden(out, 0, s.len, 28);
}

const struct class_row class_licence_plate = {
	.info = { "licence_plate", GROUP_PII, 2, CONF_LIKELY, "licence plate of a vehicle" },
	.triggers = TRIGGER_DIGIT | TRIGGER_MIXED | TRIGGER_KEY | TRIGGER_NEAR,
	.against = AGAINST_GENERAL,
	ID_KIND .id = &rule_plate_text,
	.keys = KEYS(K("licenceplate"), K("licenseplate"), K("plate"), K("platenumber"), K("numberplate"), K("vehicleregistration"),
	     K("kennzeichen"), K("kfzkennzeichen"), K("immatriculation"), K("plaqueimmatriculation"), K("matricula"), K("matrícula"),
	     K("targa"), K("placa"), K("kenteken"), K("registrationplate"), K("tablicarejestracyjna"), W("registration"),
	     K("licenseplatenumber"), K("licenceplatenumber"), K("plateno"), K("regplate"), K("vrm")),
	.find = plate_find,
};

/* ---- banks and securities */

/* Bank, country, place, and a branch or none. */
static const char bic_countries[] =
	" AD AE AF AL AM AO AR AT AU AZ BA BD BE BG BH BR BY CA CH CL CN CO CR CY CZ DE DK DO DZ EC EE EG ES FI FR GB GE GH GR"
	" HK HR HU ID IE IL IN IQ IR IS IT JO JP KE KR KW KZ LB LI LK LT LU LV MA MC MD ME MK MT MU MX MY NG NL NO NZ OM PA PE"
	" PH PK PL PT PY QA RO RS RU SA SE SG SI SK SM TH TN TR TW UA US UY VE VN ZA ";

static bool bic_ok(const char *t, size_t len)
{
	char country[] = { ' ', t[4], t[5], ' ', 0 };

	return strstr(bic_countries, country) != NULL;
}
ID_CLASS(class_bic, "bic", GROUP_CONFIDENTIAL, 2, "bank identifier (BIC, SWIFT code)",
	KEYS(K("bic"), K("swift"), K("swiftcode"), K("biccode"), K("bicswift"), K("swiftbic"), K("bankidentifier"), K("bankidentifiercode"),
	     K("creditoragent"), K("debtoragent"), K("bankbic"), K("bankswift"), K("swiftbiccode"), K("bankswiftcode"),
	     K("bicfi")),
	.shapes = { { "AAAAAA*****", 28 }, { "AAAAAA**", 28 } }, .ok = bic_ok);

ID_CLASS(class_uk_sort_code, "uk_sort_code", GROUP_PII, 2, "UK bank sort code",
	KEYS(K("sortcode"), K("banksortcode"), K("ukssortcode"), K("sortcodeuk")),
	.shapes = { { "##-##-##", 28 }, { "## ## ##", 28 }, { "######", 15 } });

static bool in_ifsc_ok(const char *t, size_t len)
{
	return t[4] == '0';
}
ID_CLASS(class_in_ifsc, "in_ifsc", GROUP_CONFIDENTIAL, 2, "Indian bank branch code (IFSC)",
	KEYS(K("ifsc"), K("ifsccode"), K("ifscnumber"), K("bankifsc")),
	.shapes = { { "AAAA#******", 40 } }, .ok = in_ifsc_ok);

ID_CLASS(class_au_bsb, "au_bsb", GROUP_PII, 2, "Australian bank branch number (BSB)",
	KEYS(K("bsb"), K("bsbnumber"), K("bsbcode"), K("bankstatebranch")),
	.shapes = { { "###-###", 28 }, { "######", 18 } });

static unsigned letter_value(char c)
{
	return is_digit((uint8_t)c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

/* Luhn over the digits that remain when each letter is written as its number. */
static bool isin_ok(const char *t, size_t len)
{
	char digits[32], country[] = { ' ', t[0], t[1], ' ', 0 };
	size_t n = 0;

	for (size_t i = 0; i < 12; i++) {
		unsigned v = letter_value(t[i]);

		if (v > 9)
			digits[n++] = (char)('0' + v / 10);
		digits[n++] = (char)('0' + v % 10);
	}
	return luhn_ok(digits, n) && (strstr(bic_countries, country) || !memcmp(t, "XS", 2) || !memcmp(t, "KY", 2) || !memcmp(t, "BM", 2));
}
ID_CLASS(class_isin, "isin", GROUP_CONFIDENTIAL, 2, "number of a security (ISIN)",
	KEYS(K("isin"), K("isincode"), K("securityisin"), W("security"), W("instrument")),
	.shapes = { { "AA*********#", 28 } }, .ok = isin_ok,
	.published = (const char *const []){ "US0378331005", "DE000BAY0017", NULL });

static bool lei_ok(const char *t, size_t len)
{
	return mod97(t, 20) == 1;
}
ID_CLASS(class_lei, "lei", GROUP_CONFIDENTIAL, 2, "legal entity identifier",
	KEYS(K("lei"), K("leicode"), K("legalentityidentifier"), K("legalentity")),
	.shapes = { { "******************##", 28 } }, .ok = lei_ok,
	.published = (const char *const []){ "5493001KJTIIGC8Y1R12", NULL });

static bool cusip_ok(const char *t, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < 8; i++) {
		unsigned v = letter_value(t[i]) * (i & 1 ? 2 : 1);

		sum += v / 10 + v % 10;
	}
	return (10 - sum % 10) % 10 == digit_at(t, 8);
}
ID_CLASS(class_cusip, "cusip", GROUP_CONFIDENTIAL, 2, "number of a North American security (CUSIP)",
	KEYS(K("cusip"), K("cusipnumber"), K("cusipid"), K("cusipcode")),
	.shapes = { { "###*****#", 22 }, { "A*******#", 18 } }, .ok = cusip_ok,
	.published = (const char *const []){ "037833100", NULL });

/* ---- health */

/* A letter and two digits are half of all part numbers: the code table's letters, and a key. */
ID_CLASS(class_icd10, "icd10", GROUP_PHI, 2, "diagnosis code (ICD-10)",
	KEYS(K("icd"), K("icd10"), K("icdcode"), K("diagnosiscode"), K("icd10code"), K("dxcode"), K("primarydiagnosis"), K("dx"),
	     K("diagnosis"), K("icd10cm"), K("codediagnostic"), K("diagnosekode"), K("diagnoseschlüssel")),
	.shapes = { { "A##.*", 28 }, { "A##.**", 28 }, { "A##.***", 28 }, { "A##.****", 28 }, });

ID_CLASS(class_hcpcs, "hcpcs", GROUP_PHI, 2, "procedure code (CPT, HCPCS)",
	KEYS(K("cpt"), K("hcpcs"), K("cptcode"), K("hcpcscode"), K("procedurecode")),
	.shapes = { { "A####", 28 }, { "####A", 28 }, { "#####", 15 } });	/* far behind a word: no */

ID_CLASS(class_ndc, "ndc", GROUP_PHI, 2, "US drug code (NDC)",
	KEYS(K("ndc"), K("ndccode"), K("nationaldrugcode"), K("drugcode"), K("ndcnumber")),
	.shapes = { { "#####-####-##", 28 }, { "####-####-##", 28 }, { "#####-###-##", 28 }, { "#####-####-#", 28 } });

static bool udi_ok(const char *t, size_t len)
{
	return gs1_ok(t + 2, 14);
}
ID_CLASS(class_udi, "udi", GROUP_PHI, 2, "medical device identifier (UDI)",
	KEYS(K("udi"), K("udidi"), K("deviceidentifier"), K("deviceudi")),
	.shapes = { { "(01)##############", 60 }, { "01##############", 20 } }, .ok = udi_ok);

static bool loinc_ok(const char *t, size_t len)
{
	return luhn_ok(t, len);
}
ID_CLASS(class_loinc, "loinc", GROUP_PHI, 2, "laboratory code (LOINC)",
	KEYS(K("loinc"), K("loinccode"), K("loincnum"), K("testcode"), W("code")),
	.shapes = { { "#####-#", 28 }, { "####-#", 28 }, { "###-#", 20 } }, .ok = loinc_ok);

/* The last three digits are the partition, 00 to 02 or 10 to 12, and the check digit. */
static bool snomed_ok(const char *t, size_t len)
{
	return (t[len - 3] == '0' || t[len - 3] == '1') && t[len - 2] <= '2' && verhoeff_ok(t, len);
}
ID_CLASS(class_snomed, "snomed", GROUP_PHI, 2, "clinical code (SNOMED CT)",
	KEYS(K("snomed"), K("snomedct"), K("snomedcode"), K("sctid"), K("snomedid"), K("conceptid")),
	.shapes = { { "#########", 25 }, { "########", 25 }, { "###############", 25 }, { "#######", 20 } }, .ok = snomed_ok);
