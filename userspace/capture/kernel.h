/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - what can be said of a kernel without loading anything. */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

/* Does the kernel whose BTF lies there know this type or function? 1, 0, or -errno: no BTF to be read. */
int capture_kernel_knows(const char *btf_path, const char *type);
/* What was read of the last BTF is kept for the next question, 8 MiB of it, until then. */
void capture_kernel_forget(void);
/* Does a program at a uprobe go on with the stack of another process's run that preempted it? As it may on 6.13 and 6.14,
 * which give its type one stack a CPU and let no program forbid it (bpf/emit.bpf.h), if they preempt: version is `uname -v`. */
int capture_kernel_mixes_probes(const char *btf_path, const char *version);	/* 1, 0, or -errno */
#define MIXED_PROBES "probes of TLS libraries may read another process's buffer now and then: it is counted truncated or read_fault, or taken for " \
	"that process's"
#define MIXED_PROBES_MEND "boot with preempt=none, or use 6.12 or 6.15 and newer"
#define HOOK_SETS 3
/* The hook sets; NULL past the end. needs: the type that its kernel has. */
const char *capture_hook_set(unsigned i, const char **needs, const char **doc);
/* In what order weir tries them on the kernel whose BTF lies there: the first that works is used. Gives back why
 * that is the order. */
const char *capture_hook_order(const char *btf_path, unsigned order[HOOK_SETS]);
#endif
