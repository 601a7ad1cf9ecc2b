/* SPDX-License-Identifier: Apache-2.0 */
/* ids_asia.c - personal and tax numbers of Asia, Africa and the Pacific. */
#include <string.h>

#include "classify/ids.h"

static bool in_aadhaar_ok(const char *t, size_t len)
{
	bool palindrome = true;

	for (size_t i = 0; i < 6; i++)
		palindrome &= t[i] == t[11 - i];
	return t[0] >= '2' && !palindrome && verhoeff_ok(t, 12);
}
ID_CLASS(class_in_aadhaar, "in_aadhaar", GROUP_PII, 2, "Indian Aadhaar number",
	KEYS(K("aadhaar"), K("aadhar"), K("aadhaarnumber"), K("aadharnumber"), K("aadhaarno"), K("uidai"), K("adhaar"), NATIONAL_ID,
	     K("aadharno"), K("aadhaarcard"), K("aadharcard")),
	.shapes = { { "#### #### ####", 45 }, { "####-####-####", 40 }, { "############", 20 } }, .ok = in_aadhaar_ok,
	.published = (const char *const []){ "499118665246", "999941057058", NULL });

/* The fourth letter is the kind of holder. */
static bool in_pan_ok(const char *t, size_t len)
{
	return strchr("ABCFGHLJPTK", t[3]) != NULL;
}
ID_CLASS(class_in_pan, "in_pan", GROUP_PII, 2, "Indian permanent account number",
	KEYS(K("pancard"), K("pannumber"), K("panno"), K("permanentaccountnumber"), K("incometaxpan"), K("pan"), W("taxid"),
	     K("pancardnumber")),
	.shapes = { { "AAAAA####A", 40 } }, .ok = in_pan_ok,
	.published = (const char *const []){ "ABCPD1234E", "AAAPL1234C", NULL });

static unsigned base36(char c)
{
	return is_digit((uint8_t)c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

static bool in_gstin_ok(const char *t, size_t len)
{
	unsigned sum = 0, state = number_at(t, 0, 2);

	for (size_t i = 0; i < 14; i++) {
		unsigned product = base36(t[i]) * (i & 1 ? 2 : 1);

		sum += product / 36 + product % 36;
	}
	return state >= 1 && state <= 38 && in_pan_ok(t + 2, 10) && (36 - sum % 36) % 36 == base36(t[14]);
}
ID_CLASS(class_in_gstin, "in_gstin", GROUP_CONFIDENTIAL, 1, "Indian goods and services tax number",
	KEYS(K("gstin"), K("gst"), K("gstnumber"), K("gstno"), W("taxid")),
	.shapes = { { "##AAAAA####A***", 92 } }, .ok = in_gstin_ok,
	.published = (const char *const []){ "27AAPFU0939F1ZV", NULL });

ID_CLASS(class_in_voter, "in_voter", GROUP_PII, 2, "Indian voter number (EPIC)",
	KEYS(K("voterid"), K("epic"), K("epicnumber"), K("epicno"), K("electionid"), K("voteridnumber"), K("votercard")),
	.shapes = { { "AAA#######", 28 } });

static bool in_passport_ok(const char *t, size_t len)
{
	return !strchr("QXZ", t[0]) && t[1] != '0';
}
ID_CLASS(class_in_passport, "in_passport", GROUP_PII, 2, "Indian passport number",
	KEYS(K("indianpassport"), K("inpassport"), K("indiapassport"), W("passport"), W("passportnumber")),
	.shapes = { { "A#######", 28 }, { "A## #####", 28 } }, .ok = in_passport_ok);

static bool cn_resident_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 0 };
	static const char provinces[] = " 11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 ";
	char province[] = { ' ', t[0], t[1], ' ', 0 };

	return strstr(provinces, province) && date_ok(t + 6, "Ymd") && t[17] == "10X98765432"[digits_weighed(t, weights) % 11];
}
ID_CLASS(class_cn_resident_id, "cn_resident_id", GROUP_PII, 1, "Chinese resident identity number",
	KEYS(K("residentid"), K("shenfenzheng"), K("身份证"), K("身份证号"), K("chineseid"), K("idcardno"), K("residentidentitycard"),
	     K("citizenid"), W("idcard"), NATIONAL_ID, W("idnumber"), W("idno"), K("chineseidcard"), K("idcardnumber"),
	     W("identitycard")),
	.shapes = { { "#################*", 48 } }, .ok = cn_resident_ok,
	.published = (const char *const []){ "11010519491231002X", NULL });

