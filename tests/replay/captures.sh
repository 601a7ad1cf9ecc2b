#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Capture files that the test makes, packet by packet, through the whole pipeline: every link type,
# fragments, segments in any order, what is missing, what contradicts itself. Exact exchanges, the
# account of each direction to the byte. Argument: the program, here the sanitized one.
. "$(dirname "$0")/../lib/lib.sh"
WEIR=${1:-$ROOT/weir}
CAPTURE=$WORK/case.pcap
REQUEST=168 ANSWER=108	# bytes of pcap.py's messages

# CASE ARGUMENT... -- OPTION...: makes the case and replays it
replay() {
	local args=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do args+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	"$PYTHON" "$LIB/pcap.py" "${args[0]}" "$CAPTURE" "${args[@]:1}" || not_ok "pcap.py ${args[*]}"
	LIMIT=60 run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" -o json --messages "$@"
	grep '"type":"flow"' "$OUT" >"$WORK/flows.json"
	grep '"type":"message"' "$OUT" >"$WORK/messages.json"
	grep '"type":"capture"' "$OUT" >"$WORK/capture.json"
}
stat() { rows "$WORK/capture.json" sum "$1"; }
# EXCHANGES RECEIVED SENT NAME: so many, and so many bytes moved and accounted for
gives() {
	is "$(rows "$WORK/flows.json" sum exchanges)" "$1" "$4: exchanges"
	is "$(wc -l <"$WORK/messages.json")" "$1" "$4: messages"
	is "$(rows "$WORK/flows.json" sum received.moved)" "$2" "$4: bytes received"
	is "$(rows "$WORK/flows.json" sum sent.moved)" "$3" "$4: bytes sent"
	is "$(rows "$WORK/flows.json" unexplained)" 0 "$4: none unexplained"
}
whole() { # EXCHANGES NAME: these, and nothing lost, opaque or odd
	gives "$1" $(($1 * REQUEST)) $(($1 * ANSWER)) "$2"
	is "$(rows "$WORK/flows.json" sum bytes.examined)" $(($1 * (REQUEST + ANSWER))) "$2: all bytes examined"
	is "$(rows "$WORK/flows.json" findings email received) $(rows "$WORK/flows.json" findings pan received) $(rows "$WORK/flows.json" findings email sent)" \
		"$1 $1 $1" "$2: an address and a card in each request, an address in each answer"
	is "$(stat gaps) $(stat conflicts) $(stat stray_bytes) $(stat malformed)" "0 0 0 0" "$2: nothing odd"
}

# ---- links ----
for link in 1 0 101 108 113 276; do
	replay link_type $link
	exits 0 "link type $link is read"
	whole 5 "link type $link"
	is "$(stat packets) $(stat connections) $(stat late)" "34 2 0" "link type $link: packets and connections"
done
replay link_type 228
whole 3 "raw IPv4"
replay link_type 229
whole 2 "raw IPv6"
for form in pcapng big_endian big_endian_ng nanoseconds vlan vlan_cooked extensions; do
	replay $form
	whole 5 $form
done
is "$(rows "$WORK/flows.json" values workload | tr '\n' ' ')" "10.1.2.80:8080 [2001:db8:0:0:0:0:0:80]:8080 " "the workload is the server's address and port"
is "$(rows "$WORK/flows.json" values role)" server "told once, by the server's role"

# ---- sides ----
replay link_type 1 -- --side client
is "$(rows "$WORK/flows.json" sum exchanges role=client)" 5 "as the client: the same exchanges"
is "$(rows "$WORK/flows.json" sum sent.moved) $(rows "$WORK/flows.json" sum received.moved)" "$((5 * REQUEST)) $((5 * ANSWER))" "as the client: directions turned round"
is "$(rows "$WORK/flows.json" values workload | tr '\n' ' ')" "10.1.2.3 2001:db8:0:0:0:0:0:3 " "the workload is the client's address"
is "$(rows "$WORK/flows.json" findings pan sent)" 5 "as the client: it sent the cards"

# ---- fragments ----
for case in fragments fragments_reversed; do
	replay $case
	whole 6 $case
	is "$(stat fragments) $(stat fragments_lost)" "42 0" "$case: all of them put together"
done
replay fragments_missing
is "$(stat fragments_lost) $(stat gaps) $(stat gap_bytes)" "2 2 $((2 * REQUEST))" "a missing fragment is a datagram lost, and a gap of its length"
is "$(rows "$WORK/flows.json" sum received.lost) $(rows "$WORK/flows.json" unexplained)" "$((2 * REQUEST)) 0" "which is accounted for as lost"
replay fragments_conflict
is "$(stat conflicts) $(stat conflict_bytes)" "2 8" "a fragment that comes again and differs is counted"

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
at_least "$(stat repeated_bytes)" 500 "overlapping segments: repeated bytes are counted"
replay wrapped
whole 7 "sequence numbers that wrap"
replay reused
whole 5 "ports that are used again"
is "$(stat connections)" 2 "ports that are used again: two connections"
replay reset
whole 5 "a reset"
replay minutes
whole 33 "three minutes"
is "$(rows "$WORK/flows.json" count exchanges=11)" 3 "three minutes: an interval each"
is "$(rows "$WORK/flows.json" values start | tail -1)" "2023-11-14T22:16:00.000Z" "three minutes: aligned to UTC minutes"

