/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/uprobe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <link.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MULTI_RETURN 1u	/* BPF_F_UPROBE_MULTI_RETURN */

/* bpf_attr.link_create.uprobe_multi, include/uapi/linux/bpf.h. */
struct multi_attr {
	uint32_t program, target, type, flags;
	uint64_t path, offsets, counters, cookies;
	uint32_t nr, multi_flags, pid, end;
};

int uprobe_multi(int program, const char *path, const uint64_t *offsets, const uint64_t *cookies, uint32_t nr, bool leave)
{
	struct multi_attr a = {
		.program = (uint32_t)program, .type = UPROBE_MULTI, .path = (uint64_t)(uintptr_t)path,
		.offsets = (uint64_t)(uintptr_t)offsets, .cookies = (uint64_t)(uintptr_t)cookies, .nr = nr,
		.multi_flags = leave ? MULTI_RETURN : 0,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a));

	return fd < 0 ? -errno : (int)fd;
}

/* struct bpf_link_info, include/uapi/linux/bpf.h, as it is for a perf event that is a kprobe. */
struct kprobe_info {
	uint32_t type, id, program, pad, event, pad_event;
	uint64_t name;
	uint32_t name_size, offset;
	uint64_t address, missed, cookie;
};
#define LINK_PERF_EVENT 7	/* BPF_LINK_TYPE_PERF_EVENT */
#define EVENT_KPROBE 3		/* BPF_PERF_EVENT_KPROBE */

uint64_t kprobe_missed(int link)
{
	struct kprobe_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size) || size < sizeof(info) || info.type != LINK_PERF_EVENT || info.event != EVENT_KPROBE)
		return 0;
	return info.missed;
}

/* What is probed here to see whether it can be: nobody calls it. */
__attribute__((noinline, used, section(".text.probed"))) static void probed(void)
{
	asm volatile("nop\n\tnop\n\tnop\n\tnop");
}

struct own { uintptr_t address; uint64_t offset; };

/* The first object is the program itself. */
static int own_offset(struct dl_phdr_info *info, size_t size, void *data)
{
	struct own *o = data;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && o->address >= info->dlpi_addr + p->p_vaddr && o->address - info->dlpi_addr - p->p_vaddr < p->p_filesz)
			o->offset = o->address - info->dlpi_addr - p->p_vaddr + p->p_offset;
	}
	return 1;
}

uint64_t uprobe_own_offset(void (*function)(void))
{
	struct own own = { .address = (uintptr_t)function };

	dl_iterate_phdr(own_offset, &own);
	return own.offset;
}

int uprobe_nothing(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = (enum bpf_attach_type)UPROBE_MULTI);
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "weir_probe", "GPL", nothing, 2, &opts);
}

bool uprobe_multi_works(void)
{
	uint64_t offset = uprobe_own_offset(probed), cookie = 7;
	int program = offset ? uprobe_nothing() : -1, link;

	if (program < 0)
		return false;
	link = uprobe_multi(program, "/proc/self/exe", &offset, &cookie, 1, false);
	if (link >= 0)
		close(link);
	close(program);
	return link >= 0;
}
