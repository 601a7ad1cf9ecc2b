/* SPDX-License-Identifier: Apache-2.0 */
/* watch_library.c - files with TLS functions: found once, scanned once in a process of its
 * own, probed while somebody uses them or may begin to. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/mapping.h"
#include "capture/tls/tls.h"
#include "classify/names.h"
#include "daemon/daemon.h"
#include "daemon/proc.h"
#include "daemon/spawn.h"
#include "daemon/watch_private.h"

#define SCANS 4			/* elfscans at once */
#define SCANS_OTHER 1		/* of them for files that nobody waits for */
#define SIZE_MIN 131072		/* bytes: into a smaller program nobody's TLS fits */
#define WARN_NS 60000000000ull
#define SPARE_AGAIN_NS 1000000000ull

bool is_tls_library(const char *base)
{
	for (unsigned i = 0; i < tls_lib_count(); i++)
		if (tls_lib_named(tls_lib_get(i), base))
			return true;
	return false;
}

/* The table. */

static uint16_t *bucket(struct watch *w, ino_t ino)
{
	return &w->file_buckets[ino % FILE_BUCKETS];
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* A file that is probed or being scanned is held, so nobody else gets its inode number. */
uint16_t file_known(struct watch *w, const struct stat *st)
{
	uint16_t i = *bucket(w, st->st_ino);

	for (; i != NO_FILE; i = w->files[i].next) {
		const struct file *f = &w->files[i];

		if (f->dev == st->st_dev && f->ino == st->st_ino &&
		    (f->state < FILE_FAILED || (f->size == st->st_size && same_time(&f->changed, &st->st_ctim))))
			return i;
	}
	return NO_FILE;
}

static void file_free(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];
	uint16_t *at = bucket(w, f->ino);

	while (*at != i)
		at = &w->files[*at].next;
	*at = f->next;
	for (unsigned k = 0; k < w->nr_paths; k++)
		if (w->paths[k].file == i)
			w->paths[k].file = NO_FILE;
	*f = (struct file){ .fd = -1, .serial = (uint16_t)(f->serial + 1) };
}

/* A free slot, or that of a file that nobody needs to be remembered. */
static uint16_t file_slot(struct watch *w)
{
	if (w->nr_files < FILES)
		return w->nr_files++;
	for (unsigned n = 0; n < FILES; n++) {
		uint16_t i = w->evict = (uint16_t)((w->evict + 1) % FILES);

		if (w->files[i].state == FILE_FREE)
			return i;
		if (w->files[i].state >= FILE_FAILED && !w->files[i].refs) {
			file_free(w, i);
			return i;
		}
	}
	return NO_FILE;
}

static void refused(struct watch *w, const char *name, const char *why)
{
	uint64_t now = clock_boot_ns();

	w->stats.refused++;
	if (w->warned && now - w->warned < WARN_NS)
		return;
	w->warned = now;
	log_warn("a file is not looked at for TLS, its traffic stays opaque file=%s why=\"%s\" so_far=%llu", name, why,
		 (unsigned long long)w->stats.refused);
}

uint16_t file_add(struct watch *w, int fd, const char *name, enum file_kind kind)
{
	struct stat st;
	struct file *f;
	uint16_t i;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || (kind != FILE_NAMED && st.st_size < SIZE_MIN)) {
		if (fd >= 0)
			close(fd);
		return NO_FILE;
	}
	i = file_known(w, &st);
	if (i != NO_FILE) {
		close(fd);
		return i;
	}
	i = w->waiting[FILE_NAMED] + w->waiting[FILE_PROGRAM] + w->waiting[FILE_OTHER] < WAITING_MAX ? file_slot(w) : NO_FILE;
	if (i == NO_FILE) {
		refused(w, name, "too many files at once");
		close(fd);
		return NO_FILE;
	}
	f = &w->files[i];
	*f = (struct file){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .written = st.st_mtim, .changed = st.st_ctim,
		.kind = kind, .state = FILE_WAITING, .fd = fd, .same = NO_FILE, .next = *bucket(w, st.st_ino), .serial = f->serial,
	};
	*bucket(w, st.st_ino) = i;
	w->waiting[kind]++;
	name_clean_path(f->name, name, strlen(name));
	return i;
}

uint16_t program_add(struct watch *w, pid_t pid)
{
	char path[64], name[EXE_SIZE];
	uint16_t i = NO_FILE;
	struct stat st;
	int fd;

	/* At every exec of the host, so the usual answer comes first. */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &st) || st.st_size < SIZE_MIN || (i = file_known(w, &st)) != NO_FILE || !proc_exe(pid, name))
		return i;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? NO_FILE : file_add(w, fd, name, FILE_PROGRAM);
}

/* Known paths: what comes there is probed before its first use. */

