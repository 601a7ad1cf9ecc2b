/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* maps.bpf.h - every map: key, value, who writes, who deletes, how it is sized.
 * No map holds payload: it is copied from user memory straight into the ring. Never
 * LRU, which evicts uncounted, but for datagram_peers: nothing is counted there. */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H
#include "bpf/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

/* Where the bytes of a call lie: one buffer, or a vector walked segment by segment, or the
 * pages in a pipe. From SEGMENT_PIPE on they are in the kernel's memory. */
enum segment_kind {
	SEGMENT_64, SEGMENT_32,	/* struct iovec of that many bits */
	SEGMENT_ITER,		/* the kernel's own copy of one */
	SEGMENT_PIPE,
	SEGMENT_PAGES,		/* struct bio_vec */
	SEGMENT_KERNEL		/* struct kvec */
};
struct segments {
	u64 base, len;	/* of the current segment */
	u64 vec;	/* what is next, of a pipe: the pipe */
	u32 nr;
	u16 kind;
	u16 at;		/* of a pipe: its next buffer */
};

#define ANSWER_BYTES 16	/* of a server that is asked for TLS: enough to know its yes */

/* State of a connection. Made at ESTABLISHED or at first sight by a socket hook,
 * deleted with the socket: after CLOSE what came before it can still be read. Key: address of the kernel's socket; id tells reuse apart. */
/* Is what a connection carries now left out for the budget? By direction: enum wire_dir. */
#define CHOICE_KNOWN 0x01u	/* a call was seen */
#define CHOICE_LAST  0x02u	/* the direction of the last one */
#define CHOICE_ASKS  0x04u	/* that in which exchanges begin: that of the first one */
#define CHOICE_MADE  0x08u
#define CHOICE_OUT   0x10u
#define CHOICE_TURN_SHIFT 5	/* when it was made */
#define CHOICE_TURNS 7u
struct conn {
	struct wire_who who;	/* as records carry it: who.conn is the id, the process the last that used it */
	u64 pos[2];	/* stream position that seq[] stands for; enum wire_dir. Without a sequence: a count */
	u32 seq[2];	/* kernel sequence of the next byte expected */
	u64 final_sent;	/* position when we closed our side, before the FIN took a number */
	u64 final_received;	/* position at CLOSE; what is read later moves pos past it */
	u64 base[2];	/* what the kernel's own counters said at position 0: of one older than weir, all before */
	u64 total[2];	/* what they say at the end, less that */
	u64 armed[2];	/* request of io_uring that waits for the socket */
	u64 inode;	/* of a socket without an end that is told: tells its reuse */
	u64 socket;	/* of a peer of a socket that is not its first one: key of the socket's; else 0 */
	u32 peers;	/* of a socket: how many more such there are */
	u64 session;	/* TLS object bound here, of session_tgid; 0: none */
	u32 session_tgid;
	u8 late;
	u8 no_bytes;	/* of base[WIRE_SENT]: SYN and FIN, which take a number */
	u8 tls;		/* TLS records were seen or a session is bound */
	u8 looked[2];	/* the first call of the direction was checked for TLS records */
	u8 closing;	/* final_sent is set */
	u8 closed;	/* final_received is set */
	u8 shared;	/* more than one process uses it: who is read anew each time */
	/* Walk of TLS record headers, per direction. */
	u32 body_left[2];
	u8 header[2][8];
	u8 header_have[2];
	u8 asked;	/* enum wire_upgrade that was asked for */
	u8 agreed;	/* and that the server agreed to */
	u8 looks;	/* calls that are still looked at for the TLS that was agreed to */
	u16 hello_left[2];	/* bytes of the handshake that may be copied */
	u8 answered;	/* bytes of the answer to that: a client may read it byte by byte */
	u8 answer[2 * ANSWER_BYTES];
	u32 records[2];	/* begun so far */
	u8 dropped[2];	/* enum wire_reason: the records since the last that is in the ring are not */
	u8 early;	/* used before it was established: data went with the SYN */
	u8 quic;
	u8 choice;	/* CHOICE_* */
	u8 uring;	/* at system call exit: who uses it uses io_uring as well */
	u16 look;	/* the last look at all connections that found somebody holding it */
	u64 told[2];	/* positions that the last look told of */
	u64 seen[2];	/* how far the kernel had counted by then, but for a call that was under way; 0: not known */
	u64 plain[2];	/* WIRE_CLOSE: what the TLS session says that was bound here, once another took its place */
	u8 plain_before[2];
	u8 plain_known;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, u64);
	__type(value, struct conn);
} conns SEC(".maps");
/* The kernel takes 56 bytes and the key more for an entry, and rounds up: userspace/daemon/monitor_caps.c counts on it. */
_Static_assert(sizeof(struct conn) + 8 + 56 <= 512, "an entry of conns");
static const struct conn blank_conn = {};	/* what a new one starts from: on the stack it would not fit */

