#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir policy explain: why a recorded violation breaks its rule, why others do not, to the word.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx

cat >"$WORK/rules.yaml" <<'END'
version: 1
lists:
  partners: {type: host, items: [api.partner.example, "*.partner.example"]}
  nobody: {type: host, items: []}
conditions:
  on_this_host: {peer.zone: [loopback, host]}
rules:
  - id: T-CARD
    title: card numbers stay
    forbid:
      all: [on_this_host]
      data: {class: pan, confidence: likely, location: [request-body, query]}
      via: {tls: present, method: POST}
      not: {to.host: [partners, nobody]}
    severity: high
  - id: T-PARTNER
    title: card numbers to a partner
    forbid:
      any:
        - {data.class: pan, to.host: {in: [partners]}}
        - {data.records: {min: 1000}}
    severity: low
  - id: T-WHERE
    title: whoever it is
    forbid: {data.class: pan, peer.ip: 10.0.0.0/8, from.unit: "pay*"}
    on_unknown: {peer.ip: violate, from.unit: ignore}
    severity: low
END
explain() { LIMIT=30 run "$WEIR" policy explain --policy "$WORK/rules.yaml" "$@"; }
same() { # FILE SENTENCE; the expected text on the standard input
	local diff
	if diff=$(diff -u - "$1"); then ok "$2"; else not_ok "$2:"; echo "$diff" | note; fi
}

# Facts by hand, in YAML and in JSON.
cat >"$WORK/facts.yaml" <<'END'
data: {class: pan, location: query}
to: {host: eu.partner.example, zone: loopback}
via: {tls: present, method: POST}
END
explain "$WORK/facts.yaml"
exits 0 "facts of a file are explained"
same "$OUT" "rule by rule, condition by condition" <<END
facts of $WORK/facts.yaml
  T-CARD is not broken: card numbers stay
    yes      all of the condition on_this_host:
      yes      peer.zone is loopback, in [loopback, host]
    yes      data.class is pan, in [pan]
    yes      data.confidence is certain, in [likely or more]
    yes      data.location is query, in [request-body, query]
    yes      via.tls is present, in [present]
    yes      via.method is POST, in [POST]
    no       not:
      yes      to.host is eu.partner.example, in [partners (2 items), nobody (0 items)]: *.partner.example of partners
  T-PARTNER is broken: card numbers to a partner
    yes      any:
      yes      all:
        yes      data.class is pan, in [pan]
        yes      to.host is eu.partner.example, in [partners (2 items)]: *.partner.example of partners
      no       data.records is 1, min [1000]
  T-WHERE is not broken: whoever it is
    yes      data.class is pan, in [pan]
    yes      peer.ip, in [10.0.0.0/8]: not observed; on_unknown: violate, so it speaks for the rule
    no       from.unit, in [pay*]: not observed; on_unknown: ignore, so it speaks against the rule
END
printf '{"data.class":"pan","peer.zone":"host","via.tls":"absent"}\n{"data.class":"email","peer.zone":"internet"}\n' >"$WORK/lines"
OUT=$WORK/out ERR=$WORK/err
"$WEIR" policy explain - --policy "$WORK/rules.yaml" --rule 'T-C*' -o json --exit-code <"$WORK/lines" >"$OUT" 2>"$ERR"
STATUS=$?
exits 0 "JSON lines of the standard input are explained, and none breaks a rule"
is "$("$PYTHON" -c 'import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    print(r["type"], r["rule"], r["verdict"], *(c["fact"] + "=" + c["result"] for c in r["conditions"] if c.get("fact")), sep=" ")' "$OUT")" \
	"explanation T-CARD quiet peer.zone=yes data.class=yes data.confidence=yes data.location=unknown via.tls=no via.method=unknown to.host=unknown
explanation T-CARD quiet peer.zone=no data.class=no data.confidence=yes data.location=unknown via.tls=unknown via.method=unknown to.host=unknown" \
	"one object a rule, with the result of each condition"
explain "$WORK/facts.yaml" --rule T-PARTNER --exit-code
exits 1 "--exit-code says that a rule is broken"

# What is wrong is told.
printf 'data.clas: pan\n' >"$WORK/wrong.yaml"
explain "$WORK/wrong.yaml"
exits 2 "an unknown fact is refused"
matches "$ERR" "wrong.yaml:1:1: error: unknown fact 'data.clas'; did you mean 'data.class'" "with its place and the right word"
explain
exits 2 "nothing to explain is a usage error"
explain "$WORK/none"
exits 2 "a file that is not there too"
matches "$ERR" "cannot read $WORK/none: No such file" "which is named"
explain "$WORK/facts.yaml" --rule NONE
exits 2 "a rule that there is not"
matches "$ERR" 'no rule of these policies matches: NONE' "is told"
run "$WEIR" policy check "$WORK/rules.yaml" --rule T-CARD
exits 2 "check takes no option of explain"

# What was recorded.
start_nginx
install -m 755 "$(command -v curl)" "$WORK/speaker"	# nobody else's: what is counted is all that there is
start_weir --policy "$WORK/rules.yaml" --exe "$WORK/speaker"
"$WORK/speaker" -sk -H 'Content-Type: application/json' -d '{"card":{"number":"4539980712453906"},"email":"ana@harborline.example"}' \
	-o "$WORK/answer" "https://localhost:$HTTPS_PORT/api/orders" || bail "curl: exit status $?"
