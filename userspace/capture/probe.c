/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - what holds the programs to their hooks, and how they come to the probe sites of a file:
 * by one link where the kernel has such, else one by one. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* Those of libraries are not asked: there may be many, and of uprobes nothing is known. */
uint64_t capture_links_missed(const struct capture *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < c->nr_links; i++)
		if (c->links[i].link && !c->links[i].group)
			sum += kprobe_missed(bpf_link__fd(c->links[i].link));
	return sum;
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

/* Sites of one file and kind, and the program that is to run there. */
struct sites { struct bpf_program *program; const char *path; const struct tls_sites *of; unsigned index[TLS_SITES], nr; bool leave; };

static int probe_each(struct capture *c, const struct sites *s)
{
	int err = 0;

	for (unsigned i = 0; !err && i < s->nr; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = s->of->site[s->index[i]].cookie, .retprobe = s->leave);

		err = capture_link_keep(c, bpf_program__attach_uprobe_opts(s->program, -1, s->path, s->of->site[s->index[i]].offset, &opts));
	}
	return err;
}

static int probe_all(struct capture *c, const struct sites *s)
{
	uint64_t offsets[TLS_SITES], cookies[TLS_SITES];
	int fd;

	for (unsigned i = 0; i < s->nr; i++) {
		offsets[i] = s->of->site[s->index[i]].offset;
		cookies[i] = s->of->site[s->index[i]].cookie;
	}
	fd = uprobe_multi(bpf_program__fd(s->program), s->path, offsets, cookies, s->nr, s->leave);
	return fd < 0 ? fd : held_keep(c, (struct held){ .fd = fd });
}

static int probe_sites(struct capture *c, const struct sites *s)
{
	return (c->multi ? probe_all : probe_each)(c, s);
}

static void links_back(struct capture *c, unsigned nr)
{
	while (c->nr_links > nr)
		link_drop(&c->links[--c->nr_links]);
}

/* Which of them does the kernel refuse? By halves, as it says no to all where it does to one. None of
 * them stays. */
static void probe_try(struct capture *c, const struct sites *s, int refused[TLS_SITES])
{
	unsigned before = c->nr_links, half = s->nr / 2;
	struct sites part = *s;
	int err = probe_sites(c, s);

	links_back(c, before);
	if (!err)
		return;
	if (s->nr == 1) {
		refused[s->index[0]] = err;
		return;
	}
	part.nr = half;	/* twice at most for each of 64, six deep */
	probe_try(c, &part, refused);
	part.nr = s->nr - half;
	for (unsigned i = 0; i < part.nr; i++)
		part.index[i] = s->index[half + i];
	probe_try(c, &part, refused);
}

/* Those of a kind, by one of its programs; refused: only to see which of them can be, and to leave out
 * those that are in there. */
static int probe_kind(struct capture *c, const char *name, const char *path, const struct tls_sites *of, unsigned kind, bool leave, int refused[])
{
	struct sites s = { .program = probe_program(c, name), .path = path, .of = of, .leave = leave };

	if (!s.program)
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < of->nr; i++)
		if (of->site[i].kind == kind && !(refused && refused[i]))
			s.index[s.nr++] = i;
	if (refused && s.nr)
		probe_try(c, &s, refused);
	return refused || !s.nr ? 0 : probe_sites(c, &s);
}

static int probe_kinds(struct capture *c, const char *path, const struct tls_sites *s, int refused[])
{
	int err = 0;

	for (unsigned kind = 0; !err && kind < SITE_KINDS; kind++) {
		bool has = false;

		for (unsigned i = 0; i < s->nr; i++)
			has |= s->site[i].kind == kind;
		/* The return first: an entry without its return would leave calls open. */
		if (has && site_programs[kind].leave)
			err = probe_kind(c, site_programs[kind].leave, path, s, kind, true, refused);
		if (has && !err)
			err = probe_kind(c, site_programs[kind].enter, path, s, kind, false, refused);
	}
	return err;
}

/* Without its probe others would be told twice, or of another session. */
static bool is_needed(const struct tls_sites *s, unsigned i)
{
	return s->site[i].kind == SITE_FREED || (s->site[i].kind == SITE_CALL && s->site[i].cookie & WIRE_COOKIE_HIDES);
}

/* One was refused: those that are not, marked as not being all. */
static int probe_rest(struct capture *c, const char *path, const struct tls_sites *s, int err, int refused[TLS_SITES])
{
	struct tls_sites rest = *s;
	bool parts = false;

	if (probe_kinds(c, path, s, refused))
		return err;
	rest.nr = 0;
	for (unsigned i = 0; i < s->nr; i++) {
		if (refused[i] && is_needed(s, i))
			return refused[i];
		if (refused[i])
			continue;
		rest.site[rest.nr] = s->site[i];
		rest.site[rest.nr++].cookie |= 1ull << WIRE_COOKIE_PARTLY_SHIFT;
	}
	for (unsigned i = 0; i < rest.nr; i++)
		parts |= rest.site[i].kind != SITE_FREED;
	return parts ? probe_kinds(c, path, rest.nr < s->nr ? &rest : s, NULL) : err;
}

static unsigned links_for(const struct capture *c, const struct tls_sites *s)
{
	bool has[SITE_KINDS] = { false };
	unsigned needs = 0;

	for (unsigned i = 0; i < s->nr; i++) {
		if (!has[s->site[i].kind] || !c->multi)
			needs += site_programs[s->site[i].kind].leave ? 2 : 1;
		has[s->site[i].kind] = true;
	}
	return needs;
}

/* An instruction is looked at, and refused, in the midst of probing it only where somebody has it mapped.
 * Later nobody is told. So it is mapped here: to be read, which is enough. */
static void *file_map(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	void *at = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0) {
		*size = (size_t)st.st_size;
		at = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	return at;
}

int capture_probe(struct capture *c, const char *path, const struct tls_sites *s, int refused[])
{
	unsigned before = c->nr_links;
	size_t size;
	void *map;
	int err;

	memset(refused, 0, TLS_SITES * sizeof(refused[0]));
	for (unsigned i = 0; i < s->nr; i++)
		if (s->nr > TLS_SITES || s->site[i].kind >= SITE_KINDS)
			return -EINVAL;
	/* Not one of them then: what is said until they are taken back would be seen in part. */
	if (links_for(c, s) > c->max_links - c->nr_links)
		return -ENOSPC;
	map = file_map(path, &size);
	err = probe_kinds(c, path, s, NULL);
	if (err) {
		links_back(c, before);
		err = probe_rest(c, path, s, err, refused);
	}
	if (err)
		links_back(c, before);
	if (map != MAP_FAILED)
		munmap(map, size);
	return err;
}

bool capture_probes_by_link(const struct capture *c)
{
	return c->multi;
}
