/* SPDX-License-Identifier: Apache-2.0 */
/* object.S - the BPF object travels inside the program. */
	.section .rodata
	.balign 16
	.globl bpf_object_start, bpf_object_end
bpf_object_start:
	.incbin "build/bpf/weir.bpf.o"
bpf_object_end:
	.section .note.GNU-stack, "", @progbits
