/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/iter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static struct bpf_link *attach(struct bpf_object *o, const char *program, const struct bpf_iter_attach_opts *opts)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, program);

	if (p)
		return bpf_program__attach_iter(p, opts);
	errno = ENOENT;
	return NULL;
}

struct bpf_link *iter_attach(struct bpf_object *o, const char *program)
{
	return attach(o, program, NULL);
}

struct bpf_link *iter_attach_own(struct bpf_object *o, const char *program)
{
	union bpf_iter_link_info own = { .task = { .pid = (uint32_t)getpid() } };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &own, .link_info_len = sizeof(own));

	return attach(o, program, &opts);
}

/* A record may be cut by the end of the buffer. The kernel says EAGAIN after a million
 * things of which the program told nothing. */
int iter_run(struct bpf_link *link, size_t size, void (*take)(void *owner, const void *record), void *owner)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	_Alignas(uint64_t) uint8_t in[4096];
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, in + have, sizeof(in) - have)) > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		size_t at = 0;

		have += n > 0 ? (size_t)n : 0;
		for (; have - at >= size; at += size)
			if (take)
				take(owner, in + at);
		have -= at;
		memmove(in, in + at, have);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}