/* Whom the datagram goes to or comes from that a task is in the midst of sending or taking. Key: address
 * of the task. Written by datagram.bpf.c, taken by the hook that tells of its bytes; one that nobody
 * takes is of a task that is not looked at. */
#define PEERS_MAX 256	/* of a socket; all others are one, whose address is not known */
struct datagram_peer { u64 sk; struct wire_end end; u64 dir; };
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct datagram_peer);
} datagram_peers SEC(".maps");

/* A TLS session. Made by tls.bpf.c at its first call or by a nested socket call, deleted when its
 * connection closes; one without a connection when its object is freed, or its process ends. */
struct session_key { u64 object; u64 tgid; };
struct session {
	u64 sk;		/* key of the bound connection in conns; 0: unbound */
	u64 conn;	/* its id */
	u64 pos[2];	/* plaintext bytes so far */
	u32 generation;	/* never used again while weir runs: an object may be another session's next */
	u16 queued;	/* bytes told of that the library took and has not answered for yet */
	u8 freed;	/* the object was freed; who has its address now is not known */
	u8 cut;		/* its last write sent something and did not end well */
	u8 dropped[2];	/* enum wire_reason: its records since the last that is in the ring are not */
	u8 choice;	/* CHOICE_* */
	u8 uncounted;	/* it outlived its program: it is none of tls_tasks */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct session_key);
	__type(value, struct session);
} sessions SEC(".maps");
_Static_assert(sizeof(struct session) + 16 + 56 <= 128, "an entry of sessions");
static const struct session blank_session = {};

/* Processes that have such a session -> how many: most that end have none left to look for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, u32);
	__type(value, u64);
} tls_tasks SEC(".maps");

/* A call of Go's crypto/tls in flight, see tls_go.bpf.c. Deleted at its end, and all of a
 * process when that ends or becomes another program. */
struct go_key { u64 g; u64 tgid; };	/* the goroutine: its thread may be another by then */
struct go_call {
	u64 object;	/* the connection */
	u64 buf, len;	/* on_stack: distance from the upper end of the goroutine's stack */
	u64 depth;	/* of the return address, likewise */
	u64 caller;	/* the return address */
	u64 ends[2];	/* first and last bytes of what is written */
	u64 pos;	/* placed: position of the first byte */
	u64 cookie;
	u32 wire, records;	/* placed: bytes given to the socket since, records before it */
	u8 on_stack, placed, told;
	u8 checked;	/* ends[] are known */
	u8 shakes;	/* a handshake is inside */
	u8 pad[3];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct go_key);
	__type(value, struct go_call);
} go_calls SEC(".maps");

/* Processes that made such a call -> how their goroutine is found. */
enum { GO_ABI_REGISTERS = 1, GO_ABI_STACK = 2 };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u8);
} go_tasks SEC(".maps");

/* A call of rustls in flight, see tls_rust.bpf.c. */
struct rust_call {
	u64 object;	/* 0: none */
	u64 buf, len;
	u64 cookie;
	u64 nr;		/* of slices that buf points to; 0: it is the buffer itself */
};

/* What a hook needs of a socket: see conn.bpf.h. */
struct socket_now {
	u32 next[2];			/* enum wire_dir */
	u16 local_port, remote_port;	/* host order */
	u8 state;
	u8 transport;			/* enum wire_transport */
};