/* Letters count from A = 10, and one where there could be two has a blank (36) before it. */
static bool hk_hkid_ok(const char *t, size_t len)
{
	unsigned sum = len == 8 ? 36 * 9 : base36(t[0]) * 9, weight = 8;
	unsigned check;

	for (size_t i = len - 8; i + 1 < len; i++, weight--)
		sum += base36(t[i]) * weight;
	check = t[len - 1] == 'A' ? 10 : is_digit((uint8_t)t[len - 1]) ? digit_at(t, len - 1) : 99;
	return (sum + check) % 11 == 0 && check < 11;
}
ID_CLASS(class_hk_hkid, "hk_hkid", GROUP_PII, 2, "Hong Kong identity card number",
	KEYS(K("hkid"), K("hkidnumber"), K("hkidno"), K("hongkongid"), K("hkidcard"), W("idcard"), NATIONAL_ID),
	.shapes = { { "A######(*)", 80 }, { "AA######(*)", 80 }, { "A######*", 20 }, { "AA######*", 20 } }, .ok = hk_hkid_ok);

static bool tw_id_ok(const char *t, size_t len)
{
	static const uint8_t places[] = { 10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33 };
	static const uint8_t weights[] = { 8, 7, 6, 5, 4, 3, 2, 1, 1, 0 };
	unsigned place = places[t[0] - 'A'];

	return strchr("1289", t[1]) && (place / 10 + place % 10 * 9 + digits_weighed(t + 1, weights)) % 10 == 0;
}
ID_CLASS(class_tw_id, "tw_id", GROUP_PII, 2, "Taiwanese national identity number",
	KEYS(K("twid"), K("taiwanid"), K("身分證"), K("身分證字號"), K("shenfenzhengzihao"), NATIONAL_ID, W("idnumber")),
	.shapes = { { "A#########", 40 } }, .ok = tw_id_ok,
	.published = (const char *const []){ "A123456789", NULL });

static bool jp_my_number_ok(const char *t, size_t len)
{
	unsigned rest = digits_weighed(t, (const uint8_t []){ 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 0 }) % 11;

	return (rest < 2 ? 0 : 11 - rest) == digit_at(t, 11);
}
ID_CLASS(class_jp_my_number, "jp_my_number", GROUP_PII, 2, "Japanese individual number (My Number)",
	KEYS(K("mynumber"), K("kojinbango"), K("マイナンバー"), K("個人番号"), K("individualnumber")),
	.shapes = { { "#### #### ####", 28 }, { "####-####-####", 28 }, { "############", 20 } }, .ok = jp_my_number_ok);

/* Numbers given out since October 2020 have no check digit: the birthday and the seventh digit are all. */
static bool kr_rrn_ok(const char *t, size_t len)
{
	return date_ok(t, "ymd") && t[6] >= '1' && t[6] <= '8';
}
ID_CLASS(class_kr_rrn, "kr_rrn", GROUP_PII, 2, "Korean resident registration number",
	KEYS(K("rrn"), K("residentregistrationnumber"), K("jumin"), K("juminno"), K("주민등록번호"), K("juminnumber"), NATIONAL_ID),
	.shapes = { { "######-#######", 60 }, { "#############", 22 } }, .ok = kr_rrn_ok);

static bool kr_brn_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 3, 7, 1, 3, 7, 1, 3, 5, 0 };

	return (digits_weighed(t, weights) + digit_at(t, 8) * 5 / 10 + digit_at(t, 9)) % 10 == 0;
}
ID_CLASS(class_kr_brn, "kr_brn", GROUP_CONFIDENTIAL, 2, "Korean business registration number",
	KEYS(K("brn"), K("businessregistrationnumber"), K("사업자등록번호"), K("businessregistrationno"), K("bizno")),
	.shapes = { { "###-##-#####", 48 }, { "##########", 18 } }, .ok = kr_brn_ok);

static bool sg_nric_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 2, 7, 6, 5, 4, 3, 2, 0 };
	unsigned rest = (digits_weighed(t + 1, weights) + (t[0] == 'T' || t[0] == 'G' ? 4 : t[0] == 'M' ? 3 : 0)) % 11;

	switch (t[0]) {
	case 'S': case 'T':
		return t[8] == "JZIHGFEDCBA"[rest];
	case 'F': case 'G':
		return t[8] == "XWUTRQPNMLK"[rest];
	case 'M':
		return t[8] == "XWUTRQPNJLK"[rest];
	default:
		return false;
	}
}
ID_CLASS(class_sg_nric, "sg_nric", GROUP_PII, 2, "Singapore identity number (NRIC, FIN)",
	KEYS(K("nric"), K("nricfin"), K("fin"), K("nricnumber"), K("nricno"), K("finnumber"), NATIONAL_ID, W("idno")),
	.shapes = { { "A#######A", 62 } }, .ok = sg_nric_ok,
	.published = (const char *const []){ "S1234567D", "T1234567J", NULL });

