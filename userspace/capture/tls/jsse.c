/* SPDX-License-Identifier: Apache-2.0 */
/* jsse.c - Java's own TLS: not visible, and named.
 *
 * JSSE is Java code. A virtual machine interprets it or compiles it while it runs, to
 * places that no file names and that move, so there is nothing to probe; its plaintext
 * could only be had by an agent inside of the program, and weir injects nothing. What can
 * be known is who has it: every HotSpot and OpenJ9 machine is a libjvm.so that exports
 * JNI_CreateJavaVM. A Java program with a native library instead (netty-tcnative) has
 * that library's own file, which is probed like any other. */
#include <errno.h>

#include "capture/elf.h"
#include "capture/tls/tls.h"

#define NAME "libjvm.so"

static int find(const struct tls_lib *lib, const struct elf_image *e, struct tls_sites *s)
{
	(void)lib; (void)s;	/* there are no sites */
	return elf_symbol(e, "JNI_CreateJavaVM") && elf_symbol(e, "JVM_InternString") ? -ENOTSUP : -ENOENT;
}

const struct tls_lib tls_lib_jsse = {
	.name = "JSSE", .summary = "Java's own TLS, named only", .soname = NAME,
	.hidden = "it runs in code that Java makes while it runs", .find = find,
};
