/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/http1_head.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#include "base/budget.h"
#include "base/uninitialized.h"

#define METHOD_MAX 24
#define TARGET_USUAL 256

/* Of sixteen bytes, a bit for each that is this one. */
static inline unsigned bytes_are(const uint8_t *p, char c)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(c)));
#else
	unsigned found = 0;

	for (unsigned i = 0; i < 16; i++)
		found |= (unsigned)(p[i] == (uint8_t)c) << i;
	return found;
#endif
}

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A line ends, and the next begins there, unless it goes on (RFC 9112, 5.2); but the start line does not, and what begins
 * like that behind it is nobody's (2.2). Returns the head's length, if it is the last one. */
static inline size_t line_ends(struct slice in, size_t next, struct head_scan *scan, struct head_lines *lines)
{
	uint8_t c = next < in.len ? in.ptr[next] : 0;

	if (is_white(c) && lines->nr && !is_white(in.ptr[lines->next[lines->nr - 1]])) {
		scan->folded = true;
		return 0;
	}
	if (lines->nr < HEAD_LINES)
		lines->next[lines->nr++] = (uint32_t)next;
	if (c > ' ')
		return 0;
	return c == '\n' ? next + 1 : c == '\r' && next + 1 < in.len && in.ptr[next + 1] == '\n' ? next + 2 : 0;
}

static inline uint64_t bytes_are_64(const uint8_t *p, char c)
{
	return bytes_are(p, c) | (uint64_t)bytes_are(p + 16, c) << 16 | (uint64_t)bytes_are(p + 32, c) << 32 |
	       (uint64_t)bytes_are(p + 48, c) << 48;
}

/* The line ends among the next 64 bytes; where there are fewer, those before are looked at once more. */
static inline uint64_t ends_from(struct slice in, size_t at)
{
	uint64_t ends = 0;
	size_t n = 0;

	if (in.len - at >= 64)
		return bytes_are_64(in.ptr + at, '\n');
	if (in.len >= 64)
		return bytes_are_64(in.ptr + in.len - 64, '\n') >> (64 - (in.len - at));
	for (; in.len - at - n >= 16; n += 16)
		ends |= (uint64_t)bytes_are(in.ptr + at + n, '\n') << n;
	for (; n < in.len - at; n++)
		ends |= (uint64_t)(in.ptr[at + n] == '\n') << n;
	return ends;
}

static size_t read_lines(struct slice in, size_t at, struct head_scan *scan, struct head_lines *lines)
{
	size_t len;

	lines->nr = 0;
	for (; at < in.len; at += 64)
		for (uint64_t ends = ends_from(in, at); ends; ends &= ends - 1)
			if ((len = line_ends(in, at + (unsigned)__builtin_ctzll(ends) + 1, scan, lines)))
				return len;
	return 0;
}

size_t head_length(struct slice in, struct head_scan *scan, struct head_lines *lines)
{
	size_t from = scan->scanned > 3 ? scan->scanned - 3 : 0, len = read_lines(in, from, scan, lines);

	scan->scanned = in.len;
	return len && from ? read_lines(in, 0, scan, lines) : len;
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

void head_unfold(uint8_t *p, size_t len)
{
	const uint8_t *line = memchr(p, '\n', len);

	while (line && (size_t)(line + 1 - p) < len && is_white(line[1]))	/* nobody's */
		line = memchr(line + 1, '\n', len - (size_t)(line + 1 - p));
	for (size_t i = line ? (size_t)(line + 1 - p) : len, n; i + 1 < len; i = n + 1) {
		const uint8_t *nl = memchr(p + i, '\n', len - 1 - i);

		if (!nl)
			break;
		n = (size_t)(nl - p);
		if (!is_white(p[n + 1]))
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

void head_parse(struct slice in, bool response, const struct head_lines *lines, struct head *h)
{
	struct slice line = http_trim(slice_of(in.ptr, lines->next[0]));
	const uint8_t *sp;

	*h = (struct head){ .response = response };
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
	uint8_t room[TARGET_USUAL] UNINITIALIZED, *copy = target.len <= sizeof(room) ? room : budget_room(target.len);

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

/* The colon behind the name; most are short. end: of what may be read. NULL: there is none. */
static inline const uint8_t *name_end(const uint8_t *p, const uint8_t *stop, const uint8_t *end)
{
	unsigned colons = end - p >= 16 ? bytes_are(p, ':') : 0;
	const uint8_t *colon = colons ? p + __builtin_ctz(colons) : memchr(p, ':', (size_t)(stop - p));

	return colon < stop ? colon : NULL;
}

/* As http_trim(), which has nothing to do where nobody wrote more than a blank and a line end around. */
static inline struct slice trimmed(const uint8_t *from, const uint8_t *to)
{
	if (from < to && *from == ' ')
		from++;
	if (from < to && to[-1] == '\r')
		to--;
	if (from < to && *from > ' ' && to[-1] > ' ')
		return slice_of(from, (size_t)(to - from));
	return http_trim(slice_of(from, (size_t)(to - from)));
}

static void line_fields(const struct http_message *m, struct slice line, const uint8_t *end, struct head *h)
{
	const uint8_t *p = line.ptr, *stop = p + line.len, *colon = name_end(p, stop, end);
	struct slice name = trimmed(p, colon ? colon : p), value = trimmed(colon ? colon + 1 : p, stop);

	if (is_white(*p) && (colon || value.len))
		http_stray(m, name, (size_t)(end - name.ptr), value);
	else if (colon)
		take_header(h, http_header(m, name, (size_t)(end - name.ptr), value), value);
}

/* Too many to become fields; but where a message ends the last of its headers may say. */
static void lines_beyond(const struct http_message *m, const uint8_t *p, const uint8_t *end, struct head *h)
{
	const uint8_t *nl, *colon;
	uint8_t lower[HTTP_NAME_MAX];

	for (; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		colon = name_end(p, nl, end);
		if (!colon)
			continue;
		m->ex->inspected = INSPECTED_PARTIAL;
		if (!is_white(*p)) {
			struct slice name = trimmed(p, colon);

			take_header(h, http_name_read(name, (size_t)(end - name.ptr), lower), trimmed(colon + 1, nl));
		}
	}
}

void head_fields(const struct http_message *m, struct slice in, const struct head_lines *lines, struct head *h)
{
	const uint8_t *end = in.ptr + in.len;

	for (unsigned n = 1; n < lines->nr; n++)
		line_fields(m, slice_of(in.ptr + lines->next[n - 1], lines->next[n] - 1 - lines->next[n - 1]), end, h);
	if (lines->nr == HEAD_LINES)
		lines_beyond(m, in.ptr + lines->next[HEAD_LINES - 1], end, h);
	if (h->target.len)
		target_fields(m, h->target);
}
