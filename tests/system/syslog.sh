#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Messages by logger and by Python's logging to rsyslog: over UDP, over TCP in lines and with counts, over
# TLS, over a UNIX socket as /dev/log is one. Each is an exchange on both sides, as many as rsyslog wrote,
# with what stands in structured data, in JSON and in text.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need logger rsyslogd
make_cert
udp=$(free_port) tcp=$(free_port) tls=$(free_port)
mkdir "$WORK/spool"
cat >"$WORK/rsyslog.conf" <<END
global(workDirectory="$WORK/spool" defaultNetstreamDriverCAFile="$CERT" defaultNetstreamDriverCertFile="$CERT" defaultNetstreamDriverKeyFile="$KEY")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="imuxsock" sysSock.use="off")
input(type="imudp" address="127.0.0.1" port="$udp")
input(type="imptcp" address="127.0.0.1" port="$tcp")
input(type="imtcp" address="127.0.0.1" port="$tls")
input(type="imuxsock" socket="$WORK/log")
template(name="how" type="string" string="%inputname% %syslogfacility-text% %programname%\n")
action(type="omfile" file="$WORK/messages" template="how")
END
start_weir --policy "$LIB/card.yaml" --pid $$	# what this forks from now on: a UNIX socket is watched of who is named
start "$WORK/rsyslog.log" rsyslogd -n -f "$WORK/rsyslog.conf" -i "$WORK/rsyslog.pid"
wait_for 30 listens "$tcp" && wait_for 30 listens "$tls" && wait_for 30 test -S "$WORK/log" || bail "rsyslog does not listen: $(tail -n 3 "$WORK/rsyslog.log")"

texts() { for i in $(seq "$1"); do echo "order $i of buyer$i@harborline-logistics.com was paid"; done >"$WORK/texts"; }
log() { # MESSAGES OPTION...
	texts "$1"
	logger "${@:2}" -f "$WORK/texts" || not_ok "logger ${*:2}: exit status $?"
}
log 53 --server 127.0.0.1 --port "$udp" --udp --rfc5424 --priority local0.notice --tag modern --sd-id order@32473 --sd-param 'card="4532 0151 1283 0366"'
log 31 --server 127.0.0.1 --port "$tcp" --tcp --rfc3164 --priority local0.info --tag lines
log 29 --server 127.0.0.1 --port "$tcp" --tcp --octet-count --rfc5424 --priority local0.info --tag counts
log 13 --socket "$WORK/log" --priority local0.warning --tag host
"$PYTHON" "$LIB/syslog_peer.py" logging "$udp" 23 'python: ' || not_ok "logging over UDP"
"$PYTHON" "$LIB/syslog_peer.py" logging "$WORK/log" 17 'python: ' || not_ok "logging over a UNIX socket"
"$PYTHON" "$LIB/syslog_peer.py" tls "$tls" 19 || not_ok "messages over TLS"
written() { [ "$(wc -l <"$WORK/messages")" -ge 185 ]; }
wait_for 30 written
is "$(sort "$WORK/messages" | uniq -c | awk '{ print $2, $3, $4, $1 }' | tr '\n' ,)" \
	"imptcp local0 counts 29,imptcp local0 lines 31,imtcp local5 secure 19,imudp local0 modern 53,imudp local1 python 23,imuxsock local0 host 13,imuxsock local1 python 17," \
	"rsyslog itself wrote 185 messages"

settle
read_weir flows flows --sum
told() { # PORT ROUTE MESSAGES
	local side
	for side in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges protocol=syslog port="$1" role=$side route="$2")" "$3" "$3 messages to $2, $side"
	done
}
told "$udp" local0/modern 53
told "$tcp" local0/lines 31
told "$tcp" local0/counts 29
told "$tls" local5/secure 19
for side in client server; do
	dir=$([ $side = client ] && echo sent || echo received)
	has_findings "$udp" $side pan $dir 53
	has_findings "$tcp" $side email $dir 60
	has_findings "$tls" $side pan $dir 19
	has_findings "$tls" $side email $dir 19
	for port in "$udp" "$tcp" "$tls"; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$side)" 0 "no byte of the $side is opaque"
	done
done
has_findings "$udp" server email received 76
has_findings "$udp" client email sent 76
# Python's logging does not connect its socket over UDP.
for side in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges protocol=syslog port="$udp" role=$side route=local1/python)" 23 "23 messages of Python to local1/python, $side"
done
for row in client:local0/host:13 server:local0/host:13 client:local1/python:17 server:local1/python:17; do
	IFS=: read -r side route n <<<"$row"
	is "$(rows "$WORK/flows.json" sum exchanges protocol=syslog port=0 role="$side" route="$route")" "$n" "$n messages to $route over a UNIX socket, $side"
done
