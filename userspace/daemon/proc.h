/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - what /proc says about a process. Runs in the monitor. Reads names, never
 * memory; everything passes name_clean. */
#ifndef WEIR_PROC_H
#define WEIR_PROC_H
#include <stdbool.h>
#include <sys/types.h>
#include "model/facts.h"

struct place;
/* Fills comm, exe, script, user of a live process and its place; leaves what cannot be
 * read. false: the process is gone, or going, and its program or its arguments are not to be seen. */
bool proc_facts(pid_t pid, struct process_facts *, struct place *);
/* Is it a role of any weir built as this one: the same file, started as that role? */
bool proc_is_role(pid_t pid, const char *role);
bool proc_exe(pid_t pid, char out[EXE_SIZE]);	/* cleaned path of the program; false: a kernel thread, or gone */
bool proc_place(pid_t pid, struct place *);	/* from its cgroups; false: the process is gone */
pid_t proc_parent(pid_t pid);			/* 0: gone */
/* What it is at, as the letter of /proc/PID/stat, and the CPU it used so far, in ticks; false: gone. */
bool proc_running(pid_t pid, char *state, uint64_t *ticks);
bool proc_files_user(pid_t pid, uid_t *);	/* whose rights it has at files, as the host counts them; false: gone */
/* Calls each TLS library candidate mapped by the process: its path through
 * /proc/PID/map_files or root, and its identity. */
struct proc_library { dev_t dev; ino_t ino; char name[64]; char open_path[160]; };
typedef void (*proc_library_cb)(void *owner, const struct proc_library *);
/* One line of /proc/PID/maps, whose path the watched process chooses. */
void proc_maps_line(pid_t pid, const char *line, bool (*wanted)(const char *base), proc_library_cb, void *owner);
int proc_libraries(pid_t pid, bool (*wanted)(const char *base), proc_library_cb, void *owner);
#endif
