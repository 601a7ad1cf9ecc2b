/* SPDX-License-Identifier: Apache-2.0 */
/* ids_americas.c - personal, tax and health numbers of the Americas. us_ssn.c has a file of its own. */
#include <string.h>

#include "classify/ids.h"

static bool us_itin_ok(const char *t, size_t len)
{
	unsigned group = number_at(t, 3, 2);

	return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group <= 92) || group >= 94;
}
ID_CLASS(class_us_itin, "us_itin", GROUP_PII, 2, "US individual taxpayer identification number",
	KEYS(K("itin"), K("individualtaxpayer"), K("individualtaxpayeridentificationnumber"), K("itinnumber"), W("taxid"), W("tin"),
	     W("ssn"), W("taxpayerid"), W("taxidentificationnumber")),
	.shapes = { { "9##-##-####", 45 }, { "9## ## ####", 28 }, { "9########", 18 } }, .ok = us_itin_ok);

/* The first two digits are those of an office of the IRS. */
static bool us_ein_ok(const char *t, size_t len)
{
	static const char no[] = " 00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97 ";
	char head[] = { ' ', t[0], t[1], ' ', 0 };

	return !strstr(no, head);
}
ID_CLASS(class_us_ein, "us_ein", GROUP_CONFIDENTIAL, 2, "US employer identification number",
	KEYS(K("ein"), K("employeridentificationnumber"), K("employerid"), K("fein"), K("federaltaxid"), K("einnumber"), { "taxid", KEY_WEAK + 10 },
	     K("employertaxid"), K("federalein"), K("feinnumber"), K("federalemployeridentificationnumber"), K("companytaxid")),
	.shapes = { { "##-#######", 28 }, { "#########", 10 } }, .ok = us_ein_ok);

/* Germany's have letters among the digits. */
static bool passport_ok(const char *t, size_t len)
{
	unsigned nr = 0;

	for (size_t i = 0; i < len; i++)
		nr += is_digit((uint8_t)t[i]);
	return nr > 3;
}
static const struct id_rule rule_passport_text = { .shapes = { { "A########", 28 }, { "AA#######", 28 }, { "##AA#####", 28 }, { "A#######", 20 }, { "#########", 20 },
		    { "A********", 20 } }, .ok = passport_ok };

/* A field that says so holds that of any country: letters and digits, six to nine. */
static int passport_find(struct slice s, size_t at, struct hit *out)
{
	int says = id_find(s, at, out);
	size_t nr = 0, digits = 0;

	if (says || at)
		return says;
	for (size_t i = 0; i < s.len; i++) {
		digits += is_digit(s.ptr[i]);
		nr += is_digit(s.ptr[i]) || is_upper(s.ptr[i]);
		if (!is_digit(s.ptr[i]) && !is_upper(s.ptr[i]) && s.ptr[i] != ' ' && s.ptr[i] != '-')
			return 0;
	}
	if (nr < 6 || nr > 9 || nr + 1 < s.len || 2 * digits < nr - 3 || digits < 3)
		return 0;
	return hit_hidden(out, 0, s.len, 20);
}

const struct class_row class_us_passport = {
	.info = { "us_passport", GROUP_PII, 3, CONF_LIKELY, "passport number" },
	.triggers = TRIGGER_DIGIT | TRIGGER_MIXED | TRIGGER_KEY | TRIGGER_NEAR,
	.against = AGAINST_GENERAL,
	ID_KIND .id = &rule_passport_text,
	.keys = KEYS(K("passport"), K("passportnumber"), K("passportno"), K("passportid"), K("uspassport"), K("numerodepasaporte"), K("pasaporte"),
	     K("passeport"), K("numerodepasseport"), K("passaporto"), K("numeropassaporto"), K("passaporte"), K("paspoort"),
	     K("paspoortnummer"), K("paszport"), K("numerpaszportu"), K("traveldocument"), K("traveldocumentnumber"), K("passportnum"),
	     K("passportnbr"), K("passportnr")),
	.find = passport_find,
};

