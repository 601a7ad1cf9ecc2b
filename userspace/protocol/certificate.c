/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.c - as little of DER as a certificate's subject and end need:
 *
 *	SEQUENCE { SEQUENCE {			Certificate, its tbsCertificate
 *		[0] version, INTEGER serial, SEQUENCE algorithm, SEQUENCE issuer,
 *		SEQUENCE { notBefore, notAfter },
 *		SEQUENCE { SET { SEQUENCE { OID, string } } ... },	subject
 *		...
 *
 * Each element is a tag, a length and so many bytes, taken off the front of what holds it,
 * so nothing is read twice and nothing recurses. */
#include "protocol/certificate.h"

#include <string.h>

#include "protocol/reader.h"

enum { INTEGER = 0x02, OID = 0x06, UTC_TIME = 0x17, GENERALIZED_TIME = 0x18, SEQUENCE = 0x30, SET = 0x31, VERSION = 0xa0 };
#define LENGTH_BYTES 3	/* of a long length: 16 MiB are enough for any certificate */

/* The next element's content; fails when its tag is another. */
static struct slice element(struct reader *r, uint8_t tag)
{
	uint32_t have = reader_number(r, 1), len = reader_number(r, 1);

	if (len > 0x80 && len <= 0x80 + LENGTH_BYTES)
		len = reader_number(r, len - 0x80);
	else if (len >= 0x80)
		r->failed = true;	/* without an end (not DER), or absurd */
	r->failed |= have != tag;
	return reader_take(r, len);
}

static bool next_is(const struct reader *r, uint8_t tag)
{
	return !r->failed && r->left.len && r->left.ptr[0] == tag;
}

static int digits(const uint8_t *p, unsigned nr)
{
	int v = 0;

	for (unsigned i = 0; i < nr; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = 10 * v + p[i] - '0';
	}
	return v;
}

/* Days since 1970 of a date in the Gregorian calendar; years counted from March, so that
 * a leap day is a year's last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y - 400 * era;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return 146097 * era + 365 * of_era + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "YYMMDDHHMMSSZ" (1950 to 2049) or "YYYYMMDDHHMMSSZ"; 0: neither. */
static int64_t time_of(uint8_t tag, struct slice s)
{
	unsigned years = tag == UTC_TIME ? 2 : 4;
	int year, part[5];

	if (s.len != years + 11 || s.ptr[s.len - 1] != 'Z')
		return 0;
	year = digits(s.ptr, years);
	if (year >= 0 && tag == UTC_TIME)
		year += year < 50 ? 2000 : 1900;
	for (unsigned i = 0; i < 5; i++)
		part[i] = digits(s.ptr + years + 2 * i, 2);
	if (year < 1 || part[0] < 1 || part[0] > 12 || part[1] < 1 || part[1] > 31 || part[2] < 0 || part[2] > 23 || part[3] < 0 ||
	    part[3] > 59 || part[4] < 0 || part[4] > 60)
		return 0;
	return ((days_of(year, part[0], part[1]) * 24 + part[2]) * 60 + part[3]) * 60 + part[4];
}

static int64_t expires_of(struct slice validity)
{
	struct reader r = { validity, false };
	uint8_t tag = next_is(&r, UTC_TIME) ? UTC_TIME : GENERALIZED_TIME;

	(void)element(&r, tag);	/* notBefore */
	tag = next_is(&r, UTC_TIME) ? UTC_TIME : GENERALIZED_TIME;
	return time_of(tag, element(&r, tag));
}

/* One attribute of the subject. Strings of one byte a character (and UTF-8) only. */
static void attribute(struct reader *r, struct certificate *out)
{
	static const uint8_t common_name[] = { 0x55, 4, 3 }, organisation[] = { 0x55, 4, 10 };	/* 2.5.4.3, 2.5.4.10 */
	struct slice oid = element(r, OID), value;
	uint8_t tag = r->left.len ? r->left.ptr[0] : 0;
	bool text = tag == 0x0c || tag == 0x13 || tag == 0x14 || tag == 0x16;	/* UTF8, Printable, Teletex, IA5 */

	value = element(r, tag);
	if (r->failed || !text || oid.len != 3)
		return;
	if (!memcmp(oid.ptr, common_name, 3))
		out->common_name = value;	/* the last is the most specific */
	else if (!memcmp(oid.ptr, organisation, 3))
		out->organisation = value;
}

static void subject_read(struct slice subject, struct certificate *out)
{
	struct reader names = { subject, false };

	while (!names.failed && names.left.len) {
		struct reader set = { element(&names, SET), false };

		while (!names.failed && !set.failed && set.left.len) {
			struct reader one = { element(&set, SEQUENCE), false };

			if (!set.failed)
				attribute(&one, out);
		}
	}
}

bool certificate_read(struct slice in, struct certificate *out)
{
	struct reader outer = { in, false }, cert, tbs;
	struct slice validity, subject;

	*out = (struct certificate){ 0 };
	cert = (struct reader){ element(&outer, SEQUENCE), false };
	tbs = (struct reader){ element(&cert, SEQUENCE), false };
	if (outer.failed || cert.failed)
		return false;
	if (next_is(&tbs, VERSION))
		(void)element(&tbs, VERSION);
	(void)element(&tbs, INTEGER);	/* serial number */
	(void)element(&tbs, SEQUENCE);	/* signature algorithm */
	(void)element(&tbs, SEQUENCE);	/* issuer */
	validity = element(&tbs, SEQUENCE);
	subject = element(&tbs, SEQUENCE);
	if (tbs.failed)
		return false;
	out->expires = expires_of(validity);
	subject_read(subject, out);
	return true;
}
