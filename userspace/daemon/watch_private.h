/* SPDX-License-Identifier: Apache-2.0 */
/* watch_private.h - private to watch*.c. */
#ifndef WEIR_WATCH_PRIVATE_H
#define WEIR_WATCH_PRIVATE_H
#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "bpf/wire.h"
#include "daemon/container.h"
#include "daemon/watch.h"

#define PROCESSES 16384		/* remembered at once */
#define BUCKETS 4096
#define FILES 4096		/* looked at and remembered; of those without TLS functions the oldest make room */
#define FILE_BUCKETS 1024
#define LIBRARIES 512		/* of them that are probed */
#define PROCESS_FILES 8		/* of them that one process is known to use */
#define PATHS 256		/* at which a new version is waited for */
#define WAITING_MAX 256		/* of them that wait for their scan at once: each is open */
#define NAMES 1024		/* containers whose names are remembered */
#define AHEAD 256
#define SEEN 4096		/* mappings whose file is known; a power of two */

/* Why a file was looked at; the first is scanned first, and is a failure if nothing is found. */
enum file_kind { FILE_NAMED, FILE_PROGRAM, FILE_OTHER };
/* From FILE_FAILED on nothing is attached to it, and it is not held open. */
enum file_state { FILE_FREE, FILE_WAITING, FILE_SCANNING, FILE_PROBED, FILE_FAILED, FILE_HIDDEN, FILE_PLAIN };

/* A file that may have TLS functions in it, by identity: a library by its name, the program
 * of a process, into which they may have been linked, or another that a process has loaded. */
struct file {
	dev_t dev;
	ino_t ino;
	off_t size;		/* these tell a file from one that was written over it, */
	struct timespec written, changed;	/* or that got its inode number later */
	enum file_kind kind;
	enum file_state state;
	int fd;			/* open until the scan is over, -1 then */
	pid_t pid;		/* of its elfscan */
	int answer;		/* read end of its pipe */
	uint32_t refs;		/* processes that are known to use it */
	bool limited;		/* there was no room for its probes */
	bool doubt;		/* its last one has gone: somebody else may still have it */
	uint32_t census;	/* the last that found it mapped */
	unsigned standing;	/* known paths at which it is */
	unsigned probes, refused;	/* refused: of its functions, by the kernel */
	uint64_t inode;		/* behind it, of one that is probed on a file system without a device: capture_inode */
	uint16_t same;		/* the file whose probes are its own too, being the same inode on another overlay; NO_FILE: none */
	uint16_t next, serial;	/* in its bucket; of the use of this slot */
	char name[EXE_SIZE];
	char build_id[41];
};
#define NO_FILE UINT16_MAX

/* What the kernel side has told of a process: all that is left when it is gone quickly. */
struct started {
	char path[WIRE_PATH];		/* as given to execve, */
	char program[WIRE_PATH];	/* what is run: of a script, its interpreter */
	uint64_t inode;			/* of that */
	char script[NAME_SIZE];
	uint32_t uid;
	bool uid_known;
};

struct process {
	struct process_facts facts;
	struct started started;
	bool resolved, told, watched;
	uint64_t since;		/* the first of its doings that is told of */
	struct place *place;	/* while its container's names are asked for; NULL: they are known, or there are none */
	uint64_t asked;		/* since then it is not told of; 0: it was long enough */
	uint16_t files[PROCESS_FILES];
	unsigned nr_files;
	uint64_t died;
	struct process *next;
};

/* A mapped file as the kernel names it, and which file of ours that was. */
struct seen {
	uint64_t ino, generation, time;
	uint32_t major, minor;
	uint16_t file, serial;	/* NO_FILE: none of interest */
	bool judged;		/* it was, for a process that uses the network */
};

/* A container by its id, and by where its names are looked for. */
enum name_state { NAME_FREE, NAME_WAITING, NAME_ASKING, NAME_KNOWN };
struct name {
	char id[CONTAINER_ID + 1], outer[CONTAINER_ID + 1];
	int64_t user;
	enum name_state state;
	bool known;		/* names are those of an older answer at least */
	uint64_t until;		/* the answer is believed; of one that is being asked: it is waited for */
	unsigned misses;	/* answers in a row that told nothing */
	int root;		/* while it waits: the folder to be looked in, */
	uid_t as;		/* with whose rights */
	pid_t pid;		/* of its filescan, */
	int answer;		/* and the read end of its pipe */
	struct container_names names;
};

