/* SPDX-License-Identifier: Apache-2.0 */
/* iter.h - runs a BPF iterator: what is there, told once by the kernel, as records of one
 * size. Keeps the link, since to attach takes privileges that the monitor gives up. */
#ifndef WEIR_ITER_H
#define WEIR_ITER_H
#include <stddef.h>

struct bpf_link;
struct bpf_object;
struct bpf_link *iter_attach(struct bpf_object *, const char *program);	/* NULL: errno says why */
struct bpf_link *iter_attach_own(struct bpf_object *, const char *program);	/* over this process only; Linux 6.1 */
/* To its end; size: of a record, at most 4096. Records are borrowed for the call. take NULL:
 * it writes none. 0 or -errno. */
int iter_run(struct bpf_link *, size_t size, void (*take)(void *owner, const void *record), void *owner);
#endif
