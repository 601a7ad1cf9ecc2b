/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - the classifier of one analyst: a field's hits become finding rows
 * of the exchange. To tell how many different values a row stands for it keeps
 * keyed fingerprints of the interval; the key is random and dies with the process,
 * so that a fingerprint says nothing to anyone else. */
#include "classify/classify.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "classify/coded.h"
#include "classify/evidence.h"
#include "classify/known.h"
#include "classify/records.h"
#include "classify/waiting.h"

#define PRINTS		(1u << 16)	/* slots; 512 KiB */
#define PRINTS_FULL	(PRINTS / 4 * 3)
#define NAMES		1024	/* sets of cleaned names kept: a service says the same few all day */
#define WAYS		4	/* names of one set */
#define OF_MESSAGES	256	/* counts of different values, of rows of the messages in hand; 520 KiB */
#define OF_FLOWS	512	/* of classes of flows, in the interval */
#define FIELDS		8192	/* fields of which is kept what their values were; 640 KiB */
/* ns, by scripts/bench-cost: a hit into its row, and a byte of a name cleaned for the first time. */
#define COST_ROW	300
#define COST_NAME	130
#define COST_PAIR	4	/* a row judged beside another one */
#define COST_CHOOSE	(12 << 10)	/* a class of a field that its values choose among, by the numbers that differ in a digit */
#define NORMAL_MAX	256	/* bytes of a value that are normalised; longer ones are taken as they are */

struct known_name { uint8_t len; char name[NAME_SIZE]; };
struct batch { struct classifier *c; size_t nr, len; bool text; struct hit hits[CLASSIFY_HITS]; };
struct classifier {
	struct siphash_key key, quick;	/* of fingerprints; of the caches */
	uint32_t epoch, nr_prints;
	struct classifier_counts counts;
	uint64_t *prints;	/* 0: free */
	uint64_t name_prints[NAMES][WAYS];	/* 0: none */
	struct known_name names[NAMES][WAYS];
	uint8_t next_way[NAMES];
	struct known_keys keys;
	struct fields fields;
	struct records messages, flows;
	struct finding rows[MAX_FINDINGS];	/* of the exchange that is settled */
	struct batch batch;	/* of the field in hand */
	struct waiting *waiting;	/* NULL until a class needs another one */
	struct coded {	/* what the newest field with such a name gave to others */
		const struct exchange *of;
		uint64_t object;
		uint32_t siblings;
		bool type;
		struct slice key;
	} coded;
};

