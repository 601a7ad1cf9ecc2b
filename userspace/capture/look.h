/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - runs the iterator of bpf/check.bpf.c. */
#ifndef WEIR_LOOK_H
#define WEIR_LOOK_H
#include "bpf/wire.h"

struct bpf_object;
struct look;
struct look *look_new(struct bpf_object *);	/* NULL: errno says why */
void look_free(struct look *);
int look_run(struct look *, void (*take)(void *owner, const struct wire_check *), void *owner);
#endif
