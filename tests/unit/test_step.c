/* SPDX-License-Identifier: Apache-2.0 */
/* A reader and an analyst that may die between any two instructions. A child runs them on
 * shared memory, one instruction at a time; after each the parent takes a copy of that memory,
 * as a death there would leave it, lets the next of the role resume on it, and wants every
 * record counted once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/deny.h"
#include "daemon/step.h"

#define RING 256	/* bytes */
#define QUEUE 128	/* fewer than the records: some are dropped, and it wraps */
#define BEGIN 104	/* where in the queue it begins: the second record does not fit before the end */
#define RECORDS 12
#define EPOCH 9

/* All that outlives the two. A record is its number; with its header 16 bytes in the ring. */
struct world {
	struct role_stats reader, analyst;
	struct queue_head head;
	uint8_t queue[QUEUE];
	uint64_t consumer, producer;
	uint64_t ring[RING / 8];
	uint32_t seen[RECORDS + 1];	/* how often the analyst was given record n */
};

static struct ring ring_of(struct world *w)
{
	return (struct ring){ &w->consumer, (uint8_t *)&w->producer, (uint8_t *)w->ring, RING, 4096, 0 };
}

static struct queue queue_of(struct world *w)
{
	return (struct queue){ &w->head, w->queue, QUEUE, 0 };
}

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->head.written = w->head.done = BEGIN;
	for (uint64_t n = 0; n < RECORDS; n++) {
		w->ring[n * 2] = 8;
		w->ring[n * 2 + 1] = n + 1;
		w->producer += 16;
	}
}

struct carrier { struct role_stats *stats; struct ring ring; struct queue queue; };

static int carry(void *owner, const void *record, size_t len)
{
	struct carrier *c = owner;
	uint64_t written;
	int full = queue_fill(&c->queue, record, len, &written);

	step_carry(c->stats, &c->ring, &c->queue, EPOCH, full ? NULL : &written, 0);
	return 0;
}

static void read_all_records(struct world *w)
{
	struct carrier c = { &w->reader, ring_of(w), queue_of(w) };

	step_carry_resume(c.stats, &c.ring, &c.queue);
	ring_drain(&c.ring, 100, carry, &c);
}

static void analyse_all_records(struct world *w)
{
	struct queue q = queue_of(w);
	const uint64_t *record;
	size_t len;
	int bad;

	if (step_resume(&w->analyst, &q, &len))
		step_end(&w->analyst, &q, OUTCOME_CRASH_LOST, 0);
	while ((record = queue_take(&q, &len, &bad))) {
		step_begin(&w->analyst, &q, EPOCH);
		w->seen[*record]++;
		step_end(&w->analyst, &q, *record % 3 ? OUTCOME_ANALYSED : OUTCOME_UNDECODABLE, 0);
	}
}

/* Both finish what is there: then the books must balance, whatever happened before. */
static void finish_and_judge(const struct world *at_death)
{
	static struct world w;
	struct role_epoch r, a;
	uint64_t seen = 0;

	w = *at_death;
	read_all_records(&w);
	analyse_all_records(&w);
	r = role_epoch_read(&w.reader, EPOCH);
	a = role_epoch_read(&w.analyst, EPOCH);
	for (unsigned n = 1; n <= RECORDS; n++) {
		assert_in_range(w.seen[n], 0, 1);
		seen += w.seen[n];
	}
	assert_int_equal(r.read, RECORDS);
	assert_int_equal(r.read, a.analysed + a.undecodable + a.crash_lost + r.queue_full);
	assert_in_range(a.crash_lost, 0, 1);
	assert_in_range(RECORDS - r.queue_full - seen, 0, a.crash_lost);
	assert_int_equal(w.head.done, w.head.written);
}

static void each_instruction(void (*work)(struct world *), void (*before)(struct world *))
{
	struct world *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static struct world last;
	unsigned steps = 0, states = 0;
	int status;
	pid_t pid;

	assert_ptr_not_equal(w, MAP_FAILED);
	world_init(w);
	if (before)
		before(w);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		work(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status)) {
		munmap(w, sizeof(*w));
		skip();	/* tracing is not allowed here */
	}
	for (memset(&last, 255, sizeof(last)); WIFSTOPPED(status); steps++) {
		if (memcmp(&last, w, sizeof(last))) {
			last = *w;
			finish_and_judge(&last);
			states++;
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_in_range(states, RECORDS * 4, steps);	/* it was really looked at between the stores */
	munmap(w, sizeof(*w));
}

static void a_reader_killed_anywhere_neither_loses_nor_repeats(void **state)
{
	each_instruction(read_all_records, NULL);
}

static void an_analyst_killed_anywhere_loses_what_is_in_hand_at_most(void **state)
{
	each_instruction(analyse_all_records, read_all_records);
}

static struct denied denied_new(void)
{
	struct denied d = { .nr = 0 };

	assert_int_equal(deny_prepare(&d), 0);
	return d;
}

static void nothing_is_denied_until_it_killed_twice(void **state)
{
	struct denied d = denied_new();

	assert_false(deny_has(&d, "bad input", 9));
	deny_blame(&d, "bad input", 9);
	assert_false(deny_has(&d, "bad input", 9));
	deny_blame(&d, "another", 7);
	assert_int_equal(d.nr, 0);
	deny_blame(&d, "bad input", 9);
	assert_int_equal(d.nr, 1);
	assert_true(deny_has(&d, "bad input", 9));
	assert_false(deny_has(&d, "another", 7));
}

static void a_full_list_keeps_what_killed_most(void **state)
{
	struct denied d = denied_new();

	deny_blame(&d, "bad input", 9);
	deny_blame(&d, "bad input", 9);
	for (unsigned i = 0; i < 3 * DENIED_MAX; i++)
		deny_blame(&d, &i, sizeof(i));
	assert_true(deny_has(&d, "bad input", 9));
	assert_int_equal(d.nr, 1);
}

static void the_list_does_not_tell_the_input(void **state)
{
	struct denied one = denied_new(), other = denied_new();

	deny_blame(&one, "bad input", 9);
	deny_blame(&other, "bad input", 9);
	assert_int_not_equal(one.list[0].signature, other.list[0].signature);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_killed_anywhere_neither_loses_nor_repeats),
		cmocka_unit_test(an_analyst_killed_anywhere_loses_what_is_in_hand_at_most),
		cmocka_unit_test(nothing_is_denied_until_it_killed_twice),
		cmocka_unit_test(a_full_list_keeps_what_killed_most),
		cmocka_unit_test(the_list_does_not_tell_the_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
