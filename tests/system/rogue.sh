#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A role in an attacker's hands: in each role's real sandbox every system call is tried, and the
# ways out that matter one by one. What is let in is exactly the table below, which is what
# userspace/daemon/sandbox.c must come to; "*" is a call allowed with some arguments only.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_helper rogue

life='exit_group restart_syscall write writev'
memory='brk mmap* mremap munmap'
declare -A calls=(
	[reader]="$life clock_nanosleep"
	[analyst]="$life $memory madvise* clock_gettime clock_nanosleep poll read"
	[recorder]="$life $memory poll read"
	[elfscan]="$life $memory fcntl* fstat newfstatat pread64 recvmsg setitimer"
	[filescan]="$life $memory close fcntl* fstat getdents64 newfstatat pread64"
	[replay]="$life $memory madvise* clock_gettime close dup fcntl* fstat futex getpid getrandom ioctl* lseek newfstatat read sysinfo"
	[keeper]="$life $memory madvise* access clock_gettime clock_nanosleep close fallocate fchmod fcntl* fdatasync fstat fsync ftruncate futex getcwd
		geteuid getpid getrandom ioctl* lstat mkdirat newfstatat openat poll pread64 pwrite64 read readlink recvfrom renameat
		sendto stat sysinfo uname unlink unlinkat"
)
sorted() { xargs -n 1 <<<"$1" | sort | xargs; }
field() { sed -n "s/^$1 //p" "$WORK/sweep"; }

for role in reader analyst recorder elfscan filescan replay keeper; do
	mkdir "$WORK/$role"
	"$HELPERS/rogue" sweep $role "$WORK/$role" >"$WORK/sweep" 2>"$WORK/rogue.log"
	status=$?
	is "$(sorted "$(field allowed)")" "$(sorted "${calls[$role]}")" "the $role may make exactly the calls of its row"
	at_least "$(field named)" 350 "of all that this kernel's table names"
	is "$(field denied)" $(($(field named) - $(wc -w <<<"${calls[$role]}"))) "every other one kills the $role"
	while read -r result sentence; do
		case $result in
		ok) ok "$sentence" ;;
		FAIL) not_ok "$sentence" ;;
		esac
	done <"$WORK/sweep"
	at_least "$(grep -cE '^(ok|FAIL) ' "$WORK/sweep")" 35 "every attempt of the $role was made"
	[ $status -lt 2 ] || not_ok "the attempts of the $role ended with status $status: $(tail -n 1 "$WORK/rogue.log")"
done
is "$(wc -w <<<"${calls[analyst]}")" 13 "the analyst lives with thirteen calls"
