/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - private to the monitor: its state, and what it opens before it starts. */
#ifndef WEIR_MONITOR_H
#define WEIR_MONITOR_H
#include "daemon/daemon.h"
#include "daemon/minute.h"

#define DATA_RING (16 << 20)	/* bytes, by default */
#define LIFE_RING (2 << 20)

#define SECOND 1000000000ull
#define STUCK_NS (10 * SECOND)
#define BACKOFF_MIN (SECOND / 10)
#define BACKOFF_MAX (10 * SECOND)
#define GAPS_MAX 64	/* deaths that wait to be written at once */

/* One other process. ctl[0] is ours, ctl[1] goes to it; both stay open here. */
struct child {
	const char *name;
	bool wanted;
	pid_t pid;		/* 0: not running */
	int stats_fd, ctl[2];
	const struct role_stats *stats;
	unsigned restarts;
	uint64_t started, next, backoff;	/* CLOCK_BOOTTIME ns */
	uint64_t beat, beat_at;
	uint64_t ticks;		/* of CPU, used when it had been without a sign of life for a while: mute */
	bool mute;
	bool up;		/* it said that it is ready */
	bool stuck, crashed;	/* we kill it for being stuck; the one before died of itself */
	uint64_t down;		/* last sign of life of one that died and is not replaced yet; 0: none */
	char detail[64];	/* of what it died */
	uint64_t cpu;		/* ns used, when last looked */
};

/* One death. */
struct gap { uint64_t from, until; const char *role; char detail[96]; };
/* Closes that the analyst had no room for; more are lost and counted. */
#define CLOSES_WAITING 32768

/* What reached nobody: in all, in the interval that is being sealed, in those that are. */
struct undelivered { uint64_t all, sealing, sealed; };

/* What weir chooses not to see: monitor_sight.c. */
#define HEEDED_MAX 65536	/* more than VERDICT_RATE makes before the first is forgotten */
struct heeded { uint64_t conn, until; };
struct sight {
	struct heeded heeded[HEEDED_MAX];	/* a ring, the oldest first */
	unsigned first, nr, room;	/* room: verdicts that may be read now */
	bool heeds;			/* the kernel side looks for them */
	uint64_t filled_at, refused;
	uint64_t looked_at;
};

/* What weir may cost, and what it looks at so that it does not cost more: monitor_budget.c. */
struct budget {
	uint64_t paced_at, cpu_own;	/* when the analyst's share of CPU was set; ns used by the monitor */
	uint32_t analyst;		/* permille of one CPU */
	uint64_t cost, costed, stale;	/* ns of the analyst for a record; records, and those too old, when it was last measured */
	uint32_t share;			/* of connections: wire_config.share */
	uint64_t looked_at, full_at;	/* full_at: since when all are looked at again */
	uint64_t come, gone;		/* records, as last seen */
	uint32_t epoch;			/* of come */
	uint64_t came, went;		/* records a look, times SMOOTH, smoothed */
	uint64_t waiting;		/* records that came and are not gone */
	uint64_t paced, held_at;	/* ns that the analyst has slept for its share; when it was seen to have */
	uint64_t told_at;
};

struct monitor {
	const struct run_options *options;
	struct capture *capture;
	struct watch *watch;
	struct child reader, analyst, keeper, recorder;
	struct sight sight;
	struct budget budget;
	size_t share;			/* bytes of memory, of analyst and keeper each */
	struct order *closes;		/* CLOSES_WAITING, a ring */
	unsigned first_close, nr_closes;
	uint64_t looks, looks_at, read_until;	/* of the reader: seen, when; all from before then is in the queue */
	unsigned told_closes;		/* before the first: told, and still there to be told again */
	void *rules;			/* of the policies: rules.h */
	bool terminal;			/* standard output was one */
	int rules_fd, signals, queue_fd, marks_fd, standing_fd, kick, facts[2];
	int state, journal, json_file, record_file;
	char filters[1024];