static bool ca_sin_ok(const char *t, size_t len)
{
	return ((t[0] != '0' && t[0] != '8') || !strcmp(t, "046454286")) && luhn_ok(t, 9);	/* that one is of the authority's own forms */
}
ID_CLASS(class_ca_sin, "ca_sin", GROUP_PII, 2, "Canadian social insurance number",
	KEYS(K("sin"), K("socialinsurancenumber"), K("socialinsurance"), K("sinnumber"), K("nas"), K("numerodassurancesociale"),
	     K("assurancesociale")),
	.shapes = { { "###-###-###", 40 }, { "### ### ###", 28 }, { "#########", 20 } }, .ok = ca_sin_ok,
	.published = (const char *const []){ "046454286", NULL });

static bool ca_ohip_ok(const char *t, size_t len)
{
	return t[0] != '0' && luhn_ok(t, 10);
}
ID_CLASS(class_ca_ohip, "ca_ohip", GROUP_PHI, 2, "Ontario health card number",
	KEYS(K("ohip"), K("ohipnumber"), K("healthcard"), K("healthcardnumber"), K("hcn"), W("healthnumber")),
	.shapes = { { "####-###-###-AA", 62 }, { "####_###_###", 28 }, { "##########AA", 45 }, { "##########", 20 } }, .ok = ca_ohip_ok);

static bool ca_bcphn_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 4, 8, 5, 10, 9, 7, 3, 0 };

	return t[0] == '9' && 11 - digits_weighed(t + 1, weights) % 11 == digit_at(t, 9);
}
ID_CLASS(class_ca_bcphn, "ca_bcphn", GROUP_PHI, 2, "British Columbia personal health number",
	KEYS(K("phn"), K("bcphn"), K("personalhealthnumber"), K("phnnumber"), W("healthcard"), W("healthnumber")),
	.shapes = { { "####_###_###", 28 }, { "##########", 22 } }, .ok = ca_bcphn_ok);

static bool ca_ramq_ok(const char *t, size_t len)
{
	unsigned month = number_at(t, 6, 2);

	return day_ok(number_at(t, 8, 2), month > 50 ? month - 50 : month);
}
ID_CLASS(class_ca_ramq, "ca_ramq", GROUP_PHI, 2, "Quebec health insurance number",
	KEYS(K("ramq"), K("nam"), K("assurancemaladie"), K("numerodassurancemaladie"), K("carteassurancemaladie"), K("assurancemaladieno"),
	     W("healthcard"), W("healthnumber")),
	.shapes = { { "AAAA_####_####", 48 }, { "AAAA########", 42 } }, .ok = ca_ramq_ok);

static bool br_cpf_ok(const char *t, size_t len)
{
	unsigned a = digits_weighed(t, (const uint8_t []){ 10, 9, 8, 7, 6, 5, 4, 3, 2, 0 }) * 10 % 11 % 10;
	unsigned b = digits_weighed(t, (const uint8_t []){ 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0 }) * 10 % 11 % 10;

	return a == digit_at(t, 9) && b == digit_at(t, 10);
}
ID_CLASS(class_br_cpf, "br_cpf", GROUP_PII, 1, "Brazilian taxpayer number of a person (CPF)",
	KEYS(K("cpf"), K("cpfnumber"), K("numerocpf"), K("cpfcliente"), K("cadastrodepessoa"), W("documento"), W("taxid"), K("cpfcnpj"),
	     K("nrcpf")),
	.shapes = { { "###.###.###-##", 92 }, { "#########-##", 60 }, { "###########", 40 } }, .ok = br_cpf_ok,
	.published = (const char *const []){ "11144477735", "52998224725", NULL });

/* Letters count from their place in ASCII: since 2026 a number may have them. */
static unsigned cnpj_digit(const char *t, size_t len)
{
	unsigned sum = 0, weight = 2;

	for (size_t i = len; i-- > 0; weight = weight == 9 ? 2 : weight + 1)
		sum += (unsigned)(t[i] - '0') * weight;
	return sum % 11 < 2 ? 0 : 11 - sum % 11;
}

