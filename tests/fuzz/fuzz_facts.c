/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as a broken analyst or monitor may send them to the keeper: whatever the schema lets
 * through is judged, summed and written, and each leaf is a JSON object that SQLite takes.
 * The input is frames: 0xff, then a packed fact up to the next 0xff; or OP and numbers, made
 * into a fact here, since bytes seldom hit on a valid one. */
#include <sqlite3.h>

#include "daemon/pipeline.h"
#include "model/class.h"
#include "tests/fuzz/fuzz.h"

static struct back *back;
static sqlite3_stmt *valid;
static struct fact fact;
static uint8_t packed[FACT_MAX_SIZE];

static void on_emit(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	MUST(len && json[0] == '{' && strlen(json) == len);
	for (size_t i = 0; i < len; i++)
		MUST((uint8_t)json[i] >= ' ' && json[i] != 0x7f);
	for (const char *c = line; c && *c; c++)
		MUST((uint8_t)*c >= ' ' && (uint8_t)*c < 0x7f);
	sqlite3_bind_text(valid, 1, json, (int)len, SQLITE_STATIC);
	MUST(sqlite3_step(valid) == SQLITE_ROW && sqlite3_column_int(valid, 0) == 1);
	sqlite3_reset(valid);
}

static void open_all(void)
{
	static const char text[] = "version: 1\nrules:\n  - {id: A, title: t, severity: high, forbid: {data: {group: [pii, pci]}}}\n"
				   "  - {id: B, title: t, severity: low, forbid: {data: {class: [pan]}, to.zone: internet}, on_unknown: violate}\n";
	static const char *const names[] = { "a.yaml" }, *const texts[] = { text };
	static const size_t sizes[] = { sizeof(text) - 1 };
	const struct back_config c = { .policy_names = names, .policy_texts = texts, .policy_sizes = sizes, .nr_policies = 1, .state = -1,
				       .host = "host", .emit = on_emit };
	static sqlite3 *db;
	char why[256];
	int code;

	MUST(db || (!sqlite3_open(":memory:", &db) && !sqlite3_prepare_v2(db, "SELECT json_valid(?1)", -1, &valid, NULL)));
	back = back_new(&c, why, sizeof(why), &code);
	MUST(back);
}

/* As the keeper does: only what the schema takes. */
static void send(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = exact(bytes, len);
	int kind = facts_unpack(copy, len, &fact);

	free(copy);
	if (kind >= 0)
		(void)back_fact(back, &fact);
}

static void conn_make(struct conn_facts *c, struct input *in)
{
	c->id = 1 + input_number(in, 1);
	c->process = (struct process_key){ (uint32_t)input_number(in, 1), 9 };
	c->family = input_number(in, 1) & 1 ? 2 : 10;
	c->role = (uint8_t)(input_number(in, 1) % 3);
	c->tls = (uint8_t)(input_number(in, 1) % 3);
	c->remote.port = (uint16_t)input_number(in, 2);
	c->remote.addr[0] = (uint8_t)input_number(in, 1);
	memcpy(c->comm, "made", 5);
}

/* Strings of names alone, cut from the input; the schema decides what of them passes. */
static void text_make(char *out, size_t size, struct input *in)
{
	size_t n = input_number(in, 1) % size;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)input_number(in, 1);
	out[strnlen(out, size - 1)] = 0;
}

