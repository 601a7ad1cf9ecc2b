/* SPDX-License-Identifier: Apache-2.0 */
/* pan.c - payment card numbers: issuer prefix, length for that issuer, Luhn, and
 * the way people group them. Luhn alone lets one id in ten through; prefix, length
 * and boundaries do the rest (classify.md 4.1). */
#include <string.h>

#include "classify/ids.h"

#define LEN(n)		(1u << (n))
#define LENS(a, b)	((LEN((b) + 1) - 1) & ~(LEN(a) - 1))
#define COMMON	75	/* a length nearly all cards of the issuer have */
#define RARE	40	/* possible only: wants a key */
#define GROUPED	10	/* more, when it is written as on a card: ids are not */

/* First six digits from..to, lengths, and what a match says. First match wins. */
static const struct issuer { unsigned from, to; uint32_t lengths; uint8_t says; } issuers[] = {
	{ 400000, 499999, LEN(16), COMMON },			/* Visa */
	{ 400000, 499999, LEN(13) | LEN(19), RARE },
	{ 510000, 559999, LEN(16), COMMON },			/* Mastercard */
	{ 222100, 272099, LEN(16), COMMON },
	{ 340000, 349999, LEN(15), COMMON },			/* American Express */
	{ 370000, 379999, LEN(15), COMMON },
	{ 601100, 601199, LEN(16), COMMON },			/* Discover */
	{ 644000, 659999, LEN(16), COMMON },
	{ 601100, 601199, LENS(17, 19), RARE },
	{ 644000, 659999, LENS(17, 19), RARE },
	{ 352800, 358999, LEN(16), COMMON },			/* JCB */
	{ 352800, 358999, LENS(17, 19), RARE },
	{ 213100, 213199, LEN(15), RARE },
	{ 300000, 305999, LEN(14) | LEN(16), COMMON },		/* Diners Club */
	{ 309500, 309599, LEN(14) | LEN(16), COMMON },
	{ 360000, 369999, LEN(14), COMMON },
	{ 380000, 399999, LEN(14) | LEN(16), COMMON },
	{ 360000, 369999, LENS(15, 19), RARE },
	{ 620000, 629999, LEN(16), COMMON },			/* UnionPay */
	{ 620000, 629999, LENS(17, 19), 45 },	/* as long as the ids of half the net */
	{ 810000, 817199, LENS(16, 19), RARE },
	{ 220000, 220499, LEN(16), COMMON },			/* Mir */
	{ 220000, 220499, LENS(17, 19), RARE },
	{ 508500, 508999, LEN(16), 55 },			/* RuPay */
	{ 606985, 608500, LEN(16), 55 },
	{ 979200, 979289, LEN(16), 55 },			/* Troy */
	{ 506099, 506198, LEN(16) | LEN(18) | LEN(19), 55 },	/* Verve */
	{ 506699, 506778, LEN(16), 55 },			/* Elo */
	{ 509000, 509999, LEN(16), 55 },
	{ 636297, 636368, LEN(16), 55 },
	{ 606282, 606282, LEN(16), 55 },			/* Hipercard */
	{ 860002, 860099, LEN(16), 55 },			/* Uzcard */
	{ 986000, 986099, LEN(16), 55 },			/* Humo */
	{ 501800, 501999, LEN(16), 55 },			/* Maestro, Dankort */
	{ 500000, 509999, LENS(12, 19), RARE },			/* Maestro */
	{ 560000, 589999, LENS(12, 19), RARE },
	{ 639000, 639099, LENS(12, 19), RARE },
	{ 630400, 630499, LENS(12, 19), RARE },
	{ 675900, 676399, LENS(12, 19), RARE },
	{ 670000, 679999, LENS(12, 19), RARE },
	{ 100000, 199999, LEN(15), 30 },			/* UATP */
};

/* Numbers that issuers and processors publish for tests. */
static const char *const published[] = {
	"4111111111111111", "4012888888881881", "4222222222222", "4242424242424242", "4000056655665556",
	"5555555555554444", "5105105105105100", "2223003122003222", "2223000048400011", "5200828282828210",
	"378282246310005", "371449635398431", "378734493671000", "6011111111111117", "6011000990139424",
	"6011981111111113", "3056930009020004", "30569309025904", "38520000023237", "36227206271667",
	"3566002020360505", "3530111333300000", "6200000000000005", "6200000000000047", "6205500000000000004",
	"4917610000000000", "4917300800000000", "5019717010103742", "6331101999990016", "4444333322221111",
	"5454545454545454", "4005519200000004", "4009348888881881", "4012000033330026", "4012000077777777",
	"4500600000000061", "4217651111111119", "6304000000000000", "6759649826438453", "4532015112830366",
	"5425233430109903", "2222420000001113", "4263982640269299", "4917484589897107", "4001919257537193",
	"374245455400126", "60115564485789458", "6011000991300009", "3566000020000410", "5060666666666666666",
	"4539578763621486", NULL
};

static bool is_sample(const char *text, size_t len)
{
	for (const char *const *p = published; *p; p++)
		if (strlen(*p) == len && !memcmp(*p, text, len))
			return true;
	/* Test numbers are made of few digits or mostly zeros; issued ones never are. */
	return few_bytes(text, len, 3) || (len > 12 && !memcmp(text + 4, "00000000", 8)) ||
	       !memcmp(text, "400000", 6);
}

