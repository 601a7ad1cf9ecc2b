/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - the roles: what each is given, and the pages in which each counts. The
 * monitor holds every descriptor of every role, so that a role that died is replaced
 * by another exec with the same ones, and what lay in sockets and queue survives. */
#ifndef WEIR_DAEMON_H
#define WEIR_DAEMON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "daemon/wanted.h"
#include "model/facts.h"

/* argv[1] is "role:NAME"; the rest is for the role. */
int role_main(int argc, char **argv);

/* Descriptors of a role, by number, after exec. */
enum {
	FD_CTL = 3,	/* to the monitor, SEQPACKET */
	FD_STATS = 4,	/* memfd with one struct role_stats, written by this role only */
	/* reader */
	FD_RING = 5, FD_QUEUE = 6, FD_KICK = 7,
	/* analyst and recorder: FD_QUEUE, FD_KICK, and */
	FD_FACTS = 8,	/* findings to the keeper, SEQPACKET; the recorder's output file */
	FD_MARKS = 9,	/* analyst: memfd in which it keeps how far it told of connections */
	FD_ANALYST_RULES = 10,	/* and keeper, FD_RULES: the policies (rules.h); mapped and closed */
	/* keeper: FD_FACTS and */
	FD_STATE = 5, FD_JOURNAL = 6, FD_FILE = 7, FD_RULES = 9,
	FD_STANDING = 10,	/* memfd with what it was told that the next one has to know (standing.h); mapped and closed */
	FD_MAX = 40
};

/* Counts of one interval; slot epoch % ROLE_EPOCHS. */
#define ROLE_EPOCHS 4
struct role_epoch {
	uint32_t epoch, flushed;	/* flushed: the role has told all it will tell of this interval */
	uint64_t read, queue_full, bytes_queue_full;		/* reader */
	uint64_t analysed, undecodable, over_budget, crash_lost, findings;	/* analyst; over_budget: too old to be looked at; findings: facts sent */
	uint64_t evicted, bytes_over_budget;			/* connections it let go for want of room; payload of over_budget */
	uint64_t messages_dropped, hits_dropped, counts_low;	/* of protocols and the classifier: front_counts() */
	uint64_t inflate_ratio, inflate_size, inflate_time;	/* caps that were reached, there too */
	uint64_t stored, rejected;				/* keeper; rejected: analyst too, what it could not send */
};
/* One record under way, for the next of the role: step.h. */
struct role_step {
	uint32_t state, epoch;
	uint64_t to;		/* where the record ends: reader, in the ring; analyst, in the queue */
	uint64_t written;	/* reader: where the queue ends with it */
	struct role_epoch after;	/* the counts with it */
};
/* Inputs that killed the analyst, by a keyed hash; only the key's owner could guess at them. */
#define DENIED_MAX 16
struct denied {
	uint64_t k0, k1;	/* of this start; 0: not made yet */
	uint32_t nr;		/* of those that killed twice: never parsed again */
	struct { uint64_t signature; uint32_t deaths, pad; } list[DENIED_MAX];
};
/* One page for each role, written by it only. It outlives the process: the next one goes on with it. */
struct role_stats {
	uint64_t beat;		/* grows while the role lives */
	uint32_t ready;		/* the pid of the one that is in its sandbox and working */
	uint32_t pad;
	uint64_t paced;		/* ns slept to stay within its share of CPU */
	uint64_t unheard;	/* analyst: verdicts that the monitor did not take */
	uint64_t waiting;	/* reader: bytes of the ring that wait */
	uint64_t looks;		/* reader: that took all that was there when they began */
	uint64_t done, stale, idle;	/* analyst: records so far; of these too old to be looked at; 1: none was there when it last looked */
	struct role_epoch epochs[ROLE_EPOCHS];
	struct role_step step;
	uint32_t sealed, gaps;	/* keeper: newest interval and last gap that are durable */
	struct denied denied;	/* analyst */
};
/* The role's own slot for this epoch; a slot of an older one is cleared. */
struct role_epoch *role_epoch(struct role_stats *, uint32_t epoch);
/* The monitor's view: zeros when the role has not come to that epoch. */
struct role_epoch role_epoch_read(const struct role_stats *, uint32_t epoch);
struct role_stats *role_stats_map(int fd, bool write);
void role_ready(struct role_stats *);	/* says so to the monitor */

