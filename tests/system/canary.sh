#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No payload at rest, none leaves. Twelve values, each plain, URL-encoded, JSON-escaped, in
# base64 and in hex, are planted as values and as names (path segments, query names, JSON
# keys, header names, Host, part and file names). Afterwards none of them may be in any file
# that weir wrote, in anything that a command prints, or in what a crash leaves behind. Names
# that would harm a terminal, a spreadsheet or a browser come out inert.
. "$(dirname "$0")/../lib/lib.sh"
need_root
make_cert
canary() { "$PYTHON" "$LIB/canary.py" "$@"; }
port=$(free_port) tls_port=$(free_port)
start "$WORK/api.log" "$PYTHON" "$LIB/api_server.py" "$port"
start "$WORK/api-tls.log" "$PYTHON" "$LIB/api_server.py" "$tls_port" "$CERT" "$KEY"
wait_for 10 listens "$port" && wait_for 10 listens "$tls_port" || bail "the Python servers do not listen"

# Everything of weir goes into one folder; the test's own files stay outside it.
seen=$WORK/seen
mkdir -p "$seen" && STATE=$seen/state
start_weir --policy "$ROOT/policies" --policy "$LIB/card.yaml" --json "$seen/events.jsonl"
answered=$(canary send "$port" "$tls_port")
is "$answered" "72 of 72" "every planted request was answered"

# A live reader, and an analyst that dies with payload in its memory.
LIMIT=20 run "$WEIR" observe --state "$STATE" -o json
cp "$OUT" "$seen/observe.json"; cp "$ERR" "$seen/observe.err"
analyst=$(role_pid analyst)
canary send "$port" "$tls_port" 24 >"$WORK/sending" 2>&1 &
sender=$!
[ -n "$analyst" ] && kill -SEGV "$analyst" 2>/dev/null
wait "$sender"
settle
cp "$WORK/weir.out" "$WORK/weir.err" "$seen/"

# Every command that reads state, in every form.
read_all() {
	local name=$1
	shift
	LIMIT=60 run "$WEIR" "$@" --state "$STATE"
	cp "$OUT" "$seen/$name"; cp "$ERR" "$seen/$name.err"
}
for form in table json; do
	json=()
	[ $form = table ] || json=(-o json)
	read_all "flows.$form" flows "${json[@]}"
	read_all "sum.$form" flows --sum "${json[@]}"
	read_all "violations.$form" violations list "${json[@]}"
	read_all "coverage.$form" coverage "${json[@]}"
	read_all "observed.$form" observe "${json[@]}"
	read_all "verify.$form" ledger verify "${json[@]}"
done
for id in $(rows "$seen/violations.json" values id | head -20); do
	read_all "show-$id" violations show "$id"
done
read_all report.html report --format html
read_all report.json report --format json
at_least "$(rows "$seen/sum.json" sum exchanges port="$port" role=server)" 36 "the planted requests were seen at all"
at_least "$(rows "$seen/sum.json" findings pan received port="$port" role=server)" 10 "and what they carried was found"

# What a crash left: beside weir, and where the kernel would put it.
cores=$(find "$WORK" -maxdepth 1 \( -name 'core*' -o -name '*.core' \) -print)
pattern=$(cat /proc/sys/kernel/core_pattern)
case $pattern in
/*) cores="$cores $(find "$(dirname "$pattern")" -maxdepth 1 -newer "$CERT" -type f -print 2>/dev/null)" ;;
esac
is "$(echo $cores)" '' "an analyst that crashed left no core dump"

# shellcheck disable=SC2086
canary search "$seen" $cores >"$WORK/found"
is "$(wc -l <"$WORK/found")" 0 "no planted value in any file, output, log or core dump"
head -20 "$WORK/found" | note
# The search can find: the same values, where they do lie.
mkdir "$WORK/planted" && canary needles >"$WORK/planted/file"
canary search "$WORK/planted" >"$WORK/found"
at_least "$(wc -l <"$WORK/found")" 60 "the search finds every form where there is one"

no_bytes() { # REGEX SENTENCE: in nothing that was printed
	local hits
	hits=$(grep -rlaP --exclude-dir=state -- "$1" "$seen")
	is "$(echo $hits)" '' "$2"
}
no_bytes '\x1b|\x07|\xc2\x9b' "no escape sequence in anything that was printed"
no_bytes '\xe2\x80\xae' "no right-to-left override in anything that was printed"
no_bytes "=cmd|\+cmd|@SUM" "no formula for a spreadsheet"
no_bytes '<script>alert|onerror=alert|<img src=x' "no markup of a name in the report"
# As they were planted: two bytes alone are in a signature or a hash now and then.
is "$(grep -rlaP '\x1b\[\d+m|\x1b\]0;|<script>alert|=cmd\|' "$STATE" | wc -l)" 0 "nor in any file under the state folder"
if awk 'length > 20000' "$seen/violations.json" "$seen/sum.json" | grep -q .; then
	not_ok "a name of 5000 letters is cut"
else
	ok "a name of 5000 letters is cut"
fi
