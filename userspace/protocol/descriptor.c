/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.c - two passes: what the file says, in rows as they come; then names become places in
 * these rows, which are sorted. Rows refer to names by where they stand, since memory moves as it grows. */
#include "protocol/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/varint.h"

#define DEPTH 32	/* messages declared in one another */
#define NONE UINT32_MAX
#define NAME_MAX_BYTES 512

struct message_type { uint32_t name, first, nr, place; bool map_entry; };	/* place: in the order of the files */
struct field_row { struct message_field field; uint32_t owner, name, target_name; };
struct enum_type { uint32_t name, place; };
struct enum_value { uint32_t owner, name; int32_t number; };
struct method { uint64_t hash; uint32_t name, request, response; };

/* Rows of one kind, while they grow. */
#define ROWS(b, type) ((type *)(void *)(b).ptr)
#define COUNT(b, type) ((b).len / sizeof(type))

struct descriptors {
	struct buf names, messages, fields, enums, values, methods;
	uint32_t generation;
};

static struct descriptors *current;
static uint32_t generations;

/* What is read of: a set, and what has been found to be wrong with it. */
struct part { const uint8_t *p, *end; };
struct reading { struct descriptors *d; const uint8_t *begin; const char *wrong; size_t at; };
struct item { uint32_t number; unsigned wire; uint64_t v; struct part bytes; };

static bool wrong(struct reading *r, const uint8_t *at, const char *what)
{
	if (!r->wrong) {
		r->wrong = what;
		r->at = (size_t)(at - r->begin);
	}
	return false;
}

/* The next field. False at the end, and where there is none. */
static bool next(struct reading *r, struct part *in, struct item *out)
{
	const uint8_t *at = in->p;
	uint64_t tag, n = 0;

	if (in->p == in->end || r->wrong)
		return false;
	if (!varint_take(&in->p, in->end, &tag) || tag >> 35 || !(tag >> 3))
		return wrong(r, at, "no field begins");
	*out = (struct item){ .number = (uint32_t)(tag >> 3), .wire = tag & 7 };
	if ((out->wire == 0 || out->wire == 2) && !varint_take(&in->p, in->end, &out->v))
		return wrong(r, at, "a number has no end");
	n = out->wire == 2 ? out->v : out->wire == 1 ? 8 : out->wire == 5 ? 4 : 0;
	if (out->wire == 3 || out->wire == 4 || out->wire > 5)
		return wrong(r, at, "a field is of a kind that descriptors do not have");
	if (n > (uint64_t)(in->end - in->p))
		return wrong(r, at, "a field is longer than what holds it");
	out->bytes = (struct part){ in->p, in->p + n };
	in->p += n;
	return true;
}

/* The last field of that number which has a length; empty: there is none. */
static struct part find(struct reading *r, struct part in, uint32_t number)
{
	struct part found = { in.p, in.p };
	struct item i;

	while (next(r, &in, &i))
		if (i.number == number && i.wire == 2)
			found = i.bytes;
	return found;
}

static void add(struct reading *r, struct buf *rows, const void *row, size_t size, const uint8_t *at, const char *too_many)
{
	if (buf_add(rows, row, size))
		wrong(r, at, too_many);
}

static bool is_name(struct part name)
{
	for (const uint8_t *p = name.p; p < name.end; p++)
		if (((*p | 0x20) < 'a' || (*p | 0x20) > 'z') && (*p < '0' || *p > '9') && *p != '_' && *p != '.')
			return false;
	return true;
}

/* "scope.name", kept; where it stands. A leading dot of a reference is none. */
static uint32_t name_add(struct reading *r, uint32_t scope, char between, struct part name)
{
	struct buf *names = &r->d->names;
	uint32_t at = (uint32_t)names->len;
	size_t n = (size_t)(name.end - name.p);

	if (n > NAME_MAX_BYTES || !is_name(name)) {
		wrong(r, name.p, "a name has other than letters, digits, _ and .");
		return 0;
	}
	if (scope != NONE && names->ptr[scope]) {
		char copy[1024];
		int len = snprintf(copy, sizeof(copy), "%s%c", (const char *)names->ptr + scope, between);

		if (len >= (int)sizeof(copy)) {
			wrong(r, name.p, "names are too long in one another");
			return 0;
		}
		buf_add(names, copy, (size_t)len);
	}
	buf_add(names, name.p, n);
	buf_add(names, "", 1);
	if (names->failed)
		wrong(r, name.p, "it has more names than weir holds");
	return at;
}