void path_add(struct watch *w, const char *path, uint16_t file, enum file_kind kind)
{
	struct path *p;

	if (file == NO_FILE || strlen(path) >= sizeof(p->path))
		return;
	for (unsigned i = 0; i < w->nr_paths; i++)
		if (!strcmp(w->paths[i].path, path)) {
			w->paths[i].file = file;
			return;
		}
	if (w->nr_paths == PATHS)
		return;
	p = &w->paths[w->nr_paths++];
	snprintf(p->path, sizeof(p->path), "%s", path);
	p->file = file;
	p->kind = kind;
	w->files[file].standing++;
}

/* Where a file is, if that is a place of ours: not in a container, not unlinked. */
static void path_learn(struct watch *w, uint16_t i)
{
	char link[64], path[sizeof(w->paths[0].path)];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->files[i].fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	path[n] = 0;
	if (!stat(path, &st) && st.st_dev == w->files[i].dev && st.st_ino == w->files[i].ino)
		path_add(w, path, i, w->files[i].kind);
}

/* Probes. */

/* Those that have its probes as theirs are looked at anew. */
static void file_unshare(struct watch *w, uint16_t i)
{
	for (uint16_t k = 0; k < w->nr_files; k++) {
		struct file *f = &w->files[k];

		if (f->state != FILE_PROBED || f->same != i)
			continue;
		f->state = FILE_PLAIN;
		f->changed = (struct timespec){ 0 };
		f->same = NO_FILE;
		w->files[i].refs--;
	}
}

static void file_unprobe(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];

	if (f->same != NO_FILE) {
		file_unused(w, f->same);
		f->same = NO_FILE;
		return;
	}
	file_unshare(w, i);
	capture_unprobe(w->config.capture, i + 1u);
	w->stats.libraries--;
	w->stats.probes -= f->probes;
	w->probed--;
	f->probes = 0;
}

void file_detach(struct watch *w, uint16_t i)
{
	file_unprobe(w, i);
	/* For whom there was no room there may be now: as if they had never been seen. */
	for (uint16_t k = 0; k < w->nr_files; k++)
		if (w->files[k].limited) {
			w->files[k].changed = (struct timespec){ 0 };
			w->census_wanted = true;
		}
	log_info("detached from file=%s build_id=%s inode=%llu: nobody uses it any more", w->files[i].name, w->files[i].build_id,
		 (unsigned long long)w->files[i].ino);
	file_free(w, i);
}

/* Is it probed already, as a file of another overlay with the same layer below? Each program
 * would run once more at each call, and each container would take its share of the links. */
static bool file_shares(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];
	int err = major(f->dev) ? -ENODEV : capture_inode(w->config.capture, f->fd, &f->inode);

	for (uint16_t k = 0; !err && k < w->nr_files; k++) {
		struct file *other = &w->files[k];

		if (other->state != FILE_PROBED || other->inode != f->inode || other->same != NO_FILE || k == i)
			continue;
		f->same = k;
		f->refused = other->refused;
		memcpy(f->build_id, other->build_id, sizeof(f->build_id));
		f->state = FILE_PROBED;
		other->refs++;
		log_info("probed already file=%s build_id=%s inode=%llu: its overlay has the same layer below as another", f->name, f->build_id,
			 (unsigned long long)f->ino);
		return true;
	}
	return false;
}

/* What the kernel says no to, it would say no to again: an instruction that it cannot probe. */
static void sites_told(struct file *f, const struct tls_sites *s, const int denied[TLS_SITES], int err)
{
	f->refused = 0;
	for (unsigned k = 0; k < s->nr; k++) {
		f->refused += denied[k] != 0;
		if (denied[k])
			log_warn("cannot probe library=%s build_id=%s offset=%#llx error=\"%s\": %s", f->name, f->build_id,
				 (unsigned long long)s->site[k].offset, strerror(-denied[k]),
				 err ? "its traffic stays opaque" : "what moves through that function only is not seen");
		else if (!err && s->site[k].dear)
			log_info("a dearer probe site is used library=%s: its layout is not the known one", f->name);
	}
	if (err && !f->limited && !f->refused)
		log_warn("cannot probe library=%s build_id=%s error=\"%s\": its traffic stays opaque", f->name, f->build_id, strerror(-err));
	f->probes = err ? 0 : s->nr - f->refused;
}

static void file_attach(struct watch *w, uint16_t i, const struct tls_sites *s)
{
	struct file *f = &w->files[i];
	int err, denied[TLS_SITES];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	capture_group(w->config.capture, i + 1u);
	err = capture_probe(w->config.capture, path, s, denied);
	f->limited = err == -ENOSPC;
	sites_told(f, s, denied, err);
	capture_group(w->config.capture, 0);
	w->stats.libraries++;
	w->stats.probes += f->probes;
	w->probed++;
	f->state = FILE_PROBED;
	if (!err) {
		log_info("probed file=%s build_id=%s sites=%u inode=%llu", f->name, f->build_id, f->probes, (unsigned long long)f->ino);
		return;
	}
	if (f->limited)
		refused(w, f->name, "as many probes as fit are attached: raise the limit of open files, ulimit -n or LimitNOFILE=");
	file_unprobe(w, i);
	f->state = FILE_FAILED;
}

