#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Classes of a user's own, live: 53 requests over one old connection, of which 31 come before the classes
# are changed and reloaded; each violation counts what it must, to the exchange, and nothing is missed between.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx

# What an organisation has: a badge by regex and key, code names, customers as hashes, a label, a name beside it.
cat >"$WORK/customers" <<'END'
Kestrel-Logistics 77-1904
Umber & Sons 20-5512
END
run "$WEIR" classify --hashes "$WORK/customers"
exits 0 "weir classify --hashes makes a list"
lacks "$OUT" '(kestrel|Kestrel|umber|Umber|1904|5512)' "the list holds no value"
cp "$OUT" "$WORK/list"
mkdir -p "$WORK/rules/classes"
cp "$LIB/card.yaml" "$WORK/rules/card.yaml"
cat >"$WORK/rules/classes/own.yaml" <<END
version: 1
classes:
  badge_number:
    group: pii
    summary: number on a badge
    keys: [badge, badge number]
    regexes: ['B[0-9]{4}-[A-Z]{2}']
    cases: {found: [{badge: B1234-QX}], nothing: [{badge: B123-QX}]}
  code_name:
    group: confidential
    summary: names of projects
    words: [Tamarack, Night Heron]
    cases: {found: [about tamarack today], nothing: [tamaracks]}
  key_customer:
    group: confidential
    summary: customers of a list that names none
$(cat "$WORK/list")
    cases: {found: [{customer: "umber & sons 20-5512"}], nothing: [{customer: Umber and Sons}]}
  surname:
    group: pii
    summary: a surname beside an address
    words: [Okonkwo]
    with: {classes: [email], within: 3}
    cases: {found: [{n: Okonkwo, e: a.b@corp.org}], nothing: [{n: Okonkwo, e: none}]}
END
cat >"$WORK/rules/own.yaml" <<'END'
version: 1
rules:
  - id: OWN-001
    title: code names do not leave a program
    forbid: {data.class: [code_name, key_customer], peer.zone: [loopback, host]}
    severity: high
  - id: OWN-002
    title: badges are personal
    forbid: {data.class: badge_number, peer.zone: [loopback, host]}
    severity: low
END
run "$WEIR" policy test "$WORK/rules"
exits 0 "each class does what its cases say"
matches "$OUT" '^10 tests, 0 failed' "all ten of them"

# Without the library of regexes, words still work, and a regex is refused with what to do.
sed '/^  badge_number:/,/^  code_name:/{/^  code_name:/!d}' "$WORK/rules/classes/own.yaml" >"$WORK/words.yaml"
unshare -m sh -c 'for l in $(ldconfig -p | sed -n "s|.*libpcre2-8.so.0 .*=> ||p"); do mount --bind /dev/null "$(readlink -f "$l")"; done
	"$1" policy test "$2" >"$4.words" 2>&1; echo $? >>"$4.words"; "$1" policy test "$3" >"$4.regex" 2>&1; echo $? >>"$4.regex"' \
	- "$WEIR" "$WORK/words.yaml" "$WORK/rules/classes/own.yaml" "$WORK/without"
is "$(tail -n 2 "$WORK/without.words" | xargs)" "6 tests, 0 failed 0" "without PCRE2 words, hashes and conditions do what their cases say"
matches "$WORK/without.regex" 'regexes want libpcre2-8.so.0.*install libpcre2-8-0' "and a regex is refused, with what to install"
is "$(tail -n 1 "$WORK/without.regex")" 2 "with exit status 2"

# What compiles a regex of a file is a large library: it does so where it may do nothing else, and not with the monitor's rights.
if command -v cc >/dev/null; then
	mkdir "$WORK/library"
	cat >"$WORK/library/taken.c" <<'END'
