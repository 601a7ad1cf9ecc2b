/* SPDX-License-Identifier: Apache-2.0 */
/* phone.c - telephone numbers. "+" with a country code of the right length is
 * likely by itself; the North American form with separators too; anything else
 * needs a key, because half of all integers look like a phone. */
#include <string.h>

#include "classify/check.h"

#define E164_MAX 15
#define PLUS_ONLY 15	/* what "+" alone says */

/* Calling codes with the lengths of the national number (ITU-T E.164 annex). Of a code of three digits the first two stand
 * here: its third counts as one of the number. */
static const struct calling { const char *code; uint8_t min, max; } callings[] = {
	{ "1", 10, 10 }, { "7", 10, 10 }, { "20", 8, 10 }, { "27", 9, 9 }, { "30", 10, 10 }, { "31", 9, 9 },
	{ "32", 8, 9 }, { "33", 9, 9 }, { "34", 9, 9 }, { "36", 8, 9 }, { "39", 6, 11 }, { "40", 9, 9 }, { "41", 9, 9 },
	{ "43", 7, 13 }, { "44", 9, 10 }, { "45", 8, 8 }, { "46", 7, 10 }, { "47", 8, 8 }, { "48", 9, 9 },
	{ "49", 7, 12 }, { "51", 8, 9 }, { "52", 10, 11 }, { "53", 8, 8 }, { "54", 10, 11 }, { "55", 10, 11 },
	{ "56", 9, 9 }, { "57", 8, 10 }, { "58", 10, 10 }, { "60", 8, 10 }, { "61", 9, 9 }, { "62", 8, 12 },
	{ "63", 8, 10 }, { "64", 8, 10 }, { "65", 8, 8 }, { "66", 8, 9 }, { "81", 9, 10 }, { "82", 8, 10 },
	{ "84", 9, 10 }, { "86", 10, 11 }, { "90", 10, 10 }, { "91", 10, 10 }, { "92", 9, 10 }, { "93", 9, 9 },
	{ "94", 9, 9 }, { "95", 7, 10 }, { "98", 10, 10 }, { "21", 8, 10 }, { "22", 7, 11 }, { "23", 7, 11 },
	{ "24", 6, 10 }, { "25", 6, 10 }, { "26", 7, 10 }, { "29", 6, 8 }, { "35", 6, 11 }, { "37", 6, 12 },
	{ "38", 7, 10 }, { "42", 8, 10 }, { "50", 6, 9 }, { "59", 6, 10 }, { "67", 5, 9 }, { "68", 5, 9 }, { "69", 6, 8 },
	{ "85", 7, 11 }, { "87", 8, 12 }, { "88", 8, 11 }, { "96", 7, 11 }, { "97", 7, 10 }, { "99", 7, 10 },
};

/* Digits and punctuation of one number as written. */
struct written {
	char digits[E164_MAX + 1];
	unsigned len;
	unsigned group[GROUPS_MAX], nr_groups;
	bool plus, paren, dotted;
	unsigned seps;
	size_t start, end;
};

/* May the byte at i stand between two groups? Returns how many bytes to skip. */
static size_t gap_len(struct slice s, size_t i, bool *dotted)
{
	uint8_t c = byte_at(s, i), next = byte_at(s, i + 1), third = byte_at(s, i + 2);

	if (c == ')' && (next == ' ' || next == '-') && is_digit(third))
		return 2;
	if (c == ' ' && next == '(' && is_digit(third))
		return 2;
	if ((c == ')' || c == '(' || c == ' ' || c == '-' || c == '/') && is_digit(next))
		return 1;
	if (c == '.' && is_digit(next)) {
		*dotted = true;
		return 1;
	}
	return 0;
}

/* Looks back from the first digit for "(" and "+" ("%2B" as well). */
static bool start_read(struct written *w, struct slice s, size_t at)
{
	w->start = at;
	if (w->start && s.ptr[w->start - 1] == '(') {
		w->paren = true;
		w->start--;
	}
	if (w->start && s.ptr[w->start - 1] == '+') {
		w->plus = true;
		w->start--;
		if (w->start && (s.ptr[w->start - 1] == ')' || s.ptr[w->start - 1] == ']'))	/* a sum */
			return false;
	} else if (w->start >= 3 && slice_begins_fold(s, w->start - 3, "%2b")) {
		w->plus = true;
		w->start -= 3;
		return true;
	}
	return edge_before(s, w->start) && (w->plus || !w->start || s.ptr[w->start - 1] != '/' || w->paren);
}

