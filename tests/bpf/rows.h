/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - how a row of the path matrix is made and told. Part of run_paths.c. */
#ifndef WEIR_TEST_ROWS_H
#define WEIR_TEST_ROWS_H
#include "tests/bpf/world.h"
#include "tests/bpf/ways.h"

static struct { unsigned passed, failed, skipped; } *counts;	/* shared with the children */

static bool at_layer(void) { return !strcmp(world.hooks, "socket"); }

/* Of each direction by itself: the one's gap must not hide behind what the other has too much. */
static int64_t unexplained(void)
{
	return llabs(byte_account_unexplained(&world.by[DIR_SENT])) + llabs(byte_account_unexplained(&world.by[DIR_RECEIVED]));
}

static void row_skip(const char *name, const char *why)
{
	printf("skip %-28s %-10s %9s %9s  %s\n", name, world.hooks, "-", "-", why);
	counts->skipped++;
}

/* A kernel that preempts programs skips them for others meanwhile, but never at kprobes: a row in which it says
 * that it did proves nothing, if what is missing has a name. */
static bool was_skipped(void)
{
	return !at_layer() && capture_skipped_runs(world.capture) > world.skipped && !unexplained();
}

static void row(const char *name, const char *what, const char *fault)
{
	if (fault && was_skipped()) {
		row_skip(name, "the kernel skipped runs for one that it had preempted");
		return;
	}
	printf("%-4s %-28s %-10s %9lld %9lld  %s%s%s\n", fault ? "FAIL" : "ok", name, world.hooks, (long long)world.sum.moved,
	       (long long)world.sum.examined, what, fault ? ": " : "", fault ? fault : "");
	*(fault ? &counts->failed : &counts->passed) += 1;
}

/* Everything that was not examined, by name: "sendfile 5003". */
static const char *reasons(void)
{
	static char text[256];
	size_t n = 0;

	text[0] = 0;
	for (unsigned i = 1; i < LOSS_MAX; i++)
		if (world.sum.why[i] && n < sizeof(text) - 48)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %lld", n ? ", " : "", loss_name(i), (long long)world.sum.why[i]);
	return n ? text : "-";
}

/* The bytes counted under that name; -1: others are there as well. breaks: but for what nobody
 * understands without them, or holds. */
static int64_t hidden_as(const char *name, bool breaks)
{
	int64_t n = 0;

	for (unsigned i = 1; i < LOSS_MAX; i++)
		if (name && !strcmp(loss_name(i), name))
			n += world.sum.why[i];
		else if (world.sum.why[i] && !(breaks && (i == LOSS_UNKNOWN_PROTOCOL || i == LOSS_UNWANTED)))
			return -1;
	return n;
}

/* The request of a row, into `out`: of any size that holds a head and an address. */
static void request_make(size_t size)
{
	static const char begin[] = "{\"email\":\"ana.ruiz@harborline-logistics.com\",\"pad\":\"", end[] = "\"}";
	static const char head[] = "POST /orders HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %08zu\r\n\r\n";
	size_t at = (size_t)snprintf(NULL, 0, head, size);

	snprintf(out, sizeof(out), head, size - at);
	memcpy(out + at, begin, sizeof(begin) - 1);
	for (at += sizeof(begin) - 1; at < size - 2; at++)
		out[at] = (char)('a' + (at * 7 + at / 251) % 26);
	memcpy(out + at, end, 2);
	world.sent[0] = (uint8_t *)out;
	world.sent_len[0] = size;
	world.sent[1] = (const uint8_t *)answer;
	world.sent_len[1] = ANSWER;
}
#endif
