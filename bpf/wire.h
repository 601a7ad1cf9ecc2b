/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* wire.h - the contract between the BPF programs and the collector. The one
 * file both sides include: record kinds, layouts, limits, counters.
 *
 * Two rings carry records. The data ring carries bytes (struct wire_data and
 * its payload); only the reader role maps it. The life ring carries what
 * happens to processes and connections (struct wire_life, no payload ever);
 * only the monitor role reads it.
 *
 * Order. The records of one connection and direction are in call order, but a
 * TLS library writes ciphertext to the socket before its own call returns, so
 * the WIRE_CIPHER record of an SSL_write PRECEDES the WIRE_TLS record with the
 * plaintext. For SSL_read likewise: ciphertext in, then plaintext out. Where a library
 * takes bytes and sends them later, WIRE_F_AHEAD says so.
 *
 * A record is reserved in one of three size classes and its header is written
 * whole; `len` says how many payload bytes are valid. What follows up to the size
 * class is whatever the ring held before: it is never copied out of the ring.
 *
 * All integers are host order, fixed width, naturally aligned; no pointers,
 * bools, enums or longs. Times are CLOCK_BOOTTIME nanoseconds. */
#ifndef WEIR_WIRE_H
#define WEIR_WIRE_H

#ifdef __bpf__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
#else
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

#define WIRE_VERSION 1	/* stored in recordings; change it with any layout */

#define WIRE_SMALL	256	/* payload bytes of the three size classes */
#define WIRE_MEDIUM	4096
#define WIRE_LARGE	16384
#define WIRE_HELLO_MAX	4096	/* bytes of a direction's handshake that are copied */
#define WIRE_MAX_PARTS	64	/* upper bound of WIRE_LARGE pieces of one call: 1 MiB */
#define WIRE_MAX_SEGMENTS 1024	/* of a vector: as many as the kernel takes */
#define WIRE_HEADERS	32	/* TLS record headers in one WIRE_CIPHER record; fills the small class */
#define WIRE_COMM	16
#define WIRE_PATH	128
#define WIRE_CGROUP_PATH 512
#define WIRE_ARGS	512	/* bytes of a program's arguments that are told */

/* Kinds on the data ring. */
enum wire_kind {
	WIRE_SOCKET = 1,	/* payload of a socket call, plain connection */
	WIRE_TLS = 2,		/* plaintext of a TLS library call */
	WIRE_CIPHER = 3,	/* socket call on a TLS connection: record headers only */
	WIRE_HELLO = 4,		/* the first calls of a direction of TLS, as they are on the wire, until a record
				 * that is no handshake or WIRE_HELLO_MAX bytes: tells names, version, cipher.
				 * Beside the WIRE_CIPHER record of the call, not in place of it. */
	/* Kinds on the life ring. */
	WIRE_EXEC = 16,		/* a process image was replaced; path is set */
	WIRE_EXIT = 17,		/* a process (thread group) ended */
	WIRE_CONN = 18,		/* first use of a connection by a process */
	WIRE_CLOSE = 19,	/* a connection ended; final positions and kernel counters */
	WIRE_FORK = 20,		/* a process was created; parent is set */
	WIRE_CGROUP = 21,	/* a cgroup was made; who.cgroup is its id */
};

enum wire_dir { WIRE_RECEIVED = 0, WIRE_SENT = 1 };	/* as the watched process sees it */
enum wire_transport { WIRE_TCP = 0, WIRE_MPTCP = 1, WIRE_UDP = 2, WIRE_UNIX_STREAM = 3, WIRE_UNIX_DATAGRAM = 4 };

