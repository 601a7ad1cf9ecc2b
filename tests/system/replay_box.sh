#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir replay in an attacker's hands: what has taken it over while it reads a capture can open no file, make
# no socket and start no program, as root and as somebody without any right.
. "$(dirname "$0")/../lib/lib.sh"
need_weir
need cc
cat >"$WORK/taken.c" <<'END'
/* Called where the capture is read: it has taken the process over. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int dup(int fd)
{
	const char *what = getenv("TAKEN");
	int got = 0;

	if (!strcmp(what, "file"))
		got = open("/etc/passwd", O_RDONLY) >= 0;
	else if (!strcmp(what, "socket"))
		got = socket(AF_INET, SOCK_STREAM, 0) >= 0;
	else if (!strcmp(what, "program"))
		execl("/bin/echo", "echo", "got it", (char *)0);
	if (got)
		(void)!write(1, "got it\n", 7);
	return ((int (*)(int))dlsym(RTLD_NEXT, "dup"))(fd);
}
END
cc -shared -fPIC -o "$WORK/taken.so" "$WORK/taken.c" || bail "cc: exit status $?"
"$PYTHON" - "$WORK/one.pcap" <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
END
mkdir -m 755 "$WORK/bin" && install -m 755 "$WEIR" "$WORK/bin/weir" && cp "$LIB/card.yaml" "$WORK/bin"
chmod a+r "$WORK/one.pcap" "$WORK/taken.so" "$WORK/bin/card.yaml"
people=("")
[ "$(id -u)" != 0 ] || people+=("setpriv --reuid 65534 --regid 65534 --clear-groups")
for as in "${people[@]}"; do
	who=${as:+ as nobody}
	# shellcheck disable=SC2086
	replay() { LIMIT=30 run env TAKEN="$1" LD_PRELOAD="$WORK/taken.so" $as "$WORK/bin/weir" replay "$WORK/one.pcap" --policy "$WORK/bin/card.yaml" "${@:2}"; }
	replay nothing
	exits 0 "a capture is read in its sandbox$who"
	lacks "$ERR" . "without a word about it$who"
	for what in file socket program; do
		replay $what
		exits 3 "a $what is not to be had by what reads a capture$who"
		lacks "$OUT" 'got it' "indeed not$who"
		matches "$ERR" "one.pcap: the process that read it was ended by signal 31 .*: it wanted what its sandbox forbids" "and that is said$who"
		replay $what --no-sandbox
		matches "$OUT" 'got it' "with --no-sandbox it is$who, so that this test can fail"
	done
done
