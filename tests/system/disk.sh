#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The disk below the state folder: full, out of quota, made read-only, all while weir runs;
# then as it was. Evidence up to then stays; weir ends in order and says so; the next start
# writes the gap.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
sent=0
post() {
	sent=$((sent + 1))
	curl -s -o "$WORK/answer" -d '{"card":"4111111111111111"}' "http://localhost:$HTTP_PORT/api/$(tr 0-9 a-j <<<$sent)"
}
over() { post; gone "$WEIR_PID"; }
last_leaf() { grep -aoE '\{"type":"[a-z]*"' "$STATE/ledger/leaves" | tail -n 1 | cut -d'"' -f4; }
pin() { sed -n 's/^checkpoint size=\([0-9]*\) root=\([^ ]*\) .*/\1:\2/p' "$WORK/weir.out" | tail -n 1; }
ended() { # WHAT PATTERN; weir ended by itself
	wait_for 30 over || not_ok "weir ends when its disk is $1"
	stop_weir
	is "$WEIR_STATUS" 3 "when its disk is $1, weir ends with exit status 3"
	matches "$WORK/weir.err" "cannot keep evidence in $STATE and weir stops: cannot .*ledger/.*: $2" "and says what failed, on what, and what to do"
	lacks "$WORK/weir.err" 'a role died' "in order"
	kept=$(pin)
	run "$WEIR" ledger verify --state "$STATE" ${kept:+--at-least "$kept"}
	exits 0 "its ledger verifies"
}
goes_on() { # PATTERN of the gap
	start_weir --policy "$LIB/card.yaml" --exe nginx
	settle
	grep -aoE '\{"type":"gap"[^}]*\}' "$STATE/ledger/leaves" | tail -n 1 >"$WORK/gap.txt"
	matches "$WORK/gap.txt" "$1" "the next start writes the gap"
	run "$WEIR" ledger verify --state "$STATE" ${kept:+--at-least "$kept"}
	exits 0 "and goes on with the same log"
	is "$(sqlite3 "$STATE/index.sqlite" 'SELECT count(*)=max(leaf)+1 FROM leaf')" 1 "and its index is whole"
}
fill() { dd if=/dev/zero of="$1" bs=4k >/dev/null 2>&1; }	# fails when there is no room: that is the point

# Full. What was set aside takes the last interval, the books and the stop.
DISK=$WORK/disk STATE=$WORK/disk/state
mount_tmpfs "$DISK" 6m || skip_all "mounting a tmpfs is not allowed here"
start_weir --policy "$LIB/card.yaml" --exe nginx
post
is "$(stat -c %s "$STATE/ledger/reserve")" 1048576 "room is set aside for the end"
fill "$DISK/filler"
ended full 'No space left on device; .*make room'
is "$(last_leaf)" stop "the log ends with a stop all the same"
grep -aoE '\{"type":"(stop|heartbeat)".*' "$STATE/ledger/leaves" | tail -n 2 >"$WORK/end.txt"
matches "$WORK/end.txt" '"type":"stop".*failure: cannot write ledger/: No space left' "which says why"
matches "$WORK/end.txt" '"type":"heartbeat".*"balanced":true' "after the books of the last interval, which balance"
grep -aoE '\{"type":"flow"' "$STATE/ledger/leaves" >"$WORK/flows.txt"
at_least "$(wc -l <"$WORK/flows.txt")" 1 "and its flows"
is "$(ls "$STATE/ledger/reserve" 2>/dev/null)" '' "the room set aside is used"
LIMIT=30 run "$WEIR" run --state "$STATE" --policy "$LIB/card.yaml" --duration 20s
exits 3 "as long as the disk is full, weir does not start"
matches "$ERR" 'No space left on device; make room' "and says so"
rm "$DISK/filler"
goes_on 'weir was not running'
is "$(stat -c %s "$STATE/ledger/reserve")" 1048576 "room is set aside again"

# Full before the room that was set aside can be had: nothing more is written.
start_weir --policy "$LIB/card.yaml" --exe nginx
rm "$STATE/ledger/reserve"
fill "$DISK/filler"
ended 'full and nothing set aside' 'No space left on device; make room'
rm "$DISK/filler"
goes_on 'weir ended without a stop.*what it held of the open interval is lost'

# Out of quota: the same, under another name.
mkdir "$WORK/quota"
if mount -t tmpfs -o size=32m,mode=0700,usrquota,usrquota_block_hardlimit=3m weir-test "$WORK/quota" 2>/dev/null; then
	mounted+=("$WORK/quota")
	STATE=$WORK/quota/state
	start_weir --policy "$LIB/card.yaml" --exe nginx
	post
	owner=$(stat -c %u "$STATE/ledger")
	setpriv --reuid "$owner" --clear-groups dd if=/dev/zero bs=4k 2>/dev/null >>"$STATE/filler"	# as the keeper
	chown "$owner" "$STATE/filler"
	fill "$STATE/filler"
	ended 'out of quota' 'Disk quota exceeded; .*quota'
	is "$(last_leaf)" stop "the log ends with a stop all the same"
	rm "$STATE/filler"
	goes_on 'weir was not running'
else
	skip "quota: this kernel's tmpfs has none"
fi

# Read-only in the middle: what ext4 does by itself after an error of the disk.
if truncate -s 32m "$WORK/image" && mkfs.ext4 -q "$WORK/image" 2>/dev/null && mkdir "$WORK/ext4" &&
	mount -o loop,errors=remount-ro "$WORK/image" "$WORK/ext4" 2>/dev/null; then
	mounted+=("$WORK/ext4")
	STATE=$WORK/ext4/state
	start_weir --policy "$LIB/card.yaml" --exe nginx
	post
	mount -o remount,abort "$WORK/ext4" 2>/dev/null
	ended read-only '(Read-only file system; mount|Input/output error; look for)'
	LIMIT=30 run "$WEIR" run --state "$STATE" --policy "$LIB/card.yaml" --duration 20s
	exits 3 "as long as it is read-only, weir does not start"
	matches "$ERR" 'Read-only file system|Input/output error' "and says so"
	# As after a reboot: the journal is replayed.
	if umount "$WORK/ext4" && mount -o loop "$WORK/image" "$WORK/ext4"; then
		goes_on 'weir ended without a stop'
	else
		not_ok "the disk can be mounted again"
	fi
else
	skip "read-only disk: mounting an image is not allowed here"
fi
