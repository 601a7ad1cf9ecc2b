/* SPDX-License-Identifier: Apache-2.0 */
/* mysql_fits.c - packets have no mark: what begins one is told from chance by how its length, its
 * sequence and what is in it fit each other. */
#include <string.h>

#include "protocol/mysql.h"

#define LENGTH_FOUND	(4 << 20)	/* of a packet that is believed without knowing that one begins there */
#define VALUES_FOUND	64		/* of a row */
#define READ_FOUND	64		/* bytes of a text */
#define EXECUTE_READ	32		/* bytes of an execution that are had before it is one: others' numbers look like its */
#define WAITED_FOR	2048		/* bytes that may have to be there before it is believed */
#define ALONE_SURE	3		/* commands of one byte in a row that are believed by themselves */
#define GREETING_MAX	1024
#define LOGIN_MAX	70000		/* with attributes */

/* What is there of the packet's body, and whether that is all. */
struct packet { struct slice body; uint32_t len; uint8_t seq; bool whole; };

static int packet_of(struct slice in, struct packet *p, uint32_t longest)
{
	if (in.len > 2 && (uint32_t)in.ptr[2] << 16 > longest)
		return 0;
	if (in.len < MY_HEAD + 1)
		return -1;
	p->len = (uint32_t)in.ptr[0] | (uint32_t)in.ptr[1] << 8 | (uint32_t)in.ptr[2] << 16;
	p->seq = in.ptr[3];
	if (!p->len || p->len > longest)
		return 0;
	p->whole = in.len - MY_HEAD >= p->len;
	p->body = slice_of(in.ptr + MY_HEAD, p->whole ? p->len : in.len - MY_HEAD);
	return 1;
}

static bool readable(struct slice s)
{
	for (size_t i = 0; i < s.len && i < READ_FOUND; i++)
		if (s.ptr[i] < 0x20 && !strchr("\t\r\n", s.ptr[i] ? s.ptr[i] : 1))
			return false;
	return true;
}

/* An error that a server says instead of its greeting, or of anything else. */
static bool is_error(const struct packet *p)
{
	unsigned code = p->body.len > 2 ? p->body.ptr[1] | (unsigned)p->body.ptr[2] << 8 : 0;

	if (p->body.ptr[0] != 0xff || p->len < 4 || p->len > 2048)
		return false;
	return p->body.len < 3 || (code >= 1000 && code < 10000 && readable(slice_of(p->body.ptr + 3, p->body.len - 3)));
}

int my_greets(struct slice in)
{
	struct packet p;
	int there = packet_of(in, &p, GREETING_MAX);
	const uint8_t *end;

	if (there <= 0)
		return there;
	if (p.seq)
		return 0;
	if (is_error(&p) && p.len > 8)
		return p.whole ? 1 : -1;
	if (p.body.ptr[0] != 10 || p.len < 30)
		return 0;
	end = memchr(p.body.ptr, 0, p.body.len);
	if (!readable(slice_of(p.body.ptr + 1, (size_t)((end ? end : p.body.ptr + p.body.len) - p.body.ptr - 1))))
		return 0;
	if (!end)
		return p.body.len > 64 ? 0 : -1;
	return end <= p.body.ptr + 2 ? 0 : p.whole ? 1 : -1;
}

int my_logs_in(struct slice in)
{
	struct packet p;
	int there = packet_of(in, &p, LOGIN_MAX);

	if (there <= 0)
		return there;
	if (p.len < 32 || (p.seq != 1 && p.seq != 2) || (p.body.len > 1 && !(p.body.ptr[1] & MY_PROTOCOL_41 >> 8)))
		return 0;
	for (size_t i = 9; i < 9 + 19 && i < p.body.len; i++)
		if (p.body.ptr[i])
			return 0;
	return p.body.len < 32 ? -1 : 1;
}

bool my_is_command(uint8_t c)
{
	return (c >= COM_QUIT && c <= COM_PROCESS_INFO) || (c >= COM_PROCESS_KILL && c <= COM_PING) || (c >= COM_CHANGE_USER && c <= COM_RESET_CONNECTION) ||
	       c == COM_BULK_EXECUTE || c == 0x20;
}

