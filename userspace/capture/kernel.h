/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - what can be said of a kernel without loading anything. */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

/* Does the kernel whose BTF lies there know this type or function? 1, 0, or -errno: no BTF to be read. */
int capture_kernel_knows(const char *btf_path, const char *type);
#define HOOK_SETS 3
/* The hook sets; NULL past the end. needs: the type that its kernel has. */
const char *capture_hook_set(unsigned i, const char **needs, const char **doc);
/* In what order weir tries them on the kernel whose BTF lies there: the first that works is used. Gives back why
 * that is the order. */
const char *capture_hook_order(const char *btf_path, unsigned order[HOOK_SETS]);
#endif
