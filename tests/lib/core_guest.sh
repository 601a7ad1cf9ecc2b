#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Does what a role holds reach a core dump? For a machine whose kernel.core_pattern may be changed
# (scripts/kernel-test boots one): a file, and a program that takes the dump from a pipe, as
# systemd-coredump does and RLIMIT_CORE 0 does not stop. A process without the sandbox is the
# control: its dump is there and holds the word, so that this can fail.
# Usage: core_guest.sh ROGUE [FOLDER]    ROGUE: tests/lib/rogue as built; the pattern is put back.
set -u
rogue=$1 dir=${2:-/tmp/weir-cores}
pattern=/proc/sys/kernel/core_pattern uses_pid=/proc/sys/kernel/core_uses_pid suid=/proc/sys/fs/suid_dumpable
was=$(cat $pattern) was_pid=$(cat $uses_pid) was_suid=$(cat $suid) failed=0
word=$(cut -c 1-32 /proc/sys/kernel/random/uuid | tr -d -)
back=$(echo "$word" | sed 's/./&\n/g' | sed -n '1!G;h;$p' | tr -d '\n')
trap 'echo "$was" >$pattern; echo "$was_pid" >$uses_pid; echo "$was_suid" >$suid' EXIT
mkdir -p "$dir" && chmod 777 "$dir"
cat >"$dir/take" <<END
#!/bin/sh
cat >$dir/core.new && mv $dir/core.new $dir/core
END
chmod 755 "$dir/take"
echo 0 >$uses_pid
# The laxest there is: a change of user id, which every role makes, does not forbid a dump by itself.
echo 1 >$suid

is() { # GOT WANTED SENTENCE
	if [ "$1" = "$2" ]; then echo "ok $3"; else echo "FAIL $3: expected '$2', got '$1'"; failed=1; fi
}
# The pipe's program is another process: the dump is there when it has read it all.
came() {
	i=0
	while [ $i -lt 100 ] && [ ! -e "$dir/core" ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ -e "$dir/core" ]
}
held() { came && if grep -qa "$back" "$dir/core"; then echo "the word"; else echo "no word"; fi; }

for way in "$dir/core" "|$dir/take %p"; do
	case $way in \|*) name=pipe ;; *) name=file ;; esac
	echo "$way" >$pattern || { echo "FAIL cannot set $pattern here"; exit 1; }
	rm -f "$dir/core"
	is "$("$rogue" crash none "$word")" core "$name: a process in no sandbox dumps core"
	is "$(held)" "the word" "$name: and what it holds is in it"
	for role in reader analyst keeper recorder elfscan filescan; do
		rm -f "$dir/core"
		is "$("$rogue" crash $role "$word")" "no core" "$name: the $role dumps none"
	done
	# The dumps come in order: had one of a role been made, it would lie here when the control's is.
	rm -f "$dir/core"
	is "$("$rogue" crash none "$word")" core "$name: the control still does"
	came
	is "$(find "$dir" -name 'core*' | wc -l)" 1 "$name: its dump is the only one"
done
exit $failed