/* Why bytes that moved are in no record. */
enum wire_reason {
	WIRE_R_NONE = 0,
	WIRE_R_IO_URING,	/* a request of io_uring whose buffer is not known */
	WIRE_R_SENDFILE,
	WIRE_R_SPLICE,
	WIRE_R_ZEROCOPY_RECV,	/* pages of the socket mapped by its reader */
	WIRE_R_KTLS,		/* the kernel encrypts: the call's bytes are not those of the connection */
	WIRE_R_QUIC,		/* encrypted, and no record to walk */
	WIRE_R_DISCARDED,	/* MSG_TRUNC: the kernel threw them away, nobody has them */
	WIRE_R_URGENT,		/* MSG_OOB: read beside the stream */
	WIRE_R_TRUNCATED,	/* beyond what is copied of one call */
	WIRE_R_READ_FAULT,
	WIRE_R_RING_FULL,
	WIRE_R_SKIPPED_RUN,	/* no hook ran */
	WIRE_R_OTHER_CALL,	/* by a call that no hook sees, or whose arguments are not known */
	WIRE_R_UNWANTED,	/* nobody would look at them: struct wire_unwanted */
	WIRE_R_BUDGET,		/* left out so that weir keeps up: wire_config.share */
	WIRE_R_MAX
};

enum wire_role { WIRE_ROLE_UNKNOWN = 0, WIRE_ROLE_SERVER = 1, WIRE_ROLE_CLIENT = 2 };

/* What a connection spoke before it went over to TLS. */
enum wire_upgrade {
	WIRE_UPGRADE_NONE, WIRE_UPGRADE_SMTP, WIRE_UPGRADE_IMAP, WIRE_UPGRADE_POP3, WIRE_UPGRADE_FTP, WIRE_UPGRADE_XMPP,
	WIRE_UPGRADE_LDAP, WIRE_UPGRADE_POSTGRES, WIRE_UPGRADE_MYSQL, WIRE_UPGRADE_CONNECT, WIRE_UPGRADE_MAX
};

/* Flags of a data record. */
#define WIRE_F_TRUNCATED   0x0001u /* the call moved more than was copied: `skipped` bytes follow */
#define WIRE_F_UNREADABLE  0x0002u /* user memory could not be read: bytes missing, len is short */
#define WIRE_F_NO_ARGS	   0x0004u /* bytes moved by a call whose buffer is not known (io_uring, sendfile, splice) */
#define WIRE_F_LATE	   0x0008u /* the connection is older than weir; position 0 is where weir came in */
#define WIRE_F_BOUND	   0x0010u /* WIRE_TLS: the session is bound to `conn` by a nested socket call (exact) */
#define WIRE_F_FD_RESOLVED 0x0020u /* last-resort hook: the socket was looked up from the descriptor */
#define WIRE_F_LAST	   0x0040u /* last piece of its call */
#define WIRE_F_AHEAD	   0x0100u /* WIRE_TLS, sent: of these bytes no ciphertext has passed yet */
#define WIRE_F_PARTLY	   0x0200u /* WIRE_TLS: other functions of the library have no probe, and may move what is in no record */
#define WIRE_F_PROBED	   0x0080u /* WIRE_CIPHER: a TLS session is bound to this connection */

/* One end of a connection. Address bytes in network order; IPv4 in the first
 * four bytes, the rest zero. Ports in host order. */
struct wire_end {
	u8 addr[16];
	u16 port;
	u16 pad[3];
};

/* Who and over what: common to data and life records. */
struct wire_who {
	u64 conn;	/* connection id, never reused while weir runs; 0: not known */
	u64 start;	/* process start time, CLOCK_BOOTTIME ns */
	u64 cgroup;	/* cgroup v2 id of the task */
	u32 tgid;
	u32 tid;
	u8 comm[WIRE_COMM];
	struct wire_end local, remote;
	u8 family;	/* AF_UNIX 1, AF_INET 2 or AF_INET6 10; 0: not known */
	u8 transport;	/* enum wire_transport */
	u8 role;	/* enum wire_role */
	u8 upgrade;	/* enum wire_upgrade, once the connection is TLS */
	u32 netns;
};

