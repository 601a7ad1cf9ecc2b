/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.c - what of a process's traffic was visible in an interval, and why not.
 *
 * State of a process, from its bytes and its TLS probe:
 *   visible   bytes were examined, none was opaque or lost
 *   partial   bytes were examined, others were opaque or lost
 *   blind     bytes moved, none could be examined
 *   dead      a probe failed to attach, or TLS records passed an attached one without a hit
 *   unproven  a TLS library is there and nothing passed yet that could prove its probe */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/json.h"
#include "store/flows.h"
#include "store/private.h"

#define ROWS_MAX 16384	/* processes of one interval; the bytes of further ones are one row */
#define SLOTS 32768	/* of the table that finds a row: a power of two, never full */
#define OTHER "{other}"
#define NOBODY UINT64_MAX	/* start time of that row's process */

struct row {
	char workload[NAME_SIZE], exe[EXE_SIZE], library[EXE_SIZE], build_id[41], reason[WORD_SIZE + 16];
	uint32_t pid;
	uint64_t start;
	uint8_t probe, binding, tls_seen, uid_known;
	uint32_t uid;
	char user[WORD_SIZE + 16], container_id[13];
	struct byte_account bytes[2];	/* by enum dir */
	uint64_t late, before[2];	/* connections older than weir; what they had moved before it */
};
struct coverage {
	struct row *rows;
	size_t nr, size;
	uint32_t slots[SLOTS];	/* index of a row + 1, by process */
	struct buf buf;
};

static bool rows_grow(struct coverage *c)
{
	size_t size = c->size ? 2 * c->size : 64;
	struct row *rows = budget_alloc(size * sizeof(*rows));

	if (!rows)
		return false;
	if (c->nr)
		memcpy(rows, c->rows, c->nr * sizeof(*rows));
	budget_free(c->rows, c->size * sizeof(*rows));
	c->rows = rows;
	c->size = size;
	return true;
}

struct coverage *coverage_new(void)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	buf_init(&c->buf, 65536);
	if (rows_grow(c))
		return c;
	free(c);
	return NULL;
}

void coverage_reset(struct coverage *c)
{
	c->nr = 0;
	memset(c->slots, 0, sizeof(c->slots));
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	budget_free(c->rows, c->size * sizeof(*c->rows));
	buf_free(&c->buf);
	free(c);
}