static void sites_take(struct watch *w, uint16_t i, const struct tls_sites *s)
{
	if (file_shares(w, i))
		return;
	if (w->probed < LIBRARIES) {
		file_attach(w, i, s);
		return;
	}
	refused(w, w->files[i].name, "too many libraries");
	w->files[i].limited = true;
	w->files[i].state = FILE_FAILED;
}

/* The scan. */

/* What it is has been found out. */
static void file_done(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];

	w->stats.failed += f->state == FILE_FAILED;
	if (f->state == FILE_PROBED) {
		path_learn(w, i);
		w->census_wanted |= f->kind == FILE_OTHER;	/* for who has it */
	}
	close(f->fd);
	f->fd = -1;
	processes_refresh(w, i);
}

/* What an elfscan costs is its beginning: some 10 ms for exec and sandbox, in which a program can have come and
 * gone with a library that is new. So one that has begun waits for the file to come. */
static void spare_make(struct watch *w)
{
	struct role_plan plan = { .name = "elfscan" };
	int give[2], answer[2];
	pid_t pid;

	if (pipe2(answer, O_CLOEXEC | O_NONBLOCK))
		return;	/* later */
	if (socket_pair(give, 4096)) {
		close(answer[0]);
		close(answer[1]);
		return;
	}
	role_plan_fd(&plan, 3, give[1]);
	role_plan_fd(&plan, 4, answer[1]);
	pid = role_spawn(&plan);
	close(give[1]);
	close(answer[1]);
	if (pid < 0) {
		close(give[0]);
		close(answer[0]);
		return;
	}
	if (w->config.capture)
		capture_own(w->config.capture, (uint32_t)pid, true);
	w->spare = (struct spare){ .pid = pid, .give = give[0], .answer = answer[0] };
}

/* Without a file it ends by itself. */
void spare_drop(struct watch *w)
{
	if (!w->spare.pid)
		return;
	if (w->config.capture)
		capture_own(w->config.capture, (uint32_t)w->spare.pid, false);
	close(w->spare.give);
	close(w->spare.answer);
	w->spare = (struct spare){ .dropped = clock_boot_ns() };
}

