/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/look.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look { struct bpf_link *link; };

struct look *look_new(struct bpf_object *o)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, "conns_look");
	struct look *l = calloc(1, sizeof(*l));
	int err = p ? ENOMEM : ENOENT;

	if (l && p && (l->link = bpf_program__attach_iter(p, NULL)))
		return l;
	err = l && p ? errno : err;
	free(l);
	errno = err;
	return NULL;
}

void look_free(struct look *l)
{
	if (!l)
		return;
	bpf_link__destroy(l->link);
	free(l);
}

/* To its end; a record may be cut by the end of the buffer. */
int look_run(struct look *l, void (*take)(void *, const struct wire_check *), void *owner)
{
	int fd = bpf_iter_create(bpf_link__fd(l->link));
	struct wire_check w;
	char in[64 * sizeof(w)];
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, in + have, sizeof(in) - have)) > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		size_t at = 0;

		have += n > 0 ? (size_t)n : 0;
		for (; have - at >= sizeof(w); at += sizeof(w)) {
			memcpy(&w, in + at, sizeof(w));
			take(owner, &w);
		}
		have -= at;
		memmove(in, in + at, have);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}
