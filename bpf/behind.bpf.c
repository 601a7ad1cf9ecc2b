// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* behind.bpf.c - which file is behind a file: on an overlay, of which each container has its
 * own, a file has its own device, but what is mapped and probed is the inode of the layer
 * below. Run by the monitor over its own mappings. */
#include "bpf/conn.bpf.h"

SEC("iter/task_vma")
int own_maps(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *v = ctx->vma;
	struct wire_map m;
	struct file *f;

	f = v ? BPF_CORE_READ(v, vm_file) : NULL;
	if (!f)
		return 0;
	m.start = BPF_CORE_READ(v, vm_start);
	m.inode = (u64)BPF_CORE_READ(f, f_inode);
	bpf_seq_write(ctx->meta->seq, &m, sizeof(m));
	return 0;
}