static bool th_id_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0 };

	return t[0] != '0' && (11 - digits_weighed(t, weights) % 11) % 10 == digit_at(t, 12);
}
ID_CLASS(class_th_id, "th_id", GROUP_PII, 2, "Thai national identity number",
	KEYS(K("thaiid"), K("thaiidnumber"), K("thainationalid"), K("citizenid"), K("เลขบัตรประชาชน"), NATIONAL_ID, W("idcard"),
	     K("เลขประจำตัวประชาชน"), K("thaiidcard")),
	.shapes = { { "#-####-#####-##-#", 90 }, { "# #### ##### ## #", 85 }, { "#############", 22 } }, .ok = th_id_ok);

static bool my_mykad_ok(const char *t, size_t len)
{
	unsigned place = number_at(t, 6, 2);

	return date_ok(t, "ymd") && place >= 1 && place != 17 && place != 18 && place != 19 && place != 20 && place <= 99;
}
ID_CLASS(class_my_mykad, "my_mykad", GROUP_PII, 2, "Malaysian identity card number",
	KEYS(K("mykad"), K("nric"), K("icnumber"), K("icno"), K("kadpengenalan"), K("nokp"), K("mykadnumber"), W("idcard"), K("nricno"),
	     K("mykadno"), K("icnum")),
	.shapes = { { "######-##-####", 62 }, { "############", 25 } }, .ok = my_mykad_ok);

static bool id_nik_ok(const char *t, size_t len)
{
	unsigned province = number_at(t, 0, 2), day = number_at(t, 6, 2);

	return province >= 11 && province <= 94 && day_ok(day > 40 ? day - 40 : day, number_at(t, 8, 2)) && memcmp(t + 12, "0000", 4);
}
ID_CLASS(class_id_nik, "id_nik", GROUP_PII, 2, "Indonesian identity number (NIK)",
	KEYS(K("nik"), K("ktp"), K("noktp"), K("nomorktp"), K("nomorindukkependudukan"), K("niknumber"), K("ktpnumber")),
	.shapes = { { "################", 40 } }, .ok = id_nik_ok);

static bool vn_cccd_ok(const char *t, size_t len)
{
	unsigned province = number_at(t, 0, 3);

	return province >= 1 && province <= 96;
}
ID_CLASS(class_vn_cccd, "vn_cccd", GROUP_PII, 2, "Vietnamese citizen identity number",
	KEYS(K("cccd"), K("cancuoc"), K("cancuoccongdan"), K("socccd"), K("cccdnumber"), K("cmnd")),
	.shapes = { { "############", 20 } }, .ok = vn_cccd_ok);

ID_CLASS(class_ph_tin, "ph_tin", GROUP_PII, 2, "Philippine tax number (TIN)",
	KEYS(K("phtin"), K("birtin"), K("tin"), K("tinno"), K("tinnumber"), W("taxid")),
	.shapes = { { "###-###-###-#####", 28 }, { "###-###-###-###", 28 }, { "############", 10 } });

static bool weights_ok(const char *t, const uint8_t *weights, unsigned mod)
{
	return digits_weighed(t, weights) % mod == 0;
}

static bool au_tfn_ok(const char *t, size_t len)
{
	return weights_ok(t, (const uint8_t []){ 1, 4, 3, 7, 5, 8, 6, 9, 10, 0 }, 11);
}
ID_CLASS(class_au_tfn, "au_tfn", GROUP_PII, 2, "Australian tax file number",
	KEYS(K("tfn"), K("taxfilenumber"), K("taxfileno"), K("tfnnumber")),
	.shapes = { { "###_###_###", 28 }, { "#########", 20 } }, .ok = au_tfn_ok);

static bool au_medicare_ok(const char *t, size_t len)
{
	static const uint8_t weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 0 };

	return t[0] >= '2' && t[0] <= '6' && digits_weighed(t, weights) % 10 == digit_at(t, 8) && (len < 10 || t[9] != '0');
}
ID_CLASS(class_au_medicare, "au_medicare", GROUP_PHI, 2, "Australian Medicare number",
	KEYS(K("medicare"), K("medicarenumber"), K("medicarecard"), K("medicareno"), K("medicarecardnumber")),
	.shapes = { { "####_#####_#", 48 }, { "##########", 22 } }, .ok = au_medicare_ok);

static bool au_abn_ok(const char *t, size_t len)
{
	unsigned sum = (digit_at(t, 0) - 1) * 10 + digits_weighed(t + 1, (const uint8_t []){ 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 0 });

	return t[0] != '0' && sum % 89 == 0;
}
ID_CLASS(class_au_abn, "au_abn", GROUP_CONFIDENTIAL, 1, "Australian business number",
	KEYS(K("abn"), K("australianbusinessnumber"), K("abnnumber"), K("businessnumber")),
	.shapes = { { "## ### ### ###", 75 }, { "##-###-###-###", 75 }, { "###########", 40 } }, .ok = au_abn_ok,
	.published = (const char *const []){ "51824753556", NULL });

