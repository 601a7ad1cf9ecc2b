/* SPDX-License-Identifier: Apache-2.0 */
/* watch_name.c - what containers are called: asked once for each, of a filescan, which reads
 * what the runtime wrote. Until it has answered, for a moment, nothing is told of the
 * container's processes, so that what they do is told under one name. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "daemon/proc.h"
#include "daemon/spawn.h"
#include "daemon/watch_private.h"

#define ASKING 4			/* filescans at once */
#define WAITING 64			/* each has a folder open */
#define ANCESTORS_MAX 16
#define KNOWN_NS 60000000000ull		/* what was found is believed for so long */
#define UNKNOWN_NS 2000000000ull	/* and that nothing was; twice as long each time, up to the same */
#define ANSWER_NS 8000000000ull		/* longer than a filescan takes; one that hangs in the kernel is given up */
#define PATIENCE_NS 2000000000ull	/* as long the keeper holds what the container does, and all that comes behind it, */
#define HURRY_NS 200000000ull		/* and while there is little room for that */

/* The runtime of a nested container runs outside of it and inside of the outer one: it is an
 * ancestor of the process, and its files are below its root, made with its rights. -1: not found. */
static int runtime_root(pid_t pid, const struct place *inner, uid_t *as)
{
	for (int i = 0; pid > 1 && i < ANCESTORS_MAX; i++, pid = proc_parent(pid)) {
		struct place p;
		char path[64];

		if (!proc_place(pid, &p))
			return -1;
		if (!strcmp(p.id, inner->id))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/root", pid);
		if (strcmp(p.id[0] ? p.id : p.name, inner->outer) || !proc_files_user(pid, as))
			return -1;
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

/* What a user's cgroup is called, the user may choose: only the user's files count. */
static int place_root(pid_t pid, const struct place *p, uid_t *as)
{
	*as = p->user >= 0 ? (uid_t)p->user : 0;
	return p->nested ? runtime_root(pid, p, as) : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct name *name_find(struct watch *w, const struct place *p)
{
	int64_t user = p->nested ? -1 : p->user;

	for (unsigned i = 0; i < NAMES; i++)
		if (w->names[i].state != NAME_FREE && !strcmp(w->names[i].id, p->id) && !strcmp(w->names[i].outer, p->outer) &&
		    w->names[i].user == user)
			return &w->names[i];
	return NULL;
}

/* A free place, or that of the oldest answer. */
static struct name *name_slot(struct watch *w, const struct place *p)
{
	struct name *n = NULL;

	for (unsigned i = 0; i < NAMES; i++) {
		struct name *k = &w->names[i];

		if (k->state == NAME_FREE || (k->state == NAME_KNOWN && (!n || (n->state != NAME_FREE && k->until < n->until))))
			n = k;
	}
	if (!n)
		return NULL;
	*n = (struct name){ .user = p->nested ? -1 : p->user, .root = -1 };
	memcpy(n->id, p->id, sizeof(n->id));
	memcpy(n->outer, p->outer, sizeof(n->outer));
	return n;
}

/* NULL: there is no room to ask, or nobody to be asked. */
static struct name *name_get(struct watch *w, pid_t pid, const struct place *p)
{
	struct name *n = name_find(w, p);

	if (n && (n->state != NAME_KNOWN || n->until > clock_boot_ns()))
		return n;
	if (w->names_waiting == WAITING)
		return n;
	if (!n)
		n = name_slot(w, p);
	if (!n)
		return NULL;
	n->root = place_root(pid, p, &n->as);
	n->state = n->root < 0 ? NAME_KNOWN : NAME_WAITING;
	n->until = clock_boot_ns() + (n->root < 0 ? UNKNOWN_NS : ANSWER_NS);
	w->names_waiting += n->state == NAME_WAITING;
	return n;
}

/* There may be an older answer while it is asked for again. */
static bool is_settled(const struct name *n)
{
	return !n || n->state == NAME_KNOWN || n->known;
}

static const struct container_names *names_of(const struct name *n)
{
	return n && n->known ? &n->names : NULL;
}

void name_ahead(struct watch *w, pid_t pid, uint64_t cgroup)
{
	uint64_t *seen = &w->ahead[cgroup % AHEAD];
	struct place p;

	if (*seen == cgroup || !proc_place(pid, &p))
		return;
	*seen = cgroup;
	if (p.id[0])
		(void)name_get(w, pid, &p);
}

/* Whoever is around it, which is a container of the host. */
static bool outer_of(const struct place *p, struct place *outer)
{
	place_init(outer);
	memcpy(outer->id, p->outer, sizeof(outer->id));
	return p->nested && container_is_id(p->outer);
}

void process_unplace(struct watch *w, struct process *p)
{
	w->unnamed -= p->place != NULL;
	free(p->place);
	p->place = NULL;
}

void process_place(struct watch *w, struct process *p, pid_t pid, const struct place *place)
{
	struct name *n = place->id[0] ? name_get(w, pid, place) : NULL, *around = NULL;
	struct place outer;

	if (outer_of(place, &outer))
		around = name_get(w, 0, &outer);
	container_facts(place, names_of(n), names_of(around), &p->facts);
	if (is_settled(n) && is_settled(around))
		return;
	p->place = malloc(sizeof(*p->place));
	if (!p->place)
		return;
	*p->place = *place;
	p->asked = clock_boot_ns();
	w->unnamed++;
}

/* Its facts from what has been answered by now. */
static void process_named(struct watch *w, struct process *p)
{
	const struct name *n = name_find(w, p->place), *around = NULL;
	struct place outer;

	if (outer_of(p->place, &outer))
		around = name_find(w, &outer);
	if (!is_settled(n) || !is_settled(around))
		return;
	container_facts(p->place, names_of(n), names_of(around), &p->facts);
	process_unplace(w, p);
	filter_apply(w, p);
	if (p->told)
		process_tell(w, p);
}

static void each_unnamed(struct watch *w, void (*each)(struct watch *, struct process *))
{
	for (size_t b = 0; w->unnamed && b < BUCKETS; b++)
		for (struct process *p = w->buckets[b]; p; p = p->next)
			if (p->place)
				each(w, p);
}

static void name_settle(struct watch *w, struct name *n, const struct container_names *answer)
{
	uint64_t believed = n->misses < 5 ? UNKNOWN_NS << n->misses : KNOWN_NS;

	n->state = NAME_KNOWN;
	n->known |= answer != NULL;
	if (answer)
		n->names = *answer;
	n->misses = container_named(answer) ? 0 : n->misses + 1;
	n->until = clock_boot_ns() + (container_named(answer) ? KNOWN_NS : believed);
	each_unnamed(w, process_named);
}

static void name_start(struct watch *w, struct name *n)
{
	struct role_plan plan = { .name = "filescan" };
	char user[24], as[16];
	int fds[2] = { -1, -1 };
	pid_t pid = -1;

	role_plan_arg(&plan, n->id);
	role_plan_made(&plan, user, sizeof(user), "%lld", (long long)n->user);
	role_plan_made(&plan, as, sizeof(as), "%u", n->as);
	if (!pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		role_plan_fd(&plan, 3, n->root);
		role_plan_fd(&plan, 4, fds[1]);
		pid = role_spawn(&plan);
		close(fds[1]);
	}
	close(n->root);
	n->root = -1;
	w->names_waiting--;
	if (pid < 0) {
		if (fds[0] >= 0)
			close(fds[0]);
		name_settle(w, n, NULL);
		return;
	}
	capture_own(w->config.capture, (uint32_t)pid, true);
	n->pid = pid;
	n->answer = fds[0];
	n->state = NAME_ASKING;
	n->until = clock_boot_ns() + ANSWER_NS;
	w->names_asking++;
}

void names_advance(struct watch *w)
{
	for (unsigned i = 0; i < NAMES && w->names_waiting && w->names_asking < ASKING; i++)
		if (w->names[i].state == NAME_WAITING)
			name_start(w, &w->names[i]);
}

/* Everything of the answer is checked: who gave it has parsed a hostile file. */
static void name_end(struct watch *w, struct name *n)
{
	struct container_names names;
	ssize_t got = read(n->answer, &names, sizeof(names));
	bool whole = got == (ssize_t)sizeof(names) && container_names_check(&names);

	close(n->answer);
	capture_own(w->config.capture, (uint32_t)n->pid, false);
	w->names_asking--;
	if (!whole)
		log_warn("cannot look for the name of container=%.12s: the scan of its runtime's files died, gave up after its time or made "
			 "no sense; its id stands for it", n->id);
	name_settle(w, n, whole ? &names : NULL);
}

bool name_reap(struct watch *w, pid_t pid)
{
	for (unsigned i = 0; w->names_asking && i < NAMES; i++)
		if (w->names[i].state == NAME_ASKING && w->names[i].pid == pid) {
			name_end(w, &w->names[i]);
			return true;
		}
	return false;
}

static void process_patience(struct watch *w, struct process *p)
{
	if (!p->asked || clock_boot_ns() - p->asked < (w->hurry ? HURRY_NS : PATIENCE_NS))
		return;
	p->asked = 0;
	if (p->told)
		process_tell(w, p);
}

void names_tick(struct watch *w, uint64_t now)
{
	each_unnamed(w, process_patience);
	for (unsigned i = 0; w->names_asking && i < NAMES; i++)
		if (w->names[i].state == NAME_ASKING && w->names[i].until < now) {
			(void)kill(w->names[i].pid, SIGKILL);
			name_end(w, &w->names[i]);
		}
}

/* At the start, before signals are listened to. */
void names_wait(struct watch *w, uint64_t until)
{
	names_advance(w);
	while ((w->names_waiting || w->names_asking) && clock_boot_ns() < until) {
		for (unsigned i = 0; i < NAMES; i++) {
			struct pollfd p = { .fd = w->names[i].answer, .events = POLLIN };

			if (w->names[i].state == NAME_ASKING && poll(&p, 1, 20) > 0)
				name_end(w, &w->names[i]);
		}
		names_advance(w);
	}
}