/* Messages monitor -> reader, analyst: one struct each. Back comes struct capture_verdict only, from the analyst. */
enum order_kind { ORDER_FLUSH = 1, ORDER_CLOSE, ORDER_STOP, ORDER_PACE, ORDER_REACH, ORDER_PLAIN, ORDER_RULES, ORDER_LAST };
struct order {
	uint16_t kind;
	uint8_t before[2];	/* ORDER_CLOSE, ORDER_REACH: enum wire_reason, by enum dir, of bytes missing before the positions */
	uint32_t epoch;		/* of ORDER_FLUSH, or of the last one, ORDER_LAST, the interval; of ORDER_PACE the share of one CPU, permille */
	uint64_t conn, sent_pos, received_pos, sent, received, time;	/* ORDER_PLAIN: positions of plaintext, sent is WIRE_PLAIN_* */
	struct conn_facts who;	/* ORDER_CLOSE, told for the first time: whose; else its id is 0 */
};

/* Memory. All roles keep within --memory-max together: what grows in one of them takes from its
 * budget (base/budget.h), and RLIMIT_AS stands behind that. Everything that grows, what
 * bounds it, and the name under which the books count what did not fit:
 *
 *	kernel	data ring, life ring		--ring, 2 MiB		ring_full, life_ring_full
 *		connections, TLS sessions	--memory-max		no_state
 *		processes in scope		16448			filtered
 *	queue	records				4 MiB			queue_full
 *	monitor	policies			2 * 8 MiB		refused
 *		processes			16384			facts_lost
 *		TLS libraries			512			unprobed_tls of their traffic
 *		closes for the analyst		32768, half for looks	closes_lost, looks_lost
 *		containers, users that are known	1024, 64		none: looked up again
 *	analyst	connections			131072, its budget	evicted
 *		bytes that wait for others	256 KiB each, 24 MiB a workload, 32 MiB	missing
 *		heads, bodies, exchanges	64 KiB, 1 MiB, 256 each, its budget	inspected: partial
 *		of a body in a coding		1 MiB, 100 times it, its time	inflate_size, _ratio, _time
 *		prepared statements		64 a connection, its budget	columns by number
 *		requests that wait, ids of topics	512, 64 a connection, its budget	status 0, route {id}
 *		handshakes that are not over	32 KiB each, its budget	tls facts of the flow
 *		traces of ended connections	65536			their late bytes
 *		ended before a word of theirs came	16384		evicted
 *		values seen, for distinct	49152			distinct, an estimate
 *		counts of records		256 rows, 512 flows	records, an estimate
 *		fields whose values are compared	8192		none: they begin again
 *		hits that wait for other classes	64 messages, 32 each	hits_dropped
 *	keeper	processes, connections		16384, 131072, its budget	context_full
 *		handshakes of connections	16384, its budget	tls facts of the flow
 *		names of peers			16384, its budget	the address instead
 *		these three for the next keeper	1528			the same, after its death
 *		flows of an interval		65536, its budget	in the row {other}
 *		routes of a workload		1000			in the route {other}
 *		coverage of an interval		16384, its budget	in the row {other}
 *		open violations			16384, its budget	violations_dropped
 *		exchanges that wait		4096, its budget	none: not waited for
 *		events for the sinks		65536, its budget	events_dropped */
#define MEMORY_MAX 256	/* MiB */
#define MEMORY_MIN 64
/* The role's share in bytes, from its argument "memory=BYTES", becomes its budget. Returns what it
 * may map for that: with what an allocator wastes and what no budget knows of (the index's cache, rows
 * being sorted or unpacked). */
#define MEMORY_SLACK ((size_t)8 << 20)
size_t memory_share(int argc, char **argv);

int reader_main(int argc, char **argv);
int analyst_main(int argc, char **argv);
int keeper_main(int argc, char **argv);
int recorder_main(int argc, char **argv);
int stimulus_main(int argc, char **argv);
int elfscan_main(void);
int filescan_main(int argc, char **argv);

/* What `weir run` was asked for. */
struct run_options {
	const char *state;		/* directory */
	const char *policies[64];	/* files */
	unsigned nr_policies;
	const char *sources[64];	/* files and folders, as they were named; none: the default */
	unsigned nr_sources;
	struct wanted wanted;
	uint64_t duration_ms;		/* 0: until a signal */
	const char *json_file;		/* JSON Lines sink, NULL: none */
	const char *hooks;		/* hook set, NULL: the best */
	const char *record;		/* `weir record`: file instead of analyst and keeper */
	bool selftest;			/* end after the stimulus came out */
	bool quiet;			/* no live violations on the terminal */
	uint32_t call_limit;		/* bytes copied of one call; 0: the default */
	uint32_t ring;			/* bytes of the data ring; 0: the default */
	uint32_t cpu_max;		/* percent of one CPU for all roles together; 0: the default */
	uint32_t memory_max;		/* MiB for all roles, rings and maps together; 0: the default */
};
size_t monitor_memory(void);	/* bytes of rings and queue, by default */
/* Runs until a signal or the duration; returns an exit code of cli.h. */
int monitor_run(const struct run_options *);
#endif