settle
read_weir violations violations list --rule T-CARD
id=$("$PYTHON" -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["id"])' "$WORK/violations.json")
explain "${id:0:9}" --state "$STATE" --rule T-CARD
exits 0 "a violation is explained by its id"
sed -i -E 's/[0-9a-f]{16}, leaf [0-9]+ of [-0-9T:.]+Z/ID, leaf N of TIME/; s/mask [0-9*]+/mask MASK/; s/speaker -> [a-z.]+/CURL -> PEER/; s/(to.host is) .*, in/\1 PEER, in/
	s/(peer.zone is|PEER \() *[a-z]+/\1ZONE/' "$OUT"
same "$OUT" "with the evidence of its finding and each condition" <<'END'
violation ID, leaf N of TIME, 1 exchanges
  pan sent, certain, at $.card.number, mask MASK: CURL -> PEER (ZONE), http1 /api/orders
  because of value    the value passes the validator of its class, or has a form that nothing else has
  because of key      the name of its field, or the words before it, name the class
  because of object   it stands in an object, or under a name, of such a thing or person
  T-CARD is broken, as recorded: card numbers stay
    yes      all of the condition on_this_host:
      yes      peer.zone isZONE, in [loopback, host]
    yes      data.class is pan, in [pan]
    yes      data.confidence is certain, in [likely or more]
    yes      data.location is request-body, in [request-body, query]
    yes      via.tls is present, in [present]
    yes      via.method is POST, in [POST]
    yes      not:
      no       to.host is PEER, in [partners (2 items), nobody (0 items)]
END
read_weir flows flows --class pan
explain --leaf "$("$PYTHON" -c 'import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("SELECT max(leaf) FROM leaf WHERE type=? AND doc LIKE ?", ("flow", "%\"pan\"%")).fetchone())' \
	"$STATE/index.sqlite")" --state "$STATE" --rule T-CARD
exits 0 "a flow is explained by its leaf"
matches "$OUT" 'T-CARD cannot be judged: card numbers stay' "what a flow does not keep is not known"
matches "$OUT" 'unknown  data.location, in \[request-body, query\]: not kept by what tells of it' "and said to be that"
explain "$WORK/violations.json" --rule T-CARD -o json
exits 0 "what weir violations prints can be explained on another machine"
is "$(rows "$OUT" count verdict=violation recorded=true)" 1 "with the same verdict"

# The same policies over all that is recorded, and others that were not there then.
replay() { LIMIT=30 run "$WEIR" policy replay --policy "$WORK/rules.yaml" --state "$STATE" "$@"; }
cat >>"$WORK/rules.yaml" <<'END'
  - id: T-NEW
    title: addresses to clients
    forbid: {data.class: email, via.direction: received, via.role: client}
    severity: medium
END
replay
exits 0 "what is recorded is judged by other policies"
same "$OUT" "rule by rule, with what was recorded then" <<'END'
RULE       SEVERITY  BROKEN  NOT KNOWN  RECORDED  AGAIN  NOT AGAIN
T-CARD     high           0          1         1      1          0
T-PARTNER  low            0          3         0      0          0
T-WHERE    low            0          0         0      0          0
T-NEW      medium         1          0         0      0          0

3 findings of flows are judged; RECORDED are violations of then, of which AGAIN would be ones. A flow is a sum: NOT KNOWN wants
what it does not keep (-o json names each; weir policy explain --leaf N says why)
END
replay -o json --rule T-NEW --exit-code
exits 1 "--exit-code says that a rule is broken"
is "$(rows "$OUT" values intervals type=judgement verdict=violation rule=T-NEW class=email role=client) $(rows "$OUT" sum broken type=replayed)" "1 1" \
	"in JSON each flow is named"
replay --period 2001-01
is "$(sed -n 's/^T-NEW .* medium *//p; s/^T-NEW *medium *//p' "$OUT")" "0          0         0      0          0" "of another period there is nothing"
sed -i '/id: T-NEW/,$d' "$WORK/rules.yaml"
sed -i 's/location: \[request-body, query\]/location: query/' "$WORK/rules.yaml"
replay --rule T-CARD -o json
is "$(rows "$OUT" sum recorded,again,not_again type=replayed)" "1 0 1" "a violation that is none by the new policy is counted so"
explain "$id" --state "$STATE" --rule T-CARD
matches "$OUT" 'T-CARD is not broken, though it is recorded as broken: by what was the policy then' "another policy than that of the time says otherwise"
sed -i 's/T-CARD/T-OTHER/' "$WORK/rules.yaml"
explain "$id" --state "$STATE"
exits 0 "a policy without the recorded rule explains the others"
matches "$ERR" 'T-CARD, the rule that is recorded as broken, is in none of these policies' "and it is said"
explain ffffffff --state "$STATE"
exits 2 "an id that there is not"
matches "$ERR" 'no violation has an id that begins with ffffffff' "is told"
explain --leaf 0 --state "$STATE"
exits 2 "a leaf that is none of these"
explain "$id" --state "$WORK/nothing"
exits 2 "and a state folder that is not there"
