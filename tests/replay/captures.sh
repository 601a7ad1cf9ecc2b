#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Capture files that the test makes, packet by packet, through the whole pipeline: every link type,
# fragments, segments in any order, what is missing, what contradicts itself. Exact exchanges, the
# account of each direction to the byte. Argument: the program, here the sanitized one.
. "$(dirname "$0")/../lib/lib.sh"
WEIR=${1:-$ROOT/weir}
CAPTURE=$WORK/case.pcap
REQUEST=168 ANSWER=108	# bytes of pcap.py's messages

# CASE ARGUMENT... -- OPTION...: makes the case and replays it; what came out is in ${got[...]}
declare -A got
replay() {
	local args=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do args+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	"$PYTHON" "$LIB/pcap.py" "${args[0]}" "$CAPTURE" "${args[@]:1}" || not_ok "pcap.py ${args[*]}"
	again "$@"
}
again() { # OPTION...
	LIMIT=60 run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" -o json --messages "$@"
	got=()
	while IFS='	' read -r key value; do got[$key]=$value; done < <("$PYTHON" -SI "$LIB/capture_sums.py" "$OUT")
}
# EXCHANGES RECEIVED SENT NAME: so many, and so many bytes moved and accounted for
gives() {
	is "${got[exchanges]} ${got[messages]}" "$1 $1" "$4: exchanges and messages"
	is "${got[received.moved]} ${got[sent.moved]} ${got[unexplained]}" "$2 $3 0" "$4: bytes received and sent, none unexplained"
}
whole() { # EXCHANGES NAME: these, and nothing lost, opaque or odd
	gives "$1" $(($1 * REQUEST)) $(($1 * ANSWER)) "$2"
	is "${got[received.examined]} ${got[sent.examined]}" "$(($1 * REQUEST)) $(($1 * ANSWER))" "$2: all bytes examined"
	is "${got[email.received]} ${got[pan.received]} ${got[email.sent]}" "$1 $1 $1" "$2: an address and a card in each request, an address in each answer"
	is "${got[gaps]} ${got[conflicts]} ${got[stray_bytes]} ${got[malformed]}" "0 0 0 0" "$2: nothing odd"
}

# ---- links ----
for link in 1 0 101 108 113 276; do
	replay link_type $link
	exits 0 "link type $link is read"
	whole 5 "link type $link"
	is "${got[packets]} ${got[connections]} ${got[late]}" "34 2 0" "link type $link: packets and connections"
done
replay link_type 228
whole 3 "raw IPv4"
replay link_type 229
whole 2 "raw IPv6"
for form in pcapng big_endian big_endian_ng nanoseconds vlan vlan_cooked extensions; do
	replay $form
	whole 5 $form
done
for second in 0 41 86399; do
	replay no_clock $second
	exits 0 "a clock that began with the capture, $second seconds ago"
	whole 5 "a clock that began with the capture, $second seconds ago"
	is "${got[last]%T*}" 1970-01-01 "told of that day, not of today"
done
is "${got[workloads]}" "10.1.2.80:8080 [2001:db8:0:0:0:0:0:80]:8080" "the workload is the server's address and port"
is "${got[roles]}" server "told once, by the server's role"

# ---- sides ----
replay link_type 1 -- --side client
is "${got[exchanges]}" 5 "as the client: the same exchanges"
is "${got[sent.moved]} ${got[received.moved]}" "$((5 * REQUEST)) $((5 * ANSWER))" "as the client: directions turned round"
is "${got[workloads]}" "10.1.2.3 2001:db8:0:0:0:0:0:3" "the workload is the client's address"
is "${got[pan.sent]}" 5 "as the client: it sent the cards"

# ---- fragments ----
for case in fragments fragments_reversed; do
	replay $case
	whole 6 $case
	is "${got[fragments]} ${got[fragments_lost]}" "42 0" "$case: all of them put together"
done
replay fragments_missing
is "${got[fragments_lost]} ${got[gaps]} ${got[gap_bytes]}" "2 2 $((2 * REQUEST))" "a missing fragment is a datagram lost, and a gap of its length"
is "${got[received.lost]} ${got[unexplained]}" "$((2 * REQUEST)) 0" "which is accounted for as lost"
replay fragments_conflict
is "${got[conflicts]} ${got[conflict_bytes]}" "2 8" "a fragment that comes again and differs is counted"

# ---- segments ----
for size in 1 2 3 7 20 50 167 168 169; do
	replay segments $size
	whole 5 "segments of $size"
done
for how in reversed twice shuffled; do
	for size in 5 33 100; do
		replay segments $size $how
		whole 5 "segments of $size, $how"
	done
