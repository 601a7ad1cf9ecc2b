/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/hello.h"

#include <stdbool.h>

#define HANDSHAKE 22
#define CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define NAME_TYPE_HOST 0

/* A reader that only moves forward and stays at the end once it is there. */
struct reader { struct slice left; bool failed; };

static struct slice take(struct reader *r, size_t n)
{
	struct slice s = { r->left.ptr, n };

	if (r->failed || n > r->left.len) {
		r->failed = true;
		return (struct slice){ 0 };
	}
	r->left = slice_of(r->left.ptr + n, r->left.len - n);
	return s;
}

static size_t take_number(struct reader *r, size_t bytes)
{
	struct slice s = take(r, bytes);
	size_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

static void skip_vector(struct reader *r, size_t length_bytes)
{
	(void)take(r, take_number(r, length_bytes));
}

/* server_name_list of one extension: the first host name. */
static struct slice name_of(struct slice extension)
{
	struct reader r = { extension, false };

	(void)take_number(&r, 2);
	if (take_number(&r, 1) != NAME_TYPE_HOST)
		return (struct slice){ 0 };
	return take(&r, take_number(&r, 2));
}

struct slice hello_server_name(struct slice in)
{
	struct reader r = { in, false };

	if (take_number(&r, 1) != HANDSHAKE)
		return (struct slice){ 0 };
	(void)take(&r, 4);		/* version and length of the record */
	if (take_number(&r, 1) != CLIENT_HELLO)
		return (struct slice){ 0 };
	(void)take(&r, 3 + 2 + 32);	/* length, version, random */
	skip_vector(&r, 1);		/* session id */
	skip_vector(&r, 2);		/* cipher suites */
	skip_vector(&r, 1);		/* compression methods */
	(void)take_number(&r, 2);	/* length of all extensions; the hello may be cut before it */
	while (!r.failed && r.left.len) {
		size_t type = take_number(&r, 2);
		struct slice extension = take(&r, take_number(&r, 2));

		if (!r.failed && type == EXTENSION_SERVER_NAME)
			return name_of(extension);
	}
	return (struct slice){ 0 };
}