	uint32_t epoch;			/* the running interval */
	struct minute minute;
	enum { CLOSING_NONE, CLOSING_RECORDS, CLOSING_FACTS, CLOSING_SEAL } closing;
	uint32_t closing_epoch;
	uint64_t closing_since, closing_moved, closing_sum, closing_looked, interval_start, interval_end;
	uint64_t closing_skipped, skipped_told, stop_by;	/* stop_by: what is not sealed by then is sealed as it is; 0: no end */
	pid_t flush_pid, seal_pid, quiet_pid;	/* which analyst, which keeper was told; which keeper found nothing more */
	uint64_t quiet_beat;
	struct undelivered no_facts, no_closes, no_looks;
	struct gap gaps[GAPS_MAX];	/* number n in slot (n - 1) % GAPS_MAX */
	uint32_t nr_gaps, gaps_told, denied;

	pid_t stimulus;
	int stimulus_go;		/* closed: it begins; -1: it has begun */
	unsigned proven;		/* bit 0: plain exchange came out; bit 1: TLS */
	uint64_t ready_by, again_at;	/* again_at: the stimulus, if it has not come out by then */
	bool ready, stop_wanted, stopping;	/* stopping: the interval that is closed is the last */
	uint64_t muted;		/* what happens since then is not told of; 0: weir watches */
	bool keeper_asks;	/* until when it has been told who uses connections */
	bool keeper_ends;	/* it was told to: its end is no death */
	int exit_code;
	char reason[PATH_SIZE];		/* why it ends, for the stop leaf */
};

/* Divides --memory-max: how many connections the kernel side may track, and m->share. 0 or an
 * exit code, with a message. */
int memory_plan(struct monitor *, uint32_t ring, uint32_t *connections);
void connections_look(struct monitor *);	/* how far each has come, told to the analyst */
void stimulus_prepare(struct monitor *);	/* starts it; it waits */
void stimulus_start(struct monitor *);
bool policy_guarded(const char *path);	/* by others; false after a message */
bool tell_event(struct monitor *, const char *kind, const char *detail);	/* to the keeper */
bool tell_keeper(struct monitor *, const struct fact *);	/* false: it does not take it now */

/* monitor_rules.c */
int rules_open(struct monitor *);	/* 0 or an exit code, with a message */
void rules_reload(struct monitor *);	/* what the policy files say now, if they are right; else what holds stays */
void rules_told(struct monitor *);	/* the keeper has them: now the analyst */

/* monitor_roles.c */
void role_init(struct child *, const char *name, bool wanted);	/* ends the program if it cannot */
void role_start(struct monitor *, struct child *);
bool role_wait(struct monitor *, struct child *);	/* until it is ready, the first time */
void role_end(struct child *);
void roles_reap(struct monitor *);
void roles_mind(struct monitor *, uint64_t now);
void roles_give_up(struct monitor *);
void gap_add(struct monitor *, const char *role, const char *detail, uint64_t from);	/* until now */
void gaps_tell(struct monitor *);
bool gaps_written(const struct monitor *);

/* monitor_sight.c */
void sight_mind(struct monitor *, uint64_t now);
/* An analyst that died may have waited for what came before the close: the next one is told again of those since
 * then. It knows from the marks which were done with. */
void closes_repeat(struct monitor *, uint64_t since);
void sight_analyst_died(struct monitor *);	/* what it said holds no longer */

/* monitor_budget.c */
void budget_mind(struct monitor *, uint64_t now);

/* monitor_books.c */
void interval_check(struct monitor *, uint64_t now);	/* ends one at each minute */
void interval_end(struct monitor *, uint64_t now);
void interval_advance(struct monitor *, uint64_t now);

/* Opens state, lock, journal, files. 0 or an exit code, with a message. */
int monitor_files(struct monitor *);
uint32_t monitor_call_parts(uint32_t limit);	/* pieces of WIRE_LARGE that a limit in bytes comes to */
#endif
