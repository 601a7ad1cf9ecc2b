/* SPDX-License-Identifier: Apache-2.0 */
/* A library that a watched process has mapped, or its program: sites lie in the file. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/tls/tls.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), err;
	struct tls_sites s;

	MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	err = tls_scan_fd(fd, &s);
	MUST(err == 0 || err == -ENOENT || err == -ENOTSUP || err == -EBADMSG);
	MUST(s.unknown == (err == -ENOTSUP) && (!s.unknown || !s.nr) && tls_lib_get(s.row));
	MUST(memchr(s.build_id, 0, sizeof(s.build_id)));
	for (uint32_t i = 0; !err && i < s.nr; i++)
		MUST(i < TLS_SITES && s.site[i].offset && s.site[i].offset < len && s.site[i].kind < SITE_KINDS);
	close(fd);
	return 0;
}