static int issuer_says(const char *text, size_t len)
{
	unsigned head = 0;

	for (int i = 0; i < 6; i++)
		head = head * 10 + (unsigned)(text[i] - '0');
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
		if (head >= issuers[i].from && head <= issuers[i].to && (issuers[i].lengths & LEN(len)))
			return issuers[i].says;
	return 0;
}

/* Fours to the end, or 4-6-5 and 4-6-4: the ways a card shows its number. */
static bool groups_ok(const struct digits *d, unsigned nr)
{
	if (nr == 1)
		return true;
	if (nr == 3 && d->group[0] == 4 && d->group[1] == 6)
		return d->group[2] == 5 || d->group[2] == 4;
	for (unsigned i = 0; i + 1 < nr; i++)
		if (d->group[i] != 4)
			return nr == 2 && i == 0 && d->group[0] == 8 && d->group[1] == 8;
	return nr > 2 && d->group[nr - 1] <= 4;
}

/* What the first nr groups say as a card; 0: nothing. */
static int groups_say(const struct digits *d, unsigned nr, size_t *len)
{
	*len = 0;
	for (unsigned i = 0; i < nr; i++)
		*len += d->group[i];
	if (*len < 12 || *len > 19 || !groups_ok(d, nr) || !luhn_ok(d->text, *len))
		return 0;
	if (nr == 1 && epoch_like(d->text, *len))
		return 0;
	return issuer_says(d->text, *len);
}

static int pan_find(struct slice s, size_t at, struct hit *out)
{
	struct digits d;
	size_t len = 0;
	int says = 0;
	unsigned nr;

	if (!edge_before(s, at))
		return 0;
	digits_read(&d, s, at, " -");
	if (d.len < 12 || (d.more && d.nr_groups == 1))
		return 0;
	/* The longest prefix of groups that is a card: an expiry date may follow. */
	for (nr = d.nr_groups; nr && !says; nr -= !says)
		if (edge_after(s, d.end[nr - 1]))
			says = groups_say(&d, nr, &len);
	if (!says || byte_at(s, d.end[nr - 1]) == '@')
		return 0;
	out->start = at;
	out->end = d.end[nr - 1];
	if (nr > 1)
		says += GROUPED;
	/* More digits before in the same dress: a part of something longer. */
	if (d.sep && at >= 2 && (char)s.ptr[at - 1] == d.sep && is_digit(s.ptr[at - 2]))
		says -= 40;
	out->sample = is_sample(d.text, len);
	mask_ends(out->mask, d.text, len, 6, 4);
	return says;
}

static bool pan_starts(size_t head, size_t run, unsigned after)
{
	return (run >= 12 && run <= 19) || ((run == 4 || run == 8) && (after == AFTER_BLANK || after == AFTER_MINUS));
}

static const struct key_phrase keys[] = {
	{ "pan", KEY_EXACT }, { "cardnumber", KEY_EXACT }, { "cardno", KEY_EXACT }, { "cardnum", KEY_EXACT },
	{ "creditcard", KEY_EXACT }, { "creditcardnumber", KEY_EXACT }, { "ccnumber", KEY_EXACT }, { "ccnum", KEY_EXACT },
	{ "ccn", KEY_EXACT }, { "debitcard", KEY_EXACT }, { "paymentcard", KEY_EXACT }, { "primaryaccountnumber", KEY_EXACT },
	{ "kreditkarte", KEY_EXACT }, { "kartennummer", KEY_EXACT }, { "kreditkartennummer", KEY_EXACT },
	{ "cartebancaire", KEY_EXACT }, { "numerodecarte", KEY_EXACT }, { "numerocarte", KEY_EXACT },
	{ "tarjeta", KEY_EXACT }, { "numerodetarjeta", KEY_EXACT }, { "numerotarjeta", KEY_EXACT },
	{ "cartadicredito", KEY_EXACT }, { "numerocarta", KEY_EXACT }, { "numerodocartao", KEY_EXACT },
	{ "numerocartao", KEY_EXACT }, { "cartao", KEY_EXACT }, { "kaartnummer", KEY_EXACT }, { "numerkarty", KEY_EXACT },
	{ "visa", KEY_EXACT }, { "mastercard", KEY_EXACT }, { "amex", KEY_EXACT }, { "maestro", KEY_EXACT },
	{ "card", KEY_WEAK + 10 }, { "cc", KEY_WEAK }, { "number", KEY_WEAK }, { "accountnumber", KEY_WEAK },
	{ "karte", KEY_WEAK }, { NULL, 0 }
};
static const char *const counter[] = { "gift", "loyalty", "sim", "iccid", "library", "points", "id", "identity", NULL };

const struct class_row class_pan = {
	.info = { "pan", GROUP_PCI, 1, CONF_LIKELY, "payment card number" },
	.triggers = TRIGGER_DIGIT,
	.digits = 12,
	.against = AGAINST_GENERAL | AGAINST_NUMBER,
	.keys = keys,
	.counter = counter,
	.starts = pan_starts,
	.find = pan_find,
};
