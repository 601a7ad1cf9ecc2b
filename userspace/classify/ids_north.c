/* SPDX-License-Identifier: Apache-2.0 */
/* ids_north.c - personal and tax numbers of the Nordic and Baltic countries, of eastern and south-eastern Europe. */
#include <string.h>

#include "classify/ids.h"

static bool se_personnummer_ok(const char *t, size_t len)
{
	const char *ten = t + len - 10;
	unsigned day = number_at(ten, 4, 2);

	if (len == 12 && memcmp(t, "19", 2) && memcmp(t, "20", 2))
		return false;
	return day_ok(day > 60 ? day - 60 : day, number_at(ten, 2, 2)) && luhn_ok(ten, 10);
}
ID_CLASS(class_se_personnummer, "se_personnummer", GROUP_PII, 2, "Swedish personal number",
	KEYS(K("personnummer"), K("persnr"), K("pnr"), K("samordningsnummer"), K("personalnumber"), NATIONAL_ID, W("ssn"),
	     K("personnr")),
	.shapes = { { "########-####", 65 }, { "######-####", 45 }, { "######+####", 65 }, { "############", 40 },
		    { "##########", 28 } }, .ok = se_personnummer_ok,
	.published = (const char *const []){ "8507099805", "198507099805", "8112189876", NULL });

static bool no_fnr_ok(const char *t, size_t len)
{
	static const uint8_t first[] = { 3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0 }, second[] = { 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1, 0 };
	unsigned day = number_at(t, 0, 2), month = number_at(t, 2, 2);

	return day_ok(day > 40 ? day - 40 : day, month % 40) && digits_weighed(t, first) % 11 == 0 &&
	       digits_weighed(t, second) % 11 == 0;
}
ID_CLASS(class_no_fnr, "no_fnr", GROUP_PII, 1, "Norwegian birth number",
	KEYS(K("fodselsnummer"), K("fødselsnummer"), K("fnr"), K("fodselsnr"), K("personnummer"), K("dnummer"), NATIONAL_ID,
	     K("personidentifikator"), W("personalnumber")),
	.shapes = { { "######_#####", 72 }, { "###########", 45 } }, .ok = no_fnr_ok);

static bool dk_cpr_ok(const char *t, size_t len)
{
	return date_ok(t, "dmy");	/* the check digit is not kept to since 2007 */
}
ID_CLASS(class_dk_cpr, "dk_cpr", GROUP_PII, 2, "Danish personal number (CPR)",
	KEYS(K("cpr"), K("cprnummer"), K("cprnr"), K("personnummer"), K("cprnumber"), NATIONAL_ID),
	.shapes = { { "######-####", 40 }, { "###### ####", 28 }, { "##########", 20 } }, .ok = dk_cpr_ok);

static bool fi_hetu_ok(const char *t, size_t len)
{
	char nine[10];

	memcpy(nine, t, 6);
	memcpy(nine + 6, t + len - 4, 3);
	nine[9] = 0;
	return date_ok(t, "dmy") && t[len - 1] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[number_at(nine, 0, 9) % 31] &&
	       (len == 10 || strchr("ABCDEFUVWXY", t[6])) && number_at(nine, 6, 3) >= 2;
}
ID_CLASS(class_fi_hetu, "fi_hetu", GROUP_PII, 1, "Finnish personal identity code",
	KEYS(K("hetu"), K("henkilotunnus"), K("henkilötunnus"), K("sotu"), K("personbeteckning"), NATIONAL_ID, W("ssn")),
	.shapes = { { "######-###*", 70 }, { "######+###*", 80 }, { "######A###*", 75 } }, .ok = fi_hetu_ok,
	.published = (const char *const []){ "131052308T", NULL });

static bool is_kennitala_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 3, 2, 7, 6, 5, 4, 3, 2, 1, 0 };
	unsigned day = number_at(t, 0, 2);

	return day_ok(day > 40 ? day - 40 : day, number_at(t, 2, 2)) && strchr("890", t[9]) && digits_weighed(t, weights) % 11 == 0;
}
ID_CLASS(class_is_kennitala, "is_kennitala", GROUP_PII, 2, "Icelandic identity number",
	KEYS(K("kennitala"), K("kt"), NATIONAL_ID, K("kennitalanumber")),
	.shapes = { { "######-####", 45 }, { "##########", 28 } }, .ok = is_kennitala_ok);