/* A data record; `len` payload bytes follow the struct. */
struct wire_data {
	u16 kind;
	u16 flags;
	u32 len;	/* payload bytes in this record, <= WIRE_LARGE */
	u64 time;
	struct wire_who who;
	u64 pos;	/* stream position of the first payload byte. WIRE_SOCKET and WIRE_CIPHER: the
			 * kernel's TCP sequence widened to 64 bits, 0 at the first byte of the
			 * connection; of a socket without one, bytes that hooks have seen so far.
			 * WIRE_TLS: plaintext bytes of the session so far. */
	u64 session;	/* WIRE_TLS: the TLS object; with who.tgid and generation names the session */
	u32 generation;	/* of the session: the object was reused for another connection */
	u32 epoch;	/* interval in which the books count this record */
	u32 call;	/* bytes the whole call moved */
	u32 skipped;	/* bytes after this record's payload that the call moved and that are not in any record */
	u8 dir;		/* enum wire_dir */
	u8 reason;	/* enum wire_reason: of `skipped` */
	u8 before;	/* enum wire_reason: of bytes that are missing before pos, if any are */
	u8 pad[5];
};

/* Payload of a WIRE_CIPHER record: the record headers that began in this call.
 * `moved` is the call's byte count; `len` of the data record is nr * sizeof. */
struct wire_header {
	u8 type;	/* 20 change_cipher_spec 21 alert 22 handshake 23 application_data */
	u8 major, minor;
	u8 pad;
	u32 body;	/* length after the five header bytes */
};

struct wire_life {
	u16 kind;
	u16 flags;	/* WIRE_F_LATE for a connection older than weir */
	union {
		u32 parent;	/* WIRE_FORK: tgid of the parent */
		u32 epoch;	/* WIRE_CONN: interval in which it was seen */
		u8 before[4];	/* WIRE_CLOSE, by enum wire_dir: why bytes before the final positions are missing */
	};
	u64 time;
	struct wire_who who;
	/* WIRE_CLOSE: bytes the kernel says the connection moved, by its own counters. WIRE_CONN of one that is
	 * older than weir: what it had moved before position 0. */
	u64 sent, received;
	u64 sent_pos, received_pos;	/* WIRE_CLOSE: final stream positions */
	u32 uid;	/* WIRE_EXEC, WIRE_FORK, WIRE_CONN: of who; effective, as the host counts them */
	u32 pad;
	union {
		u8 path[WIRE_PATH];	/* WIRE_EXEC: file name as given to execve, NUL-terminated */
		struct {		/* WIRE_CLOSE: of the TLS session that was bound to it */
			u64 plain[2];	/* final positions of its plaintext, by enum wire_dir */
			u8 plain_before[2];	/* enum wire_reason: why plaintext before them is missing */
			u8 plain_known;	/* WIRE_PLAIN_* */
		};
	};
};

/* WIRE_EXEC: what is left of a process that is over before anybody has looked. */
struct wire_exec {
	struct wire_life life;
	u64 inode;	/* number of the inode of what is run: of a script, its interpreter */
	u32 len, pad;	/* bytes of args */
	u8 program[WIRE_PATH];	/* its file name as given to execve or written in the script, NUL-terminated */
	u8 args[WIRE_ARGS];	/* as /proc/PID/cmdline begins */
};

/* WIRE_CGROUP: a container's is gone with its last process. */
struct wire_cgroup {
	struct wire_life life;
	u8 path[WIRE_CGROUP_PATH];	/* below the root of cgroup v2, NUL-terminated; cut if it fills the room */
};

#define WIRE_PLAIN_KNOWN 0x1u	/* there was one */
#define WIRE_PLAIN_CUT	 0x2u	/* its last write sent something, and failed or never returned */

/* What a look at all connections says of one, written by the iterator conns_look. */
struct wire_check {
	u64 conn, time;
	u64 sent_pos, received_pos;	/* up to here all is told, or stays untold */
	u8 before[2];			/* enum wire_reason, by enum wire_dir */
	u8 pad[6];
};

/* A mapping of the monitor's own, written by the iterator own_maps. */
struct wire_map {
	u64 start, inode;	/* inode: the kernel's, as a number that is another for each while it lives */
};

/* Counters of the BPF side, one slot per CPU and epoch modulo WIRE_EPOCHS, all
 * cumulative. Identity: produced = submitted + ring_full + unreadable + too_big
 * + no_state, in records. */