static uint32_t reference_add(struct reading *r, struct part name)
{
	if (name.p < name.end && *name.p == '.')
		name.p++;
	return name_add(r, NONE, 0, name);
}

static void take_field(struct reading *r, struct part in, uint32_t owner)
{
	const uint8_t *at = in.p;
	struct field_row row = { .owner = owner, .name = name_add(r, NONE, 0, find(r, in, 1)), .target_name = NONE };
	struct item i;

	while (next(r, &in, &i)) {
		if (i.number == 3 && !i.wire)
			row.field.number = (uint32_t)i.v;
		else if (i.number == 4 && !i.wire)
			row.field.repeated = i.v == 3;
		else if (i.number == 5 && !i.wire)
			row.field.type = i.v <= TYPE_SINT64 ? (uint8_t)i.v : 0;
		else if (i.number == 6 && i.wire == 2)
			row.target_name = reference_add(r, i.bytes);
	}
	add(r, &r->d->fields, &row, sizeof(row), at, "it has more fields than weir holds");
}

static void take_enum(struct reading *r, struct part in, uint32_t scope)
{
	struct enum_type type = { name_add(r, scope, '.', find(r, in, 1)), (uint32_t)COUNT(r->d->enums, struct enum_type) };
	struct item i, j;

	while (next(r, &in, &i)) {
		struct enum_value v = { .owner = type.place };
		struct part value = i.bytes;

		if (i.number != 2 || i.wire != 2)
			continue;
		v.name = name_add(r, NONE, 0, find(r, value, 1));
		while (next(r, &value, &j))
			if (j.number == 2 && !j.wire)
				v.number = (int32_t)j.v;
		add(r, &r->d->values, &v, sizeof(v), i.bytes.p, "it has more values of enums than weir holds");
	}
	add(r, &r->d->enums, &type, sizeof(type), in.p, "it has more enums than weir holds");
}

static struct message_type message_begin(struct reading *r, struct part in, uint32_t scope)
{
	struct part options = find(r, in, 7);
	struct message_type m = { .name = name_add(r, scope, '.', find(r, in, 1)), .place = (uint32_t)COUNT(r->d->messages, struct message_type) };
	struct item i;

	while (next(r, &options, &i))
		m.map_entry |= i.number == 7 && !i.wire && i.v;
	add(r, &r->d->messages, &m, sizeof(m), in.p, "it has more messages than weir holds");
	return m;
}

/* With those that are declared in it. */
static void take_message(struct reading *r, struct part in, uint32_t scope)
{
	struct { struct part in; uint32_t name, place; } open[DEPTH];
	unsigned depth = 1;
	struct message_type m = message_begin(r, in, scope);
	struct item i;

	open[0].in = in, open[0].name = m.name, open[0].place = m.place;
	while (depth && !r->wrong) {
		if (!next(r, &open[depth - 1].in, &i)) {
			depth--;
		} else if (i.wire != 2) {
			continue;
		} else if (i.number == 2) {
			take_field(r, i.bytes, open[depth - 1].place);
		} else if (i.number == 4) {
			take_enum(r, i.bytes, open[depth - 1].name);
		} else if (i.number == 3 && depth == DEPTH) {
			wrong(r, i.bytes.p, "messages are declared too deep in one another");
		} else if (i.number == 3) {
			m = message_begin(r, i.bytes, open[depth - 1].name);
			open[depth].in = i.bytes, open[depth].name = m.name, open[depth].place = m.place;
			depth++;
		}
	}
}

static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3u;
	return h;
}