/* A call that moved bytes, on its way into records: see socket.bpf.h. */
struct call {
	u64 sk;		/* address of the struct sock: a number, since a verified function takes no pointers inside */
	u64 key;	/* of its connection, where that is not the socket's: peer.bpf.h */
	struct socket_now now;
	u64 arg1;
	u32 arg2;	/* of a vector: how many */
	u32 moved;
	u32 after;	/* bytes that the same system call moved after these */
	u8 shape, dir, compat, fd_resolved;
	u8 go_write;	/* a goroutine is in the middle of a TLS write, not told yet */
	u16 messages, message;	/* of a sendmmsg or recvmmsg that is told after its end: all, the next */
	u8 reason;	/* enum wire_reason: why the shape is CALL_NONE */
	u8 ktls;	/* the kernel encrypts below this socket */
};

/* A socket call in flight, see socket_layer.bpf.c. */
struct layer_call {
	u64 sk;		/* 0: none */
	u64 msg;	/* the kernel's struct msghdr, 0: it has none */
	u64 left;	/* bytes that its iterator had left when it was looked at last */
	struct segments from;	/* where the next byte lies, of a splice from a socket: what is in the pipe */
	u64 ip, sp;	/* of the program, by which a call that is over is told */
	u32 nr;		/* and the number of the system call */
	u32 next;	/* sequence when it was looked at last */
	u8 dir, shape, reason;
	u8 pad[5];
	struct call call;	/* what is told of it: on the stack there is no room, on 6.1 */
};

struct tls_call {
	u64 object, buf, lenp, size;
	u64 cookie;
	u64 stack;		/* user stack pointer at its entry: a call that never returned is found by it */
	u32 depth;		/* calls in it that move the same bytes, and it; only the outermost is reported */
	u16 quiet;		/* nothing is told of it */
	u16 sent;		/* in it, a socket call has sent something */
};

/* What a task is in the middle of. Freed by the kernel with the task. */
struct task_state {
	struct tls_call tls;	/* in flight */
	struct tls_call outer;	/* the one whose callback made that; depth 0: none */
	u64 mmsg_vec;
	u32 mmsg_next;		/* sendmmsg, recvmmsg: message the next hook is about */
	u32 mmsg_len;		/* what the one before moved */
	u64 late_sk, late_g[2];	/* go_late: the last socket received from, and the goroutine, by where it is found */
	u64 uring;		/* request of io_uring that was submitted last and may be executing */
	struct rust_call rust;
	struct layer_call layer;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} tasks SEC(".maps");

/* Sizes of the rings are set by the loader before loading. */
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 16 << 20); } data_ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } life_ring SEC(".maps");

/* What the monitor reads or writes all the time it does in memory: a bpf(2) call that is preempted within a map makes
 * the kernel skip all that is at kprobes on that CPU until it goes on. */
/* Counters: slot = CPU * WIRE_SLOTS + epoch % WIRE_EPOCHS * WIRE_C_MAX + counter; read by the monitor. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WIRE_SLOTS);	/* of each CPU there may be: load.c */
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

/* A page and where the kernel sees it: by the distance to it every other page is found. */
struct anchor { u64 page, virt; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct anchor);
} anchors SEC(".maps");

/* Written by the monitor only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wire_config);
} config SEC(".maps");
struct { /* tgid -> WIRE_TASK_OWN: weir's roles; WIRE_TASK_WATCHED: WIRE_FILTER_PID lets it in */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384 + 64);
	__type(key, u32);
	__type(value, u8);
} scope SEC(".maps");
struct { /* WIRE_FILTER_CGROUP: cgroup ids to watch */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u8);
} cgroups SEC(".maps");
struct { /* connection id -> what need not be copied of it; deleted here too, with its connection */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct wire_unwanted);
} unwanted SEC(".maps");

struct { /* WIRE_FILTER_EXE */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WIRE_GLOBS);
	__type(key, u32);
	__type(value, struct wire_glob);
} exe_globs SEC(".maps");

/* Numbers of connections and of TLS sessions, never reused while the maps live. */
enum { ID_CONN, ID_SESSION, ID_MAX };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ID_MAX);
	__type(key, u32);
	__type(value, u64);
} last_id SEC(".maps");
#endif