struct classifier *classifier_new(void)
{
	struct classifier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->prints = calloc(PRINTS, sizeof(*c->prints));
	if (!c->prints || fields_init(&c->fields, FIELDS) || records_init(&c->messages, OF_MESSAGES) ||
	    records_init(&c->flows, OF_FLOWS) || random_bytes(&c->key, sizeof(c->key)) || random_bytes(&c->quick, sizeof(c->quick))) {
		classifier_free(c);
		return NULL;
	}
	return c;
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	if (c->prints)
		explicit_bzero(c->prints, PRINTS * sizeof(*c->prints));
	free(c->prints);
	waiting_free(c->waiting);
	fields_fini(&c->fields);
	records_fini(&c->messages);
	records_fini(&c->flows);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

void classifier_interval(struct classifier *c, uint32_t epoch)
{
	if (c->epoch == epoch && !c->nr_prints)
		return;
	c->epoch = epoch;
	c->nr_prints = 0;
	records_forget(&c->flows);
	memset(c->prints, 0, PRINTS * sizeof(*c->prints));
}

const struct classifier_counts *classifier_counts(struct classifier *c)
{
	c->counts.counts_evicted = c->messages.evicted + c->flows.evicted;
	return &c->counts;
}

const uint64_t *classifier_cost(const struct classifier *c)
{
	return &c->counts.cost;
}

/* "4111 1111…" and "4111-1111…" are one card, Ana@x and ana@x one address. */
static uint64_t value_print(const struct classifier *c, struct slice v)
{
	uint8_t text[NORMAL_MAX];
	size_t n = 0;
	uint64_t print;

	if (v.len > NORMAL_MAX)
		return siphash(&c->key, v.ptr, v.len);
	for (size_t i = 0; i < v.len; i++)
		if (!v.ptr[i] || !strchr(" -().", v.ptr[i]))
			text[n++] = to_lower(v.ptr[i]);
	print = siphash(&c->key, text, n);
	explicit_bzero(text, sizeof(text));
	return print;
}

/* The flow of design.md 8 as this process knows it: a server's clients are one. */
static uint64_t flow_print(const struct classifier *c, const struct exchange *ex, unsigned class_id, uint64_t value)
{
	struct {
		uint64_t start, route, value;
		uint8_t addr[16];
		uint32_t tgid;
		uint16_t port;
		uint8_t role, class_id;
	} key;

	memset(&key, 0, sizeof(key));
	key.start = ex->conn.process.start;
	key.tgid = ex->conn.process.tgid;
	key.role = ex->conn.role;
	key.class_id = (uint8_t)class_id;
	key.value = value;
	key.route = siphash(&c->key, ex->route, strnlen(ex->route, sizeof(ex->route)));
	if (ex->conn.role == ROLE_CLIENT) {
		memcpy(key.addr, ex->conn.remote.addr, sizeof(key.addr));
		key.port = ex->conn.remote.port;
	}
	return siphash(&c->key, &key, sizeof(key)) | 1;
}

/* True when print was not known; it is now. When the table is full: false. */
static bool print_add(struct classifier *c, uint64_t print)
{
	uint32_t i = (uint32_t)(print >> 1) & (PRINTS - 1);

	for (; c->prints[i]; i = (i + 1) & (PRINTS - 1))
		if (c->prints[i] == print)
			return false;
	if (c->nr_prints == PRINTS_FULL) {
		c->counts.values_uncounted++;
		return false;
	}
	c->prints[i] = print;
	c->nr_prints++;
	return true;
}

/* Rows of what is possible only stand at the end of the list, the newest first, until the message is settled. */
static struct finding *row_at(struct exchange *ex, uint32_t i, bool possible)
{
	return &ex->findings[possible ? MAX_FINDINGS - 1 - i : i];
}

/* A new row; one of the others makes room for a finding. NULL when full. */
static struct finding *row_new(struct exchange *ex, bool possible)
{
	if (ex->nr_findings + ex->nr_possible == MAX_FINDINGS) {
		if (possible)
			return NULL;
		if (!ex->nr_possible) {
			ex->findings_dropped++;
			return NULL;
		}
		ex->nr_possible--;
	}
	return row_at(ex, possible ? ex->nr_possible++ : ex->nr_findings++, possible);
}

static bool row_is(const struct finding *row, unsigned class_id, unsigned location, unsigned dir, const char *path)
{
	return row->class_id == class_id && row->location == location && row->dir == dir && !strncmp(row->path, path, PATH_SIZE - 1);
}

/* The row of class, place and path; a new one, without confidence yet, when there is none, NULL when full. */
static struct finding *row_find(struct exchange *ex, bool possible, unsigned class_id, unsigned location, unsigned dir, const char *path)
{
	struct finding *row;

	for (uint32_t i = 0; i < (possible ? ex->nr_possible : ex->nr_findings); i++) {
		row = row_at(ex, i, possible);
		if (row_is(row, class_id, location, dir, path))
			return row;
	}
	row = row_new(ex, possible);
	if (!row)
		return NULL;
	memset(row, 0, sizeof(*row));
	return row;
}

static void row_begin(struct finding *row, const struct field *f, const struct hit *hit)
{
	row->class_id = hit->class_id;
	row->location = (uint8_t)f->location;
	row->dir = (uint8_t)f->dir;
	row->sample = 1;
	memcpy(row->path, f->path, strnlen(f->path, PATH_SIZE - 1));
	name_clean(row->key, (const char *)f->key.ptr, f->key.len);
}

static struct finding *row_get(struct exchange *ex, const struct field *f, const struct hit *hit)
{
	struct finding *row = row_find(ex, hit->confidence == CONF_POSSIBLE, hit->class_id, (unsigned)f->location, (unsigned)f->dir,
				       f->path);