static bool spare_give(const struct spare *s, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec byte = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(s->give, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static void scan_start(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];

	/* What is probed as the same file of another overlay is known already. */
	if (w->config.capture && file_shares(w, i)) {
		w->waiting[f->kind]--;
		file_done(w, i);
		return;
	}
	if (!w->spare.pid)
		spare_make(w);
	if (!w->spare.pid)
		return;	/* later */
	if (!spare_give(&w->spare, f->fd)) {
		spare_drop(w);	/* it died */
		return;
	}
	close(w->spare.give);
	w->waiting[f->kind]--;
	f->pid = w->spare.pid;
	f->answer = w->spare.answer;
	f->state = FILE_SCANNING;
	w->spare = (struct spare){ 0 };
	w->scanning++;
	w->scanning_other += f->kind == FILE_OTHER;
}

static void scans_begin(struct watch *w)
{
	for (enum file_kind k = FILE_NAMED; k <= FILE_OTHER; k++)
		for (unsigned i = 0; i < w->nr_files && w->waiting[k]; i++) {
			if (w->scanning >= SCANS || (k == FILE_OTHER && w->scanning_other >= SCANS_OTHER))
				return;
			if (w->files[i].state == FILE_WAITING && w->files[i].kind == k)
				scan_start(w, (uint16_t)i);
		}
}

void scans_advance(struct watch *w)
{
	scans_begin(w);
	/* Not beside a scan, whose processor it would take; and one that died is not made again and again. */
	if (!w->spare.pid && !w->scanning && clock_boot_ns() - w->spare.dropped > SPARE_AGAIN_NS)
		spare_make(w);
}

/* Everything of the answer is checked: the scanner has parsed a hostile file. */
static bool sites_valid(const struct tls_sites *s, off_t size)
{
	if (s->nr > sizeof(s->site) / sizeof(s->site[0]) || (s->nr && s->unknown) || !tls_lib_get(s->row))
		return false;
	for (unsigned i = 0; i < s->nr; i++)
		if (s->site[i].offset >= (uint64_t)size || s->site[i].kind >= SITE_KINDS)
			return false;
	return strnlen(s->build_id, sizeof(s->build_id)) < sizeof(s->build_id) &&
	       strspn(s->build_id, "0123456789abcdef") == strlen(s->build_id);
}

static void scan_end(struct watch *w, uint16_t i)
{
	struct file *f = &w->files[i];
	struct tls_sites sites = { 0 };
	ssize_t n = read(f->answer, &sites, sizeof(sites));

	close(f->answer);
	capture_own(w->config.capture, (uint32_t)f->pid, false);
	w->scanning--;
	w->scanning_other -= f->kind == FILE_OTHER;
	f->state = f->kind == FILE_NAMED ? FILE_FAILED : FILE_PLAIN;
	if (n != (ssize_t)sizeof(sites) || !sites_valid(&sites, f->size)) {
		log_warn("cannot look for TLS functions in file=%s: the scan died, gave up after its time or made no sense; its TLS stays opaque",
			 f->name);
		f->state = f->kind == FILE_OTHER ? FILE_PLAIN : FILE_FAILED;
	} else {
		snprintf(f->build_id, sizeof(f->build_id), "%s", sites.build_id);
		if (sites.nr) {
			sites_take(w, i, &sites);
		} else if (sites.unknown && tls_lib_get(sites.row)->hidden) {
			log_info("%s is in file=%s: %s, so its traffic stays opaque", tls_lib_get(sites.row)->name, f->name,
				 tls_lib_get(sites.row)->hidden);
			snprintf(f->name, sizeof(f->name), "%s", tls_lib_get(sites.row)->name);
			f->state = FILE_HIDDEN;
		} else if (sites.unknown) {
			log_warn("%s is in file=%s build_id=%s, in a form that is not known: its traffic stays opaque",
				 tls_lib_get(sites.row)->name, f->name, f->build_id);
			f->state = FILE_FAILED;
		} else if (f->kind == FILE_NAMED) {
			log_warn("no TLS functions found in library=%s build_id=%s: its traffic stays opaque", f->name, f->build_id);
		}
	}
	file_done(w, i);
}

bool watch_reap(struct watch *w, pid_t pid, int status)
{
	if (pid == w->spare.pid) {
		spare_drop(w);
		return true;
	}
	for (uint16_t i = 0; i < w->nr_files; i++)
		if (w->files[i].state == FILE_SCANNING && w->files[i].pid == pid) {
			scan_end(w, i);
			return true;
		}
	return name_reap(w, pid);
}

/* At the start, before signals are listened to. */
void scans_wait(struct watch *w, uint64_t until, enum file_kind last)
{
	bool waits = true;

	while (waits && clock_boot_ns() < until) {
		waits = false;
		if (w->mappings)
			mappings_drain(w->mappings, on_mapping, w);
		scans_advance(w);
		for (uint16_t i = 0; i < w->nr_files; i++) {
			struct file *f = &w->files[i];
			struct pollfd p = { .fd = f->answer, .events = POLLIN };

			waits |= f->kind <= last && (f->state == FILE_WAITING || f->state == FILE_SCANNING);
			if (f->state == FILE_SCANNING && poll(&p, 1, 20) > 0)
				scan_end(w, i);
		}
	}
}

/* Is something new there? */
static void path_look(struct watch *w, struct path *p)
{
	struct file *f = p->file == NO_FILE ? NULL : &w->files[p->file];
	struct stat st;

	if (stat(p->path, &st) || !S_ISREG(st.st_mode)) {
		p->file = NO_FILE;
		return;
	}
	if (f && f->dev == st.st_dev && f->ino == st.st_ino) {
		if (f->state != FILE_PROBED || (f->size == st.st_size && same_time(&f->written, &st.st_mtim)))
			return;
		/* Written over in place: the probes are in the middle of something else. */
		log_warn("a library was written over while it was probed, and is looked at anew file=%s", f->name);
		file_unprobe(w, p->file);
		f->state = FILE_PLAIN;
		f->changed = (struct timespec){ 0 };
	}
	p->file = file_add(w, open(p->path, O_RDONLY | O_CLOEXEC | O_NOCTTY),
			   p->kind == FILE_NAMED ? strrchr(p->path, '/') + 1 : p->path, p->kind);
}

void paths_look(struct watch *w)
{
	for (unsigned i = 0; i < w->nr_paths; i++) {
		if (w->paths[i].file != NO_FILE)
			w->files[w->paths[i].file].doubt = true;
		path_look(w, &w->paths[i]);
	}
	for (uint16_t i = 0; i < w->nr_files; i++)
		w->files[i].standing = 0;
	for (unsigned i = 0; i < w->nr_paths; i++)
		if (w->paths[i].file != NO_FILE)
			w->files[w->paths[i].file].standing++;
	for (uint16_t i = 0; i < w->nr_files; i++)
		w->census_wanted |= w->files[i].doubt && w->files[i].state == FILE_PROBED && !w->files[i].standing && !w->files[i].refs;
}