# ---- contradictions ----
replay conflict
is "$(stat conflicts) $(stat conflict_bytes)" "1 8" "bytes that change when they are repeated are counted"
is "$(rows "$WORK/messages.json" values fields.0.mask)" "a***@f***.org" "the first bytes count"
replay conflict -- --overlap last
is "$(stat conflicts) $(stat conflict_bytes)" "1 8" "they are counted by the other policy too"
is "$(rows "$WORK/messages.json" values fields.0.mask)" "b***@s***.org" "the last bytes count, where asked for"
is "$(rows "$WORK/flows.json" unexplained)" 0 "nothing is unexplained for it"
run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" --overlap last
matches "$OUT" '^1 packets that repeat bytes and change them' "the summary says it to people"
matches "$OUT" 'the last were taken' "and which were taken"
for case in "segments 20 shuffled" overlapping wrapped link_type\ 1; do
	# shellcheck disable=SC2086  # words
	replay $case -- --overlap last
	is "$(rows "$WORK/flows.json" unexplained) $(rows "$WORK/flows.json" sum bytes.lost)" "0 0" "by the last policy nothing is lost: $case"
	is "$(rows "$WORK/flows.json" sum exchanges)" "$([ "$case" = wrapped ] && echo 7 || echo 5)" "by the last policy the exchanges are the same: $case"
done

# ---- what is missing ----
replay middle
whole 4 "a capture that begins in mid-stream"
is "$(stat late)" 1 "and says so"
replay middle_of_message
is "$(rows "$WORK/flows.json" unexplained)" 0 "a capture that begins in a message: none unexplained"
is "$(rows "$WORK/flows.json" sum received.moved)" $((3 * REQUEST + 20)) "a capture that begins in a message: bytes received"
at_least "$(rows "$WORK/flows.json" sum exchanges)" 3 "a capture that begins in a message: the whole exchanges"
replay missing request
is "$(stat gaps) $(stat gap_bytes)" "1 $REQUEST" "a request that was not captured is a gap"
is "$(rows "$WORK/flows.json" sum received.lost) $(rows "$WORK/flows.json" sum sent.lost)" "$REQUEST 0" "a request that was not captured: lost, in its direction"
is "$(rows "$WORK/flows.json" sum received.moved) $(rows "$WORK/flows.json" unexplained)" "$((5 * REQUEST)) 0" "a request that was not captured: all accounted for"
is "$(rows "$WORK/flows.json" findings pan received)" 4 "a request that was not captured: the other four are read"
replay missing answer
is "$(stat gaps) $(stat gap_bytes)" "1 $ANSWER" "an answer that was not captured is a gap"
is "$(rows "$WORK/flows.json" sum sent.lost) $(rows "$WORK/flows.json" unexplained)" "$ANSWER 0" "an answer that was not captured: lost, in its direction"
is "$(rows "$WORK/flows.json" findings pan received) $(rows "$WORK/flows.json" findings email sent)" "5 4" "an answer that was not captured: all else is read"
replay missing_end
is "$(stat gap_bytes) $(rows "$WORK/flows.json" sum sent.lost) $(rows "$WORK/flows.json" unexplained)" "$ANSWER $ANSWER 0" "what was acknowledged and not captured is lost"
replay snapped
is "$(rows "$WORK/flows.json" sum received.moved) $(rows "$WORK/flows.json" sum sent.moved)" "$((3 * REQUEST)) $((3 * ANSWER))" "packets that were cut: what moved is known"
is "$(rows "$WORK/flows.json" sum received.lost) $(rows "$WORK/flows.json" sum sent.lost)" "$((3 * (REQUEST - 66))) $((3 * (ANSWER - 66)))" "packets that were cut: what is missing is lost"
is "$(stat truncated) $(stat truncated_bytes) $(rows "$WORK/flows.json" unexplained)" "6 $((3 * (REQUEST + ANSWER - 132))) 0" "packets that were cut are counted"
replay datagrams
is "$(rows "$WORK/flows.json" sum received.moved) $(rows "$WORK/flows.json" sum sent.moved) $(rows "$WORK/flows.json" unexplained)" "700 300 0" "datagrams are accounted for"
replay other
is "$(stat not_ip) $(stat not_tcp_or_udp) $(stat malformed) $(rows "$WORK/flows.json" sum exchanges)" "1 1 1 2" "what is no TCP or UDP is counted"

# ---- errors ----
replay unknown_link
exits 2 "a link type that is not known is refused"
matches "$ERR" 'link type is 147.*capture on an Ethernet' "with what to do"
replay cut
exits 3 "a capture that ends early is degraded"
matches "$ERR" 'truncated dump file.*what came before it is shown' "and says so"
is "$(rows "$WORK/flows.json" sum exchanges)" 5 "what came before it is told"
printf '\324\303\262\241' >"$WORK/short.pcap"
run "$WEIR" replay "$WORK/short.pcap" --policy "$LIB/card.yaml"
exits 2 "a capture without a header is refused"
matches "$ERR" 'no capture that can be read' "and says so"
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
		LIMIT=30 run "$WEIR" replay "$damaged" --policy "$LIB/card.yaml" -o json --messages
		case $STATUS in 0 | 2 | 3) ;; *) bad=$((bad + 1)); head -5 "$ERR" | note ;; esac
		grep '"type":"flow"' "$OUT" >"$WORK/flows.json"
		[ "$(rows "$WORK/flows.json" unexplained)" = 0 ] || { bad=$((bad + 1)); echo "unexplained in $damaged" | note; }
	done
done
is "$bad" 0 "captures with bytes changed never end the program badly, and their accounts hold"