static bool br_cnpj_ok(const char *t, size_t len)
{
	return is_digit((uint8_t)t[12]) && is_digit((uint8_t)t[13]) && cnpj_digit(t, 12) == digit_at(t, 12) &&
	       cnpj_digit(t, 13) == digit_at(t, 13);
}
ID_CLASS(class_br_cnpj, "br_cnpj", GROUP_CONFIDENTIAL, 1, "Brazilian company number (CNPJ)",
	KEYS(K("cnpj"), K("numerocnpj"), K("cnpjempresa"), W("documento"), W("taxid"), K("cpfcnpj"), K("nrcnpj"),
	     K("cnpjnumber")),
	.shapes = { { "##.###.###/####-##", 94 }, { "**.***.***/****-##", 94 }, { "##############", 42 } }, .ok = br_cnpj_ok,
	.published = (const char *const []){ "11222333000181", "12ABC34501DE35", NULL });

static bool mx_curp_ok(const char *t, size_t len)
{
	static const char states[] = " AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE ";
	char state[] = { ' ', t[11], t[12], ' ', 0 };
	unsigned sum = 0;

	/* Ñ has the place between N and O, so that the letters after it count one more. */
	for (size_t i = 0; i < 17; i++) {
		unsigned v = is_digit((uint8_t)t[i]) ? digit_at(t, i) : (unsigned)(t[i] - 'A') + 10 + (t[i] > 'N');

		sum += v * (unsigned)(18 - i);
	}
	return day_ok(number_at(t, 8, 2), number_at(t, 6, 2)) && strchr("HMX", t[10]) && strstr(states, state) &&
	       (10 - sum % 10) % 10 == digit_at(t, 17);
}
ID_CLASS(class_mx_curp, "mx_curp", GROUP_PII, 1, "Mexican population registry code (CURP)",
	KEYS(K("curp"), K("clavecurp"), NATIONAL_ID),
	.shapes = { { "AAAA######AAAAAA*#", 94 } }, .ok = mx_curp_ok);

static unsigned rfc_value(char c)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ ";
	const char *at = strchr(alphabet, c);

	return at ? (unsigned)(at - alphabet) : 0;
}

static bool mx_rfc_ok(const char *t, size_t len)
{
	unsigned sum = len == 12 ? 13 * rfc_value(' ') : 0, check;
	size_t date = len - 9;

	for (size_t i = 0; i + 1 < len; i++)
		sum += rfc_value(t[i]) * (unsigned)(len - i);
	check = (11 - sum % 11) % 11;
	return day_ok(number_at(t, date + 4, 2), number_at(t, date + 2, 2)) &&
	       t[len - 1] == (check == 10 ? 'A' : (char)('0' + check));
}
ID_CLASS(class_mx_rfc, "mx_rfc", GROUP_PII, 2, "Mexican taxpayer code (RFC)",
	KEYS(K("rfc"), K("claverfc"), K("registrofederal"), K("registrofederaldecontribuyentes"), W("taxid"), K("rfcemisor"),
	     K("rfcreceptor"), K("rfcnumber")),
	.shapes = { { "AAAA######***", 65 }, { "AAA######***", 55 } }, .ok = mx_rfc_ok);

static bool ar_cuit_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1, 0 };
	static const char heads[] = " 20 23 24 25 26 27 30 33 34 ";
	char head[] = { ' ', t[0], t[1], ' ', 0 };

	return strstr(heads, head) && digits_weighed(t, weights) % 11 == 0;
}
ID_CLASS(class_ar_cuit, "ar_cuit", GROUP_PII, 2, "Argentine tax number (CUIT, CUIL)",
	KEYS(K("cuit"), K("cuil"), K("numerocuit"), K("nrocuit"), W("taxid"), K("cuitcuil"), K("cuitnumber")),
	.shapes = { { "##-########-#", 78 }, { "###########", 28 } }, .ok = ar_cuit_ok);