#define WIRE_EPOCHS 4
enum wire_counter {
	WIRE_C_PRODUCED,	/* records that had to be made */
	WIRE_C_SUBMITTED,	/* records that are in the data ring */
	WIRE_C_RING_FULL,	/* lost: no room in the data ring */
	WIRE_C_UNREADABLE,	/* lost: user memory could not be read */
	WIRE_C_TOO_BIG,		/* lost: beyond the per-call limit, one per call */
	WIRE_C_NO_STATE,	/* lost: no room in a map for the connection or call */
	WIRE_C_BYTES_RING_FULL,	/* bytes of the same causes */
	WIRE_C_BYTES_UNREADABLE,
	WIRE_C_BYTES_TOO_BIG,
	WIRE_C_BYTES_NO_STATE,
	WIRE_C_NO_ARGS,		/* calls whose buffer is not known, told in a record without payload */
	WIRE_C_FILTERED,	/* calls of processes outside the scope */
	WIRE_C_OWN,		/* calls of weir's own roles */
	WIRE_C_LIFE_SUBMITTED,
	WIRE_C_LIFE_RING_FULL,
	WIRE_C_TLS_CALLS,	/* TLS library calls that returned data */
	WIRE_C_TLS_UNBOUND,	/* of these, with no socket bound */
	WIRE_C_UNWANTED,	/* calls whose bytes were not copied, by WIRE_R_UNWANTED and WIRE_R_BUDGET */
	WIRE_C_LEFT_OUT,
	WIRE_C_BYTES_UNWANTED,
	WIRE_C_BYTES_LEFT_OUT,
	WIRE_C_MAX
};
#define WIRE_SLOTS ((WIRE_EPOCHS * WIRE_C_MAX + 7) / 8 * 8)	/* of a CPU: whole cache lines */

/* What a TLS probe site needs to know, passed as the attach cookie. Arguments by number, 1..6; 0: none. */
#define WIRE_COOKIE_SENT	0x01u	/* the call sends (else receives) */
#define WIRE_COOKIE_BINDS	0x02u	/* moves nothing of its own: tells only which socket the session uses */
#define WIRE_COOKIE_TYPED	0x04u	/* argument 2 is the content type: only application data counts */
#define WIRE_COOKIE_HIDES	0x08u	/* moves what was told before: neither it nor what it calls is told */
#define WIRE_COOKIE_LENP_SHIFT	4	/* argument that points to the moved length; 0: the return value */
#define WIRE_COOKIE_OBJ_SHIFT	8	/* argument that is the TLS object */
#define WIRE_COOKIE_BUF_SHIFT	12	/* argument that is the buffer; 0: where the bytes are is not known */
#define WIRE_COOKIE_LIB_SHIFT	16	/* row of the library in capture/tls/list.def, 8 bits */
#define WIRE_COOKIE_FLAGS_SHIFT	24	/* argument with flags as recv(2) has them: a peek tells nothing */
#define WIRE_COOKIE_SIZE_SHIFT	28	/* argument that is the size asked for */
/* The buffer argument points to a pointer to an object that has at this offset, 8 bits, a
 * length and an address: the bytes begin so far behind the address. */
#define WIRE_COOKIE_AT_SHIFT	32
/* Two results, negated, 8 bits each, by which the library says that it took the bytes and
 * wants to be called again for them. */
#define WIRE_COOKIE_AGAIN_SHIFT	40

/* Of a site of any kind: the kernel refused a probe at another of its file. */
#define WIRE_COOKIE_PARTLY_SHIFT 63

/* The same for a site in a Go program; WIRE_COOKIE_SENT and the row are as above. */
#define WIRE_COOKIE_GO_STACK	 0x02u	/* arguments are on the stack: before Go 1.17 */
#define WIRE_COOKIE_GO_HANDSHAKE 0x04u	/* a handshake: has a connection, and no bytes */
#define WIRE_COOKIE_GO_SPILLED	 0x08u	/* at the end the arguments are still above the return address */