/* SQL begins here: with a command, perhaps behind blanks, a parenthesis or a comment. */
static int is_sql(struct slice text, bool whole)
{
	char method[WORD_SIZE];
	size_t i = 0, end;

	while (i < text.len && i < 16 && strchr(" \t\r\n(", text.ptr[i] | !text.ptr[i]))
		i++;
	if (text.len - i >= 2 && text.ptr[i] == '/' && text.ptr[i + 1] == '*')
		return readable(slice_of(text.ptr + i, text.len - i < 64 ? text.len - i : 64));
	for (end = i; end < text.len && end - i < WORD_SIZE && ((text.ptr[end] | 0x20) >= 'a' && (text.ptr[end] | 0x20) <= 'z'); end++)
		;
	if (end == text.len && !whole && end - i < WORD_SIZE)	/* the word may go on */
		return readable(text) ? -1 : 0;
	if (sql_command(method, slice_of(text.ptr + i, text.len - i)))
		return 1;
	return text.len < 12 && readable(text) ? -1 : 0;
}

/* One of a byte alone, which may be by chance: what comes behind it says, however bytes are cut. */
static bool says_nothing(const struct packet *p)
{
	uint8_t c = p->body.ptr[0];

	return p->len == 1 && (c == COM_PING || c == COM_QUIT || c == COM_STATISTICS || c == COM_RESET_CONNECTION);
}

int my_commands(struct slice in)
{
	struct packet p;
	int there = packet_of(in, &p, LENGTH_FOUND);
	struct reader r;

	for (unsigned n = 0; there > 0 && !p.seq && says_nothing(&p); n++) {
		if (n == ALONE_SURE)
			return 1;
		in = slice_of(in.ptr + MY_HEAD + 1, in.len - MY_HEAD - 1);
		there = packet_of(in, &p, LENGTH_FOUND);
	}
	if (there <= 0)
		return there;
	if (p.seq)
		return 0;
	r = (struct reader){ slice_of(p.body.ptr + 1, p.body.len - 1), false };
	switch (p.body.ptr[0]) {
	case COM_QUERY:
		if (r.left.len > 1 && !r.left.ptr[0] && r.left.ptr[1] == 1)	/* no attributes */
			reader_take(&r, 2);
		/* fall through */
	case COM_STMT_PREPARE:
		there = is_sql(r.left, p.whole);
		return there < 0 && p.whole ? 0 : there;
	case COM_STMT_EXECUTE:
		if (p.len < 10 || (r.left.len > 4 && r.left.ptr[4] & 0xf0))
			return 0;
		reader_take(&r, 5);
		return my_little(&r, 4) == 1 ? p.whole || in.len >= EXECUTE_READ ? 1 : -1 : r.failed ? -1 : 0;
	case COM_BULK_EXECUTE:
		return p.len < 8 ? 0 : r.left.len < 6 ? -1 : !(r.left.ptr[4] & 0x3f) && !r.left.ptr[5];
	case COM_INIT_DB: case COM_FIELD_LIST:
		if (p.len > 1 && p.len < 130 && !p.whole)
			return readable(r.left) ? -1 : 0;
		there = p.whole && r.left.len && !r.left.ptr[r.left.len - 1];	/* ends with a NUL */
		return p.len > 1 && p.len < 130 && p.whole && readable(slice_of(r.left.ptr, r.left.len - (size_t)there));
	case COM_CHANGE_USER:
		if (p.len > 4 && p.len < GREETING_MAX && !p.whole)
			return -1;
		return p.len > 4 && p.len < GREETING_MAX && memchr(r.left.ptr, 0, r.left.len);
	case COM_STMT_FETCH: return p.len == 9;
	case COM_STMT_CLOSE: case COM_STMT_RESET: return p.len == 5;
	case COM_STMT_SEND_LONG_DATA: return p.len <= 7 || p.len > MY_WAITED ? 0 : p.whole ? 1 : -1;
	default: return 0;
	}
}

bool my_is_column(struct slice body)
{
	return body.len >= 4 && body.ptr[0] == 3 && !memcmp(body.ptr + 1, "def", 3);
}

/* The number of columns, and the first of them behind it. */
static int is_head(struct slice in, const struct packet *p)
{
	struct slice next = slice_of(in.ptr + MY_HEAD + p->body.len, in.len - MY_HEAD - p->body.len);

	if (p->len > 4 || !p->whole || !p->body.ptr[0] || p->seq != 1)
		return 0;
	if (next.len < MY_HEAD + 4)
		return -1;
	return next.ptr[3] == 2 && my_is_column(slice_of(next.ptr + MY_HEAD, next.len - MY_HEAD));
}