static bool cl_rut_ok(const char *t, size_t len)
{
	unsigned sum = 0, weight = 2;

	for (size_t i = len - 1; i-- > 0; weight = weight == 7 ? 2 : weight + 1)
		sum += digit_at(t, i) * weight;
	return t[len - 1] == "0K987654321"[sum % 11];
}
ID_CLASS(class_cl_rut, "cl_rut", GROUP_PII, 2, "Chilean tax and identity number (RUT)",
	KEYS(K("rut"), W("run"), K("numerorut"), K("rutcliente"), W("taxid"), K("rutnumber"), K("numerorun")),
	.shapes = { { "##.###.###-*", 85 }, { "#.###.###-*", 80 }, { "########-*", 40 }, { "#######-*", 35 },
		    { "########*", 12 }, { "#######*", 8 } }, .ok = cl_rut_ok);

static bool co_nit_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 41, 37, 29, 23, 19, 17, 13, 7, 3, 0 };
	unsigned rest = digits_weighed(t, weights) % 11;

	return (rest < 2 ? rest : 11 - rest) == digit_at(t, 9);
}
ID_CLASS(class_co_nit, "co_nit", GROUP_CONFIDENTIAL, 2, "Colombian tax number (NIT)",
	KEYS(K("nit"), K("numeronit"), W("taxid")),
	.shapes = { { "###.###.###-#", 62 }, { "#########-#", 40 }, { "##########", 18 } }, .ok = co_nit_ok);

static bool pe_ruc_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 0 };
	static const char heads[] = " 10 15 16 17 20 ";
	char head[] = { ' ', t[0], t[1], ' ', 0 };

	return strstr(heads, head) && (11 - digits_weighed(t, weights) % 11) % 10 == digit_at(t, 10);
}
ID_CLASS(class_pe_ruc, "pe_ruc", GROUP_CONFIDENTIAL, 2, "Peruvian tax number (RUC)",
	KEYS(K("ruc"), K("numeroruc"), K("nroruc"), W("taxid")),
	.shapes = { { "###########", 28 } }, .ok = pe_ruc_ok);

static bool uy_ci_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 9, 8, 7, 6, 3, 4, 0 };

	return (10 - digits_weighed(t, weights) % 10) % 10 == digit_at(t, 7);
}
ID_CLASS(class_uy_ci, "uy_ci", GROUP_PII, 2, "Uruguayan identity number",
	KEYS(K("cedula"), K("cédula"), K("ci"), K("cedulaidentidad"), K("cedeladeidentidad"), K("documento"), NATIONAL_ID),
	.shapes = { { "#.###.###-#", 65 }, { "#######-#", 28 }, { "########", 12 } }, .ok = uy_ci_ok);

static bool ec_cedula_ok(const char *t, size_t len)
{
	unsigned province = number_at(t, 0, 2);

	return ((province >= 1 && province <= 24) || province == 30) && t[2] < '6' && luhn_ok(t, 10);
}
ID_CLASS(class_ec_cedula, "ec_cedula", GROUP_PII, 2, "Ecuadorian identity number",
	KEYS(K("cedula"), K("cédula"), K("numerocedula"), K("cedulaidentidad"), NATIONAL_ID, K("numerodecedula")),
	.shapes = { { "#########-#", 28 }, { "##########", 22 } }, .ok = ec_cedula_ok);

/* ---- United States: health and banks */

static bool us_npi_ok(const char *t, size_t len)
{
	char long_form[16] = "80840";

	memcpy(long_form + 5, t, 11);
	return (t[0] == '1' || t[0] == '2') && luhn_ok(long_form, 15);
}
ID_CLASS(class_us_npi, "us_npi", GROUP_PHI, 2, "US national provider identifier",
	KEYS(K("npi"), K("npinumber"), K("nationalprovider"), K("nationalprovideridentifier"), K("providernpi"), K("prescribernpi"),
	     K("npino"), K("providernpinumber")),
	.shapes = { { "##########", 22 } }, .ok = us_npi_ok,
	.published = (const char *const []){ "1234567893", NULL });

