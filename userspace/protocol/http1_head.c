/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http1_head.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#include "base/budget.h"

#define METHOD_MAX 24
#define TARGET_USUAL 256

/* The next line end behind which no name begins: the head ends, a line is folded, or more would tell. NULL: there is none. */
static const uint8_t *odd_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	for (; end - p > 16; p += 16) {
		__m128i here = _mm_loadu_si128((const __m128i *)p), next = _mm_loadu_si128((const __m128i *)(p + 1));
		__m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(next, _mm_set1_epi8(' ')), next);
		int odd = _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('\n')), blank));

		if (odd)
			return p + __builtin_ctz((unsigned)odd);
	}
#endif
	while ((p = memchr(p, '\n', (size_t)(end - p))) && end - p > 1 && p[1] > ' ')
		p++;
	return p;
}

/* The first colon; most names are short. NULL: there is none. */
static const uint8_t *name_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	if (end - p >= 16) {
		int colons = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(':')));

		if (colons)
			return p + __builtin_ctz((unsigned)colons);
		p += 16;
	}
#endif
	return memchr(p, ':', (size_t)(end - p));
}

size_t head_length(struct slice in, struct head_scan *scan)
{
	size_t at = scan->scanned > 3 ? scan->scanned - 3 : 0;
	const uint8_t *nl;

	while (at < in.len && (nl = odd_end(in.ptr + at, in.ptr + in.len))) {
		size_t next = (size_t)(nl - in.ptr) + 1;

		if (next < in.len && in.ptr[next] == '\n')
			return next + 1;
		if (next + 1 < in.len && in.ptr[next] == '\r' && in.ptr[next + 1] == '\n')
			return next + 2;
		scan->folded |= next < in.len && (in.ptr[next] == ' ' || in.ptr[next] == '\t');
		at = next;
	}
	scan->scanned = in.len;
	return 0;
}

/* "GET /path HTTP/1.1": every method is a token; only in upper case, as all are in use,
 * so that text is not taken for a request. */
static int request_begins(struct slice in)
{
	size_t n = 0, end;
	const uint8_t *nl;

	while (n < in.len && n < METHOD_MAX && ((in.ptr[n] >= 'A' && in.ptr[n] <= 'Z') || in.ptr[n] == '-' || in.ptr[n] == '_'))
		n++;
	if (n == in.len)
		return n < METHOD_MAX ? -1 : 0;
	if (!n || in.ptr[n] != ' ')
		return 0;
	nl = memchr(in.ptr, '\n', in.len);
	if (!nl)
		return in.len < 8192 ? -1 : 0;
	end = (size_t)(nl - in.ptr);
	if (end && in.ptr[end - 1] == '\r')
		end--;
	return end > n + 10 && !memcmp(in.ptr + end - 9, " HTTP/1.", 8);
}

int head_begins(struct slice in, bool *response)
{
	static const char version[] = "HTTP/1.";
	size_t n = in.len < 7 ? in.len : 7;

	*response = n && !memcmp(in.ptr, version, n);
	if (!*response)
		return request_begins(in);
	if (in.len < 12)
		return -1;
	for (int i = 9; i < 12; i++)
		if (in.ptr[i] < '0' || in.ptr[i] > '9')
			return 0;
	return in.ptr[8] == ' ';
}

/* RFC 9112, 5.2: a line that begins with white space continues the one before. */
void head_unfold(uint8_t *p, size_t len)
{
	for (size_t i = 1, n; i + 1 < len; i = n + 1) {
		const uint8_t *nl = memchr(p + i, '\n', len - 1 - i);

		if (!nl)
			break;
		n = (size_t)(nl - p);
		if (p[n + 1] != ' ' && p[n + 1] != '\t')
			continue;
		p[n] = ' ';
		if (p[n - 1] == '\r')
			p[n - 1] = ' ';
	}
}

