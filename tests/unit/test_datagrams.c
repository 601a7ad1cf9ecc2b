/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of datagrams -> datagrams: which are put together, and that none is kept for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "capture/datagrams.h"

static char told[4096];

static void on_push(void *owner, const struct chunk *c)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof(told) - n, "%llu@%llu %.*s -%llu\n", (unsigned long long)c->conn.id, (unsigned long long)c->pos,
		 (int)c->bytes.len, (const char *)c->bytes.ptr, (unsigned long long)c->skipped);
}

static void take(struct datagrams *d, uint64_t conn, enum dir dir, uint64_t pos, const char *text, bool more, uint64_t skipped)
{
	const struct chunk c = { .conn.id = conn, .dir = dir, .layer = LAYER_SOCKET, .pos = pos, .bytes = slice_of(text, strlen(text)), .more = more,
				 .skipped = skipped, .at.time = 1000 };

	datagrams_take(d, &c, on_push, NULL);
}

static void pieces_of_a_call_are_one_datagram(void **state)
{
	struct datagrams *d = datagrams_new();

	told[0] = 0;
	take(d, 1, DIR_SENT, 0, "head ", true, 0);
	take(d, 2, DIR_SENT, 0, "other ", true, 0);	/* of another CPU */
	take(d, 1, DIR_RECEIVED, 0, "answer", false, 0);
	take(d, 1, DIR_SENT, 5, "middle ", true, 0);
	take(d, 1, DIR_SENT, 12, "end", false, 0);
	take(d, 2, DIR_SENT, 6, "", false, 9);		/* the rest was not copied */
	take(d, 1, DIR_SENT, 15, "whole", false, 0);
	assert_string_equal(told, "1@0 answer -0\n1@0 head middle end -0\n2@0 other  -9\n1@15 whole -0\n");
	datagrams_free(d, on_push, NULL);
}

static void a_piece_whose_rest_is_lost_is_told_alone(void **state)
{
	struct datagrams *d = datagrams_new();

	told[0] = 0;
	take(d, 1, DIR_SENT, 0, "head ", true, 0);
	take(d, 1, DIR_SENT, 9, "next ", true, 0);
	assert_string_equal(told, "1@0 head  -0\n");
	datagrams_tick(d, (struct stamp){ 1500000000, 1 }, on_push, NULL);
	assert_string_equal(told, "1@0 head  -0\n");
	datagrams_tick(d, (struct stamp){ 2500000000, 1 }, on_push, NULL);
	assert_string_equal(told, "1@0 head  -0\n1@9 next  -0\n");
	take(d, 1, DIR_SENT, 20, "third ", true, 0);
	take(d, 2, DIR_SENT, 0, "fourth ", true, 0);
	told[0] = 0;
	datagrams_close(d, 1, on_push, NULL);
	assert_string_equal(told, "1@20 third  -0\n");
	datagrams_free(d, on_push, NULL);
}

static void of_many_that_are_begun_the_oldest_go(void **state)
{
	struct datagrams *d = datagrams_new();

	told[0] = 0;
	for (uint64_t i = 1; i <= 18; i++)
		take(d, i, DIR_SENT, 0, "x", true, 0);
	assert_string_equal(told, "1@0 x -0\n2@0 x -0\n");
	datagrams_free(d, on_push, NULL);
	assert_non_null(strstr(told, "\n18@0 x -0\n"));	/* nothing that is kept is lost at the end */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_a_call_are_one_datagram),
		cmocka_unit_test(a_piece_whose_rest_is_lost_is_told_alone),
		cmocka_unit_test(of_many_that_are_begun_the_oldest_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