static void make(struct input *in, unsigned op)
{
	int n;

	memset(&fact, 0, sizeof(fact));
	switch (fact.kind = (enum fact_kind)(1 + op % FACT_LAST)) {
	case FACT_EXCHANGE:
		conn_make(&fact.exchange.conn, in);
		fact.exchange.at = (struct stamp){ input_number(in, 4), (uint32_t)input_number(in, 1) };
		text_make(fact.exchange.route, sizeof(fact.exchange.route), in);
		text_make(fact.exchange.host, sizeof(fact.exchange.host), in);
		for (unsigned d = 0; d < 2; d++)
			fact.exchange.bytes[d].moved = (int64_t)input_number(in, 8);
		fact.exchange.nr_findings = (uint32_t)input_number(in, 1) % 4;
		for (uint32_t i = 0; i < fact.exchange.nr_findings; i++) {
			struct finding *f = &fact.exchange.findings[i];

			*f = (struct finding){ .class_id = (uint8_t)(input_number(in, 1) % class_count()), .confidence = CONF_LIKELY, .count = 1,
					       .location = LOC_REQUEST_BODY, .dir = (uint8_t)(input_number(in, 1) & 1) };
			text_make(f->path, sizeof(f->path), in);
			text_make(f->mask, sizeof(f->mask), in);
		}
		break;
	case FACT_TRAFFIC:
		conn_make(&fact.traffic.conn, in);
		fact.traffic.at.epoch = (uint32_t)input_number(in, 1);
		for (unsigned d = 0; d < 2; d++)
			fact.traffic.bytes[d].moved = (int64_t)input_number(in, 8);
		text_make(fact.traffic.reason, sizeof(fact.traffic.reason), in);
		break;
	case FACT_PROCESS:
		fact.process.key = (struct process_key){ (uint32_t)input_number(in, 1), 9 };
		text_make(fact.process.exe, sizeof(fact.process.exe), in);
		text_make(fact.process.unit, sizeof(fact.process.unit), in);
		text_make(fact.process.library, sizeof(fact.process.library), in);
		break;
	case FACT_CONN:
		conn_make(&fact.conn.conn, in);
		break;
	case FACT_BOOKS:
		fact.books.epoch = (uint32_t)input_number(in, 1);
		fact.books.end_ms = input_number(in, 8);
		fact.books.ring_full = input_number(in, 8);
		break;
	case FACT_EVENT:
		memcpy(fact.event.kind, "gap", 4);
		text_make(fact.event.detail, sizeof(fact.event.detail), in);
		text_make(fact.event.subject, sizeof(fact.event.subject), in);
		break;
	case FACT_HANDSHAKE:
		conn_make(&fact.handshake.conn, in);
		fact.handshake.tls.version = (uint16_t)(0x0300 + input_number(in, 1) % 6);
		fact.handshake.tls.cipher = (uint16_t)input_number(in, 2);
		fact.handshake.tls.mutual = (uint8_t)(input_number(in, 1) % 3);
		fact.handshake.tls.peer_expires = (int64_t)input_number(in, 8);
		text_make(fact.handshake.tls.sni, sizeof(fact.handshake.tls.sni), in);
		text_make(fact.handshake.tls.peer_subject, sizeof(fact.handshake.tls.peer_subject), in);
		break;
	case FACT_NAMED:
		conn_make(&fact.named.conn, in);
		fact.named.family = (uint16_t)(input_number(in, 1) & 1 ? 2 : 10);
		fact.named.address.addr[0] = (uint8_t)input_number(in, 1);
		fact.named.ttl = (uint32_t)input_number(in, 4);
		text_make(fact.named.name, sizeof(fact.named.name), in);
	}
	n = facts_pack(&fact, packed, sizeof(packed));
	if (n > 0)
		send(packed, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	static unsigned runs;
	struct books end = { .epoch = 1 };
	char why[128];

	/* Its tables and its index grow; a new one now and then. */
	if (runs++ % 256 == 0) {
		back_free(back);
		open_all();
	}
	while (in.len) {
		unsigned op = (unsigned)input_number(&in, 1);
		const uint8_t *next = op == 0xff && in.len ? memchr(in.ptr, 0xff, in.len) : NULL;
		size_t n = next ? (size_t)(next - in.ptr) : in.len;

		if (op != 0xff) {
			make(&in, op);
			continue;
		}
		send(in.ptr, n);
		in = (struct input){ in.ptr + n, in.len - n };
	}
	back_interval(back, &end);
	MUST(!back_failed(back, why, sizeof(why)));
	return 0;
}