static void take_service(struct reading *r, struct part in, uint32_t scope)
{
	uint32_t service = name_add(r, scope, '.', find(r, in, 1));
	struct item i;

	while (next(r, &in, &i)) {
		struct method m;
		const char *name;

		if (i.number != 2 || i.wire != 2)
			continue;
		m.name = name_add(r, service, '/', find(r, i.bytes, 1));
		m.request = reference_add(r, find(r, i.bytes, 2));
		m.response = reference_add(r, find(r, i.bytes, 3));
		if (r->wrong)
			return;
		name = (const char *)r->d->names.ptr + m.name;
		m.hash = hash_of(name, strlen(name));
		add(r, &r->d->methods, &m, sizeof(m), i.bytes.p, "it has more methods than weir holds");
	}
}

static void take_file(struct reading *r, struct part in)
{
	uint32_t package = name_add(r, NONE, 0, find(r, in, 2));
	struct item i;

	while (next(r, &in, &i)) {
		if (i.wire != 2)
			continue;
		if (i.number == 4)
			take_message(r, i.bytes, package);
		else if (i.number == 5)
			take_enum(r, i.bytes, package);
		else if (i.number == 6)
			take_service(r, i.bytes, package);
	}
}

/* ---- names become places ---- */

static const char *sorted_names;	/* of those that are being sorted */

static int by_name(uint32_t a, uint32_t b, uint32_t first, uint32_t second)
{
	int c = strcmp(sorted_names + a, sorted_names + b);

	return c ? c : first < second ? -1 : first > second;
}

static int messages_by_name(const void *a, const void *b)
{
	const struct message_type *x = a, *y = b;

	return by_name(x->name, y->name, x->place, y->place);
}

static int enums_by_name(const void *a, const void *b)
{
	const struct enum_type *x = a, *y = b;

	return by_name(x->name, y->name, x->place, y->place);
}