/* Digits only; "5, 5" is one length, "5, 6" is an attack (RFC 9112, 6.3). */
static void take_length(struct head *h, struct slice value)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (size_t i = 0; i <= value.len; i++) {
		uint8_t c = i < value.len ? value.ptr[i] : ',';

		if (c >= '0' && c <= '9' && digits < 18) {
			n = n * 10 + (c - '0');
			digits++;
		} else if (c == ',' && digits) {
			if (h->framing == FRAMING_LENGTH && h->length != n)
				h->framing = FRAMING_BAD;
			if (h->framing == FRAMING_NONE)
				h->framing = FRAMING_LENGTH;
			h->length = n;
			n = digits = 0;
		} else if (c != ' ' && c != '\t') {
			h->framing = FRAMING_BAD;
			return;
		}
	}
}

/* Transfer-Encoding wins over Content-Length, whatever came first. Its last coding counts, whole: some take "xchunked"
 * for it, most do not, and between the two a request is hidden. */
static void take_transfer(struct head *h, struct slice value)
{
	size_t n = value.len;

	while (n && !strchr(", \t", value.ptr[n - 1]))
		n--;
	if (is_fold(slice_of(value.ptr + n, value.len - n), "chunked"))
		h->framing = h->framing == FRAMING_BAD ? FRAMING_BAD : FRAMING_CHUNKED;
	else
		h->framing = h->response ? FRAMING_CLOSE : FRAMING_BAD;
}

static void take_header(struct head *h, enum http_name which, struct slice value)
{
	if (which == HTTP_CONTENT_LENGTH && h->framing != FRAMING_CHUNKED && h->framing != FRAMING_CLOSE)
		take_length(h, value);
	else if (which == HTTP_TRANSFER_ENCODING)
		take_transfer(h, value);
	else if (which == HTTP_UPGRADE)
		h->upgrade = value;
	else if (which == HTTP_SEC_WEBSOCKET_EXTENSIONS)
		h->extensions = value;
}

void head_parse(struct slice in, bool response, struct head *h)
{
	struct slice line;
	const uint8_t *nl = memchr(in.ptr, '\n', in.len), *sp;

	*h = (struct head){ .response = response };
	line = http_trim(slice_of(in.ptr, (size_t)(nl - in.ptr)));
	h->lines = slice_of(nl + 1, in.len - (size_t)(nl + 1 - in.ptr));
	if (h->response) {
		h->status = (uint16_t)((line.ptr[9] - '0') * 100 + (line.ptr[10] - '0') * 10 + line.ptr[11] - '0');
	} else {
		sp = memchr(line.ptr, ' ', line.len);
		h->method = slice_of(line.ptr, (size_t)(sp - line.ptr));
		h->target = http_trim(slice_of(sp + 1, line.len - h->method.len - 1 - 9));
	}
}

/* It is decoded in place. */
static void target_fields(const struct http_message *m, struct slice target)
{
	uint8_t room[TARGET_USUAL], *copy = target.len <= sizeof(room) ? room : budget_room(target.len);

	if (!copy) {
		m->ex->inspected = INSPECTED_PARTIAL;
		return;
	}
	memcpy(copy, target.ptr, target.len);
	http_target(m, copy, target.len);
	explicit_bzero(copy, target.len);
	if (copy != room)
		budget_free(copy, target.len);
}

void head_fields(const struct http_message *m, struct head *h)
{
	const uint8_t *p = h->lines.ptr, *end = p + h->lines.len;

	for (unsigned n = 0; p < end && n < HTTP_HEADERS_MAX; n++) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end, *colon = name_end(p, stop);

		if (colon) {
			struct slice name = http_trim(slice_of(p, (size_t)(colon - p)));
			struct slice value = http_trim(slice_of(colon + 1, (size_t)(stop - colon) - 1));

			take_header(h, http_header(m, name, value), value);
		}
		p = stop + (nl != NULL);
	}
	if (h->target.len)
		target_fields(m, h->target);
}
