/* SPDX-License-Identifier: Apache-2.0 */
/* amqp_method.c - the methods of AMQP 0-9-1, with those that RabbitMQ has added, and what their arguments are. */
#include <string.h>

#include "protocol/amqp.h"
#include "protocol/reader.h"

#define TEXT_MAX 65536

/* A method that asks, and its answer behind it. */
#define ASK(class, id, name, from, args, nowait) { AMQP_KEY(class, id), 0, from, true, false, nowait, name, args }
#define ANSWER(class, id, of, from, args) { AMQP_KEY(class, id), AMQP_KEY(class, of), from, false, false, 0, "", args }
#define SAYS(class, id, name, from, args) { AMQP_KEY(class, id), 0, from, false, false, 0, name, args }
#define CONTENT(class, id, of, name, from, args) { AMQP_KEY(class, id), AMQP_KEY(class, of), from, false, true, 0, name, args }

static const struct amqp_row rows[] = {
	SAYS(AMQP_CONNECTION, 10, "", AMQP_SERVER, "bbTll"),
	ASK(AMQP_CONNECTION, 11, "connection.start", AMQP_CLIENT, "Tsls", 0),
	SAYS(AMQP_CONNECTION, 20, "", AMQP_SERVER, "l"),
	SAYS(AMQP_CONNECTION, 21, "", AMQP_CLIENT, "l"),
	ANSWER(AMQP_CONNECTION, 30, 11, AMQP_SERVER, "wdw"),
	SAYS(AMQP_CONNECTION, 31, "", AMQP_CLIENT, "wdw"),
	ASK(AMQP_CONNECTION, 40, "connection.open", AMQP_CLIENT, "hsB", 0),
	ANSWER(AMQP_CONNECTION, 41, 40, AMQP_SERVER, "s"),
	ASK(AMQP_CONNECTION, 50, "connection.close", AMQP_BOTH, "wrww", 0),
	ANSWER(AMQP_CONNECTION, 51, 50, AMQP_BOTH, ""),
	SAYS(AMQP_CONNECTION, 60, "", AMQP_SERVER, "s"),
	SAYS(AMQP_CONNECTION, 61, "", AMQP_SERVER, ""),
	ASK(AMQP_CONNECTION, 70, "update-secret", AMQP_CLIENT, "ls", 0),
	ANSWER(AMQP_CONNECTION, 71, 70, AMQP_SERVER, ""),
	ASK(AMQP_CHANNEL, 10, "channel.open", AMQP_CLIENT, "s", 0),
	ANSWER(AMQP_CHANNEL, 11, 10, AMQP_SERVER, "l"),
	ASK(AMQP_CHANNEL, 20, "channel.flow", AMQP_BOTH, "B", 0),
	ANSWER(AMQP_CHANNEL, 21, 20, AMQP_BOTH, "B"),
	ASK(AMQP_CHANNEL, 40, "channel.close", AMQP_BOTH, "wrww", 0),
	ANSWER(AMQP_CHANNEL, 41, 40, AMQP_BOTH, ""),
	ASK(AMQP_EXCHANGE, 10, "exchange.declare", AMQP_CLIENT, "wxsBT", 16),
	ANSWER(AMQP_EXCHANGE, 11, 10, AMQP_SERVER, ""),
	ASK(AMQP_EXCHANGE, 20, "exchange.delete", AMQP_CLIENT, "wxB", 2),
	ANSWER(AMQP_EXCHANGE, 21, 20, AMQP_SERVER, ""),
	ASK(AMQP_EXCHANGE, 30, "exchange.bind", AMQP_CLIENT, "wxxkBT", 1),
	ANSWER(AMQP_EXCHANGE, 31, 30, AMQP_SERVER, ""),
	ASK(AMQP_EXCHANGE, 40, "exchange.unbind", AMQP_CLIENT, "wxxkBT", 1),
	ANSWER(AMQP_EXCHANGE, 51, 40, AMQP_SERVER, ""),
	ASK(AMQP_QUEUE, 10, "queue.declare", AMQP_CLIENT, "wuBT", 16),
	ANSWER(AMQP_QUEUE, 11, 10, AMQP_SERVER, "udd"),
	ASK(AMQP_QUEUE, 20, "queue.bind", AMQP_CLIENT, "wuxkBT", 1),
	ANSWER(AMQP_QUEUE, 21, 20, AMQP_SERVER, ""),
	ASK(AMQP_QUEUE, 30, "queue.purge", AMQP_CLIENT, "wuB", 1),
	ANSWER(AMQP_QUEUE, 31, 30, AMQP_SERVER, "d"),
	ASK(AMQP_QUEUE, 40, "queue.delete", AMQP_CLIENT, "wuB", 4),
	ANSWER(AMQP_QUEUE, 41, 40, AMQP_SERVER, "d"),
	ASK(AMQP_QUEUE, 50, "queue.unbind", AMQP_CLIENT, "wuxkT", 0),
	ANSWER(AMQP_QUEUE, 51, 50, AMQP_SERVER, ""),
	ASK(AMQP_BASIC, 10, "basic.qos", AMQP_CLIENT, "dwB", 0),
	ANSWER(AMQP_BASIC, 11, 10, AMQP_SERVER, ""),
	ASK(AMQP_BASIC, 20, "basic.consume", AMQP_CLIENT, "wucBT", 8),
	ANSWER(AMQP_BASIC, 21, 20, AMQP_SERVER, "c"),
	ASK(AMQP_BASIC, 30, "basic.cancel", AMQP_BOTH, "cB", 1),
	ANSWER(AMQP_BASIC, 31, 30, AMQP_BOTH, "c"),
	CONTENT(AMQP_BASIC, 40, 0, "basic.publish", AMQP_CLIENT, "wxkB"),
	CONTENT(AMQP_BASIC, 50, 0, "basic.return", AMQP_SERVER, "wrxk"),
	CONTENT(AMQP_BASIC, 60, 0, "basic.deliver", AMQP_SERVER, "cqBxk"),
	ASK(AMQP_BASIC, 70, "basic.get", AMQP_CLIENT, "wuB", 0),
	CONTENT(AMQP_BASIC, 71, 70, "basic.get", AMQP_SERVER, "qBxkd"),
	ANSWER(AMQP_BASIC, 72, 70, AMQP_SERVER, "s"),
	SAYS(AMQP_BASIC, 80, "", AMQP_BOTH, "qB"),
	SAYS(AMQP_BASIC, 90, "", AMQP_CLIENT, "qB"),
	SAYS(AMQP_BASIC, 100, "", AMQP_CLIENT, "B"),
	ASK(AMQP_BASIC, 110, "basic.recover", AMQP_CLIENT, "B", 0),
	ANSWER(AMQP_BASIC, 111, 110, AMQP_SERVER, ""),
	SAYS(AMQP_BASIC, 120, "", AMQP_BOTH, "qB"),
	ASK(AMQP_CONFIRM, 10, "confirm.select", AMQP_CLIENT, "B", 1),
	ANSWER(AMQP_CONFIRM, 11, 10, AMQP_SERVER, ""),
	ASK(AMQP_TX, 10, "tx.select", AMQP_CLIENT, "", 0),
	ANSWER(AMQP_TX, 11, 10, AMQP_SERVER, ""),
	ASK(AMQP_TX, 20, "tx.commit", AMQP_CLIENT, "", 0),
	ANSWER(AMQP_TX, 21, 20, AMQP_SERVER, ""),
	ASK(AMQP_TX, 30, "tx.rollback", AMQP_CLIENT, "", 0),
	ANSWER(AMQP_TX, 31, 30, AMQP_SERVER, ""),
};

