/* SPDX-License-Identifier: Apache-2.0 */
/* hashes.c - `weir classify --hashes`: a list of values becomes one of keyed hashes, for a class
 * of a policy file. What is printed holds no value; who has it can only try guesses. */
#include "cli/hashes.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cli/cli.h"
#include "model/class_rules.h"

#define ITEMS_MAX 50000

struct list {
	uint8_t key[CLASS_HASH_KEY];
	uint8_t (*items)[CLASS_HASH];
	size_t nr, room;
	uint64_t lengths;	/* bit length - 1 */
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, CLASS_HASH);
}

static int item_add(struct list *l, const char *line, size_t len, const char *file, size_t number)
{
	uint8_t normal[CLASS_NORMAL_MAX];
	int n = class_normal(normal, sizeof(normal), line, len);
	void *more;

	if (!n)
		return 0;
	if (n < 0)
		return fprintf(stderr, "weir classify: %s:%zu: longer than %d letters and digits; only shorter values can be on a list\n",
			       file, number, CLASS_NORMAL_MAX), -1;
	if (l->nr == ITEMS_MAX)
		return fprintf(stderr, "weir classify: %s: more than %d values; make a second list for another class\n", file, ITEMS_MAX), -1;
	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		more = realloc(l->items, l->room * sizeof(*l->items));
		if (!more)
			return fprintf(stderr, "weir classify: no memory for the list\n"), -1;
		l->items = more;
	}
	l->lengths |= 1ull << (n - 1);
	class_hash(l->items[l->nr++], l->key, normal, (size_t)n);
	explicit_bzero(normal, sizeof(normal));
	return 0;
}

static int file_read(struct list *l, const char *name)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "re") : stdin;
	char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t n;
	int err = 0;

	if (!f)
		return fprintf(stderr, "weir classify: cannot open %s: %s\n", name, strerror(errno)), -1;
	while (!err && (n = getline(&line, &size, f)) > 0)
		err = item_add(l, line, strcspn(line, "\r\n"), name, ++number);
	if (!err && ferror(f)) {
		fprintf(stderr, "weir classify: cannot read %s: %s\n", name, strerror(errno));
		err = -1;
	}
	if (line)
		explicit_bzero(line, size);
	free(line);
	if (f != stdin)
		fclose(f);
	return err;
}

static void list_print(struct list *l)
{
	char hex[2 * CLASS_HASH_KEY + 1];
	const char *comma = "";

	qsort(l->items, l->nr, sizeof(*l->items), by_bytes);
	hex_encode(hex, l->key, CLASS_HASH_KEY);
	printf("    hashes:\n      key: \"%s\"\n      lengths: [", hex);
	for (unsigned i = 0; i < CLASS_NORMAL_MAX; i++)
		if (l->lengths >> i & 1) {
			printf("%s%u", comma, i + 1);
			comma = ", ";
		}
	printf("]\n      items:\n");
	for (size_t i = 0; i < l->nr; i++) {
		if (i && !by_bytes(l->items[i - 1], l->items[i]))
			continue;
		hex_encode(hex, l->items[i], CLASS_HASH);
		printf("        - \"%s\"\n", hex);
	}
}

int hashes_print(char *const *files, int nr)
{
	struct list l = { .nr = 0 };
	int err = random_bytes(l.key, sizeof(l.key));

	if (err)
		fprintf(stderr, "weir classify: no randomness for a key: %s\n", strerror(-err));
	if (!nr && !err)
		err = file_read(&l, "-");
	for (int i = 0; i < nr && !err; i++)
		err = file_read(&l, files[i]);
	if (!err && !l.nr)
		err = fprintf(stderr, "weir classify: no values for the list; give a file with one a line\n");
	if (!err)
		list_print(&l);
	free(l.items);
	return err || fflush(stdout) ? EXIT_USAGE : EXIT_OK;
}