/* The personal code of Estonia and Lithuania: the second weights where the first leave ten. */
static bool baltic_ok(const char *t, size_t len)
{
	static const uint8_t first[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 0 }, second[] = { 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 0 };
	unsigned check = digits_weighed(t, first) % 11;

	if (t[0] < '1' || t[0] > '8' || !day_ok(number_at(t, 5, 2), number_at(t, 3, 2)))
		return false;
	if (check == 10)
		check = digits_weighed(t, second) % 11 % 10;
	return check == digit_at(t, 10);
}
ID_CLASS(class_ee_isikukood, "ee_isikukood", GROUP_PII, 2, "Estonian personal code",
	KEYS(K("isikukood"), W("ik"), W("personalcode"), NATIONAL_ID),
	.shapes = { { "###########", 40 } }, .ok = baltic_ok);
ID_CLASS(class_lt_asmens_kodas, "lt_asmens_kodas", GROUP_PII, 2, "Lithuanian personal code",
	KEYS(K("asmenskodas"), K("asmenskod"), W("personalcode"), NATIONAL_ID),
	.shapes = { { "###########", 40 } }, .ok = baltic_ok);

static bool lv_pk_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 0 };

	return date_ok(t, "dmy") && (1101 - digits_weighed(t, weights)) % 11 % 10 == digit_at(t, 10);
}
ID_CLASS(class_lv_pk, "lv_pk", GROUP_PII, 2, "Latvian personal code",
	KEYS(K("personaskods"), K("perskods"), W("pk"), W("personalcode"), NATIONAL_ID),
	.shapes = { { "######-#####", 45 }, { "###########", 28 } }, .ok = lv_pk_ok);

/* The century is in the month: 80 for 1800, 20 for 2000. */
static bool pl_pesel_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1, 0 };

	return day_ok(number_at(t, 4, 2), number_at(t, 2, 2) % 20) && digits_weighed(t, weights) % 10 == 0;
}
ID_CLASS(class_pl_pesel, "pl_pesel", GROUP_PII, 2, "Polish personal number (PESEL)",
	KEYS(K("pesel"), K("numerpesel"), K("nrpesel"), NATIONAL_ID),
	.shapes = { { "###########", 40 } }, .ok = pl_pesel_ok,
	.published = (const char *const []){ "44051401359", "02070803628", NULL });

static bool pl_nip_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 6, 5, 7, 2, 3, 4, 5, 6, 7, 0 };

	return t[0] != '0' && digits_weighed(t, weights) % 11 == digit_at(t, 9);
}
ID_CLASS(class_pl_nip, "pl_nip", GROUP_PII, 2, "Polish tax number (NIP)",
	KEYS(K("nip"), K("numernip"), K("nrnip"), W("taxid"), W("vatid")),
	.shapes = { { "###-###-##-##", 60 }, { "###-##-##-###", 60 }, { "##########", 20 } }, .ok = pl_nip_ok);

static bool pl_regon_ok(const char *t, size_t len)
{
	static const uint8_t nine[] = { 8, 9, 2, 3, 4, 5, 6, 7, 0 }, more[] = { 2, 4, 8, 5, 0 }, rest[] = { 9, 7, 3, 6, 1, 2, 4, 8, 0 };

	if (digits_weighed(t, nine) % 11 % 10 != digit_at(t, 8))
		return false;
	return len == 9 || (digits_weighed(t, more) + digits_weighed(t + 5, rest)) % 11 % 10 == digit_at(t, 13);
}
ID_CLASS(class_pl_regon, "pl_regon", GROUP_CONFIDENTIAL, 2, "Polish business number (REGON)",
	KEYS(K("regon"), K("numerregon"), K("nrregon")),
	.shapes = { { "##############", 22 }, { "#########", 20 } }, .ok = pl_regon_ok);

