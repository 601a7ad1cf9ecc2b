/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http_api.h"

#include <stdio.h>
#include <string.h>

#include "protocol/http.h"

#define LINE_MAX_BYTES 1024	/* of a piece's size and what is said of it; signatures are 64 to 140 digits */
#define DIGITS_MAX 15
#define TRAILERS_MAX 4096	/* bytes behind the last piece that may be checksums; what is longer is something else */

/* ---- pieces ---- */

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* One byte of a size's line. */
static void take_size(struct pieces *p, uint8_t c)
{
	int v = hex_digit(c);

	if (!p->line && !p->digits)
		p->left = 0;
	if (c == '\n' && p->digits) {
		p->phase = p->left ? PIECES_BYTES : PIECES_TRAILERS;
		p->line = p->digits = 0;
	} else if (!p->line && v >= 0 && p->digits < DIGITS_MAX) {
		p->left = p->left << 4 | (unsigned)v;
		p->digits++;
	} else if (!p->digits || (!p->line && c != ';' && c != '\r' && c != ' ') || p->line == LINE_MAX_BYTES || c == '\n') {
		p->phase = PIECES_LOST;
	} else {
		p->line++;
	}
}

/* The line end behind a piece. */
static void take_end(struct pieces *p, uint8_t c)
{
	if (c == '\n')
		p->phase = PIECES_SIZE;
	else if (c != '\r')
		p->phase = PIECES_LOST;
}

struct slice pieces_take(struct pieces *p, struct slice *in)
{
	size_t i = 0, n;
	struct slice bytes;

	for (; i < in->len && (p->phase == PIECES_SIZE || p->phase == PIECES_END); i++)
		if (p->phase == PIECES_SIZE)
			take_size(p, in->ptr[i]);
		else
			take_end(p, in->ptr[i]);
	*in = slice_of(in->ptr + i, in->len - i);
	if (p->phase != PIECES_BYTES) {	/* trailers are checksums and signatures */
		p->left += in->len;
		if (p->phase == PIECES_TRAILERS && p->left > TRAILERS_MAX)
			p->phase = PIECES_LOST;
		*in = slice_of(in->ptr + in->len, 0);
		return *in;
	}
	n = in->len < p->left ? in->len : (size_t)p->left;
	bytes = slice_of(in->ptr, n);
	*in = slice_of(in->ptr + n, in->len - n);
	p->left -= n;
	if (!p->left)
		p->phase = PIECES_END;
	return bytes;
}

void pieces_gap(struct pieces *p, uint64_t missing)
{
	if (p->phase == PIECES_TRAILERS)
		return;
	if (p->phase != PIECES_BYTES || missing > p->left) {
		p->phase = PIECES_LOST;
		return;
	}
	p->left -= missing;
	if (!p->left)
		p->phase = PIECES_END;
}

bool pieces_astray(const struct pieces *p)
{
	return p->phase == PIECES_LOST;
}

bool pieces_whole(const struct pieces *p)
{
	return p->phase == PIECES_TRAILERS;
}

/* ---- object stores ---- */

static bool has(struct slice in, const char *word)
{
	return in.len && memmem(in.ptr, in.len, word, strlen(word));
}

/* Signature version 4 names the service that it is for; version 2 was a store's only. */
bool http_is_store(struct slice value)
{
	return begins_fold(value, "aws4-") ? has(value, "/s3/aws4_request") : begins_fold(value, "aws ");
}

bool http_is_signed(struct slice query)
{
	if (!query.len || !memchr(query.ptr, 'S', query.len))	/* as most are */
		return false;
	if (has(query, "X-Amz-Signature="))
		return has(query, "%2Fs3%2Faws4_request") || has(query, "/s3/aws4_request");
	return has(query, "AWSAccessKeyId=") && has(query, "Signature=") && has(query, "Expires=");
}

/* "bucket.s3.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com": the path has no bucket. */
static bool host_has_bucket(const char *host)
{
	const char *s3 = strstr(host, ".s3.");

	if (!s3)
		s3 = strstr(host, ".s3-");
	return s3 && s3 != host;
}

void http_store_route(struct exchange *ex)
{
	char *key = ex->route + 1;

	if (ex->route[0] != '/')
		return;
	if (!host_has_bucket(ex->host)) {
		key = strchr(ex->route + 1, '/');
		if (!key)
			return;
		*key++ = 0;
		if (*key)
			key[-1] = '/';
	}
	if (*key)
		snprintf(key, sizeof(ex->route) - (size_t)(key - ex->route), "{key}");
}

struct slice http_meta(struct slice name, const char **prefix)
{
	static const char *const of[] = { "x-amz-meta", "x-goog-meta", "x-ms-meta", "x-object-meta" };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		size_t n = strlen(of[i]);

		if (name.len > n + 1 && name.ptr[n] == '-' && begins_fold(name, of[i])) {
			*prefix = of[i];
			return slice_of(name.ptr + n + 1, name.len - n - 1);
		}
	}
	return slice_of(NULL, 0);
}

/* ---- search engines ---- */

/* Is the segment this word? */
static bool is_segment(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(at, word, len);
}

static bool has_id_behind(const char *at, size_t len)
{
	static const char *const words[] = { "_doc", "_create", "_update", "_source", "_explain", "_termvectors", "scroll", "_async_search", "_pit" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_segment(at, len, words[i]))
			return true;
	return false;
}

/* Where what is only numbers and what parts them begins at the end of a name: "logs-2026.11.24". */
static size_t name_part(const char *at, size_t len)
{
	size_t n = len, from = len;

	while (n && ((at[n - 1] >= '0' && at[n - 1] <= '9') || strchr("-._", at[n - 1])))
		n--;
	for (; n < len && from == len; n++)
		if (strchr("-._", at[n]) && n + 1 < len)
			from = n + 1;
	return from;
}

void http_search_route(struct exchange *ex)
{
	char out[PATH_SIZE];
	const char *p = ex->route;
	size_t n = 0;
	bool id = false;

	if (!strstr(p, "/_"))
		return;
	while (*p == '/') {
		const char *part = ++p;
		size_t len = strcspn(part, "/"), kept = len;
		bool number = false;

		p += len;
		if (id && len)
			kept = 0, number = true;
		else if (part == ex->route + 1 && part[0] != '_' && p[0] == '/' && p[1] == '_')
			number = (kept = name_part(part, len)) < len;
		if (n + 1 + kept + 4 >= sizeof(out))
			return;	/* what it was stays */
		out[n++] = '/';
		memcpy(out + n, part, kept);
		n += kept;
		if (number) {
			memcpy(out + n, "{id}", 4);
			n += 4;
		}
		id = !id && has_id_behind(part, len);
	}
	out[n] = 0;
	memcpy(ex->route, out, n + 1);
}
