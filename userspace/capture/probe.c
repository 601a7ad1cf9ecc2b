/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - what holds the programs to their hooks, and how they come to the probe sites of a file:
 * by one link where the kernel has such, else one by one. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "capture/private.h"
#include "capture/tls/tls.h"
#include "capture/uprobe.h"

static void link_drop(struct held *h)
{
	if (h->link)
		bpf_link__destroy(h->link);
	else
		close(h->fd);
}

static int held_keep(struct capture *c, struct held h)
{
	h.group = c->group;
	if (c->nr_links >= c->max_links) {
		link_drop(&h);
		return -ENOSPC;
	}
	c->links[c->nr_links++] = h;
	return 0;
}

int capture_link_keep(struct capture *c, struct bpf_link *l)
{
	return l ? held_keep(c, (struct held){ .link = l }) : -errno;
}

void capture_detach(struct capture *c)
{
	while (c->nr_links)
		link_drop(&c->links[--c->nr_links]);
}

void capture_group(struct capture *c, uint32_t group)
{
	c->group = group;
}

void capture_unprobe(struct capture *c, uint32_t group)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->nr_links; i++) {
		if (c->links[i].group == group)
			link_drop(&c->links[i]);
		else
			c->links[kept++] = c->links[i];
	}
	c->nr_links = kept;
}

/* By enum site_kind. Never a return probe where the stack moves: it lies on the stack. */
static const struct { const char *enter, *leave; } site_programs[SITE_KINDS] = {
	[SITE_CALL] = { "tls_enter", "tls_return" },
	[SITE_FREED] = { "tls_freed", NULL },
	[SITE_GO_ENTER] = { "go_enter", NULL },
	[SITE_GO_RETURN] = { "go_return", NULL },
	[SITE_RUST] = { "rust_enter", "rust_return" },
};

static struct bpf_program *probe_program(struct capture *c, const char *name)
{
	struct bpf_program *p = name ? bpf_object__find_program_by_name(c->object, name) : NULL;

	return p && bpf_program__autoload(p) ? p : NULL;
}

/* The sites of a kind, one by one. *at: the one that it failed at. */
static int probe_each(struct capture *c, struct bpf_program *p, const char *path, const struct tls_sites *s, unsigned kind, bool leave,
		      unsigned *at)
{
	int err = 0;

	for (unsigned i = 0; !err && i < s->nr; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = s->site[i].cookie, .retprobe = leave);

		*at = i;
		if (s->site[i].kind == kind)
			err = capture_link_keep(c, bpf_program__attach_uprobe_opts(p, -1, path, s->site[i].offset, &opts));
	}
	return err;
}

static int probe_all(struct capture *c, struct bpf_program *p, const char *path, const struct tls_sites *s, unsigned kind, bool leave,
		     unsigned *at)
{
	uint64_t offsets[UPROBE_OFFSETS], cookies[UPROBE_OFFSETS];
	uint32_t nr = 0;
	int fd;

	for (unsigned i = 0; i < s->nr && nr < UPROBE_OFFSETS; i++) {
		if (s->site[i].kind != kind)
			continue;
		*at = i;
		offsets[nr] = s->site[i].offset;
		cookies[nr++] = s->site[i].cookie;
	}
	fd = uprobe_multi(bpf_program__fd(p), path, offsets, cookies, nr, leave);
	return fd < 0 ? fd : held_keep(c, (struct held){ .fd = fd });
}

static int probe_kind(struct capture *c, const char *name, const char *path, const struct tls_sites *s, unsigned kind, bool leave, unsigned *at)
{
	struct bpf_program *p = probe_program(c, name);

	if (!p)
		return -EOPNOTSUPP;
	return (c->multi ? probe_all : probe_each)(c, p, path, s, kind, leave, at);
}

int capture_probe(struct capture *c, const char *path, const struct tls_sites *s, unsigned *at)
{
	bool has[SITE_KINDS] = { false };
	unsigned needs = 0;
	int err = 0;

	for (*at = 0; *at < s->nr; (*at)++) {
		unsigned kind = s->site[*at].kind;

		if (kind >= SITE_KINDS)
			return -EINVAL;
		if (!has[kind] || !c->multi)
			needs += site_programs[kind].leave ? 2 : 1;
		has[kind] = true;
	}
	*at = 0;
	/* Not one of them then: what is said until they are taken back would be seen in part. */
	if (needs > c->max_links - c->nr_links)
		return -ENOSPC;
	for (unsigned kind = 0; !err && kind < SITE_KINDS; kind++) {
		/* The return first: an entry without its return would leave calls open. */
		if (has[kind] && site_programs[kind].leave)
			err = probe_kind(c, site_programs[kind].leave, path, s, kind, true, at);
		if (has[kind] && !err)
			err = probe_kind(c, site_programs[kind].enter, path, s, kind, false, at);
	}
	return err;
}

bool capture_probes_by_link(const struct capture *c)
{
	return c->multi;
}