static bool cz_rc_ok(const char *t, size_t len)
{
	unsigned month = number_at(t, 2, 2), rest = 0;

	for (size_t i = 0; i < 9; i++)
		rest = (rest * 10 + digit_at(t, i)) % 11;
	if (month > 50)
		month -= 50;
	return day_ok(number_at(t, 4, 2), month > 20 ? month - 20 : month) && rest % 10 == digit_at(t, 9);	/* ten was written 0 until 1985 */
}
ID_CLASS(class_cz_rc, "cz_rc", GROUP_PII, 2, "Czech and Slovak birth number",
	KEYS(K("rodnecislo"), K("rodnécislo"), K("rodnéčíslo"), K("rodnečislo"), W("rc"), W("birthnumber"), NATIONAL_ID, K("birthno"),
	     K("rodnecislonumber")),
	.shapes = { { "######/####", 68 }, { "##########", 28 } }, .ok = cz_rc_ok);

static bool hu_taj_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 3, 7, 3, 7, 3, 7, 3, 7, 0 };

	return digits_weighed(t, weights) % 10 == digit_at(t, 8);
}
ID_CLASS(class_hu_taj, "hu_taj", GROUP_PHI, 2, "Hungarian social security number (TAJ)",
	KEYS(K("taj"), K("tajszam"), K("tajszám"), K("tajnumber")),
	.shapes = { { "###_###_###", 25 }, { "#########", 20 } }, .ok = hu_taj_ok);

static bool hu_tax_id_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 0 };

	return t[0] == '8' && digits_weighed(t, weights) % 11 == digit_at(t, 9);
}
ID_CLASS(class_hu_tax_id, "hu_tax_id", GROUP_PII, 2, "Hungarian tax number of a person",
	KEYS(K("adoazonosito"), K("adóazonosító"), K("adoazonositojel"), K("adóazonosítójel"), K("adoszam"), W("taxid")),
	.shapes = { { "##########", 28 } }, .ok = hu_tax_id_ok);

static bool ro_cnp_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9, 0 };
	unsigned check = digits_weighed(t, weights) % 11, county = number_at(t, 7, 2);

	return t[0] >= '1' && t[0] <= '8' && day_ok(number_at(t, 5, 2), number_at(t, 3, 2)) && county >= 1 && county <= 52 &&
	       (check == 10 ? 1 : check) == digit_at(t, 12);
}
ID_CLASS(class_ro_cnp, "ro_cnp", GROUP_PII, 2, "Romanian personal number (CNP)",
	KEYS(K("cnp"), K("codnumericpersonal"), NATIONAL_ID),
	.shapes = { { "#############", 40 } }, .ok = ro_cnp_ok);

static bool bg_egn_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 4, 8, 5, 10, 9, 7, 3, 6, 0 };

	return day_ok(number_at(t, 4, 2), number_at(t, 2, 2) % 20) && number_at(t, 2, 2) < 53 &&
	       digits_weighed(t, weights) % 11 % 10 == digit_at(t, 9);
}
ID_CLASS(class_bg_egn, "bg_egn", GROUP_PII, 2, "Bulgarian personal number (EGN)",
	KEYS(K("egn"), K("егн"), K("egnnumber"), NATIONAL_ID),
	.shapes = { { "##########", 28 } }, .ok = bg_egn_ok);

static bool hr_oib_ok(const char *t, size_t len)
{
	return mod11_10_ok(t, 11);
}
ID_CLASS(class_hr_oib, "hr_oib", GROUP_PII, 2, "Croatian personal number (OIB)",
	KEYS(K("oib"), K("osobniidentifikacijskibroj"), W("taxid")),
	.shapes = { { "###########", 22 } }, .ok = hr_oib_ok);

/* The numbers of the former Yugoslav republics: birthday, region, serial. */
static bool jmbg_ok(const char *t, unsigned from, unsigned to)
{
	static const uint8_t weights[] = { 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1, 0 };
	unsigned region = number_at(t, 7, 2), year = number_at(t, 4, 3);

	return day_ok(number_at(t, 0, 2), number_at(t, 2, 2)) && (year >= 900 || year < 36) && region >= from && region <= to &&
	       digits_weighed(t, weights) % 11 == 0;
}