done
replay overlapping
whole 5 "overlapping segments"
at_least "${got[repeated_bytes]}" 500 "overlapping segments: repeated bytes are counted"
replay recovery 5000
is "${got[exchanges]} ${got[gaps]} ${got[bytes.lost]} ${got[unexplained]}" "2 0 0 0" "a lost segment that is sent again behind 2.5 MB is no gap"
is "${got[email.sent]} ${got[pan.received]}" "1 1" "and the exchange behind it is read"
replay wrapped
whole 7 "sequence numbers that wrap"
replay reused
whole 5 "ports that are used again"
is "${got[connections]}" 2 "ports that are used again: two connections"
replay reset
whole 5 "a reset"
replay minutes
whole 33 "three minutes"
is "${got[rows]}" "11 11 11" "three minutes: an interval each"
is "${got[last]}" "2023-11-14T22:16:00.000Z" "three minutes: aligned to UTC minutes"
replay open_answer
is "${got[exchanges]} ${got[messages]}" "1 5" "an answer open for five minutes is one exchange, told in each of them"
is "${got[rows]} ${got[email.sent]} ${got[unexplained]}" "1 0 0 0 0 35 0" "what is found in it is told in its minute, once"

# ---- contradictions ----
replay conflict
is "${got[conflicts]} ${got[conflict_bytes]}" "1 8" "bytes that change when they are repeated are counted"
is "${got[mask]}" "a***@f***.org" "the first bytes count"
replay conflict -- --overlap last
is "${got[conflicts]} ${got[conflict_bytes]}" "1 8" "they are counted by the other policy too"
is "${got[mask]}" "b***@s***.org" "the last bytes count, where asked for"
is "${got[unexplained]}" 0 "nothing is unexplained for it"
run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" --overlap last
matches "$OUT" '^1 packets that repeat bytes and change them' "the summary says it to people"
matches "$OUT" 'the last were taken' "and which were taken"
for case in "segments 20 shuffled" overlapping wrapped link_type\ 1; do
	# shellcheck disable=SC2086  # words
	replay $case -- --overlap last
	is "${got[unexplained]} ${got[bytes.lost]}" "0 0" "by the last policy nothing is lost: $case"
	is "${got[exchanges]}" "$([ "$case" = wrapped ] && echo 7 || echo 5)" "by the last policy the exchanges are the same: $case"
done

# ---- what is missing ----
replay middle
whole 4 "a capture that begins in mid-stream"
is "${got[late]}" 1 "and says so"
replay middle_of_message
is "${got[unexplained]}" 0 "a capture that begins in a message: none unexplained"
is "${got[received.moved]}" $((3 * REQUEST + 20)) "a capture that begins in a message: bytes received"
at_least "${got[exchanges]}" 3 "a capture that begins in a message: the whole exchanges"
replay tls_middle
is "${got[causes]} ${got[unexplained]}" "late_attach 300 unprobed_tls 475 0" "TLS from the middle of a record on: what was there of it is not called missing"
replay missing request
is "${got[gaps]} ${got[gap_bytes]}" "1 $REQUEST" "a request that was not captured is a gap"
is "${got[received.lost]} ${got[sent.lost]}" "$REQUEST 0" "a request that was not captured: lost, in its direction"
is "${got[received.moved]} ${got[unexplained]}" "$((5 * REQUEST)) 0" "a request that was not captured: all accounted for"
is "${got[pan.received]}" 4 "a request that was not captured: the other four are read"
replay missing answer
is "${got[gaps]} ${got[gap_bytes]}" "1 $ANSWER" "an answer that was not captured is a gap"
is "${got[sent.lost]} ${got[unexplained]}" "$ANSWER 0" "an answer that was not captured: lost, in its direction"
is "${got[pan.received]} ${got[email.sent]}" "5 4" "an answer that was not captured: all else is read"
replay missing_end
is "${got[gap_bytes]} ${got[sent.lost]} ${got[unexplained]}" "$ANSWER $ANSWER 0" "what was acknowledged and not captured is lost"
replay snapped
is "${got[received.moved]} ${got[sent.moved]}" "$((3 * REQUEST)) $((3 * ANSWER))" "packets that were cut: what moved is known"
is "${got[received.lost]} ${got[sent.lost]}" "$((3 * (REQUEST - 66))) $((3 * (ANSWER - 66)))" "packets that were cut: what is missing is lost"
is "${got[truncated]} ${got[truncated_bytes]} ${got[unexplained]}" "6 $((3 * (REQUEST + ANSWER - 132))) 0" "packets that were cut are counted"
replay datagrams
is "${got[received.moved]} ${got[sent.moved]} ${got[unexplained]}" "700 300 0" "datagrams are accounted for"
replay other
is "${got[not_ip]} ${got[not_tcp_or_udp]} ${got[malformed]} ${got[exchanges]}" "1 1 1 2" "what is no TCP or UDP is counted"

