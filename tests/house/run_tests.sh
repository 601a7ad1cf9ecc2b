#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does scripts/run-tests notice a test that fails, crashes, hangs, or runs nothing? A runner
# that cannot fail would make every other test worthless.
. "$(dirname "$0")/../lib/lib.sh"
TREE=$WORK/tree
fresh() {
	rm -rf "$TREE"
	mkdir -p "$TREE/scripts" "$TREE/tests/house" "$TREE/b/tests/unit" "$TREE/tests/system"
	cp scripts/run-tests "$TREE/scripts/"
	printf '#!/bin/sh\necho "ok includes"\n' >"$TREE/scripts/check-all"
	chmod +x "$TREE/scripts/check-all"
}
program() { # NAME BODY: a built unit test
	printf '#!/bin/sh\n%s\n' "$2" >"$TREE/b/tests/unit/$1"
	: >"$TREE/tests/unit_$1.c"
	chmod +x "$TREE/b/tests/unit/$1"
}
shelf() { run "$TREE/scripts/run-tests" b b -- unit; }
last() { tail -n 1 "$OUT"; }
GOOD='echo "[       OK ] a_is_a"; echo "[       OK ] b_is_b"; exit 0'

fresh
program test_good "$GOOD"
shelf
exits 0 "a shelf of good tests passes"
is "$(last)" "2 passed, 0 failed, 0 skipped" "and is counted test by test"
program test_bad 'echo "[       OK ] a_is_a"; echo "[  FAILED  ] b_is_b"; exit 1'
shelf
exits 1 "one failed test fails the run"
is "$(last | sed 's/, 0 skipped//; s/, [1-9][0-9]* failed/, N failed/')" "3 passed, N failed" "and is counted"
is "$(tail -n 3 "$OUT" | head -n 1)" "unit test_bad: [  FAILED  ] b_is_b" "and is named again above the last line"
fresh
program test_crash 'echo "[       OK ] a_is_a"; kill -SEGV $$'
shelf
exits 1 "a test that crashes after a good one fails the run"
is "$(tail -n 3 "$OUT" | head -n 1)" "unit test_crash: [       OK ] a_is_a" "its last words are named above the last line"
fresh
program test_leak "echo '[       OK ] a_is_a'; exit 23"
shelf
exits 1 "a sanitizer's exit status after good tests fails the run"
fresh
program test_empty 'exit 0'
shelf
exits 1 "a program that runs no test fails the run"
fresh
program test_hang "echo '[       OK ] a_is_a'; exec sleep 60"
LIMIT=30
run env LIMIT=2 "$TREE/scripts/run-tests" b b -- unit
exits 1 "a test that hangs fails the run"
fresh
program test_good "$GOOD"
printf '#!/bin/bash\necho "skip x.sh: needs root"\necho "0 passed, 0 failed, 1 skipped"\n' >"$TREE/tests/system/x.sh"
chmod +x "$TREE/tests/system/x.sh"
run "$TREE/scripts/run-tests" b b -- unit system
exits 0 "a skipped test fails nothing"
is "$(last)" "2 passed, 0 failed, 1 skipped" "is counted"
matches "$OUT" 'needs root' "and says why"
printf '#!/bin/sh\necho "ok boots"\necho "FAIL sees all"\nexit 1\n' >"$TREE/scripts/kernel-test"
chmod +x "$TREE/scripts/kernel-test"
run "$TREE/scripts/run-tests" b b -- unit kernel
exits 1 "the other kernel, which runs beside the units, fails the run too"
is "$(last)" "3 passed, 1 failed, 0 skipped" "and is counted at its turn"
# Two that wait for each other, and one that must not see them.
rm "$TREE/tests/system/x.sh"
for pair in 'a b' 'b a'; do
	cat >"$TREE/tests/system/${pair% *}.sh" <<-EOF
		touch "$TREE/${pair% *}"
		for _ in {1..200}; do [ -e "$TREE/${pair#* }" ] && break; sleep 0.05; done
		[ -e "$TREE/${pair#* }" ] && echo "ok met"
	EOF
done
# What runs now has its file; an early end of the other shows in the count.
for name in c d; do
	cat >"$TREE/tests/system/$name.sh" <<-EOF
		# Alone: it wants the tree to itself.
		mkdir "$TREE/here" || exit 1
		sleep 0.2
		rmdir "$TREE/here"
		echo "ok alone"
	EOF
done
run "$TREE/scripts/run-tests" b b -- system
is "$(last)" "4 passed, 0 failed, 0 skipped" "system tests run two at a time, but for those that say they do not"
rm "$TREE"/tests/system/*
# shellcheck disable=SC2016  # for the other shell
printf '#!/bin/bash\nprintf "ok a\\nrow tls\\tOpenSSL\\tnginx\\tserver\\ttracepoint\\t97\\t96\\t5\\t4\\texact\\t-\\n"\n' >"$TREE/tests/system/x.sh"
run "$TREE/scripts/run-tests" b b -- unit system
matches "$OUT" '^OpenSSL  nginx    server  tracepoint        97     96      5         4  exact    -$' "a row of the TLS table stands in it"
matches "$OUT" '^LIBRARY  PROGRAM  SIDE    HOOKS       REQUESTS  FOUND' "under its heading"
is "$(grep -cE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$OUT")" 1 "there is one closing line"