/* The same for a site in rustls; WIRE_COOKIE_SENT and the row are as above. */
#define WIRE_COOKIE_RUST_RECORD	  0x02u	/* takes a record's plaintext; else a reader, which has a pointer to a part of the session */
#define WIRE_COOKIE_RUST_AT_SHIFT 24	/* where in the session that part is, 16 bits */

/* What the monitor tells the programs: the one value of the `config` map. */
struct wire_config {
	u32 epoch;	/* interval that counters and records belong to */
	u32 filter;	/* WIRE_FILTER_* */
	u32 max_parts;	/* WIRE_LARGE pieces copied of one call, 1..WIRE_MAX_PARTS */
	u16 look;	/* number of the look at all connections */
	u16 flags;	/* WIRE_CONFIG_* */
	u32 share;	/* of 2^32: of connections that are looked at, others each WIRE_TURN_SHIFT; 0: all of all */
	u32 pad;
};

#define WIRE_TURN_SHIFT 30	/* 2^30 ns */
#define WIRE_SHARE_ALL 0xffffffffu	/* all; what is left out already is until it ends */

#define WIRE_CONFIG_MISSED 0x1u	/* the kernel has skipped program runs since weir started */
#define WIRE_CONFIG_LAST   0x4u	/* this look at all connections is the last one */
#define WIRE_CONFIG_EXIT   0x2u	/* hooks at system call exit: most ways to move bytes are seen by none */
#define WIRE_CONFIG_UNWANTED 0x8u	/* there may be entries in the `unwanted` map */

/* Filter: what the programs look at, written by the monitor before attaching. */
#define WIRE_FILTER_PID	   0x01u	/* only processes that the `scope` map has as watched */
#define WIRE_FILTER_CGROUP 0x02u	/* only cgroups in the `cgroups` map */
#define WIRE_FILTER_EXE	   0x04u	/* what becomes a program that one of the `exe_globs` map means is watched from there on */
#define WIRE_GLOBS 16
struct wire_glob {
	u8 text[WIRE_PATH];	/* of '*', '?' and letters; NUL-terminated; empty: none */
	u32 base;		/* 1: matched against the path's last component as well */
};
#define WIRE_FILTER_NOTHING 0x08u	/* not yet, or no more: some programs are attached, and not all */

/* What the `scope` map says of a tgid. SELFTEST: weir's own stimulus, never left out for the budget. */
enum wire_task { WIRE_TASK_OWN = 1, WIRE_TASK_WATCHED = 2, WIRE_TASK_SELFTEST = 3 };

/* What need not be copied of a connection: calls that end at these positions or before, by enum
 * wire_dir, counted as those of the records of this kind. A call that goes further is copied whole. */
struct wire_unwanted {
	u64 to[2];
	u64 until;	/* CLOCK_BOOTTIME ns: it holds no longer */
	u32 kind;	/* WIRE_SOCKET or WIRE_TLS */
	u32 pad;
};

#ifndef __bpf__
_Static_assert(sizeof(struct wire_end) == 24, "wire_end");
_Static_assert(sizeof(struct wire_who) == 104, "wire_who");
_Static_assert(sizeof(struct wire_data) == 160, "wire_data");
_Static_assert(sizeof(struct wire_header) == 8, "wire_header");
_Static_assert(WIRE_HEADERS * sizeof(struct wire_header) <= WIRE_SMALL, "headers fit the small class");
_Static_assert(sizeof(struct wire_life) == 288, "wire_life");
_Static_assert(sizeof(struct wire_cgroup) == 800, "wire_cgroup");
_Static_assert(sizeof(struct wire_exec) == 944, "wire_exec");
_Static_assert(sizeof(struct wire_check) == 40, "wire_check");
_Static_assert(sizeof(struct wire_unwanted) == 32, "wire_unwanted");
_Static_assert(sizeof(struct wire_config) == 24, "wire_config");
_Static_assert(offsetof(struct wire_data, who) == 16, "wire_data.who");
#endif
#endif
