/* SPDX-License-Identifier: Apache-2.0 */
/* A body in the chunked coding. The oracle is a decoder of strict RFC 9112, 7.1 alone, a
 * dozen lines: what it takes must be the body that comes out. */
#include "tests/fuzz/events.h"

#define HEAD "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"

/* Length of the decoded body in out; -1: not strict, or not whole. */
static long strict(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t at = 0, n, size, digits;

	for (n = 0;; n += size) {
		for (size = digits = 0; at < len && digits < 6 && strchr("0123456789abcdef", p[at]) && p[at]; at++, digits++)
			size = size << 4 | (size_t)(p[at] <= '9' ? p[at] - '0' : p[at] - 'a' + 10);
		if (!digits || len - at < size + 4 || p[at] != '\r' || p[at + 1] != '\n')
			return -1;
		at += 2;
		if (!size)
			return p[at] == '\r' && p[at + 1] == '\n' && at + 2 == len ? (long)n : -1;
		memcpy(out + n, p + at, size);
		at += size;
		if (p[at] != '\r' || p[at + 1] != '\n')
			return -1;
		at += 2;
	}
}

struct seen { uint8_t *body; size_t len; unsigned exchanges; };

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct seen *s = owner;

	if (f->location != LOC_REQUEST_BODY)
		return;
	free(s->body);
	s->body = exact(f->value.ptr, f->value.len);
	s->len = f->value.len;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	((struct seen *)owner)->exchanges++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct seen seen = { 0 };
	const struct field_sink sink = { &seen, on_field, event_clean, on_exchange, NULL, NULL, NULL };
	const struct conn_facts conn = { .id = 1, .tls = TLS_ABSENT };
	struct byte_account acct[2] = { 0 };
	struct session *s = session_new(&conn, &sink, acct);
	uint8_t *body = malloc(len + 1), *in = exact(bytes, len);
	long n = strict(bytes, len, body);
	bool printable = true;

	session_bytes(s, DIR_RECEIVED, SLICE(HEAD), (struct stamp){ 1, 1 });
	for (size_t at = 0, piece = len % 5 ? len : 3; at < len; at += piece)
		session_bytes(s, DIR_RECEIVED, slice_of(in + at, piece < len - at ? piece : len - at), (struct stamp){ 2, 1 });
	free(in);
	session_close(s, (struct stamp){ 3, 1 });
	MUST(acct[DIR_RECEIVED].examined + acct[DIR_RECEIVED].opaque == (int64_t)(len + strlen(HEAD)) && acct[DIR_RECEIVED].opaque >= 0);
	MUST(seen.exchanges >= 1);
	for (long i = 0; i < n; i++)
		printable &= body[i] > ' ' && body[i] < 0x7f && !strchr("{[%", body[i]);	/* what begins with %PDF- is named only */
	if (n > 0 && n < 16384 && printable) {
		MUST(acct[DIR_RECEIVED].opaque == 0 && seen.exchanges == 1);
		MUST(seen.len == (size_t)n && !memcmp(seen.body, body, seen.len));
	}
	free(seen.body);
	free(body);
	return 0;
}
