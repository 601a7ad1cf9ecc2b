/* SPDX-License-Identifier: Apache-2.0 */
/* Where a probe lies decides what it costs: the kernel emulates a push, and has the processor step
 * over a subtraction, which under a hypervisor may be an exit each time. */
#include "capture/probe_cost.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "capture/uprobe.h"

#define RUNS 25
#define ROUNDS 8	/* the quickest counts: whoever is put off in the middle of one measures the host's load */

#ifdef __x86_64__
asm(".text\n"
	".type weir_cost_push, @function\nweir_cost_push:\n\tpush %rbx\n\tpop %rbx\n\tret\n"
	".type weir_cost_sub, @function\nweir_cost_sub:\n\tsub $8, %rsp\n\tadd $8, %rsp\n\tret\n");
__attribute__((visibility("hidden"))) void weir_cost_push(void);
__attribute__((visibility("hidden"))) void weir_cost_sub(void);

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static uint64_t call_ns(void (*function)(void))
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begun = now_ns(), took;

		for (int i = 0; i < RUNS; i++)
			function();
		took = now_ns() - begun;
		least = took < least ? took : least;
	}
	return least / RUNS;
}

static int measure(int program, void (*function)(void), bool leave, uint32_t *out)
{
	uint64_t offset = uprobe_own_offset(function), cookie = 1, bare = call_ns(function), probed;
	int link = offset ? uprobe_multi(program, "/proc/self/exe", &offset, &cookie, 1, leave) : -ENOENT;

	if (link < 0)
		return link;
	probed = call_ns(function);
	close(link);
	*out = probed > bare ? (uint32_t)(probed - bare) : 0;
	return 0;
}

int probe_cost(struct probe_cost *c)
{
	int program = uprobe_nothing(), err;

	if (program < 0 || !uprobe_multi_works()) {
		if (program >= 0)
			close(program);
		return -ENOTSUP;
	}
	err = measure(program, weir_cost_push, false, &c->emulated);
	if (!err)
		err = measure(program, weir_cost_sub, false, &c->stepped);
	if (!err)
		err = measure(program, weir_cost_push, true, &c->leave);
	close(program);
	return err;
}
#else
int probe_cost(struct probe_cost *c)
{
	return -ENOTSUP;
}
#endif