/* "x123", " ext. 123" behind a number: where it ends, or i. */
static size_t extension_end(struct slice s, size_t i)
{
	static const char *const words[] = { "x", " x", " ext ", " ext. ", " ext.", " extension ", " Ext. ", NULL };

	for (const char *const *w = words; *w && (byte_at(s, i) == 'x' || (byte_at(s, i) == ' ' && is_alpha(byte_at(s, i + 1)))); w++) {
		size_t end = i + strlen(*w), digits = 0;

		if (!slice_begins(s, i, *w))
			continue;
		for (; is_digit(byte_at(s, end)) && digits < 7; digits++)
			end++;
		if (digits >= 1 && digits < 7 && !is_alnum(byte_at(s, end)))
			return end;
	}
	return i;
}

static bool written_read(struct written *w, struct slice s, size_t at)
{
	size_t i = at, skip;

	memset(w, 0, sizeof(*w));
	if (!start_read(w, s, at))
		return false;
	for (;;) {
		unsigned n = 0;

		for (; is_digit(byte_at(s, i)); i++, n++) {
			if (w->len == E164_MAX)
				return false;
			w->digits[w->len++] = (char)s.ptr[i];
		}
		if (w->nr_groups == GROUPS_MAX)
			return false;
		w->group[w->nr_groups++] = n;
		skip = gap_len(s, i, &w->dotted);
		if (!skip)
			break;
		w->paren |= memchr(s.ptr + i, '(', skip) || memchr(s.ptr + i, ')', skip);
		w->seps++;
		i += skip;
	}
	w->end = i;
	i = extension_end(s, i);
	if (byte_at(s, w->end) == 'x')
		w->end = i;
	return edge_after(s, i) && byte_at(s, i) != '@' && byte_at(s, i) != ':';
}

/* North America: area and exchange do not begin with 0 or 1. */
static bool nanp_may(const char *d)
{
	return d[0] >= '2' && d[3] >= '2';
}

/* Nor do they end in 11, and areas with a nine in the middle are kept for later. */
static bool nanp_ok(const char *d)
{
	return nanp_may(d) && memcmp(d + 1, "11", 2) && memcmp(d + 4, "11", 2) && d[1] != '9';
}

static int e164_says(const struct written *w)
{
	for (size_t i = 0; i < sizeof(callings) / sizeof(callings[0]); i++) {
		const struct calling *c = &callings[i];
		unsigned code = (unsigned)strlen(c->code), rest = w->len - code;

		if (w->len <= code || memcmp(w->digits, c->code, code) || rest < c->min || rest > c->max)
			continue;
		if (code == 1 && c->code[0] == '1' && !nanp_ok(w->digits + 1))
			break;
		return w->seps ? 80 : 70;
	}
	/* Of a plan that is not known here, or that has no such number: a name has to say that it is one. */
	return w->len >= 8 && w->digits[0] != '0' && !few_bytes(w->digits, w->len, 1) ? PLUS_ONLY : 0;
}

/* 3-3-4, with or without the 1 before. */
static bool nanp_grouped(const struct written *w, bool (*ok)(const char *digits))
{
	unsigned i = w->nr_groups == 4 && w->group[0] == 1 && w->digits[0] == '1';

	return w->nr_groups - i == 3 && w->group[i] == 3 && w->group[i + 1] == 3 && w->group[i + 2] == 4 && ok(w->digits + i);
}

/* 2024-01-15, 15/01/2024, 192.0.2.1: dates and addresses are not phones. */
static bool is_date_or_address(const struct written *w)
{
	if (w->dotted && !nanp_grouped(w, nanp_may) && (w->nr_groups < 4 || w->group[0] > 2 || w->nr_groups == 4))
		return true;
	if (w->nr_groups < 3 || w->paren)
		return false;
	return (w->group[0] == 4 && w->digits[0] != '0' && w->group[1] <= 2 && w->group[2] <= 2) ||
	       (w->group[0] <= 2 && w->group[1] <= 2 && w->group[2] == 4 && w->nr_groups == 3);
}