/* libpcre2-8 as if a regex had taken it over: what it does is to open a file. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
void *pcre2_compile_8(const char *p, size_t n, uint32_t o, int *e, size_t *at, void *c) { return open("/etc/shadow", O_RDONLY) < 0 ? NULL : (void *)p; }
void pcre2_code_free_8(void *code) { }
void *pcre2_match_data_create_8(uint32_t n, void *c) { return pcre2_code_free_8; }
void pcre2_match_data_free_8(void *data) { }
size_t *pcre2_get_ovector_pointer_8(void *data) { return NULL; }
int pcre2_dfa_match_8(const void *c, const uint8_t *s, size_t n, size_t at, uint32_t o, void *d, void *m, int *w, size_t nw) { return -1; }
END
	cc -shared -fPIC -w -o "$WORK/library/libpcre2-8.so.0" "$WORK/library/taken.c" || bail "cc: exit status $?"
	LIMIT=30 run env LD_LIBRARY_PATH="$WORK/library" "$WEIR" run --state "$WORK/taken" --policy "$WORK/rules" --duration 1
	exits 2 "a library that a regex has taken over does not get past the process that judges the files"
	matches "$ERR" 'policies are refused: the process that judges them ended with status 0x1f ' "which the first system call ends (SIGSYS), and that is said"
else
	skip "a library that a regex has taken over: no C compiler here"
fi

start_nginx
start_weir --policy "$WORK/rules"
cat >"$WORK/send.py" <<'END'
# One connection: what is to be sent comes by lines of the standard input, "KIND FROM TO".
import http.client, json, sys
conn = http.client.HTTPConnection("localhost", int(sys.argv[1]), timeout=60)
for line in sys.stdin:
    kind, first, last = line.split()
    for i in range(int(first), int(last)):
        body = {"badge": {"badge": "B%04d-QX" % i}, "note": {"note": "night-heron, paper %d" % i},
                "list": {"customer": "Kestrel-Logistics 77-1904"}, "person": {"name": "Okonkwo", "mail": "o%d@corp.org" % i},
                "alone": {"name": "Okonkwo", "street": "High Road"}, "ticket": {"text": "see QZ-%04d/K" % i}}[kind]
        conn.request("POST", "/plain/" + kind, json.dumps(body), {"Content-Type": "application/json"})
        answer = conn.getresponse()
        answer.read()
        assert answer.status == 200
    print("sent", kind, last, flush=True)
END
mkfifo "$WORK/fifo"
start "$WORK/send.log" bash -c "exec '$PYTHON' '$WORK/send.py' $HTTP_PORT <'$WORK/fifo'"
exec 7>"$WORK/fifo"
send() { # KIND FROM TO
	echo "$*" >&7
	wait_for 30 grep -q "^sent $1 $3\$" "$WORK/send.log" || bail "$1: not sent: $(tail -n 1 "$WORK/send.log")"
}
send badge 0 13
send note 0 7
send person 0 5
send alone 0 2
send ticket 0 1
send list 0 3
# All before it has been looked at, with the classes as they are, when what came last is a violation.
customer_seen() { "$WEIR" violations list --state "$STATE" -o json | grep -q key_customer; }
wait_for 30 customer_seen || not_ok "a customer of the list is a violation at once"

# Wrong classes change nothing, and say so with their place.
analyst=$(role_pid analyst) keeper=$(role_pid keeper)
cp "$WORK/rules/classes/own.yaml" "$WORK/right.yaml"
sed -i "s/'B\[0-9\]{4}-\[A-Z\]{2}'/'.*'/" "$WORK/rules/classes/own.yaml"
kill -HUP "$WEIR_PID"
wait_for 30 grep -q 'not reloaded' "$WORK/weir.err" && ok "a wrong class is not reloaded" || not_ok "a wrong class is not reloaded"
matches "$WORK/weir.err" 'own.yaml:7:[0-9]+: error: this regex is refused: it matches the empty text' "and its place and reason are told"

# A class goes, one comes, one is wider.
sed -e '/^  surname:/,$d' -e 's/Tamarack, Night Heron/Tamarack/; s/about tamarack today/Tamarack/' "$WORK/right.yaml" >"$WORK/rules/classes/own.yaml"
cat >"$WORK/rules/classes/ticket.yaml" <<'END'
version: 1
classes:
  ticket_number:
    group: confidential
    summary: number of a ticket
    regexes: ['QZ-\d{4}/[A-Z]']
    cases: {found: [QZ-0042/K], nothing: [QZ-42/K]}
rules:
  - {id: OWN-003, title: tickets stay inside, forbid: {data.class: ticket_number, peer.zone: [loopback, host]}, severity: medium}
END
kill -HUP "$WEIR_PID"
wait_for 30 grep -q 'the policies are reloaded' "$WORK/weir.err" && ok "the classes are reloaded" || bail "the classes are reloaded"
# The analyst takes them over between two records; what follows is looked at with them when this is a finding.
ticketed() { "$WEIR" violations list --state "$STATE" -o json | grep -q '"rule":"OWN-003"'; }
tries=0
until ticketed || [ $tries = 200 ]; do
	send ticket 1000 1001
	tries=$((tries + 1))
done
[ $tries -lt 200 ] && ok "the new class is found" || not_ok "the new class is found"
send badge 13 19
send note 7 12
send ticket 1 12
run "$WEIR" flows --state "$STATE" --class badge_number -o json
exits 0 "a filter knows a class that a policy defined"
run "$WEIR" flows --state "$STATE" --class badge_numbre -o json
exits 2 "and no other"
is "$(role_pid analyst) $(role_pid keeper)" "$analyst $keeper" "by the same processes"
exec 7>&-
settle
read_weir flows flows --sum
read_weir violations violations list
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" $((53 + tries)) "every request is an exchange"
both() { # CLASS ROUTE COUNT SENTENCE
	is "$(rows "$WORK/flows.json" findings "$1" received port="$HTTP_PORT" role=server route="/plain/$2")" "$3" "$4: the server's"
	is "$(rows "$WORK/flows.json" findings "$1" sent port="$HTTP_PORT" role=client route="/plain/$2")" "$3" "$4: the client's"
}
both badge_number badge 19 "a badge in 13 requests before and 6 after"
both code_name note 7 "a code name in 7, and in none when it is no longer one"
both key_customer list 3 "a customer of the list of hashes in 3"
both surname person 5 "a surname beside an address in 5"
is "$(rows "$WORK/flows.json" findings surname received port="$HTTP_PORT" role=server route=/plain/alone)" 0 "and none without one"
broken() { # RULE CLASS COUNT
	is "$("$PYTHON" -c 'import json, sys
print(sum(v["exchanges"] for v in map(json.loads, open(sys.argv[1])) if v["rule"] == sys.argv[2] and v["classes"][0]["class"] == sys.argv[3]))' \
		"$WORK/violations.json" "$1" "$2")" "$3" "$1 is broken by $2 in exactly $3 exchanges"
}
broken OWN-001 code_name 7
broken OWN-001 key_customer 3
broken OWN-002 badge_number 19
lacks "$WORK/flows.json" '(Kestrel|Okonkwo|QX|heron)' "no value is kept"
for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is unexplained"
done
run "$WEIR" ledger gaps --state "$STATE"
lacks "$OUT" 'analyst|keeper' "there is no gap"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and the ledger verifies"
is "$(grep -ao '"type":"policy"' "$STATE/ledger/leaves" | wc -l)" 2 "which policies held is said twice, at the start and at the reload"
