/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - loads and attaches the BPF programs, reads their counters, drains the
 * life ring. Runs in the monitor, the only user of libbpf. Never maps the data ring:
 * that descriptor goes to the reader. */
#ifndef WEIR_CAPTURE_H
#define WEIR_CAPTURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/wire.h"

struct capture_config {
	size_t data_ring, life_ring;	/* bytes, powers of two */
	uint32_t connections;		/* with a state in the kernel; the bytes of more are counted no_state. 0: the default */
	uint32_t max_parts;		/* WIRE_LARGE pieces of one call */
	uint32_t filter;		/* WIRE_FILTER_* */
	bool perf_probes;		/* by perf events, although the kernel has links of many probes */
	const char *hooks;		/* "tracepoint", "socket", "sys_exit", or NULL: the best that works */
};

struct capture;
/* NULL and a sentence in why: what was tried, what happened, what to do. */
struct capture *capture_new(const struct capture_config *, char *why, size_t why_size);
void capture_free(struct capture *);	/* detaches everything */
/* Every process with an IP socket, of any network namespace; the same one may come again.
 * 0 or -errno. */
int capture_owners(struct capture *, void (*take)(void *owner, uint32_t tgid), void *owner);
/* Attaches the process and socket programs, then begins with the connections that are there:
 * from here on records are made. Who listens is known from capture_owners. */
int capture_attach(struct capture *, char *why, size_t why_size);
/* Stop making records; the rings and counters stay readable. Mute: all programs at one moment. Detach takes its time, one
 * after the other. */
void capture_mute(struct capture *);
void capture_detach(struct capture *);
const char *capture_hooks(const struct capture *);	/* name of the hook set in use */

int capture_data_ring(const struct capture *);	/* descriptor, stays ours */
size_t capture_data_size(const struct capture *);
void capture_epoch(struct capture *, uint32_t epoch);	/* also clears the slot that is used next */
int capture_own(struct capture *, uint32_t tgid, bool add);
int capture_watch_pid(struct capture *, uint32_t tgid);
/* What becomes a program whose path this glob matches, or its last component where the glob has no
 * '/'. -EOPNOTSUPP: not one that the kernel side understands. Before attaching. */
int capture_watch_exe(struct capture *, const char *glob);
int capture_watch_selftest(struct capture *, uint32_t tgid);	/* weir's own stimulus */
/* What need not be copied of a connection, in the place of what was said before. 0 or -errno: -ENOENT, that there
 * never was such a connection, -E2BIG: there is no room. */
int capture_unwanted(struct capture *, uint64_t conn, const struct wire_unwanted *);
void capture_wanted(struct capture *, uint64_t conn, uint64_t now);	/* forgets it, if its time is over */
void capture_wanted_all(struct capture *);	/* none of it holds any more */
void capture_share(struct capture *, uint32_t share);	/* of connections that are looked at: wire_config.share */
int capture_watch_cgroup(struct capture *, uint64_t id);
void capture_counters(struct capture *, uint32_t epoch, uint64_t out[WIRE_C_MAX]);
uint64_t capture_counter(struct capture *, uint32_t epoch, enum wire_counter);
uint64_t capture_skipped_runs(struct capture *);	/* that the kernel admits so far: of programs, and of the kprobes that run them */
/* Looks at all connections: take is told how far each that moved bytes since the last look has
 * come; those that are over without having said so close in the life ring. The last look does not wait for
 * the next one to be sure of what no hook has told. Goes through every
 * open file of the host. 0 or -errno. */
int capture_look(struct capture *, bool last, void (*take)(void *owner, const struct wire_check *), void *owner);
/* True: all that was there when it began has been taken. */
bool capture_life(struct capture *, void (*take)(void *owner, const struct wire_life *), void *owner);

/* All probe sites of a library or program. path is opened by the kernel, so it may be a
 * /proc/PID/root path. refused: of each site, of which there are at most TLS_SITES, 0 or why it could
 * not be probed. 0: the others are, and can do without these; else -errno, and none is. */
struct tls_sites;
int capture_probe(struct capture *, const char *path, const struct tls_sites *, int refused[]);
bool capture_probes_by_link(const struct capture *);	/* it needs no SYS_ADMIN for that */
/* The inode that is mapped and probed when this file is: on an overlay that of the layer below.
 * A number that no other has while it lives: somebody has it open, mapped or probed. 0 or -errno. */
int capture_inode(struct capture *, int fd, uint64_t *inode);
/* What is attached from now on belongs to that group, and can be detached with it; 0: all that stays. */
void capture_group(struct capture *, uint32_t group);
void capture_unprobe(struct capture *, uint32_t group);
#endif