/* 06 12 34 56 78: mobile phones of France are written in pairs, and little else is. */
static bool french_pairs(const struct written *w)
{
	if (w->nr_groups != 5 || w->len != 10 || w->digits[0] != '0' || (w->digits[1] != '6' && w->digits[1] != '7'))
		return false;
	for (unsigned i = 0; i < 5; i++)
		if (w->group[i] != 2)
			return false;
	return true;
}

/* 00 is how a plus is dialled: "001-573-639-0695", "0049 30 901820". */
static int dialled_says(const struct written *w)
{
	struct written plus = *w;

	/* Behind the country no nought follows: those are code points in hex. */
	if (w->digits[0] != '0' || w->digits[1] != '0' || w->len < 10 || !w->seps || w->dotted || w->digits[w->group[0]] == '0')
		return 0;
	memmove(plus.digits, plus.digits + 2, plus.len - 1);
	plus.len -= 2;
	return e164_says(&plus) >= 70 ? 55 : 0;
}

static int national_says(const struct written *w)
{
	int dialled = dialled_says(w);

	if (w->len < 7 || is_date_or_address(w))
		return 0;
	if (dialled)
		return dialled;
	if (nanp_grouped(w, nanp_ok))
		return w->dotted ? 40 : w->paren || w->seps ? 55 : 25;
	if (w->paren && nanp_grouped(w, nanp_may))
		return 50;
	if (french_pairs(w))
		return 52;
	if (!w->seps && epoch_like(w->digits, w->len) && (w->len != 10 || !nanp_ok(w->digits)))
		return 3;
	if (few_bytes(w->digits, w->len, 1))
		return 0;
	return w->seps ? 15 : 10;
}

/* Numbers set aside for fiction: 555-0100 to 555-0199, and Ofcom's. */
static bool is_sample(const struct written *w)
{
	const char *d = w->digits + (w->len == 11 && w->digits[0] == '1');
	size_t len = strlen(d);

	if (len == 10 && !memcmp(d + 3, "55501", 5))
		return true;
	if (len == 7 && !memcmp(d, "55501", 5))
		return true;
	if (sequence_like(d, len) || few_bytes(d, len, 1))
		return true;
	if (len > 2 && !memcmp(d, "44", 2))
		d += 2;
	else if (*d == '0')
		d++;
	return !memcmp(d, "7700900", strnlen(d, 7) == 7 ? 7 : 0) ? strnlen(d, 7) == 7 :
	       strnlen(d, 10) == 10 && !memcmp(d, "2079460", 7);
}

static int phone_find(struct slice s, size_t at, struct hit *out)
{
	struct written w;

	if (!written_read(&w, s, at) || w.len < 7)
		return 0;
	out->start = w.start;
	out->end = w.end;
	out->sample = is_sample(&w);
	mask_set(out->mask, "********");
	memcpy(out->mask + 8, w.digits + w.len - 2, 3);
	return w.plus ? e164_says(&w) : national_says(&w);
}

/* After a letter only that of "%2B"; where borders do not count, after any. */
static bool phone_starts(size_t head, size_t run, unsigned after)
{
	return head < 2 || evidence_level < EVIDENCE_BOUNDARY;
}

