/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - events -> sinks. Each sink has a bounded queue and its own counter of
 * what it dropped. An event is the exact JSON object of a leaf or of an open row;
 * strings were cleaned before, and every sink escapes for its own medium again. */
#ifndef WEIR_OUTPUT_H
#define WEIR_OUTPUT_H
#include <stddef.h>
#include <stdint.h>

struct event {
	const char *type;	/* "violation" "heartbeat" "flow" "gap" … */
	const char *json;
	size_t len;
	uint64_t leaf;		/* index in the ledger; UINT64_MAX: none */
	const char *text;	/* one line for humans, without newline; NULL: none */
	int level;		/* 3 error 4 warning 6 info, as syslog */
};

/* One row of output/list.def. */
struct sink_row {
	const char *name;	/* "terminal" "file" "journal" */
	const char *summary;
	/* fd: opened for it by the role; target: what the user named, for messages. */
	void *(*open)(int fd, const char *target);
	/* 0, or -errno when the event could not be taken now. Never blocks. */
	int (*send)(void *sink, const struct event *);
	int (*flush)(void *sink);
	void (*close)(void *sink);
};
unsigned sink_count(void);
const struct sink_row *sink_get(unsigned);
const struct sink_row *sink_find(const char *name);

/* All open sinks of a process. */
struct outputs;
struct outputs *outputs_new(void);
void outputs_free(struct outputs *);
int outputs_add(struct outputs *, const char *name, int fd, const char *target);
void outputs_send(struct outputs *, const struct event *);
uint64_t outputs_dropped(const struct outputs *);
#endif