static bool si_emso_ok(const char *t, size_t len)
{
	return jmbg_ok(t, 50, 59);
}
ID_CLASS(class_si_emso, "si_emso", GROUP_PII, 2, "Slovenian personal number (EMŠO)",
	KEYS(K("emso"), K("emšo"), NATIONAL_ID),
	.shapes = { { "#############", 45 } }, .ok = si_emso_ok);

static bool rs_jmbg_ok(const char *t, size_t len)
{
	return jmbg_ok(t, 1, 49) || jmbg_ok(t, 60, 99);
}
ID_CLASS(class_rs_jmbg, "rs_jmbg", GROUP_PII, 2, "Serbian personal number (JMBG)",
	KEYS(K("jmbg"), K("maticnibroj"), K("matičnibroj"), K("jedinstvenimaticnibroj"), NATIONAL_ID),
	.shapes = { { "#############", 45 } }, .ok = rs_jmbg_ok);

static bool gr_amka_ok(const char *t, size_t len)
{
	return date_ok(t, "dmy") && luhn_ok(t, 11);
}
ID_CLASS(class_gr_amka, "gr_amka", GROUP_PII, 2, "Greek social security number (AMKA)",
	KEYS(K("amka"), K("αμκα"), W("socialsecuritynumber")),
	.shapes = { { "###########", 40 } }, .ok = gr_amka_ok);

static bool gr_afm_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 128, 64, 32, 16, 8, 4, 2, 0 };

	return (2 * digits_weighed(t, weights) + 2 * digit_at(t, 7)) % 11 % 10 == digit_at(t, 8);
}
ID_CLASS(class_gr_afm, "gr_afm", GROUP_PII, 2, "Greek tax number (AFM)",
	KEYS(K("afm"), K("αφμ"), W("taxid"), W("vatnumber")),
	.shapes = { { "#########", 20 } }, .ok = gr_afm_ok);

static bool tr_tckn_ok(const char *t, size_t len)
{
	unsigned odd = 0, even = 0;

	for (size_t i = 0; i < 9; i++)
		*(i & 1 ? &even : &odd) += digit_at(t, i);
	return t[0] != '0' && (7 * odd + 10 * 9 - even) % 10 == digit_at(t, 9) && (odd + even + digit_at(t, 9)) % 10 == digit_at(t, 10);
}
ID_CLASS(class_tr_tckn, "tr_tckn", GROUP_PII, 2, "Turkish identity number",
	KEYS(K("tckn"), K("tckimlik"), K("tckimlikno"), K("kimlikno"), K("kimliknumarasi"), K("tcno"), NATIONAL_ID),
	.shapes = { { "###########", 40 } }, .ok = tr_tckn_ok);

static bool ru_inn_ok(const char *t, size_t len)
{
	static const uint8_t ten[] = { 2, 4, 10, 3, 5, 9, 4, 6, 8, 0 }, eleven[] = { 7, 2, 4, 10, 3, 5, 9, 4, 6, 8, 0 },
		twelve[] = { 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8, 0 };

	if (len == 10)
		return digits_weighed(t, ten) % 11 % 10 == digit_at(t, 9);
	return digits_weighed(t, eleven) % 11 % 10 == digit_at(t, 10) && digits_weighed(t, twelve) % 11 % 10 == digit_at(t, 11);
}
ID_CLASS(class_ru_inn, "ru_inn", GROUP_PII, 2, "Russian tax number (INN)",
	KEYS(K("inn"), K("инн"), K("innnumber"), W("taxid")),
	.shapes = { { "############", 28 }, { "##########", 20 } }, .ok = ru_inn_ok);

static bool ru_snils_ok(const char *t, size_t len)
{
	return digits_weighed(t, (const uint8_t []){ 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 }) % 101 % 100 == number_at(t, 9, 2);
}
ID_CLASS(class_ru_snils, "ru_snils", GROUP_PII, 2, "Russian insurance number (SNILS)",
	KEYS(K("snils"), K("снилс"), K("snilsnumber"), W("socialsecuritynumber")),
	.shapes = { { "###-###-### ##", 88 }, { "###-###-###-##", 75 }, { "###########", 40 } }, .ok = ru_snils_ok);
