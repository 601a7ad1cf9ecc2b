/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.c - what of a process's traffic was visible in an interval, and why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/flows.h"
#include "store/private.h"

#define ROWS_MAX 16384

struct row {
	char workload[NAME_SIZE], exe[EXE_SIZE], library[EXE_SIZE], build_id[41], reason[WORD_SIZE + 16];
	uint32_t pid;
	uint64_t start;
	uint8_t probe, binding, tls_seen;
	struct byte_account bytes;
	bool known;	/* the monitor told of it */
};
struct coverage { struct row *rows; size_t nr, size; struct buf buf; };

struct coverage *coverage_new(void)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (c)
		buf_init(&c->buf, 65536);
	return c;
}

void coverage_reset(struct coverage *c)
{
	c->nr = 0;
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	free(c->rows);
	buf_free(&c->buf);
	free(c);
}

static struct row *row_get(struct coverage *c, uint32_t pid, uint64_t start)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->rows[i].pid == pid && c->rows[i].start == start)
			return &c->rows[i];
	if (c->nr == ROWS_MAX)
		return NULL;
	if (c->nr == c->size) {
		size_t size = c->size ? 2 * c->size : 64;
		struct row *rows = realloc(c->rows, size * sizeof(*rows));

		if (!rows)
			return NULL;
		c->rows = rows;
		c->size = size;
	}
	c->rows[c->nr] = (struct row){ .pid = pid, .start = start };
	return &c->rows[c->nr++];
}

void coverage_process(struct coverage *c, const struct process_facts *p, const char *workload)
{
	struct row *r = NULL;

	/* Only who moved bytes, or is there and could: a process that is gone and was
	 * silent in this interval is no row. */
	for (size_t i = 0; i < c->nr && !r; i++)
		if (c->rows[i].pid == p->key.tgid && c->rows[i].start == p->key.start)
			r = &c->rows[i];
	if (!r && !p->exited)
		r = row_get(c, p->key.tgid, p->key.start);
	if (!r)
		return;
	r->known = true;
	snprintf(r->workload, sizeof(r->workload), "%s", workload);
	memcpy(r->exe, p->exe, sizeof(r->exe));
	memcpy(r->library, p->library, sizeof(r->library));
	memcpy(r->build_id, p->build_id, sizeof(r->build_id));
	r->probe = p->tls_probe;
}

void coverage_bytes(struct coverage *c, const struct flow_facts *f, const struct byte_account *b, const char *reason)
{
	struct row *r = f->selftest ? NULL : row_get(c, f->process.tgid, f->process.start);

	if (!r)
		return;
	if (!r->workload[0])
		snprintf(r->workload, sizeof(r->workload), "%s", f->workload);
	if (!r->exe[0])
		memcpy(r->exe, f->exe, sizeof(r->exe));
	if (f->binding > r->binding)
		r->binding = f->binding;
	r->tls_seen |= f->tls == TLS_PRESENT;
	byte_account_add(&r->bytes, b);
	if (reason[0] && (b->opaque || b->lost))
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
	else if (b->lost && !r->reason[0])
		snprintf(r->reason, sizeof(r->reason), "lost");
}

static const char *state_of(const struct row *r)
{
	const struct byte_account *b = &r->bytes;

	if (!b->moved && r->probe == PROBE_FAILED)
		return "dead";
	if (!b->moved)
		return "unproven";	/* nothing passed that could prove it */
	if (b->examined && !b->opaque && !b->lost)
		return "visible";
	return b->examined ? "partial" : "blind";
}

static const char *reason_of(const struct row *r, const char *state)
{
	if (!strcmp(state, "visible"))
		return NULL;
	if (!strcmp(state, "unproven"))
		return "no_traffic";
	if (!strcmp(state, "dead"))
		return "probe_failed";
	return r->reason[0] ? r->reason : "unknown_protocol";
}

static void write_row(struct coverage *c, const struct row *r, bool process, const char *state, uint64_t start_ms, uint64_t end_ms)
{
	struct json j;

	buf_reset(&c->buf);
	json_init(&j, &c->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "coverage");
	json_time(&j, "start", start_ms);
	json_time(&j, "end", end_ms);
	json_string(&j, "workload", r->workload);
	if (process) {
		json_string(&j, "exe", r->exe[0] ? r->exe : NULL);
		json_uint(&j, "pid", r->pid);
		json_string(&j, "library", r->library[0] ? r->library : NULL);
		json_string(&j, "build_id", r->build_id[0] ? r->build_id : NULL);
	}
	json_string(&j, "state", state);
	json_string(&j, "reason", reason_of(r, state));
	json_string(&j, "binding", r->tls_seen ? binding_name(r->binding) : NULL);
	bytes_write(&j, &r->bytes);
	json_close(&j, '}');
}

static int by_workload(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = strcmp(x->workload, y->workload);

	return d ? d : x->pid < y->pid ? -1 : x->pid > y->pid;
}

void coverage_write(struct coverage *c, uint64_t start_ms, uint64_t end_ms, void (*emit)(void *, const char *, size_t), void *owner)
{
	if (c->nr)
		qsort(c->rows, c->nr, sizeof(*c->rows), by_workload);
	for (size_t i = 0; i < c->nr; i++) {
		write_row(c, &c->rows[i], true, state_of(&c->rows[i]), start_ms, end_ms);
		emit(owner, buf_str(&c->buf), c->buf.len);
	}
	for (size_t i = 0; i < c->nr;) {
		struct row sum = c->rows[i];
		size_t k = i + 1;

		for (; k < c->nr && !strcmp(c->rows[k].workload, sum.workload); k++) {
			byte_account_add(&sum.bytes, &c->rows[k].bytes);
			sum.tls_seen |= c->rows[k].tls_seen;
			if (c->rows[k].binding > sum.binding)
				sum.binding = c->rows[k].binding;
			if (c->rows[k].reason[0])
				memcpy(sum.reason, c->rows[k].reason, sizeof(sum.reason));
		}
		write_row(c, &sum, false, state_of(&sum), start_ms, end_ms);
		emit(owner, buf_str(&c->buf), c->buf.len);
		i = k;
	}
}
