/* SPDX-License-Identifier: Apache-2.0 */
/* memcached_binary.c - the heads of memcached's binary protocol.
 *
 *   0x80 or 0x81 | code | key size 2 | extras size 1 | 0 | bucket, of an answer its status 2 | size of all that follows 4 |
 *   name of the request 4 | unique 8 | extras | key | value */
#include "protocol/memcached.h"
#include "protocol/protocol.h"
#include "protocol/reader.h"

#define HEAD 24
#define TEXT_MAX 1024	/* bytes of what is said of a failure */
#define TEXT_TOLD 8	/* of these, so many tell whether it is text */

/* Bytes of extras of a command and of its answer; 0xff: 4 or none. A key, a value of the command; of the answer. */
struct code { uint8_t what; bool quiet; uint8_t asks, answers; bool key, value, comes; };
#define MAYBE 0xff
static const struct code codes[] = {
	[0x00] = { MC_GET, false, 0, 4, true, false, true }, [0x01] = { MC_SET, false, 8, 0, true, true, false },
	[0x02] = { MC_ADD, false, 8, 0, true, true, false }, [0x03] = { MC_REPLACE, false, 8, 0, true, true, false },
	[0x04] = { MC_DELETE, false, 0, 0, true, false, false }, [0x05] = { MC_INCR, false, 20, 0, true, false, true },
	[0x06] = { MC_DECR, false, 20, 0, true, false, true }, [0x07] = { MC_QUIT, false, 0, 0, false, false, false },
	[0x08] = { MC_FLUSH_ALL, false, MAYBE, 0, false, false, false }, [0x09] = { MC_GET, true, 0, 4, true, false, true },
	[0x0a] = { MC_NOOP, false, 0, 0, false, false, false }, [0x0b] = { MC_VERSION, false, 0, 0, false, false, true },
	[0x0c] = { MC_GET, false, 0, 4, true, false, true }, [0x0d] = { MC_GET, true, 0, 4, true, false, true },
	[0x0e] = { MC_APPEND, false, 0, 0, true, true, false }, [0x0f] = { MC_PREPEND, false, 0, 0, true, true, false },
	[0x10] = { MC_STATS, false, 0, 0, false, false, true }, [0x11] = { MC_SET, true, 8, 0, true, true, false },
	[0x12] = { MC_ADD, true, 8, 0, true, true, false }, [0x13] = { MC_REPLACE, true, 8, 0, true, true, false },
	[0x14] = { MC_DELETE, true, 0, 0, true, false, false }, [0x15] = { MC_INCR, true, 20, 0, true, false, true },
	[0x16] = { MC_DECR, true, 20, 0, true, false, true }, [0x17] = { MC_QUIT, true, 0, 0, false, false, false },
	[0x18] = { MC_FLUSH_ALL, true, MAYBE, 0, false, false, false }, [0x19] = { MC_APPEND, true, 0, 0, true, true, false },
	[0x1a] = { MC_PREPEND, true, 0, 0, true, true, false }, [0x1b] = { MC_VERBOSITY, false, 4, 0, false, false, false },
	[0x1c] = { MC_TOUCH, false, 4, MAYBE, true, false, false }, [0x1d] = { MC_GAT, false, 4, 4, true, false, true },
	[0x1e] = { MC_GAT, true, 4, 4, true, false, true }, [0x20] = { MC_SASL_LIST, false, 0, 0, false, false, true },
	[0x21] = { MC_SASL_AUTH, false, 0, 0, true, true, true }, [0x22] = { MC_SASL_STEP, false, 0, 0, true, true, true },
	[0x23] = { MC_GAT, false, 4, 4, true, false, true }, [0x24] = { MC_GAT, true, 4, 4, true, false, true },
};

