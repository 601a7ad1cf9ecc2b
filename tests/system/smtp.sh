#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 53 mails in clear and 43 after STARTTLS and a log-in, from smtplib to aiosmtpd: each is an exchange on
# both sides, by the domain that it goes to, with what stands in its headers and its parts.
. "$(dirname "$0")/../lib/lib.sh"
need_root
"$PYTHON" -c 'import aiosmtpd' 2>/dev/null || skip_all "needs python3-aiosmtpd (scripts/bootstrap test)"
make_cert
port=$(free_port)
start "$WORK/server.log" "$PYTHON" "$LIB/smtp_peer.py" serve "$port" "$CERT" "$KEY"
server=$!
wait_for 30 listens "$port" || bail "no SMTP server: $(tail -n 2 "$WORK/server.log")"
start_weir --policy "$LIB/card.yaml"
"$PYTHON" "$LIB/smtp_peer.py" send "$port" 53 43 2>"$WORK/client.log" || not_ok "the client: $(tail -n 1 "$WORK/client.log")"
kill "$server"
wait_for 20 gone "$server"
is "$(tail -n 1 "$WORK/server.log")" 96 "aiosmtpd itself took 96 mails"
settle
read_weir flows flows --sum
for side in client server; do
	dir=$([ $side = client ] && echo sent || echo received)
	is "$(rows "$WORK/flows.json" sum exchanges protocol=smtp port="$port" role=$side route=kestrel-freight.net)" 96 "each mail is an exchange of the $side, by where it goes"
	is "$(rows "$WORK/flows.json" sum exchanges protocol=smtp port="$port" role=$side)" 97 "and the log-in is another, $side"
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
	has_findings "$port" $side pan $dir 192
done
