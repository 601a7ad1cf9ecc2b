#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What people get wrong and what hosts lack: each ends with a clear message and its exit
# code, and what was on the disk before is there afterwards, byte for byte.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
rule=$LIB/card.yaml

# Fingerprint of everything below a folder: names, owners, modes, contents.
print_of() {
	(cd "$1" && find . -printf '%p %u %m %s\n' | sort && find . -type f -print0 | sort -z | xargs -0r sha256sum) | sha256sum
}
unchanged() { # SENTENCE
	is "$(print_of "$STATE")" "$before" "$1"
}
# A short life of weir, which leaves a ledger.
live() {
	start_weir --policy "$rule" "$@"
	settle
}
live
before=$(print_of "$STATE")

# Words that are no option, command or value.
run "$WEIR" run --polcy x --state "$STATE"
exits 2 "an unknown option is refused"
matches "$ERR" 'unknown option --polcy.*did you mean --policy' "and the right one is named"
run "$WEIR" rum
exits 2 "an unknown command is refused"
matches "$ERR" 'did you mean run' "and the right one is named"
run "$WEIR" run --state "$STATE" --duration soon
exits 2 "a duration that is none is refused"
run "$WEIR" run --state "$STATE" --policy "$WORK/nowhere.yaml"
exits 2 "a policy file that is not there is refused"
matches "$ERR" 'nowhere.yaml.*No such file' "and named"
for words in "classify" "classify --hashes" "replay"; do
	# shellcheck disable=SC2086  # words
	run "$WEIR" $words "$WORK"
	exits 2 "weir $words refuses a folder"
	matches "$ERR" "$WORK.*(Is a directory|is a folder)" "and says that it is one"
done

# A broken policy.
cat >"$WORK/broken.yaml" <<'END'
version: 1
rules:
  - id: BROKEN-001
    title: a rule with a wrong key
    forbidden:
      data.class: pan
    severity: low
END
run "$WEIR" policy check "$WORK/broken.yaml"
exits 2 "weir policy check refuses a broken policy"
matches "$ERR" 'broken.yaml:5:5: error: ' "with file, line and column"
matches "$ERR" '^ *\^' "and a caret"
run "$WEIR" run --state "$STATE" --policy "$WORK/broken.yaml"
exits 2 "weir run refuses a broken policy"
matches "$ERR" 'broken.yaml:5:5: error: ' "with file, line and column"
cat >"$WORK/class.yaml" <<'END'
version: 1
rules:
  - id: BROKEN-002
    title: a class that does not exist
    forbid:
      data.class: pann
    severity: low
END
run "$WEIR" run --state "$STATE" --policy "$WORK/class.yaml"
exits 2 "an unknown class is refused"
matches "$ERR" 'class.yaml:6:[0-9]+: error: .*pan' "and the place is named"
head -c 4096 /dev/urandom >"$WORK/noise.yaml"
run "$WEIR" run --state "$STATE" --policy "$WORK/noise.yaml"
exits 2 "a policy of random bytes is refused"
unchanged "a refused policy leaves the state as it was"

# Not root. The program itself must be reachable for everybody.
mkdir -m 755 "$WORK/bin"
install -m 755 "$WEIR" "$WORK/bin/weir"
install -m 644 "$rule" "$WORK/bin/card.yaml"
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
run $nobody "$WORK/bin/weir" run --state "$WORK/other" --policy "$WORK/bin/card.yaml"
exits 2 "without root, weir run is refused"
matches "$ERR" 'root' "and says that it takes root"
is "$(ls -d "$WORK/other" 2>/dev/null)" '' "and makes no state folder"
run $nobody "$WORK/bin/weir" flows --state "$STATE"
differs "$STATUS" 0 "without root, another's state cannot be read"
unchanged "a user without rights leaves the state as it was"

# A folder that others may write is not trusted.
mkdir -m 777 "$WORK/open"
run "$WEIR" run --state "$WORK/open" --policy "$rule"
exits 2 "a state folder that everybody may write is refused"
matches "$ERR" 'written by others' "and says why"
: >"$WORK/file"
run "$WEIR" run --state "$WORK/file" --policy "$rule"
differs "$STATUS" 0 "a state folder that is a file is refused"

# A second instance.
start_weir --policy "$rule"
run "$WEIR" run --state "$STATE" --policy "$rule"
exits 2 "a second instance on the same state folder is refused"
matches "$ERR" 'another weir is running' "and says so"
kill -0 "$WEIR_PID" 2>/dev/null && ok "the first instance goes on" || not_ok "the first instance goes on"
settle
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and its ledger verifies"

# Another log's key over this log.
STATE=$WORK/foreign
live
cp -a "$WORK/state" "$WORK/mixed"
cp -a "$STATE/ledger/key" "$WORK/mixed/ledger/key"
STATE=$WORK/mixed
before=$(print_of "$STATE")
run "$WEIR" run --state "$STATE" --policy "$rule"
exits 4 "a foreign ledger key is refused"
matches "$ERR" 'key' "and says that it is the key"
unchanged "nothing is written, and no new key is made"
rm "$STATE/ledger/key"
before=$(print_of "$STATE")
run "$WEIR" run --state "$STATE" --policy "$rule"
exits 4 "a missing ledger key is refused"
unchanged "no new key is made over an old log"
cp -a "$WORK/foreign/ledger/key" "$WORK/foreign/ledger/key.pub" "$STATE/ledger/"
run "$WEIR" run --state "$STATE" --policy "$rule"
exits 4 "a foreign key pair is refused"

# A full disk.
if mount_tmpfs "$WORK/full" 4m; then
	STATE=$WORK/full/state
	live
	# Fails when the disk is full; that is the point.
	dd if=/dev/zero of="$WORK/full/filler" bs=4k >/dev/null 2>&1
	LIMIT=60 run "$WEIR" run --state "$STATE" --policy "$rule" --duration 20s
	exits 3 "on a full disk weir does not run"
	matches "$ERR" 'No space left on device' "and says that the disk is full"
	rm "$WORK/full/filler"
	run "$WEIR" ledger verify --state "$STATE"
	exits 0 "what was recorded before still verifies"
	live
	run "$WEIR" ledger verify --state "$STATE"
	exits 0 "with room again, weir goes on where it was"
else
	skip "full disk: mounting a tmpfs is not allowed here"
fi

# A kernel without BTF: its folder hidden from this one process.
STATE=$WORK/state
before=$(print_of "$STATE")
mkdir "$WORK/empty"
if [ -d /sys/kernel/btf ] && unshare -m mount --bind "$WORK/empty" /sys/kernel/btf 2>/dev/null; then
	# shellcheck disable=SC2016
	run unshare -m sh -c 'mount --bind "$1" /sys/kernel/btf && shift && exec "$@"' - "$WORK/empty" \
		"$WEIR" run --state "$WORK/nobtf" --policy "$rule" --duration 5s
	exits 3 "without BTF weir does not run"
	matches "$ERR" 'BTF' "and says that the kernel has none"
else
	skip "no BTF: hiding /sys/kernel/btf is not allowed here"
fi

# Hostile state, read only.
run "$WEIR" flows --state "$WORK/empty" -o json
differs "$STATUS" 139 "an empty folder is no reason to crash"
run "$WEIR" coverage --state "$WORK/empty"
exits 4 "coverage without any recorded start cannot be told"
run "$WEIR" ledger verify --state "$WORK/empty"
exits 4 "an empty folder does not verify"
unchanged "none of this touched the ledger of the first run"