/* What HTTP calls a status; 0: there is no such one. */
static uint16_t status_of(uint32_t status)
{
	switch (status) {
	case 0x00: return 200;
	case 0x01: return 404;
	case 0x02: return 409;
	case 0x03: return 413;
	case 0x04: case 0x06: return 400;
	case 0x05: return 412;
	case 0x07: return 421;
	case 0x08: case 0x20: return 401;
	case 0x09: case 0x21: return 100;	/* a step more of the log-in */
	case 0x81: case 0x83: return 501;
	case 0x82: case 0x85: case 0x86: return 503;
	case 0x84: return 500;
	default: return 0;
	}
}

static bool is_extras(uint32_t have, uint8_t want)
{
	return have == want || (want == MAYBE && (!have || have == 4));
}

/* Keys that libraries make are text; others come over HTTP too. */
static bool is_key(struct slice key)
{
	for (size_t i = 0; i < key.len; i++)
		if (key.ptr[i] < 0x20 || key.ptr[i] == 0x7f)
			return false;
	return true;
}

/* Sizes that fit each other, as much of them as is there. */
static bool fits(const struct code *c, const struct mc_head *h, uint32_t key, uint32_t extras, uint32_t total)
{
	if (key > MC_KEY_MAX || total > MC_VALUE_MAX || key + extras > total)
		return false;
	if (!h->front)
		return h->status != 200 ? !extras : is_extras(extras, c->answers) && (c->comes || total == key + extras);
	return is_extras(extras, c->asks) && (key || !c->key) && (c->value || total == key + extras) && (c->key || c->what == MC_STATS || !key);
}

/* What an answer has for people, or a list of mechanisms, begins as a text. 0: not so, -1: more would tell. */
static int says(const struct mc_head *h, struct slice in)
{
	size_t n = h->value < TEXT_TOLD ? h->value : TEXT_TOLD;

	if (h->status == 100)	/* a step more of a log-in, of bytes */
		return h->what == MC_SASL_AUTH || h->what == MC_SASL_STEP;
	if (h->front || (h->status == 200 && h->what != MC_SASL_LIST))
		return 1;
	if (h->value > TEXT_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (i == in.len)
			return -1;
		if ((in.ptr[i] < 0x20 || in.ptr[i] > 0x7e) && !memchr("\t\r\n", in.ptr[i], 3))
			return 0;
	}
	return 1;
}

int mc_binary_read(struct slice in, struct mc_head *h)
{
	struct reader r = { .left = in };
	uint32_t magic = reader_number(&r, 1), code = reader_number(&r, 1), key = reader_number(&r, 2), extras = reader_number(&r, 1);
	uint32_t type = reader_number(&r, 1), status = reader_number(&r, 2), total = reader_number(&r, 4), name = reader_number(&r, 4);
	const struct code *c = &codes[code < sizeof(codes) / sizeof(codes[0]) ? code : 0x1f];

	*h = (struct mc_head){ .what = (enum mc_what)c->what, .front = magic == 0x80, .quiet = c->quiet, .keys = SLICE(""), .sure = 88 };
	if ((in.len && magic != 0x80 && magic != 0x81) || (in.len > 1 && !c->what) || (in.len > 3 && key > MC_KEY_MAX) || (in.len > 5 && type))
		return 0;
	if (in.len < 12)
		return -1;
	h->status = h->front ? 0 : status_of(status);
	if ((h->front ? status : !h->status) || !fits(c, h, key, extras, total))
		return 0;
	reader_take(&r, 8 + extras);
	h->key = slice_of(r.left.ptr, r.left.len < key ? r.left.len : key);
	if (!r.failed && !is_key(h->key))
		return 0;
	if (r.failed || h->key.len < key)
		return -1;
	h->len = HEAD + extras + key;
	h->value = total - extras - key;
	h->id = 1ull << 63 | (uint64_t)name << 8 | code;
	h->mute = c->what == MC_QUIT && c->quiet;
	h->more = !h->front && c->what == MC_STATS && h->status == 200 && key;
	h->valued = h->front ? c->value : h->value > 0 || (h->status == 200 && (mc_is_get(h->what)));
	h->hit = h->valued && h->status == 200 && mc_is_get(h->what);
	return says(h, slice_of(r.left.ptr + key, r.left.len - key));
}
