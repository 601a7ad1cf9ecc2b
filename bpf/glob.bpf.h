/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* glob.bpf.h - is this the program that --exe means? As fnmatch(3) without flags, so that the
 * monitor, which hears of it later, comes to the same. */
#ifndef WEIR_GLOB_BPF_H
#define WEIR_GLOB_BPF_H
#include "bpf/maps.bpf.h"

#define GLOB_STEPS (WIRE_PATH * WIRE_PATH)	/* as many as the worst glob can take */

struct glob {
	struct wire_glob glob;
	u32 at, in;	/* next of the path, of the glob */
	u32 star, mark;	/* behind the last '*', 0: none; up to where it stands for the path */
	u32 base, match;	/* where the path's last component begins; the result */
	u8 path[WIRE_PATH];
};

static long base_step(u64 i, struct glob *g)
{
	u8 c = g->path[i & (WIRE_PATH - 1)];

	if (c == '/')
		g->base = i + 1;
	return !c;
}

/* 1: decided. Not inlined: what it left in the struct is unknown to the verifier then, and turns
 * look alike. */
__attribute__((noinline)) int glob_turn(struct glob *g)
{
	u8 c, p;

	if (!g)
		return 1;
	c = g->path[g->at & (WIRE_PATH - 1)];
	p = g->glob.text[g->in & (WIRE_PATH - 1)];
	if (p == '*') {
		g->star = ++g->in;
		g->mark = g->at;
		return 0;
	}
	if (!c) {
		g->match = !p;
		return 1;
	}
	if (p == '?' || p == c) {
		g->at++;
		g->in++;
		return 0;
	}
	if (!g->star)
		return 1;
	g->in = g->star;	/* it stands for one more */
	g->at = ++g->mark;
	return 0;
}

static long glob_step(u64 turn, struct glob *g)
{
	int decided = glob_turn(g);

	/* clang 19 knows that this is 0 or 1 already, and the verifier does not. */
	__asm__ volatile("" : "+r"(decided));
	return decided != 0;
}

/* A process has become the program of that name, an address in the kernel: is it to be watched, by the glob of that
 * number? At once and here: it may be over before the monitor has heard of it. */
__attribute__((noinline)) int exec_scope(u64 name, u32 nr)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct wire_glob *glob = bpf_map_lookup_elem(&exe_globs, &nr);
	u8 watched = WIRE_TASK_WATCHED;
	struct glob g = {};
	long n;

	if (!glob || !glob->text[0] || bpf_probe_read_kernel(&g.glob, sizeof(g.glob), glob))
		return 0;
	n = bpf_probe_read_kernel_str(g.path, sizeof(g.path), (void *)name);
	if (n < 0 || n >= (long)sizeof(g.path))
		return 0; /* it may have been cut: the monitor, who has all of it, decides */
	bpf_loop(GLOB_STEPS, glob_step, &g, 0);
	if (!g.match && g.glob.base) {
		bpf_loop(WIRE_PATH, base_step, &g, 0);
		g.at = g.base;
		g.in = g.star = 0;
		bpf_loop(GLOB_STEPS, glob_step, &g, 0);
	}
	if (g.match)
		bpf_map_update_elem(&scope, &tgid, &watched, BPF_NOEXIST);
	return 0;
}
#endif