# ---- TLS, by a key log ----
make_cert
inside() { # SENTENCE EXCHANGES CARDS CASE-ARGUMENT...
	local text=$1 nr=$2 cards=$3
	shift 3
	rm -f "$WORK/keys"
	replay tls "$CERT" "$KEY" "$WORK/keys" "$@" -- --keylog "$WORK/keys"
	is "${got[exact]}" "$nr" "$text: exchanges"
	is "${got[pan.received]}" "$cards" "$text: cards"
	is "${got[unexplained]}" 0 "$text: no byte unexplained"
}
for suite in "TLSv1_3" "TLSv1_2 ECDHE-ECDSA-AES128-GCM-SHA256" "TLSv1_2 ECDHE-ECDSA-CHACHA20-POLY1305" "TLSv1_2 ECDHE-ECDSA-AES128-SHA256"; do
	# shellcheck disable=SC2086  # words
	inside "$suite" 6 6 $suite
	is "${got[received.examined]} ${got[sent.examined]}" "$((6 * REQUEST)) $((6 * ANSWER))" "$suite: the plaintext is examined, to the byte"
	is "${got[bytes.opaque]} ${got[bytes.lost]}" "0 0" "$suite: nothing opaque or lost"
	is "${got[tls]} ${got[tls_decrypted]} ${got[tls_failed_records]}" "1 1 0" "$suite: each record opened"
	again
	is "${got[messages]} ${got[unexplained]} ${got[bytes.examined]}" "0 0 0" "$suite, without keys: opaque"
	for drop in 0 2 5; do
		# shellcheck disable=SC2086
		inside "$suite, request $drop not captured (its answer was)" 6 5 ${suite% *} "$([ "$suite" = "${suite#* }" ] || echo "${suite#* }")" $drop
		is "${got[email.sent]}" 6 "$suite, request $drop not captured: all answers"
		is "${got[received.lost]}" "${got[gap_bytes]}" "$suite, request $drop not captured: its bytes are lost"
	done
	# shellcheck disable=SC2086
	inside "$suite, packets cut" 0 0 ${suite% *} "$([ "$suite" = "${suite#* }" ] || echo "${suite#* }")" "" "" 150
done
if command -v openssl >/dev/null; then
	rm -f "$WORK/keys"
	"$PYTHON" "$LIB/early_pcap.py" "$CAPTURE" "$CERT" "$KEY" "$WORK/keys" || not_ok "early_pcap.py"
	again --keylog "$WORK/keys"
	is "${got[exact]} ${got[pan.received]} ${got[email.sent]}" "1 1 1" "early data: the request that went with the hello, and its answer"
	is "${got[received.examined]} ${got[bytes.opaque]} ${got[bytes.lost]} ${got[unexplained]}" "$REQUEST 0 0 0" "early data: nothing opaque, lost or unexplained"
	grep -v EARLY "$WORK/keys" >"$WORK/late_keys"
	again --keylog "$WORK/late_keys"
	is "${got[pan.received]} ${got[email.sent]} ${got[unexplained]}" "0 1 0" "early data without its key: the answer"
else
	skip "openssl is not installed: scripts/bootstrap test"
fi
if command -v editcap >/dev/null; then
	for suite in "TLSv1_3" "TLSv1_2 ECDHE-ECDSA-AES128-GCM-SHA256"; do
		# shellcheck disable=SC2086  # words
		inside "$suite" 6 6 $suite
		editcap --inject-secrets "tls,$WORK/keys" "$CAPTURE" "$WORK/own.pcapng" || not_ok "editcap --inject-secrets"
		CAPTURE=$WORK/own.pcapng again
		is "${got[exact]} ${got[pan.received]} ${got[received.examined]} ${got[bytes.opaque]} ${got[unexplained]}" "6 6 $((6 * REQUEST)) 0 0" \
			"$suite: the keys in the capture itself open it"
		is "${got[secrets]} ${got[tls_decrypted]} ${got[tls_failed_records]}" "1 1 0" "$suite: and are counted"
		sed 's/[0-9a-f]\{8\}$/00000000/' "$WORK/keys" >"$WORK/wrong"
		CAPTURE=$WORK/own.pcapng again --keylog "$WORK/wrong"
		is "${got[exact]} ${got[unexplained]}" "0 0" "$suite: what --keylog says of a session goes before them"
	done
else
	skip "editcap of tshark is not installed: scripts/bootstrap test"
fi
inside "TLS behind a question of SMTP" 6 6 TLSv1_3 "" "" "220 mail.example|EHLO me|250 STARTTLS|STARTTLS|220 go"
is "${got[bytes.lost]}" 0 "TLS behind a question of SMTP: nothing lost"

# ---- errors ----
replay unknown_link
exits 2 "a link type that is not known is refused"
matches "$ERR" 'link type is 147.*capture on an Ethernet' "with what to do"
replay cut
exits 3 "a capture that ends early is degraded"
matches "$ERR" 'truncated dump file.*what came before it is shown' "and says so"
is "${got[exchanges]}" 5 "what came before it is told"
printf '\324\303\262\241' >"$WORK/short.pcap"
run "$WEIR" replay "$WORK/short.pcap" --policy "$LIB/card.yaml"
exits 2 "a capture without a header is refused"
matches "$ERR" 'no capture that can be read' "and says so"
gzip -c "$CAPTURE" >"$WORK/case.pcap.gz"
run "$WEIR" replay "$WORK/case.pcap.gz" --policy "$LIB/card.yaml"
exits 2 "a compressed capture is refused"
matches "$ERR" 'is compressed: unpack it first \(gunzip -k .*case.pcap.gz\)' "with how to unpack it"
replay two_links
exits 2 "a capture of interfaces of two kinds is refused"
matches "$ERR" 'after 0 packets: an interface has a type .*capture the others to files of their own' "with what to do"
echo "hello, this is text" >"$WORK/text"
run "$WEIR" replay "$WORK/text" --policy "$LIB/card.yaml"
exits 2 "a text is refused"
matches "$ERR" 'give a recording of `weir record`, or a capture in .pcap or .pcapng format' "with what to give"
run "$WEIR" replay "$ROOT/tests/replay/https_curl_nginx.weir" --policy "$LIB/card.yaml" --side client
exits 2 "options of captures are refused for a recording"
run "$WEIR" replay "$CAPTURE" --overlap middle
exits 2 "a policy that is none is refused"
run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" --keylog "$WORK/nowhere"
exits 2 "a key log that is not there is refused"
matches "$ERR" "cannot open the key log .*/nowhere: No such file" "by its name"
run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" --keylog "$WORK/text"
exits 2 "a key log that is none is refused"
matches "$ERR" 'none of its lines is of a key log' "and says why"

# ---- what others say of it ----
if command -v tshark >/dev/null; then
	replay many
	is "${got[exchanges]} ${got[unexplained]}" "400 0" "400 exchanges in segments of all sizes"
	tshark -r "$CAPTURE" -d tcp.port==8080,http -Y http -T json -e http.request.method -e http.response.code -e tcp.stream \
		>"$WORK/tshark.json" 2>"$WORK/tshark.err" || not_ok "tshark: $(tail -1 "$WORK/tshark.err")"
	is "$("$PYTHON" - "$WORK/tshark.json" "$OUT" <<'END'
import collections, json, sys
theirs = collections.Counter()
waiting = collections.defaultdict(list)
for packet in json.load(open(sys.argv[1])):
    layers = packet["_source"]["layers"]
    stream = layers["tcp.stream"][0]
    waiting[stream] += layers.get("http.request.method", [])
    for code in layers.get("http.response.code", []):
        theirs[waiting[stream].pop(0), int(code)] += 1
ours = collections.Counter((m["method"], m["status"]) for m in map(json.loads, open(sys.argv[2])) if m["type"] == "message")
print("same" if ours == theirs else f"ours {ours}, tshark's {theirs}", len(theirs) > 15)
END
)" "same True" "tshark pairs the same methods with the same answers"
else
	skip "tshark is not installed: scripts/bootstrap test"
fi

# ---- damage ----
bad=0
for case in "segments 7 shuffled" fragments vlan pcapng "link_type 276"; do
	# shellcheck disable=SC2086  # words
	"$PYTHON" "$LIB/pcap.py" ${case%% *} "$CAPTURE" $([ "$case" = "${case#* }" ] || echo "${case#* }")
	"$PYTHON" - "$CAPTURE" "$WORK" <<'END'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(len(data))
for n in range(12):
    copy = bytearray(data)
    for _ in range(random.choice((3, 20, 200))):
        copy[random.randrange(24, len(copy))] = random.randrange(256)
    open(f"{sys.argv[2]}/damaged{n}.pcap", "wb").write(copy)
END
	for damaged in "$WORK"/damaged*.pcap; do
		CAPTURE=$damaged again
		case $STATUS in 0 | 2 | 3) ;; *) bad=$((bad + 1)); head -5 "$ERR" | note ;; esac
		[ "${got[unexplained]}" = 0 ] || { bad=$((bad + 1)); echo "unexplained in $damaged" | note; }
	done
done
is "$bad" 0 "captures with bytes changed never end the program badly, and their accounts hold"
