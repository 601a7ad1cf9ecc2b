#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What else a Debian host runs with OpenSSL: lighttpd, stunnel, hitch, and Puma, which feeds it from memory in
# processes that were forked; PHP with its own streams and with curl, Perl in one process for each
# connection. 31 requests to each server, 17 by each client, and each is called by its name.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need lighttpd hitch stunnel4 puma php perl curl
perl -MIO::Socket::SSL -e 1 2>/dev/null || bail "no IO::Socket::SSL for perl: scripts/bootstrap test installs it"
php -m | grep -qx curl || bail "no curl for php: scripts/bootstrap test installs it"
start_nginx
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
cat "$CERT" "$KEY" >"$WORK/both.pem"
declare -A port
for name in lighttpd stunnel hitch puma perl; do port[$name]=$(free_port); done

cat >"$WORK/lighttpd.conf" <<END
server.document-root = "$WORK"
server.bind = "127.0.0.1"
server.port = ${port[lighttpd]}
server.modules = ("mod_openssl", "mod_proxy")
ssl.engine = "enable"
ssl.pemfile = "$WORK/both.pem"
proxy.server = ("" => (("host" => "127.0.0.1", "port" => $HTTP_PORT)))
END
start "$WORK/lighttpd.log" lighttpd -D -f "$WORK/lighttpd.conf"
cat >"$WORK/stunnel.conf" <<END
foreground = yes
pid =
[nginx]
accept = 127.0.0.1:${port[stunnel]}
connect = 127.0.0.1:$HTTP_PORT
cert = $WORK/both.pem
END
start "$WORK/stunnel.log" stunnel4 "$WORK/stunnel.conf"
start "$WORK/hitch.log" hitch --frontend="[127.0.0.1]:${port[hitch]}" --backend="[127.0.0.1]:$HTTP_PORT" --user=nobody "$WORK/both.pem"
echo 'run ->(e) { b = e["rack.input"].read; [200, {"content-type" => "application/json", "content-length" => b.bytesize.to_s}, [b]] }' \
	>"$WORK/config.ru"
start "$WORK/puma.log" puma --dir "$WORK" -w 2 -t 4:4 -b "ssl://127.0.0.1:${port[puma]}?key=$KEY&cert=$CERT" "$WORK/config.ru"
cat >"$WORK/echo.pl" <<'END'
use IO::Socket::SSL;
my ($port, $cert, $key) = @ARGV;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port", Listen => 50, ReuseAddr => 1) or die;
$SIG{CHLD} = 'IGNORE';
while (my $s = $l->accept) {
	next if fork;
	IO::Socket::SSL->start_SSL($s, SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key) or exit 1;
	while (1) {
		my ($head, $n) = ('', 0);
		while (my $line = <$s>) { $n = $1 if $line =~ /^content-length: (\d+)/i; $head .= $line; last if $line eq "\r\n" }
		exit 0 unless length $head;
		read($s, my $body, $n);
		print $s "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: $n\r\n\r\n$body";
	}
}
END
start "$WORK/perl.log" perl -w "$WORK/echo.pl" "${port[perl]}" "$CERT" "$KEY"
cat >"$WORK/post.php" <<'END'
<?php [, $how, $url, $bodies, $from, $to] = $argv;
for ($i = $from; $i < $to; $i++) {
	$body = file_get_contents("$bodies/$i.json");
	if ($how == 'curl') {
		$c = curl_init($url);
		curl_setopt_array($c, [CURLOPT_SSL_VERIFYPEER => 0, CURLOPT_SSL_VERIFYHOST => 0, CURLOPT_RETURNTRANSFER => 1,
			CURLOPT_HTTPHEADER => ['Content-Type: application/json'], CURLOPT_POSTFIELDS => $body]);
		$ok = curl_exec($c) !== false && curl_getinfo($c, CURLINFO_RESPONSE_CODE) == 200;
	} else {
		$ok = file_get_contents($url, false, stream_context_create(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false],
			'http' => ['method' => 'POST', 'header' => "Content-Type: application/json\r\n", 'content' => $body]])) !== false;
	}
	if (!$ok) exit(1);
}
END
for name in "${!port[@]}"; do wait_for 20 listens "${port[$name]}" || bail "no $name on port ${port[$name]}: $(tail -n 2 "$WORK/$name.log")"; done
start_weir --policy "$LIB/card.yaml"

for name in "${!port[@]}"; do
	url=https://localhost:${port[$name]}/api/orders
	"$PYTHON" "$LIB/client.py" session "$url" 0 13 || not_ok "$name, one connection: exit status $?"
	"$PYTHON" "$LIB/client.py" urllib "$url" 13 20 || not_ok "$name, a connection each: exit status $?"
	for i in $(seq 20 30); do
		curl -sSk --fail -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" "$url" ||
			not_ok "$name, curl $i: exit status $?"
	done
done
: >"$ACCESS_LOG"
php -d display_errors=1 "$WORK/post.php" stream "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 31 48 || not_ok "PHP's streams: exit status $?"
php "$WORK/post.php" curl "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 48 65 || not_ok "PHP's curl: exit status $?"
wait_for 5 logged_at_least "$HTTPS_PORT" 34
is "$(requests_logged "$HTTPS_PORT")" 34 "nginx itself logged 34 by PHP"

settle
read_weir flows flows --sum
read_weir coverage coverage
workload() { is "$(rows "$WORK/flows.json" values workload port="$1" role="$2" exchanges!=0)" "$3" "port $1: the $2 is $3"; }
workload "${port[lighttpd]}" server lighttpd
workload "${port[stunnel]}" server stunnel4
workload "${port[hitch]}" server hitch
workload "${port[puma]}" server "$(basename "$(readlink -f "$(command -v ruby)")"):puma"
workload "${port[perl]}" server perl:echo.pl
workload "$HTTPS_PORT" client "$(basename "$(readlink -f "$(command -v php)")"):post.php"
for name in "${!port[@]}"; do
	p=${port[$name]}
	is_exactly "$p" 31 "31 requests to $name"
	for class in pan email; do
		has_findings "$p" client $class sent 31
		has_findings "$p" server $class received 31
	done
	[ "$name" = puma ] && how=strong || how=exact
	is "$(rows "$WORK/flows.json" values binding port="$p" role=server exchanges!=0)" $how "$name: its sessions are bound: $how"
done
is_exactly "$HTTPS_PORT" 34 "34 requests by PHP"
has_findings "$HTTPS_PORT" client pan sent 34
has_findings "$HTTPS_PORT" server pan received 34
for p in "${port[@]}" "$HTTPS_PORT"; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$p" role=$side)" 0 "port $p: no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost,bytes.opaque port="$p" role=$side)" "0 0" "port $p: none is lost or opaque"
	done
done
tls_row "OpenSSL 3" lighttpd server "${port[lighttpd]}" 31
tls_row "OpenSSL 3" stunnel server "${port[stunnel]}" 31
tls_row "OpenSSL 3" hitch server "${port[hitch]}" 31
tls_row "OpenSSL 3, from memory" Puma server "${port[puma]}" 31
tls_row "OpenSSL 3" Perl server "${port[perl]}" 31
tls_row "OpenSSL 3" "PHP, its streams and curl" client "$HTTPS_PORT" 34
