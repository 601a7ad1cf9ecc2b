/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - the rows, and the scan that tries them in turn. */
#include "capture/tls/tls.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "capture/elf.h"

#define TLS_LIB(name) extern const struct tls_lib tls_lib_##name;
#include "capture/tls/list.def"
#undef TLS_LIB

static const struct tls_lib *const libraries[] = {
#define TLS_LIB(name) &tls_lib_##name,
#include "capture/tls/list.def"
#undef TLS_LIB
};

unsigned tls_lib_count(void)
{
	return sizeof(libraries) / sizeof(libraries[0]);
}

const struct tls_lib *tls_lib_get(unsigned i)
{
	return i < tls_lib_count() ? libraries[i] : NULL;
}

bool tls_lib_named(const struct tls_lib *lib, const char *base)
{
	return lib->soname && !strncmp(base, lib->soname, strlen(lib->soname));
}

int tls_scan_fd(int fd, struct tls_sites *s)
{
	struct elf_image *e = elf_open(fd);
	int err = -ENOENT, known = -1;

	memset(s, 0, sizeof(*s));
	if (!e)
		return -EBADMSG;
	elf_build_id(e, s->build_id);
	for (unsigned i = 0; err && i < tls_lib_count(); i++) {
		s->nr = 0;
		s->row = (uint8_t)i;
		err = libraries[i]->find(libraries[i], e, s);
		if (err == -ENOTSUP && known < 0)
			known = (int)i;
	}
	elf_close(e);
	if (!err)
		return 0;
	s->nr = 0;
	s->row = known < 0 ? 0 : (uint8_t)known;
	s->unknown = known >= 0;
	return known < 0 ? -ENOENT : -ENOTSUP;
}
