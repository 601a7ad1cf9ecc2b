/* SPDX-License-Identifier: Apache-2.0 */
/* uprobe.h - many places of one file probed by one link (BPF_TRACE_UPROBE_MULTI, Linux 6.6),
 * which asks for no SYS_ADMIN, as the perf events of older kernels do. By bpf(2) itself: the
 * libbpf of Debian 12 does not know it. Private to capture/. */
#ifndef WEIR_UPROBE_H
#define WEIR_UPROBE_H
#include <stdbool.h>
#include <stdint.h>

#define UPROBE_MULTI 48		/* BPF_TRACE_UPROBE_MULTI: what a program must be loaded for */

/* Does this kernel take such a link? Tried on a function of our own. */
bool uprobe_multi_works(void);
uint64_t uprobe_own_offset(void (*function)(void));	/* in our own file; 0: not found */
int uprobe_nothing(void);	/* a program for such a link that does nothing; -1: the kernel refuses it */
/* A descriptor of the link, which detaches when it is closed, or -errno. cookies: one for each offset. */
int uprobe_multi(int program, const char *path, const uint64_t *offsets, const uint64_t *cookies, uint32_t nr, bool leave);
/* Of a link to a kprobe: how often the kernel ran nothing there, as it was in another on that CPU. Linux 6.7
 * tells; 0 where it does not, and for other links. Of uprobes no kernel counts any. */
uint64_t kprobe_missed(int link);
#endif
