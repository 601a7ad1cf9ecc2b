/* SPDX-License-Identifier: Apache-2.0 */
/* probe_cost.h - what a probe costs on this machine, measured on functions of our own. */
#ifndef WEIR_PROBE_COST_H
#define WEIR_PROBE_COST_H
#include <stdint.h>

/* ns of one call beyond that of the bare function. */
struct probe_cost { uint32_t emulated, stepped, leave; };
/* 0 or -errno: -ENOTSUP where the kernel has no links of probes (Linux 6.6) or the machine is another. */
int probe_cost(struct probe_cost *);
#endif