static int is_ok(const struct packet *p)
{
	struct reader r = { slice_of(p->body.ptr + 1, p->body.len - 1), false };

	if (p->body.ptr[0] == 0xfe && p->len == 5)	/* warnings, status */
		return !p->whole ? -1 : !(p->body.ptr[2] & 0xf0) && !(p->body.ptr[4] & 0x80);
	if (!p->whole)
		return p->len >= 7 && p->len < 512 ? -1 : 0;
	if (!p->body.ptr[0] && p->len == 12 && p->seq == 1 && !p->body.ptr[9])	/* prepared */
		return p->body.ptr[3] < 16 && !p->body.ptr[4];
	my_number(&r);
	my_number(&r);
	my_little(&r, 1);
	return p->len >= 7 && p->len < 512 && !(my_little(&r, 1) & 0x80) && my_little(&r, 2) < 4096 && !r.failed && (!r.left.len || r.left.len > 1);
}

/* Texts behind their lengths, up to the last byte. Looked at from many places: at few of them. */
static int is_text_row(const struct packet *p)
{
	struct reader r = { p->body, false };
	unsigned nr = 0;

	for (; r.left.len && !r.failed && nr < VALUES_FOUND; nr++) {
		bool cut;
		struct slice value;

		if (r.left.ptr[0] == 0xfb) {
			reader_take(&r, 1);
			continue;
		}
		value = my_vector(&r, false, &cut);
		if (nr < 4 && !readable(value))
			return 0;
	}
	if (!p->whole)
		return p->len < WAITED_FOR ? -1 : 0;
	return !r.failed && !r.left.len && nr;
}

/* One packet by itself: how much it says. 3: it is one, whatever follows, as it must be where calls are cut behind it;
 * 2: it is one; 1: it may be one among others; 0: it is none; -1: more would tell. */
static int answer_fits(struct slice in, const struct packet *p)
{
	int head = is_head(in, p), ok;

	if (head > 0 || my_is_column(p->body))
		return 3;
	if (is_error(p))
		return p->body.len > 3 ? 1 + (p->body.ptr[3] == '#') : -1;
	if (p->body.ptr[0] == 0 || p->body.ptr[0] == 0xfe) {
		ok = is_ok(p);
		if (ok > 0 && (p->body.ptr[0] == 0xfe || p->len == 7))
			return 3;
		if (ok > 0)
			return p->len == 12 || p->seq == 1 ? 2 : 1;
		if (ok < 0)
			return -1;
	}
	if (!p->body.ptr[0] && p->len > 2)
		return 1;	/* a binary row */
	ok = is_text_row(p);
	if (ok > 0)
		return p->len > 6 ? 2 : 1;
	return head < 0 || ok < 0 ? -1 : 0;
}

int my_answers(struct slice in, uint8_t *seq)
{
	unsigned nr = 0, sure = 0;
	struct slice all = in;
	struct packet p;
	int there = packet_of(in, &p, LENGTH_FOUND);

	if (there <= 0)
		return there;
	if (!p.seq)
		return 0;
	*seq = p.seq;
	for (uint8_t want = p.seq; nr < 8; nr++, want++) {
		int fits;

		there = in.len ? packet_of(in, &p, LENGTH_FOUND) : -1;
		if (!there)
			return 0;
		if (there < 0)
			break;
		fits = p.seq == want ? answer_fits(in, &p) : 0;
		if (!fits && nr && sure && p.seq == 1)
			return 1;	/* the next answer */
		if (!fits)
			return 0;
		if (fits == 3)
			return 1;
		sure += fits == 2;
		if (fits < 0 || !p.whole)
			break;
		in = slice_of(in.ptr + MY_HEAD + p.len, in.len - MY_HEAD - p.len);
	}
	return sure || nr > 2 ? 1 : all.len < WAITED_FOR ? -1 : 0;
}

int my_frame_begins(struct slice in)
{
	uint32_t packed, plain;
	struct slice inner;

	if (in.len > 3 && in.ptr[3])
		return 0;	/* only a client's first frame is looked for */
	if (in.len < 12)
		return -1;
	packed = (uint32_t)in.ptr[0] | (uint32_t)in.ptr[1] << 8 | (uint32_t)in.ptr[2] << 16;
	plain = (uint32_t)in.ptr[4] | (uint32_t)in.ptr[5] << 8 | (uint32_t)in.ptr[6] << 16;
	inner = slice_of(in.ptr + 7, in.len - 7);
	if (!plain)
		return packed == MY_HEAD + (inner.ptr[0] | (uint32_t)inner.ptr[1] << 8 | (uint32_t)inner.ptr[2] << 16) ? my_commands(inner) : 0;
	if (memcmp(inner.ptr, "\x28\xb5\x2f\xfd", 4) && (inner.ptr[0] != 0x78 || (inner.ptr[0] * 256u + inner.ptr[1]) % 31))
		return 0;	/* neither zstd nor zlib */
	return plain > packed && packed > 8;
}