	if (row && !row->confidence)
		row_begin(row, f, hit);
	return row;
}

/* The row of a message that is in hand, and the class of a flow: what their counts go by. */
static uint64_t message_print(const struct classifier *c, const struct exchange *ex, const struct finding *row)
{
	struct { uint64_t conn, began, path; uint8_t class_id, location, dir; } key;

	memset(&key, 0, sizeof(key));
	key.conn = ex->conn.id;
	key.began = ex->began;
	key.path = quick_hash(&c->quick, row->path, strnlen(row->path, sizeof(row->path)));
	key.class_id = row->class_id;
	key.location = row->location;
	key.dir = row->dir;
	return quick_hash(&c->quick, &key, sizeof(key));
}

static uint64_t class_print(const struct classifier *c, const struct exchange *ex, const struct finding *row)
{
	return flow_print(c, ex, row->class_id, (uint64_t)row->dir + 1);
}

/* One hit into its row. fresh: the first of its class in this field. */
static struct finding *row_add(struct classifier *c, struct exchange *ex, const struct field *f, const struct hit *hit, bool fresh)
{
	struct finding *row = row_get(ex, f, hit);
	struct slice value = { f->value.ptr + hit->start, hit->end - hit->start };
	uint64_t print;

	if (!row)
		return NULL;
	row->count += fresh;
	print = value_print(c, value);
	row->distinct += print_add(c, flow_print(c, ex, hit->class_id, print));
	records_add(&c->messages, message_print(c, ex, row), print);
	records_add(&c->flows, class_print(c, ex, row), print);
	/* Shown is the first mask; that of a real value before a sample's. */
	if (!row->mask[0] || (row->sample && !hit->sample))
		memcpy(row->mask, hit->mask, MASK_SIZE);
	row->sample &= hit->sample;
	row->why |= hit->why;
	if (hit->confidence > row->confidence)
		row->confidence = hit->confidence;
	return row;
}

/* What it waited for has come. */
static void held_add(struct classifier *c, struct exchange *ex, const struct held *h)
{
	const struct finding *like = &h->row;
	struct finding *row = row_find(ex, false, like->class_id, like->location, like->dir, like->path);

	if (!row)
		return;
	if (!row->confidence) {
		*row = *like;
	} else {
		row->count += like->count;
		row->sample &= like->sample;
		row->why |= like->why;
		row->confidence = like->confidence > row->confidence ? like->confidence : row->confidence;
	}
	row->distinct += print_add(c, flow_print(c, ex, like->class_id, h->print));
	records_add(&c->messages, message_print(c, ex, row), h->print);
	records_add(&c->flows, class_print(c, ex, row), h->print);
}

static void batch_add(void *owner, const struct hit *hit)
{
	struct batch *b = owner;

	/* Of a whole value its field and what stands beside it may say more; of a user's class its policy has said all. */
	if (hit->confidence < CONF_LIKELY && (b->text || hit->start || hit->end != b->len || class_row(hit->class_id)->user))
		return;
	if (b->nr == CLASSIFY_HITS)
		b->c->counts.hits_dropped++;
	else
		b->hits[b->nr++] = *hit;
}

static bool batch_fresh(const struct batch *b, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (b->hits[j].class_id == b->hits[i].class_id)
			return false;
	return true;
}

/* A field of a workload's route, as classifier_settle finds it again. */
static uint64_t field_print(const struct classifier *c, const struct exchange *ex, unsigned location, unsigned dir, const char *path)
{
	struct {
		uint64_t cgroup, route, path;
		uint8_t addr[16];
		char comm[16];
		uint16_t port;
		uint8_t role, location, dir;
	} key;

	memset(&key, 0, sizeof(key));
	key.cgroup = ex->conn.cgroup;
	memcpy(key.comm, ex->conn.comm, sizeof(key.comm));
	key.route = quick_hash(&c->quick, ex->route, strnlen(ex->route, sizeof(ex->route)));
	key.path = quick_hash(&c->quick, path, strnlen(path, PATH_SIZE - 1));
	key.role = ex->conn.role;
	key.location = (uint8_t)location;
	key.dir = (uint8_t)dir;
	if (ex->conn.role == ROLE_CLIENT) {
		memcpy(key.addr, ex->conn.remote.addr, sizeof(key.addr));
		key.port = ex->conn.remote.port;
	}
	return quick_hash(&c->quick, &key, sizeof(key)) + CLASSIFY_SALT;
}

/* Counts the value for its field, and asks the field what no single value tells. */
static void field_count(struct classifier *c, const struct exchange *ex, const struct field *f, const struct evidence *ev, struct slice value)
{
	struct batch *batch = &c->batch;
	unsigned shape = f->cut || f->text ? 0 : field_shape(value, batch->hits, batch->nr);
	struct field_record *r;
	struct hit hit = { .confidence = CONF_LIKELY, .why = WHY_RECORDS };
	bool chosen;
	int class;

	if (!shape)
		return;
	r = field_get(&c->fields, field_print(c, ex, f->location, f->dir, f->path));
	c->counts.cost += field_add(&c->fields, r, value, shape, batch->hits, batch->nr);
	chosen = r->chosen;
	class = shape == FIELD_WORDS ? -1 : field_class(r, value);
	c->counts.cost += r->chosen && !chosen ? (uint64_t)r->nr * COST_CHOOSE : r->chosen ? COST_ROW : 0;
	if (class < 0 || batch->nr == CLASSIFY_HITS || !evidence_allows(ev, class_row((unsigned)class)))
		return;
	for (size_t i = 0; i < batch->nr; i++)
		if (batch->hits[i].confidence >= CONF_LIKELY)
			return;
	hit.class_id = (uint8_t)class;
	if (class_row((unsigned)class)->find(value, 0, &hit) > 0)
		batch->hits[batch->nr++] = hit;
}

/* The object of a path: all but its last name, and the array that this is. */
static size_t object_len(const char *path)
{
	size_t len = strnlen(path, PATH_SIZE);

	while (len >= 2 && !memcmp(path + len - 2, "[]", 2))
		len -= 2;
	while (len && path[len - 1] != '.')
		len--;
	return len;
}

static bool is_beside(const struct finding *a, const struct finding *b)
{
	size_t len = object_len(a->path);

	return a->class_id != b->class_id && a->location == b->location && a->dir == b->dir && len == object_len(b->path) &&
	       !memcmp(a->path, b->path, len);
}

/* The exchange's rows as they are to be, into c->rows; returns how many. */
static uint32_t rows_judge(struct classifier *c, struct exchange *ex)
{
	bool person[MAX_FINDINGS];
	uint32_t nr = ex->nr_findings + ex->nr_possible;

	/* Those that are possible only come after the others, in the order in which they were seen. */
	for (uint32_t i = ex->nr_findings; i < nr; i++)
		c->rows[i] = *row_at(ex, i - ex->nr_findings, true);
	memcpy(c->rows, ex->findings, ex->nr_findings * sizeof(c->rows[0]));
	for (uint32_t i = 0; i < nr; i++) {
		struct finding *row = &c->rows[i];
		const struct class_row *class = class_row(row->class_id);
		const struct field_record *r = field_known(&c->fields, field_print(c, ex, row->location, row->dir, row->path));

		if (r)
			row->confidence = evidence_field(class, row->confidence, &row->why, field_judge(r, row->class_id));
		person[i] = evidence_is_person(class, row->confidence, row->why);
	}
	for (uint32_t i = 0; i < nr; i++) {
		struct finding *row = &c->rows[i];
		bool beside = false;

		for (uint32_t j = 0; j < nr && !beside && class_row(row->class_id)->info.tier == 3; j++)
			beside = person[j] && is_beside(row, &c->rows[j]);
		if (beside)
			row->confidence = evidence_beside(class_row(row->class_id), row->confidence, &row->why);
	}
	return nr;
}

/* One that stands may be what others wait for; one that waits becomes a finding when such a one has come. */
static void waiting_hit_decide(struct classifier *c, struct exchange *ex, struct waiting_message *m, const struct waiting_hit *h)
{
	bool lost;
	int slot;
	uint32_t freed;

	combine_field(&m->combine, h->field, h->object);
	slot = combine_take(&m->combine, h->class_id, &lost);
	freed = combine_frees(&m->combine, h->class_id);
	c->counts.hits_dropped += lost;
	if (slot != COMBINE_STANDS)
		m->held[slot] = h->held;
	else if (h->waits)
		held_add(c, ex, &h->held);
	for (unsigned i = 0; freed; i++, freed >>= 1)
		if (freed & 1)
			held_add(c, ex, &m->held[i]);
}

/* By c->rows, of which nr_findings were the findings and nr_possible the others when they were judged. */
static void waiting_hits_decide(struct classifier *c, struct exchange *ex, struct waiting_message *m, uint32_t nr_findings, uint32_t nr)
{
	for (unsigned i = 0; i < m->nr; i++) {
		const struct waiting_hit *h = &m->hits[i];
		uint32_t row = (uint32_t)h->row + (h->possible ? nr_findings : 0);

		if (h->waits || h->row < 0 || (row < nr && c->rows[row].confidence >= CONF_LIKELY))
			waiting_hit_decide(c, ex, m, h);
	}
	m->nr = 0;
}

/* In a message that is not at its end, by what was seen until now. */
static void waiting_decide(struct classifier *c, struct exchange *ex, struct waiting_message *m)
{
	uint32_t nr_findings = ex->nr_findings, nr = rows_judge(c, ex);

	c->counts.cost += nr * COST_ROW;
	waiting_hits_decide(c, ex, m, nr_findings, nr);
}

/* A hit that may have to wait for another class of its message, or is the one that others wait for. */
static void hit_combine(struct classifier *c, struct exchange *ex, const struct field *f, struct waiting_message *m,
			const struct hit *hit, bool fresh)
{
	struct slice value = { f->value.ptr + hit->start, hit->end - hit->start };
	bool waits = combine_waits(hit->class_id);
	struct finding *row;
	struct waiting_hit *h;

	if (m->nr == WAITING_HITS)
		waiting_decide(c, ex, m);
	row = waits ? NULL : row_add(c, ex, f, hit, fresh);
	if (!waits && (!combine_partner(hit->class_id) || (!row && hit->confidence < CONF_LIKELY)))
		return;
	h = waiting_hit(m, hit->class_id);
	if (waits) {
		h->waits = true;
		row_begin(&h->held.row, f, hit);
		h->held.row.count = fresh;
		h->held.row.sample = hit->sample;
		h->held.row.confidence = hit->confidence;
		h->held.row.why = hit->why;
		memcpy(h->held.row.mask, hit->mask, MASK_SIZE);
		h->held.print = value_print(c, value);
	} else if (row) {
		h->possible = hit->confidence == CONF_POSSIBLE;
		h->row = (int16_t)(h->possible ? row_at(ex, 0, true) - row : row - ex->findings);
	}
}

/* Of a direction the object whose path ends there. */
static uint64_t coded_object(const struct classifier *c, const struct field *f, size_t len)
{
	return quick_hash(&c->quick, f->path, len) * 2 + (f->dir == DIR_SENT);
}

/* What the field says of those that stand beside it or beside its object; or what one of them said of it. */
static void field_coded(struct classifier *c, const struct exchange *ex, const struct field *f, struct evidence *ev)
{
	static const size_t type = sizeof(CODED_TYPE) - 1;
	size_t len = strnlen(f->path, PATH_SIZE);
	struct slice key = { NULL, 0 };

	if (CODED_IS(f->key, "system"))
		key = coded_system(f->value);
	else if (f->value.len < 4 && len > type && !memcmp(f->path + len - type, CODED_TYPE, type))
		key = coded_type(f->value);
	if (key.len && CODED_IS(f->key, "system")) {
		c->coded = (struct coded){ ex, coded_object(c, f, object_len(f->path)), f->siblings, false, key };
	} else if (key.len) {
		c->coded = (struct coded){ ex, coded_object(c, f, len - type + 1), 0, true, key };
	} else if (CODED_IS(f->key, "system")) {
		c->coded.key.len = c->coded.type ? c->coded.key.len : 0;	/* another one says what follows */
	} else if (c->coded.key.len && c->coded.of == ex && coded_value(f->key) && f->siblings > c->coded.siblings &&
		   c->coded.object == coded_object(c, f, object_len(f->path))) {
		ev->key = c->coded.key;
		c->coded.key.len = 0;
	}
}

void classifier_field(void *owner, struct exchange *ex, const struct field *f)
{
	struct classifier *c = owner;
	struct batch *batch = &c->batch;
	struct waiting_message *message = NULL;
	struct evidence ev = {
		.key = f->key, .parent = f->parent, .location = f->location, .type = f->type, .text = f->text,
	};
	struct slice value = f->value;

	if (f->type == VALUE_BOOL || f->type == VALUE_NULL)
		return;
	if (CODED_IS(f->key, "system") || coded_value(f->key))
		field_coded(c, ex, f, &ev);
	if (ev.key.len || ev.parent.len)
		ev.rows = known_rows(&c->keys, ev.parent, quick_hash(&c->quick, ev.parent.ptr, ev.parent.len), ev.key,
				     quick_hash(&c->quick, ev.key.ptr, ev.key.len));
	batch->c = c;
	batch->nr = 0;
	batch->text = f->text;
	batch->len = value.len;
	if (value.len > CLASSIFY_SCAN) {
		c->counts.bytes_over_budget += value.len - CLASSIFY_SCAN;
		value.len = CLASSIFY_SCAN;
		if (ex->inspected == INSPECTED_FULL)
			ex->inspected = INSPECTED_PARTIAL;
	}
	c->counts.cost += classify_scan(&ev, value, batch_add, batch);
	field_count(c, ex, f, &ev, value);
	c->counts.cost += batch->nr * COST_ROW;
	if (combine_wanted())
		message = waiting_field(&c->waiting, &c->key, ex, f, &c->counts.hits_dropped);
	for (size_t i = 0; i < batch->nr; i++) {
		const struct hit *hit = &batch->hits[i];

		/* A number that runs into missing bytes is not known to end there. */
		if ((f->cut || value.len < f->value.len) && hit->end == value.len &&
		    (class_row(hit->class_id)->triggers & (TRIGGER_DIGIT | TRIGGER_MIXED) || class_row(hit->class_id)->user))
			continue;
		if (message)
			hit_combine(c, ex, f, message, hit, batch_fresh(batch, i));
		else
			row_add(c, ex, f, hit, batch_fresh(batch, i));
	}
}

/* Adds the row to the others; to one of its class, place and path if there is one. */
static void row_put(struct finding *rows, uint32_t *nr, const struct finding *row)
{
	for (uint32_t i = 0; i < *nr; i++) {
		struct finding *to = &rows[i];

		if (!row_is(to, row->class_id, row->location, row->dir, row->path))
			continue;
		to->count += row->count;
		to->distinct += row->distinct;
		to->why |= row->why;
		to->sample &= row->sample;
		if (row->confidence > to->confidence)
			to->confidence = row->confidence;
		return;
	}
	rows[(*nr)++] = *row;
}

static void row_count(struct classifier *c, const struct exchange *ex, struct finding *row)
{
	uint64_t of_message = message_print(c, ex, row);

	row->records = records_count(&c->messages, of_message);
	records_drop(&c->messages, of_message);
	if (row->records < row->distinct)	/* so many at least */
		row->records = row->distinct;
	row->flow_records = records_count(&c->flows, class_print(c, ex, row));
	if (row->flow_records < row->records)
		row->flow_records = row->records;
}

void classifier_settle(struct classifier *c, struct exchange *ex)
{
	uint32_t kept = 0, nr_findings = ex->nr_findings, nr = rows_judge(c, ex);
	struct waiting_message *m;

	c->coded.key.len = c->coded.of == ex ? 0 : c->coded.key.len;
	for (uint32_t i = 0; i < nr; i++)
		if (c->rows[i].confidence >= CONF_LIKELY)
			row_put(ex->findings, &kept, &c->rows[i]);
	ex->nr_findings = kept;
	ex->nr_possible = 0;
	c->counts.cost += (uint64_t)(nr + kept) * COST_ROW + (uint64_t)nr * nr * COST_PAIR;
	for (unsigned dir = 0; dir < 2; dir++)
		if ((m = waiting_find(c->waiting, ex, dir))) {
			waiting_hits_decide(c, ex, m, nr_findings, nr);
			waiting_end(m);
		}
	for (uint32_t i = 0; i < ex->nr_findings; i++)
		row_count(c, ex, &ex->findings[i]);
	for (uint32_t i = 0; i < nr; i++)	/* of those that were none there is nothing to count any more */
		records_drop(&c->messages, message_print(c, ex, &c->rows[i]));
}

/* Cleaning classifies, and every field has a name: the last clean form of each is
 * kept, found by the keyed fingerprint of the raw one. */
size_t classifier_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	struct classifier *c = owner;
	uint64_t print = (quick_hash(&c->quick, raw.ptr, raw.len) + CLASSIFY_SALT) | 1;
	size_t set = (print >> 1) % NAMES, way = 0;
	struct known_name *known;

	while (way < WAYS && c->name_prints[set][way] != print)
		way++;
	if (way < WAYS) {
		known = &c->names[set][way];
	} else {
		way = c->next_way[set]++ % WAYS;
		known = &c->names[set][way];
		c->name_prints[set][way] = print;
		known->len = (uint8_t)name_clean(known->name, (const char *)raw.ptr, raw.len);
		c->counts.cost += (raw.len + 1) * COST_NAME;
	}
	memcpy(out, known->name, known->len + 1);
	return known->len;
}