static bool us_dea_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 2, 1, 2, 1, 2, 0 };

	return strchr("ABCDEFGHJKLMPRSTUX", t[0]) && digits_weighed(t + 2, weights) % 10 == digit_at(t, 8);
}
ID_CLASS(class_us_dea, "us_dea", GROUP_PHI, 2, "US DEA registration number",
	KEYS(K("dea"), K("deanumber"), K("deano"), K("dearegistration"), K("prescriberdea")),
	.shapes = { { "AA#######", 40 } }, .ok = us_dea_ok);

/* Position by position: digit, letter, either; the letters that look like digits are left out. */
static bool us_mbi_ok(const char *t, size_t len)
{
	for (size_t i = 0; i < 11; i++)
		if (strchr("SLOIBZ", t[i]))
			return false;
	return t[0] != '0';
}
ID_CLASS(class_us_mbi, "us_mbi", GROUP_PHI, 1, "US Medicare beneficiary identifier",
	KEYS(K("mbi"), K("medicare"), K("medicareid"), K("medicarenumber"), K("medicarebeneficiaryidentifier"), K("beneficiaryid"),
	     K("mbinumber"), K("medicarembi")),
	.shapes = { { "#A*#-A*#-AA##", 85 }, { "#A*#A*#AA##", 60 } }, .ok = us_mbi_ok,
	.published = (const char *const []){ "1EG4TE5MK73", "1EG4TE5MK72", NULL });

ID_CLASS(class_us_hicn, "us_hicn", GROUP_PHI, 2, "US health insurance claim number",
	KEYS(K("hicn"), K("hic"), K("healthinsuranceclaimnumber"), K("hicnumber"), W("medicarenumber")),
	.shapes = { { "###-##-####A#", 45 }, { "###-##-####A", 45 }, { "#########A#", 20 }, { "#########A", 20 } });

static bool us_aba_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 3, 7, 1, 3, 7, 1, 3, 7, 1, 0 };
	unsigned head = number_at(t, 0, 2);

	return (head <= 12 || (head >= 21 && head <= 32) || (head >= 61 && head <= 72) || head == 80) &&
	       digits_weighed(t, weights) % 10 == 0;
}
ID_CLASS(class_us_aba, "us_aba", GROUP_PII, 2, "US bank routing number",
	KEYS(K("aba"), K("routing"), K("routingnumber"), K("abarouting"), K("abanumber"), K("routingno"), K("bankrouting"),
	     K("routingtransitnumber"), K("rtn"), K("achrouting"), K("abaroutingnumber"), K("routingtransit"), K("wirerouting"),
	     K("transitnumber"), K("routingnum"), K("routingcode"), K("abartn"), K("routingnbr"), K("bankroutingnumber"),
	     W("rt")),
	.shapes = { { "####-####-#", 40 }, { "#########", 22 } }, .ok = us_aba_ok,
	.published = (const char *const []){ "021000021", "011401533", "123456780", NULL });

static bool mx_clabe_ok(const char *t, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < 17; i++)
		sum += digit_at(t, i) * (i % 3 == 0 ? 3 : i % 3 == 1 ? 7 : 1) % 10;
	return (10 - sum % 10) % 10 == digit_at(t, 17);
}
ID_CLASS(class_mx_clabe, "mx_clabe", GROUP_PII, 2, "Mexican bank account number (CLABE)",
	KEYS(K("clabe"), K("clabeinterbancaria"), K("cuentaclabe"), W("cuenta"), W("accountnumber")),
	.shapes = { { "##################", 25 } }, .ok = mx_clabe_ok,
	.published = (const char *const []){ "032180000118359719", "002010077777777771", NULL });