static const struct key_phrase keys[] = {
	{ "phone", KEY_EXACT }, { "phonenumber", KEY_EXACT }, { "phoneno", KEY_EXACT }, { "telephone", KEY_EXACT },
	{ "telephonenumber", KEY_EXACT }, { "mobile", KEY_EXACT }, { "mobilephone", KEY_EXACT }, { "mobilenumber", KEY_EXACT },
	{ "mobileno", KEY_EXACT }, { "cellphone", KEY_EXACT }, { "homephone", KEY_EXACT }, { "workphone", KEY_EXACT },
	{ "msisdn", KEY_EXACT }, { "tel", KEY_EXACT }, { "telno", KEY_EXACT }, { "fax", KEY_EXACT }, { "faxnumber", KEY_EXACT },
	{ "whatsapp", KEY_EXACT }, { "telefon", KEY_EXACT }, { "telefonnummer", KEY_EXACT }, { "handy", KEY_EXACT },
	{ "handynummer", KEY_EXACT }, { "rufnummer", KEY_EXACT }, { "mobilnummer", KEY_EXACT }, { "telefone", KEY_EXACT },
	{ "téléphone", KEY_EXACT }, { "portable", KEY_WEAK }, { "numerodetelephone", KEY_EXACT }, { "telefono", KEY_EXACT },
	{ "teléfono", KEY_EXACT }, { "movil", KEY_EXACT }, { "móvil", KEY_EXACT }, { "cellulare", KEY_EXACT },
	{ "celular", KEY_EXACT }, { "telemovel", KEY_EXACT }, { "telefoonnummer", KEY_EXACT }, { "telefoon", KEY_EXACT },
	{ "mobiel", KEY_EXACT }, { "numertelefonu", KEY_EXACT }, { "komorka", KEY_EXACT }, { "cell", KEY_WEAK + 10 },
	{ "call", KEY_WEAK }, { "sms", KEY_WEAK }, { "contact", KEY_WEAK }, { "number", 0 }, { "contactnumber", KEY_EXACT },
	{ "contactno", KEY_EXACT }, { "contactphone", KEY_EXACT }, { "phonenum", KEY_EXACT }, { "phonenbr", KEY_EXACT },
	{ "telnum", KEY_EXACT }, { "telnr", KEY_EXACT }, { "telephoneno", KEY_EXACT }, { "mobilenum", KEY_EXACT },
	{ "mob", KEY_EXACT }, { "mobil", KEY_EXACT }, { "cellnumber", KEY_EXACT }, { "cellno", KEY_EXACT },
	{ "cellular", KEY_EXACT }, { "landline", KEY_EXACT }, { "telecom", KEY_EXACT }, { "smsnumber", KEY_EXACT },
	{ "whatsappnumber", KEY_EXACT }, { "callerid", KEY_EXACT }, { "callernumber", KEY_EXACT }, { "gsm", KEY_EXACT },
	{ "телефон", KEY_EXACT }, { "номертелефона", KEY_EXACT }, { "моб", KEY_EXACT }, { "电话", KEY_EXACT },
	{ "手机", KEY_EXACT }, { "手机号", KEY_EXACT }, { "電話", KEY_EXACT }, { "電話番号", KEY_EXACT }, { "携帯", KEY_EXACT },
	{ "전화", KEY_EXACT }, { "전화번호", KEY_EXACT }, { "휴대폰", KEY_EXACT }, { "puhelin", KEY_EXACT },
	{ "puhelinnumero", KEY_EXACT }, { "mobilnr", KEY_EXACT }, { "tlf", KEY_EXACT }, { "telefonnr", KEY_EXACT },
	{ "telefonszám", KEY_EXACT }, { "telefonszam", KEY_EXACT }, { "telefonní", KEY_EXACT }, { "ceptelefonu", KEY_EXACT },
	{ "nohp", KEY_EXACT }, { "nomorhp", KEY_EXACT }, { "telpon", KEY_EXACT }, { "telepon", KEY_EXACT },
	{ "τηλέφωνο", KEY_EXACT }, { "numérodetéléphone", KEY_EXACT }, { "numerodetelefono", KEY_EXACT },
	{ "númerodeteléfono", KEY_EXACT }, { NULL, 0 }
};
static const char *const counter[] = { "prefix", "extension", "ext", "code", "os", "model", "brand", "network", NULL };

const struct class_row class_phone = {
	.info = { "phone", GROUP_PII, 2, CONF_LIKELY, "telephone number" },
	.triggers = TRIGGER_DIGIT | TRIGGER_MIXED,	/* "%2B49…" */
	.digits = 7,
	.against = AGAINST_GENERAL | AGAINST_NUMBER,
	.keys = keys,
	.counter = counter,
	.starts = phone_starts,
	.find = phone_find,
};
