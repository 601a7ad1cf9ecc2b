/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kernel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int capture_kernel_knows(const char *btf_path, const char *type)
{
	struct btf *btf = btf__parse(btf_path, NULL);
	int err = btf ? 0 : -errno;
	bool known = btf && btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;

	btf__free(btf);
	return err ? err : known;
}

bool capture_kernel_names(const char *word)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	size_t n = strlen(word) + 1, have = 0, size = 16 << 20;
	char *text = malloc(size), *at;
	ssize_t more;

	while (text && fd >= 0 && (more = read(fd, text + have, size - have)) > 0)
		have += (size_t)more;
	for (at = text; at && (at = memmem(at, have - (size_t)(at - text), word, n)); at++)
		if (at > text && !at[-1])
			break;
	free(text);
	if (fd >= 0)
		close(fd);
	return at;
}
