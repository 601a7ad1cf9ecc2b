/* SPDX-License-Identifier: Apache-2.0 */
/* decode_body.c - bodies on stdin, each "TYPE LENGTH" on a line and its bytes; the fields of each on
 * stdout, in hex: path, key, type and value on a line, and an empty line behind the last. Contents
 * inside of others are left alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/content.h"

static void hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		printf("%02x", s.ptr[i]);
	putchar(' ');
}

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	hex(slice_of(f->path, strlen(f->path)));
	hex(f->key);
	printf("%u ", f->type);
	hex(f->value);
	putchar('\n');
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

int main(void)
{
	static struct exchange ex;
	const struct field_sink sink = { .field = on_field, .clean = on_clean };
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char *space = strrchr(line, ' ');
		size_t len = space ? strtoul(space, NULL, 10) : 0;
		uint8_t *body = malloc(len ? len : 1);
		struct content_job job = { .exchange = &ex, .sink = &sink, .location = LOC_REQUEST_BODY, .inside = CONTENT_INSIDE };

		if (!space || !body || fread(body, 1, len, stdin) != len) {
			fprintf(stderr, "decode_body: no body of %zu bytes behind its line\n", len);
			return 2;
		}
		content_decode(&job, slice_of(line, (size_t)(space - line)), slice_of(body, len));
		putchar('\n');
		free(body);
	}
	return 0;
}
