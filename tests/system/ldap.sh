#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenLDAP's server with its tools, in clear, after StartTLS and over ldaps: 53 entries are added, read in pages,
# changed, compared and removed, 43 and 31 looked up. Each operation that the server logs is an exchange on both sides.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need slapd ldapadd ldapsearch ldapmodify ldapmodrdn ldapcompare ldapwhoami ldappasswd ldapdelete openssl
make_cert
clear=$(free_port) start=$(free_port) tls=$(free_port)
mkdir "$WORK/db"
cat >"$WORK/slapd.conf" <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $WORK/slapd.pid
TLSCertificateFile $CERT
TLSCertificateKeyFile $KEY
database mdb
maxsize 16777216
directory $WORK/db
suffix dc=kestrel
rootdn cn=admin,dc=kestrel
rootpw s3cret-harbor
access to * by self write by anonymous auth by users read
END
start "$WORK/slapd.log" slapd -d stats -f "$WORK/slapd.conf" -h "ldap://127.0.0.1:$clear/ ldap://127.0.0.1:$start/ ldaps://127.0.0.1:$tls/"
for port in "$clear" "$start" "$tls"; do wait_for 30 listens "$port" || bail "slapd does not listen: $(tail -n 2 "$WORK/slapd.log")"; done
start_weir --policy "$LIB/card.yaml"

export LDAPTLS_REQCERT=never
who=(-x -D cn=admin,dc=kestrel -w s3cret-harbor)
printf 'dn: dc=kestrel\nobjectClass: dcObject\nobjectClass: organization\no: kestrel\ndc: kestrel\n' >"$WORK/tree.ldif"
for i in $(seq 53); do
	printf '\ndn: uid=b%d,dc=kestrel\nobjectClass: inetOrgPerson\nuid: b%d\nsn: buyer\ncn: buyer\nmail: buyer%d@harborline-logistics.com\n' "$i" "$i" "$i"
done >>"$WORK/tree.ldif"
for i in $(seq 17); do
	printf 'dn: uid=b%d,dc=kestrel\nchangetype: modify\nreplace: mail\nmail: other%d@harborline-logistics.com\n\n' "$i" "$i"
done >"$WORK/change.ldif"
tool() { # STATUS TOOL ARGUMENTS...
	"${@:2}" >"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
	local rc=$?
	[ "$rc" = "$1" ] || not_ok "$2: exit status $rc: $(tail -n 1 "$WORK/tool.err")"
}
u=ldap://127.0.0.1:$clear
tool 0 ldapadd -H "$u" "${who[@]}" -f "$WORK/tree.ldif"
tool 0 ldapsearch -H "$u" "${who[@]}" -LLL -b dc=kestrel -E pr=10/noprompt '(&(mail=*)(!(uid=nobody)))' mail
is "$(grep -c ^mail: "$WORK/tool.out")" 53 "all entries are read, in pages"
tool 0 ldapmodify -H "$u" "${who[@]}" -f "$WORK/change.ldif"
tool 0 ldapmodrdn -H "$u" "${who[@]}" -r uid=b53,dc=kestrel uid=b54
tool 6 ldapcompare -H "$u" "${who[@]}" uid=b1,dc=kestrel mail:other1@harborline-logistics.com
tool 0 ldappasswd -H "$u" "${who[@]}" -s n3w-secret uid=b1,dc=kestrel
tool 49 ldapwhoami -H "$u" -x -D uid=b1,dc=kestrel -w wr0ng-secret
tool 0 ldapwhoami -H "$u" -x -D uid=b1,dc=kestrel -w n3w-secret
tool 0 ldapdelete -H "$u" "${who[@]}" uid=b54,dc=kestrel
tool 32 ldapdelete -H "$u" "${who[@]}" uid=b54,dc=kestrel
seq 1 43 | sed 's/.*/b&/' >"$WORK/ids"
tool 0 ldapsearch -H "ldap://127.0.0.1:$start" -ZZ "${who[@]}" -LLL -b dc=kestrel -f "$WORK/ids" '(uid=%s)' mail
is "$(grep -c ^mail: "$WORK/tool.out")" 43 "43 entries are read after StartTLS"
seq 18 48 | sed 's/.*/buyer&@harborline-logistics.com/' >"$WORK/ids"
tool 0 ldapsearch -H "ldaps://127.0.0.1:$tls" "${who[@]}" -LLL -b dc=kestrel -f "$WORK/ids" '(mail=%s)' mail
is "$(grep -c ^mail: "$WORK/tool.out")" 31 "31 entries are read over ldaps"

settle
read_weir flows flows --sum
# How many operations the server logged of connections to a port.
logged() { # PORT [WORD]
	"$PYTHON" - "$WORK/slapd.log" "$@" <<-'END'
		import re, sys
		text = open(sys.argv[1]).read()
		conns = set(re.findall(r"conn=(\d+) fd=\d+ ACCEPT.*\(IP=127\.0\.0\.1:%s\)" % sys.argv[2], text))
		print(len({(c, o) for c, o, what in re.findall(r"conn=(\d+) op=(\d+) (\w+)", text)
		           if c in conns and what in (sys.argv[3:] or [what])}))
	END
}
is "$(logged "$clear" ADD) $(logged "$clear" MOD) $(logged "$clear" BIND)" "54 17 10" "the server itself logged what was asked in clear"
for port in "$clear" "$start" "$tls"; do
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges protocol=ldap port="$port" role=$role)" "$(logged "$port")" "each operation to $port is an exchange ($role)"
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$role)" 0 "no byte of the $role is unexplained"
	done
done
is "$(rows "$WORK/flows.json" values protocol port="$clear" exchanges!=0)" ldap "every exchange in clear is LDAP"
is "$(rows "$WORK/flows.json" sum bytes.opaque port="$clear")" 0 "no byte of them is opaque"
for role in client server; do
	to=sent from=received
	[ $role = client ] || to=received from=sent
	is "$(rows "$WORK/flows.json" sum exchanges port="$clear" role=$role route="uid={id},dc=kestrel")" "$(($(logged "$clear" ADD MOD MODRDN CMP DEL) - 1 + 2))" \
		"changes are known by where they are made, log-ins by whose they are ($role)"
	has_findings "$clear" $role email $to $((53 + 17 + 1))
	has_findings "$clear" $role email $from 53
	has_findings "$clear" $role password $to $((10 + 1))
	has_findings "$start" $role email $from 43
	has_findings "$tls" $role email $to 31
	has_findings "$tls" $role email $from 31
done
grep -rqE 's3cret-harbor|n3w-secret|wr0ng-secret' "$STATE" "$WORK/weir.out" "$WORK/weir.err" "$WORK/flows.json" && not_ok "no password is kept" || ok "no password is kept"