static bool au_acn_ok(const char *t, size_t len)
{
	unsigned sum = digits_weighed(t, (const uint8_t []){ 8, 7, 6, 5, 4, 3, 2, 1, 0 });

	return (10 - sum % 10) % 10 == digit_at(t, 8);
}
ID_CLASS(class_au_acn, "au_acn", GROUP_CONFIDENTIAL, 2, "Australian company number",
	KEYS(K("acn"), K("australiancompanynumber"), K("acnnumber")),
	.shapes = { { "###_###_###", 25 }, { "#########", 20 } }, .ok = au_acn_ok,
	.published = (const char *const []){ "004085616", NULL });

/* The second weights where the first leave ten. */
static bool nz_ird_ok(const char *t, size_t len)
{
	static const uint8_t first[] = { 3, 2, 7, 6, 5, 4, 3, 2, 0 }, second[] = { 7, 4, 3, 2, 5, 2, 7, 6, 0 };
	char nine[10] = "0";
	unsigned check, n;

	memcpy(nine + (len == 8), t, len);
	n = number_at(nine, 0, 9);
	check = (11 - digits_weighed(nine, first) % 11) % 11;
	if (check == 10)
		check = (11 - digits_weighed(nine, second) % 11) % 11;
	return n >= 10000000 && n <= 150000000 && check == digit_at(nine, 8);
}
ID_CLASS(class_nz_ird, "nz_ird", GROUP_PII, 2, "New Zealand tax number (IRD)",
	KEYS(K("ird"), K("irdnumber"), K("irdno")),
	.shapes = { { "###_###_###", 28 }, { "##_###_###", 28 }, { "#########", 20 }, { "########", 15 } }, .ok = nz_ird_ok);

/* Letters without I and O count from one; the old form ends in two digits, the new in a digit and a letter. */
static bool nz_nhi_ok(const char *t, size_t len)
{
	static const char alphabet[] = " ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned sum = 0, check;

	for (size_t i = 0; i < 6; i++) {
		const char *at = is_digit((uint8_t)t[i]) ? NULL : strchr(alphabet + 1, t[i]);

		if (!is_digit((uint8_t)t[i]) && !at)
			return false;
		sum += (at ? (unsigned)(at - alphabet) : digit_at(t, i)) * (unsigned)(7 - i);
	}
	if (is_digit((uint8_t)t[6])) {
		check = 11 - sum % 11;
		return sum % 11 && check % 10 == digit_at(t, 6);
	}
	check = 23 - sum % 23;
	return t[6] == alphabet[check];
}
ID_CLASS(class_nz_nhi, "nz_nhi", GROUP_PHI, 2, "New Zealand national health index",
	KEYS(K("nhi"), K("nhinumber"), K("nhino"), K("nationalhealthindex")),
	.shapes = { { "AAA####", 28 }, { "AAA##AA", 28 } }, .ok = nz_nhi_ok);

static bool za_id_ok(const char *t, size_t len)
{
	return date_ok(t, "ymd") && t[10] <= '2' && luhn_ok(t, 13);
}
ID_CLASS(class_za_id, "za_id", GROUP_PII, 2, "South African identity number",
	KEYS(K("zaid"), K("saidnumber"), K("southafricanid"), K("rsaid"), K("idnumber"), NATIONAL_ID, W("idno")),
	.shapes = { { "######_####_###", 55 }, { "######_####_##_#", 55 }, { "#############", 42 } }, .ok = za_id_ok,
	.published = (const char *const []){ "8001015009087", NULL });

static bool ng_nin_ok(const char *t, size_t len)
{
	return verhoeff_ok(t, 11);
}
ID_CLASS(class_ng_nin, "ng_nin", GROUP_PII, 2, "Nigerian national identification number",
	KEYS(K("nin"), K("ninnumber"), K("nationalidentificationnumber"), K("nimc")),
	.shapes = { { "###########", 22 } }, .ok = ng_nin_ok);

static bool il_id_ok(const char *t, size_t len)
{
	return luhn_ok(t, 9);
}
ID_CLASS(class_il_id, "il_id", GROUP_PII, 2, "Israeli identity number",
	KEYS(K("teudatzehut"), K("tz"), K("israeliid"), K("teudat"), K("תעודתזהות"), NATIONAL_ID, W("idnumber"),
	     K("misparzehut")),
	.shapes = { { "########-#", 28 }, { "#########", 20 } }, .ok = il_id_ok);