static int fields_by_number(const void *a, const void *b)
{
	const struct field_row *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	if (x->field.number != y->field.number)
		return x->field.number < y->field.number ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int values_by_number(const void *a, const void *b)
{
	const struct enum_value *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int methods_by_hash(const void *a, const void *b)
{
	const struct method *x = a, *y = b;

	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : by_name(x->name, y->name, x->request, y->request);
}

/* The first of that name in rows of that size, whose first member it is; nr: there is none. */
static size_t named(const struct descriptors *d, const struct buf *rows, size_t size, const char *name)
{
	size_t from = 0, to = rows->len / size;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		uint32_t at;

		memcpy(&at, rows->ptr + mid * size, sizeof(at));
		if (strcmp((const char *)d->names.ptr + at, name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	if (from < rows->len / size) {
		uint32_t at;

		memcpy(&at, rows->ptr + from * size, sizeof(at));
		if (!strcmp((const char *)d->names.ptr + at, name))
			return from;
	}
	return rows->len / size;
}

#define ROW_MAX 64	/* bytes of the longest row */
_Static_assert(sizeof(struct field_row) <= ROW_MAX && sizeof(struct method) <= ROW_MAX, "rows that are swapped fit");

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t kept[ROW_MAX];

	memcpy(kept, a, size);
	memcpy(a, b, size);
	memcpy(b, kept, size);
}

static void sift(uint8_t *rows, size_t root, size_t nr, size_t size, int (*compare)(const void *, const void *))
{
	for (size_t child; (child = 2 * root + 1) < nr; root = child) {
		if (child + 1 < nr && compare(rows + child * size, rows + (child + 1) * size) < 0)
			child++;
		if (compare(rows + root * size, rows + child * size) >= 0)
			return;
		swap(rows + root * size, rows + child * size, size);
	}
}

/* A heap, in place: libc's asks the kernel how much memory there is, which the role that calls this may not. */
static void sort(struct buf *rows, size_t size, int (*compare)(const void *, const void *))
{
	size_t nr = rows->len / size;

	for (size_t i = nr / 2; i-- > 0;)
		sift(rows->ptr, i, nr, size, compare);
	for (size_t i = nr; i-- > 1;) {
		swap(rows->ptr, rows->ptr + i * size, size);
		sift(rows->ptr, 0, i, size, compare);
	}
}

/* Owners are places of before the sort: now they are those of after it. Done once. */
static bool owners_move(struct descriptors *d)
{
	size_t nm = COUNT(d->messages, struct message_type), ne = COUNT(d->enums, struct enum_type);
	struct field_row *f = ROWS(d->fields, struct field_row);
	struct enum_value *v = ROWS(d->values, struct enum_value);
	uint32_t *at = malloc((nm > ne ? nm : ne) * sizeof(*at) + 1);

	if (!at)
		return false;
	for (size_t i = 0; i < nm; i++)
		at[ROWS(d->messages, struct message_type)[i].place] = (uint32_t)i;
	for (size_t i = 0; i < COUNT(d->fields, struct field_row); i++)
		f[i].owner = at[f[i].owner];
	for (size_t i = 0; i < ne; i++)
		at[ROWS(d->enums, struct enum_type)[i].place] = (uint32_t)i;
	for (size_t i = 0; i < COUNT(d->values, struct enum_value); i++)
		v[i].owner = at[v[i].owner];
	free(at);
	return true;
}

static void fields_settle(struct descriptors *d)
{
	struct message_type *m = ROWS(d->messages, struct message_type);
	struct field_row *f = ROWS(d->fields, struct field_row);
	size_t nr_messages = COUNT(d->messages, struct message_type), nr = COUNT(d->fields, struct field_row);

	for (size_t i = 0; i < nr_messages; i++)
		m[i].first = m[i].nr = 0;
	for (size_t i = 0; i < nr; i++) {
		struct message_field *field = &f[i].field;
		const char *target = f[i].target_name == NONE ? "" : (const char *)d->names.ptr + f[i].target_name;

		if (!m[f[i].owner].nr++)
			m[f[i].owner].first = (uint32_t)i;
		field->name = (const char *)d->names.ptr + f[i].name;
		field->message = NULL;
		field->target = NONE;
		if (field->type == TYPE_MESSAGE || field->type == TYPE_GROUP) {
			size_t at = named(d, &d->messages, sizeof(*m), target);

			field->message = at < nr_messages ? &m[at] : NULL;
		} else if (field->type == TYPE_ENUM) {
			field->target = (uint32_t)named(d, &d->enums, sizeof(struct enum_type), target);
		}
	}
}

static bool settle(struct descriptors *d)
{
	sorted_names = (const char *)d->names.ptr;
	sort(&d->messages, sizeof(struct message_type), messages_by_name);
	sort(&d->enums, sizeof(struct enum_type), enums_by_name);
	sort(&d->methods, sizeof(struct method), methods_by_hash);
	if (!owners_move(d))
		return false;
	sort(&d->fields, sizeof(struct field_row), fields_by_number);
	sort(&d->values, sizeof(struct enum_value), values_by_number);
	fields_settle(d);
	return true;
}

/* ---- the door ---- */

struct descriptors *descriptors_new(void)
{
	struct descriptors *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	buf_init(&d->names, DESCRIPTOR_NAMES);
	buf_init(&d->messages, DESCRIPTOR_TYPES * sizeof(struct message_type));
	buf_init(&d->fields, DESCRIPTOR_FIELDS * sizeof(struct field_row));
	buf_init(&d->enums, DESCRIPTOR_TYPES * sizeof(struct enum_type));
	buf_init(&d->values, DESCRIPTOR_FIELDS * sizeof(struct enum_value));
	buf_init(&d->methods, DESCRIPTOR_METHODS * sizeof(struct method));
	d->generation = ++generations & 0xff;
	return d;
}

/* What grows. */
static void all(struct descriptors *d, struct buf *rows[6])
{
	struct buf *const list[6] = { &d->names, &d->messages, &d->fields, &d->enums, &d->values, &d->methods };

	memcpy(rows, list, sizeof(list));
}

int descriptors_add(struct descriptors *d, const void *file, size_t len, char *why, size_t why_size)
{
	struct reading r = { .d = d, .begin = file };
	struct part in = { file, (const uint8_t *)file + len };
	struct buf *rows[6];
	size_t before[6];
	struct item i;
	bool any = false;

	all(d, rows);
	for (unsigned k = 0; k < 6; k++)
		before[k] = rows[k]->len;
	while (next(&r, &in, &i))
		if (i.number == 1 && i.wire == 2) {
			any = true;
			take_file(&r, i.bytes);
		}
	if (!r.wrong && !any)
		wrong(&r, r.begin, "no file is described");
	if (!r.wrong)
		return 0;
	for (unsigned k = 0; k < 6; k++) {
		rows[k]->len = before[k];
		rows[k]->failed = false;
	}
	snprintf(why, why_size, "byte %zu: %s; make it anew with protoc --include_imports --descriptor_set_out=FILE", r.at, r.wrong);
	return -1;
}

size_t descriptors_messages(void)
{
	return current ? COUNT(current->messages, struct message_type) : 0;
}

void descriptors_free(struct descriptors *d)
{
	struct buf *rows[6];

	if (!d)
		return;
	all(d, rows);
	for (unsigned k = 0; k < 6; k++)
		buf_free(rows[k]);
	free(d);
}

int descriptors_use(struct descriptors *d)
{
	if (d && !settle(d)) {
		descriptors_free(d);
		return -ENOMEM;
	}
	descriptors_free(current);
	current = d;
	return 0;
}

#define INDEX_BITS 24
uint32_t descriptor_method(const void *path, size_t len)
{
	const char *end = path, *name;
	const struct method *m;
	size_t from = 0, to, slashes = 0, n = 0;
	uint64_t hash;

	if (!current || !current->methods.len)
		return 0;
	while (n < len && end[n] != '?' && end[n] != '#')
		n++;
	for (name = end + n; name > end && slashes < 2; )
		slashes += *--name == '/';
	if (slashes < 2)
		return 0;
	name++;
	n = (size_t)(end + n - name);
	hash = hash_of(name, n);
	m = ROWS(current->methods, struct method);
	for (to = COUNT(current->methods, struct method); from < to; ) {
		size_t mid = from + (to - from) / 2;

		if (m[mid].hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < COUNT(current->methods, struct method) && m[from].hash == hash; from++) {
		const char *have = (const char *)current->names.ptr + m[from].name;

		if (strlen(have) == n && !memcmp(have, name, n))
			return current->generation << INDEX_BITS | (uint32_t)(from + 1);
	}
	return 0;
}

const struct message_type *message_named(const char *name)
{
	size_t at = current ? named(current, &current->messages, sizeof(struct message_type), name) : 0;

	return at < descriptors_messages() ? &ROWS(current->messages, struct message_type)[at] : NULL;
}

const struct message_type *method_message(uint32_t method, bool response)
{
	uint32_t at = method & ((1u << INDEX_BITS) - 1);
	const struct method *m;

	if (!at || !current || method >> INDEX_BITS != current->generation || at > COUNT(current->methods, struct method))
		return NULL;
	m = &ROWS(current->methods, struct method)[at - 1];
	return message_named((const char *)current->names.ptr + (response ? m->response : m->request));
}

const struct message_field *message_field(const struct message_type *m, uint32_t number)
{
	const struct field_row *f;
	uint32_t from = 0, to = m->nr;

	if (!to)	/* there may be no row at all */
		return NULL;
	f = ROWS(current->fields, struct field_row) + m->first;
	if (number - 1 < m->nr && f[number - 1].field.number == number)
		return &f[number - 1].field;	/* as most are numbered */
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (f[mid].field.number < number)
			from = mid + 1;
		else
			to = mid;
	}
	return from < m->nr && f[from].field.number == number ? &f[from].field : NULL;
}

bool message_is_map_entry(const struct message_type *m)
{
	return m->map_entry;
}

const char *enum_name(const struct message_field *f, int32_t value)
{
	const struct enum_value *v = ROWS(current->values, struct enum_value);
	size_t from = 0, to = COUNT(current->values, struct enum_value), nr = to;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (v[mid].owner < f->target || (v[mid].owner == f->target && v[mid].number < value))
			from = mid + 1;
		else
			to = mid;
	}
	return from < nr && v[from].owner == f->target && v[from].number == value ? (const char *)current->names.ptr + v[from].name : NULL;
}