static const struct amqp_row *row_find(uint32_t class, uint32_t method)
{
	size_t low = 0, high = sizeof(rows) / sizeof(rows[0]);
	uint32_t key = AMQP_KEY(class, method);

	if (class > AMQP_TX || method > 127)
		return NULL;
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (rows[mid].key == key)
			return &rows[mid];
		if (rows[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static struct amqp_arg arg_read(struct reader *r, char kind)
{
	uint64_t high;

	switch (kind) {
	case 'b': case 'B':
		return (struct amqp_arg){ .number = reader_number(r, 1) };
	case 'w':
		return (struct amqp_arg){ .number = reader_number(r, 2) };
	case 'd':
		return (struct amqp_arg){ .number = reader_number(r, 4) };
	case 'q':
		high = reader_number(r, 4);
		return (struct amqp_arg){ .number = high << 32 | reader_number(r, 4) };
	case 'T': case 'l':
		return (struct amqp_arg){ .text = reader_vector(r, 4) };
	default:
		return (struct amqp_arg){ .text = reader_vector(r, 1) };
	}
}

bool amqp_method_read(struct slice payload, struct amqp_method *m)
{
	struct reader r = { .left = payload };
	uint32_t class = reader_number(&r, 2), method = reader_number(&r, 2);

	*m = (struct amqp_method){ .row = r.failed ? NULL : row_find(class, method) };
	if (!m->row)
		return false;
	m->key = m->row->key;
	for (unsigned i = 0; m->row->args[i]; i++)
		m->args[i] = arg_read(&r, m->row->args[i]);
	return !r.failed && !r.left.len;
}

/* A text has no bytes that names have not, and a length that may be. */
static bool arg_fits(const struct amqp_arg *a, char kind)
{
	if (kind == 'l' || kind == 'T')
		return a->text.len <= TEXT_MAX;
	for (size_t i = 0; i < a->text.len; i++)
		if (a->text.ptr[i] < 0x20 || a->text.ptr[i] == 0x7f)
			return false;
	return true;
}

bool amqp_method_fits(struct slice payload)
{
	struct reader r = { .left = payload };
	uint32_t class = reader_number(&r, 2), method = reader_number(&r, 2);
	const struct amqp_row *row = r.failed ? NULL : row_find(class, method);

	if (r.failed)	/* class and method are small, in two bytes each */
		return (payload.len < 1 || !payload.ptr[0]) && (payload.len < 2 || payload.ptr[1] <= AMQP_TX) && (payload.len < 3 || !payload.ptr[2]);
	for (unsigned i = 0; row && row->args[i]; i++) {
		struct amqp_arg a = arg_read(&r, row->args[i]);

		if (r.failed)
			return true;
		if (!arg_fits(&a, row->args[i]))
			return false;
	}
	return row && !r.left.len;
}

const struct amqp_arg *amqp_arg(const struct amqp_method *m, char kind)
{
	const char *at = m->row ? strchr(m->row->args, kind) : NULL;

	return at ? &m->args[at - m->row->args] : NULL;
}
