/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - the classifier of one analyst: a field's hits become finding rows
 * of the exchange. To tell how many different values a row stands for it keeps
 * keyed fingerprints of the interval; the key is random and dies with the process,
 * so that a fingerprint says nothing to anyone else. */
#include "classify/classify.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "classify/check.h"
#include "classify/waiting.h"

#define PRINTS		(1u << 16)	/* slots; 512 KiB */
#define PRINTS_FULL	(PRINTS / 4 * 3)
#define NAMES		1024	/* sets of cleaned names kept: a service says the same few all day */
#define WAYS		4	/* names of one set */
#define KEYS		4096	/* keys of which is kept what they speak for */
/* ns, by scripts/bench-cost: a hit into its row, and a byte of a name cleaned for the first time. */
#define COST_ROW	300
#define COST_NAME	130
#define NORMAL_MAX	256	/* bytes of a value that are normalised; longer ones are taken as they are */

struct known_name { uint8_t len; char name[NAME_SIZE]; };
struct known_key { uint64_t print; struct key_rows rows; };
struct batch { struct classifier *c; size_t nr; struct hit hits[CLASSIFY_HITS]; };
struct classifier {
	struct siphash_key key, quick;	/* of fingerprints; of the caches */
	uint32_t epoch, nr_prints;
	struct classifier_counts counts;
	uint64_t *prints;	/* 0: free */
	uint64_t name_prints[NAMES][WAYS];	/* 0: none */
	struct known_name names[NAMES][WAYS];
	uint8_t next_way[NAMES];
	struct known_key keys[KEYS];
	struct batch batch;	/* of the field in hand */
	struct waiting *waiting;	/* NULL until a class needs another one */
};

struct classifier *classifier_new(void)
{
	struct classifier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->prints = calloc(PRINTS, sizeof(*c->prints));
	if (!c->prints || random_bytes(&c->key, sizeof(c->key)) || random_bytes(&c->quick, sizeof(c->quick))) {
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
	explicit_bzero(c, sizeof(*c));
	free(c);
}

void classifier_interval(struct classifier *c, uint32_t epoch)
{
	if (c->epoch == epoch && !c->nr_prints)
		return;
	c->epoch = epoch;
	c->nr_prints = 0;
	memset(c->prints, 0, PRINTS * sizeof(*c->prints));
}

const struct classifier_counts *classifier_counts(const struct classifier *c)
{
	return &c->counts;
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

/* The row of class, place and path; a new one, without confidence yet, when there is none, NULL when full. */
static struct finding *row_find(struct exchange *ex, unsigned class_id, unsigned location, unsigned dir, const char *path)
{
	struct finding *row;

	for (uint32_t i = 0; i < ex->nr_findings; i++) {
		row = &ex->findings[i];
		if (row->class_id == class_id && row->location == location && row->dir == dir && !strncmp(row->path, path, PATH_SIZE - 1))
			return row;
	}
	if (ex->nr_findings == MAX_FINDINGS) {
		ex->findings_dropped++;
		return NULL;
	}
	row = &ex->findings[ex->nr_findings++];
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
	struct finding *row = row_find(ex, hit->class_id, (unsigned)f->location, (unsigned)f->dir, f->path);

	if (row && !row->confidence)
		row_begin(row, f, hit);
	return row;
}

/* One hit into its row. fresh: the first of its class in this field. */
static void row_add(struct classifier *c, struct exchange *ex, const struct field *f, const struct hit *hit, bool fresh)
{
	struct finding *row = row_get(ex, f, hit);
	struct slice value = { f->value.ptr + hit->start, hit->end - hit->start };

	if (!row)
		return;
	row->count += fresh;
	row->distinct += print_add(c, flow_print(c, ex, hit->class_id, value_print(c, value)));
	/* Shown is the first mask; that of a real value before a sample's. */
	if (!row->mask[0] || (row->sample && !hit->sample))
		memcpy(row->mask, hit->mask, MASK_SIZE);
	row->sample &= hit->sample;
	if (hit->confidence > row->confidence)
		row->confidence = hit->confidence;
}

/* What it waited for has come. */
static void held_add(struct classifier *c, struct exchange *ex, const struct held *h)
{
	const struct finding *like = &h->row;
	struct finding *row = row_find(ex, like->class_id, like->location, like->dir, like->path);

	if (!row)
		return;
	if (!row->confidence) {
		*row = *like;
	} else {
		row->count += like->count;
		row->sample &= like->sample;
		row->confidence = like->confidence > row->confidence ? like->confidence : row->confidence;
	}
	row->distinct += print_add(c, h->print);
}

/* A hit that may have to wait for another class of its message, or is the one that others wait for. */
static void hit_combine(struct classifier *c, struct exchange *ex, const struct field *f, struct waiting_message *m,
			const struct hit *hit, bool fresh)
{
	bool lost;
	int slot = combine_take(&m->combine, hit->class_id, &lost);
	uint32_t freed = combine_frees(&m->combine, hit->class_id);

	c->counts.hits_dropped += lost;
	if (slot == COMBINE_STANDS) {
		row_add(c, ex, f, hit, fresh);
	} else {
		struct held *h = &m->held[slot];

		memset(h, 0, sizeof(*h));
		row_begin(&h->row, f, hit);
		h->row.count = fresh;
		h->row.sample = hit->sample;
		h->row.confidence = hit->confidence;
		memcpy(h->row.mask, hit->mask, MASK_SIZE);
		h->print = flow_print(c, ex, hit->class_id, value_print(c, slice_of(f->value.ptr + hit->start, hit->end - hit->start)));
	}
	for (unsigned i = 0; freed; i++, freed >>= 1)
		if (freed & 1)
			held_add(c, ex, &m->held[i]);
}

static void batch_add(void *owner, const struct hit *hit)
{
	struct batch *b = owner;

	if (hit->confidence < CONF_LIKELY)
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

static const struct key_rows *rows_known(struct classifier *c, struct slice parent, struct slice key)
{
	uint64_t print = (quick_hash(&c->quick, key.ptr, key.len) + 3 * quick_hash(&c->quick, parent.ptr, parent.len) +
			  CLASSIFY_SALT) | 1;
	struct known_key *known = &c->keys[(print >> 1) % KEYS];

	if (known->print != print) {
		key_rows_find(&known->rows, parent, key);
		known->print = print;
	}
	return &known->rows;
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
	if (ev.key.len || ev.parent.len)
		ev.rows = rows_known(c, ev.parent, ev.key);
	batch->c = c;
	batch->nr = 0;
	if (value.len > CLASSIFY_SCAN) {
		c->counts.bytes_over_budget += value.len - CLASSIFY_SCAN;
		value.len = CLASSIFY_SCAN;
		if (ex->inspected == INSPECTED_FULL)
			ex->inspected = INSPECTED_PARTIAL;
	}
	c->counts.cost += classify_scan(&ev, value, batch_add, batch);
	c->counts.cost += batch->nr * COST_ROW;
	if (combine_wanted())
		message = waiting_field(&c->waiting, &c->key, ex, f);
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