/* An elfscan that has begun and waits for its file. pid 0: there is none. */
struct spare { pid_t pid; int give, answer; uint64_t dropped; };

struct path { char path[256]; uint16_t file; enum file_kind kind; };

struct watch {
	struct watch_config config;
	struct process *buckets[BUCKETS];
	size_t nr_processes;
	struct file files[FILES];
	uint16_t file_buckets[FILE_BUCKETS];
	uint16_t nr_files, evict;
	struct spare spare;
	unsigned waiting[FILE_OTHER + 1], scanning, scanning_other, probed;
	struct seen seen[SEEN];
	struct path paths[PATHS];
	unsigned nr_paths;
	uint64_t paths_looked, warned, lost_told;
	struct mappings *mappings;	/* NULL: not allowed here, processes are looked at in turn */
	DIR *census;			/* under way */
	uint32_t census_nr;
	uint64_t census_began;
	bool census_left;		/* files that it had no room for in the queue */
	bool census_wanted, census_hurries;	/* something may have lost its last process */
	struct name names[NAMES];
	unsigned names_waiting, names_asking, unnamed;	/* unnamed: processes that wait for one */
	pid_t selftest;
	uint64_t heard;			/* what happened before then has been heard of */
	uint64_t ahead[AHEAD];		/* cgroups whose names were asked for, by the low bits of their ids */
	bool hurry;			/* what waits for a name may cost what comes meanwhile its room */
	size_t resent;			/* buckets whose processes a new keeper was told of; BUCKETS: there is no new one */
	struct watch_stats stats;
	struct fact fact;	/* the one being told; too large for the stack */
};

/* watch_process.c */
struct process *process_find(struct watch *, uint32_t tgid, uint64_t start);	/* start 0: the last of that id */
struct process *process_add(struct watch *, const struct wire_who *);
void process_tell(struct watch *, struct process *);
bool process_is_told(const struct process *);	/* and it does not wait for a name */
void process_fact(struct watch *, const struct process *);	/* into the fact that is told */
void process_resolve(struct watch *, struct process *);
void process_started(struct process *, const struct wire_exec *);
void process_user(struct process *, const struct wire_life *);
void process_uses(struct watch *, struct process *, uint16_t file);	/* and tells, if it is told of */
void file_unused(struct watch *, uint16_t file);	/* by one that did */
void process_drop(struct watch *, struct process *);			/* it uses none any more */
bool process_probe(const struct watch *, struct process *);	/* its facts from its files; true: they changed */
void processes_refresh(struct watch *, uint16_t file);		/* its state has changed */
void processes_forget(struct watch *, uint64_t now);
void filter_apply(struct watch *, struct process *);
bool filters_any(const struct watch *);

/* watch_library.c */
bool is_tls_library(const char *base);
/* Takes fd, which may be -1. NO_FILE: too small to be of interest, or no room. */
uint16_t file_add(struct watch *, int fd, const char *name, enum file_kind);
uint16_t file_known(struct watch *, const struct stat *);
uint16_t program_add(struct watch *, pid_t);
void file_detach(struct watch *, uint16_t);	/* and forget */
void scans_advance(struct watch *);
void spare_drop(struct watch *);
void scans_wait(struct watch *, uint64_t until, enum file_kind last);	/* of the kinds up to that one */
void path_add(struct watch *, const char *path, uint16_t file, enum file_kind);
void paths_look(struct watch *);

/* watch_name.c */
/* unit, container and the rest of that, now or when the answer is there. pid: its own, or of who started it if it is
 * gone; 0: not known. */
void process_place(struct watch *, struct process *, pid_t, const struct place *);
void process_unplace(struct watch *, struct process *);		/* it is not waited for any more */
void name_ahead(struct watch *, pid_t, uint64_t cgroup);	/* asks for that of a container that is new, if it is one */
bool name_reap(struct watch *, pid_t);
void names_advance(struct watch *);
void names_tick(struct watch *, uint64_t now);
void names_wait(struct watch *, uint64_t until);

/* watch_census.c */
void census_step(struct watch *, uint64_t now);
/* All files that a process has mapped executable; p: it, NULL: nobody that is known. */
void process_census(struct watch *, pid_t, struct process *, bool network);
struct mapping;
void on_mapping(void *watch, const struct mapping *);
#endif
