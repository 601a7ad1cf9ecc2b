/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what load.c, probe.c and maps.c share: the loaded programs. */
#ifndef WEIR_CAPTURE_PRIVATE_H
#define WEIR_CAPTURE_PRIVATE_H
#include "capture/capture.h"
#include "capture/ring.h"

#define MAX_LINKS 16384

struct bpf_object;
struct bpf_link;

struct capture {
	struct bpf_object *object;
	struct held { struct bpf_link *link; int fd; uint32_t group; } links[MAX_LINKS];	/* link: of libbpf; NULL: fd is it. See capture_group */
	unsigned nr_links, max_links;
	bool multi;	/* one link for all that a program has to do with a file */
	uint32_t group;
	const char *hooks;
	struct capture_config config;
	struct ring life;
	uint32_t nr_globs;	/* in exe_globs */
	int scope_fd, cgroups_fd, exe_fd, unwanted_fd, data_fd;
	/* Maps in memory. */
	struct wire_config *shown;
	uint64_t *counters, *last_id;
	struct wire_config value;	/* of `shown` */
	struct bpf_link *look;	/* of the iterator over all connections */
	int cpus;
};

uint64_t capture_links_missed(const struct capture *);	/* by hooks, before any program was asked for */
int capture_link_keep(struct capture *, struct bpf_link *);	/* NULL: as errno says */
void capture_config_write(struct capture *);
int capture_maps(struct capture *);	/* takes them in; 0 or -errno */
void capture_maps_end(struct capture *);
#endif
