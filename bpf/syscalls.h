/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* syscalls.h - system calls that move bytes over a socket: number -> direction and
 * shape of the arguments. Sources: arch/x86/entry/syscalls/syscall_{64,32}.tbl. */
#ifndef WEIR_SYSCALLS_H
#define WEIR_SYSCALLS_H
#include "bpf/kernel.h"

enum call_shape { CALL_NONE, CALL_BUF, CALL_IOV, CALL_MSG, CALL_MMSG,
		  CALL_SENDFILE, CALL_SPLICE, /* what they move is in no buffer of user space */
		  CALL_PIPE, /* pages in a pipe that were found for them */
		  CALL_LAYER /* what the kernel keeps of it: struct layer_call */ };
struct call_kind { u8 shape, dir; };

static __always_inline struct call_kind call_kind(long nr, bool compat)
{
#define KIND(n, shape, dir) case n: return (struct call_kind){ shape, dir }
	if (!compat) {
		switch (nr) {
		KIND(0, CALL_BUF, WIRE_RECEIVED);	/* read */
		KIND(1, CALL_BUF, WIRE_SENT);		/* write */
		KIND(19, CALL_IOV, WIRE_RECEIVED);	/* readv */
		KIND(20, CALL_IOV, WIRE_SENT);		/* writev */
		KIND(40, CALL_SENDFILE, WIRE_SENT);	/* sendfile */
		KIND(44, CALL_BUF, WIRE_SENT);		/* sendto */
		KIND(45, CALL_BUF, WIRE_RECEIVED);	/* recvfrom */
		KIND(46, CALL_MSG, WIRE_SENT);		/* sendmsg */
		KIND(47, CALL_MSG, WIRE_RECEIVED);	/* recvmsg */
		KIND(275, CALL_SPLICE, WIRE_SENT);	/* splice; from a socket: received */
		KIND(299, CALL_MMSG, WIRE_RECEIVED);	/* recvmmsg */
		KIND(307, CALL_MMSG, WIRE_SENT);	/* sendmmsg */
		KIND(327, CALL_IOV, WIRE_RECEIVED);	/* preadv2 */
		KIND(328, CALL_IOV, WIRE_SENT);		/* pwritev2 */
		}
	} else {
		switch (nr) {
		KIND(3, CALL_BUF, WIRE_RECEIVED);	/* read */
		KIND(4, CALL_BUF, WIRE_SENT);		/* write */
		KIND(145, CALL_IOV, WIRE_RECEIVED);	/* readv */
		KIND(146, CALL_IOV, WIRE_SENT);		/* writev */
		KIND(187, CALL_SENDFILE, WIRE_SENT);	/* sendfile */
		KIND(239, CALL_SENDFILE, WIRE_SENT);	/* sendfile64 */
		KIND(313, CALL_SPLICE, WIRE_SENT);	/* splice */
		KIND(369, CALL_BUF, WIRE_SENT);		/* sendto */
		KIND(370, CALL_MSG, WIRE_SENT);		/* sendmsg */
		KIND(371, CALL_BUF, WIRE_RECEIVED);	/* recvfrom */
		KIND(372, CALL_MSG, WIRE_RECEIVED);	/* recvmsg */
		KIND(337, CALL_MMSG, WIRE_RECEIVED);	/* recvmmsg */
		KIND(417, CALL_MMSG, WIRE_RECEIVED);	/* recvmmsg_time64 */
		KIND(345, CALL_MMSG, WIRE_SENT);	/* sendmmsg */
		}
	}
#undef KIND
	return (struct call_kind){ CALL_NONE, 0 };
}

/* The same of the requests of io_uring: include/uapi/linux/io_uring.h, enum io_uring_op. */
static __always_inline struct call_kind uring_kind(u8 op)
{
#define KIND(n, shape, dir) case n: return (struct call_kind){ shape, dir }
	switch (op) {
	KIND(1, CALL_IOV, WIRE_RECEIVED);	/* READV */
	KIND(2, CALL_IOV, WIRE_SENT);		/* WRITEV */
	KIND(4, CALL_BUF, WIRE_RECEIVED);	/* READ_FIXED */
	KIND(5, CALL_BUF, WIRE_SENT);		/* WRITE_FIXED */
	KIND(9, CALL_MSG, WIRE_SENT);		/* SENDMSG */
	KIND(10, CALL_MSG, WIRE_RECEIVED);	/* RECVMSG */
	KIND(22, CALL_BUF, WIRE_RECEIVED);	/* READ */
	KIND(23, CALL_BUF, WIRE_SENT);		/* WRITE */
	KIND(26, CALL_BUF, WIRE_SENT);		/* SEND */
	KIND(27, CALL_BUF, WIRE_RECEIVED);	/* RECV */
	KIND(47, CALL_BUF, WIRE_SENT);		/* SEND_ZC */
	KIND(48, CALL_MSG, WIRE_SENT);		/* SENDMSG_ZC */
	}
#undef KIND
	return (struct call_kind){ CALL_NONE, 0 };
}
#endif