/* Process ids and start times are the kernel's, so they need no keyed hash. */
static uint32_t *slot_of(struct coverage *c, uint32_t pid, uint64_t start)
{
	size_t i = (size_t)((pid * 0x9e3779b97f4a7c15ull ^ start) * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;

	while (c->slots[i] && (c->rows[c->slots[i] - 1].pid != pid || c->rows[c->slots[i] - 1].start != start))
		i = (i + 1) % SLOTS;
	return &c->slots[i];
}

static struct row *row_find(struct coverage *c, uint32_t pid, uint64_t start)
{
	uint32_t at = *slot_of(c, pid, start);

	return at ? &c->rows[at - 1] : NULL;
}

/* The last row stands for all processes there was no room for. */
static struct row *row_get(struct coverage *c, uint32_t pid, uint64_t start)
{
	struct row *r = row_find(c, pid, start);

	if (r)
		return r;
	/* One row is always kept free: for all that there is no room for. */
	if (c->nr >= ROWS_MAX - 1 || (c->nr + 1 >= c->size && !rows_grow(c))) {
		pid = 0;
		start = NOBODY;
		r = row_find(c, pid, start);
		if (r)
			return r;
	}
	c->rows[c->nr] = (struct row){ .pid = pid, .start = start };
	if (start == NOBODY)
		snprintf(c->rows[c->nr].workload, sizeof(c->rows[c->nr].workload), OTHER);
	*slot_of(c, pid, start) = (uint32_t)++c->nr;
	return &c->rows[c->nr - 1];
}

static bool has_traffic(const struct byte_account *b)
{
	return b->moved || b->examined || b->opaque || b->skipped || b->lost || b->framing;
}

void coverage_process(struct coverage *c, const struct process_facts *p, const char *workload)
{
	struct row *r = row_find(c, p->key.tgid, p->key.start);

	/* Who moved bytes, or holds a TLS library and could: others would be a row a minute
	 * for every process of the host. */
	if (!r && !p->exited && p->library[0] && c->nr < ROWS_MAX - 1)
		r = row_get(c, p->key.tgid, p->key.start);
	if (!r)
		return;
	snprintf(r->workload, sizeof(r->workload), "%s", workload);
	memcpy(r->exe, p->exe, sizeof(r->exe));
	memcpy(r->library, p->library, sizeof(r->library));
	memcpy(r->build_id, p->build_id, sizeof(r->build_id));
	memcpy(r->user, p->user, sizeof(r->user));
	memcpy(r->container_id, p->container_id, sizeof(r->container_id));
	r->uid = p->uid;
	r->uid_known = p->uid_known;
	r->probe = p->tls_probe;
}

void coverage_bytes(struct coverage *c, const struct flow_facts *f, const struct byte_account by[2], const char *reason)
{
	struct row *r = f->selftest ? NULL : row_get(c, f->process.tgid, f->process.start);
	struct byte_account b = byte_accounts_sum(by);

	if (!r)
		return;
	if (!r->workload[0])
		snprintf(r->workload, sizeof(r->workload), "%s", f->workload);
	if (!r->exe[0])
		memcpy(r->exe, f->exe, sizeof(r->exe));
	if (f->binding > r->binding)
		r->binding = f->binding;
	r->tls_seen |= f->tls == TLS_PRESENT;
	byte_accounts_add(r->bytes, by);
	if (reason[0] && (b.opaque || b.lost))
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
	else if (b.lost && !r->reason[0])
		snprintf(r->reason, sizeof(r->reason), "lost");
}

void coverage_late(struct coverage *c, const struct process_key *process, const uint64_t before[2])
{
	struct row *r = row_get(c, process->tgid, process->start);

	r->late++;
	r->before[DIR_SENT] += before[DIR_SENT];
	r->before[DIR_RECEIVED] += before[DIR_RECEIVED];
}

static const char *state_of(const struct row *r)
{
	const struct byte_account sum = byte_accounts_sum(r->bytes), *b = &sum;

	if (!has_traffic(b))
		return r->probe == PROBE_FAILED || r->probe == PROBE_LIMIT ? "dead" : "unproven";
	if (b->examined)
		return b->opaque || b->lost ? "partial" : "visible";
	if ((r->probe == PROBE_ATTACHED || r->probe == PROBE_PARTLY) && b->opaque && !strcmp(r->reason, "unprobed_tls"))
		return "dead";
	/* A handshake only: nothing was said yet, so nothing was missed. */
	return b->opaque || b->lost || !b->framing ? "blind" : "unproven";
}

/* Why most of what was not examined was not. */
static const char *most_of(const struct byte_account *b)
{
	unsigned most = LOSS_UNKNOWN_PROTOCOL;

	for (unsigned i = 1; i < LOSS_MAX; i++)
		if (b->why[i] > b->why[most])
			most = i;
	return loss_name(most);
}

static const char *reason_of(const struct row *r, const char *state)
{
	struct byte_account sum = byte_accounts_sum(r->bytes);
	bool dead = !strcmp(state, "dead");

	if (!strcmp(state, "visible"))
		return NULL;
	if (!strcmp(state, "unproven"))
		return has_traffic(&sum) ? "handshake_only" : "no_traffic";
	if (r->probe == PROBE_LIMIT && (dead || !strcmp(r->reason, "unprobed_tls")))
		return "probe_limit";
	if (r->probe == PROBE_PARTLY && (dead || sum.why[LOSS_NO_PLAINTEXT]))
		return "probe_refused";
	if (dead)
		return r->probe == PROBE_FAILED ? "probe_failed" : "no_hit";
	if (r->probe == PROBE_HIDDEN && !strcmp(r->reason, "unprobed_tls"))
		return "not_visible";
	/* What was told last may be the least of it, and what never came is not a protocol that nobody knows. */
	return r->reason[0] && strcmp(r->reason, loss_name(LOSS_UNKNOWN_PROTOCOL)) ? r->reason : most_of(&sum);
}

/* Bytes that were not examined, by cause; other names may come. */
static void reasons_write(struct json *j, const struct byte_account by[2])
{
	struct byte_account sum = byte_accounts_sum(by);

	json_open(j, "reasons", '{');
	for (unsigned i = 1; i < LOSS_MAX; i++)
		if (sum.why[i])
			json_int(j, loss_name(i), sum.why[i]);
	json_close(j, '}');
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
		if (r->uid_known)
			json_uint(&j, "uid", r->uid);
		if (r->user[0])
			json_string(&j, "user", r->user);
		if (r->container_id[0])
			json_string(&j, "container_id", r->container_id);
		json_string(&j, "library", r->library[0] ? r->library : NULL);
		json_string(&j, "build_id", r->build_id[0] ? r->build_id : NULL);
	}
	json_string(&j, "state", state);
	json_string(&j, "reason", reason_of(r, state));
	json_string(&j, "binding", r->tls_seen ? binding_name(r->binding) : NULL);
	bytes_write(&j, r->bytes);
	reasons_write(&j, r->bytes);
	if (r->late) {
		json_open(&j, "late_attach", '{');
		json_uint(&j, "connections", r->late);
		json_uint(&j, "sent", r->before[DIR_SENT]);
		json_uint(&j, "received", r->before[DIR_RECEIVED]);
		json_close(&j, '}');
	}
	json_close(&j, '}');
}

static int by_workload(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = strcmp(x->workload, y->workload);

	return d ? d : x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* An interval is written while it runs, too, and goes on after that: the rows have moved. */
static void sort(struct coverage *c)
{
	if (c->nr)
		qsort(c->rows, c->nr, sizeof(*c->rows), by_workload);
	memset(c->slots, 0, sizeof(c->slots));
	for (size_t i = 0; i < c->nr; i++)
		*slot_of(c, c->rows[i].pid, c->rows[i].start) = (uint32_t)i + 1;
}

void coverage_write(struct coverage *c, uint64_t start_ms, uint64_t end_ms, void (*emit)(void *, const char *, size_t), void *owner)
{
	sort(c);
	for (size_t i = 0; i < c->nr; i++) {
		write_row(c, &c->rows[i], true, state_of(&c->rows[i]), start_ms, end_ms);
		emit(owner, buf_str(&c->buf), c->buf.len);
	}
	for (size_t i = 0; i < c->nr;) {
		struct row sum = c->rows[i];
		size_t k = i + 1;

		for (; k < c->nr && !strcmp(c->rows[k].workload, sum.workload); k++) {
			byte_accounts_add(sum.bytes, c->rows[k].bytes);
			sum.late += c->rows[k].late;
			sum.before[DIR_SENT] += c->rows[k].before[DIR_SENT];
			sum.before[DIR_RECEIVED] += c->rows[k].before[DIR_RECEIVED];
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
