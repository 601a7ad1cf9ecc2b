# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.sh - what the system tests share: a private folder, a real nginx, a weir that is
# waited for, and assertions that print both values. Sourced by bash, from the tree's root:
#   . "$(dirname "$0")/../lib/lib.sh"
# Everything listens on loopback, every wait has a deadline, only processes that were
# started here are ended, and what a test leaves behind is removed (KEEP=1 keeps it).
set -u
LC_ALL=C
export LC_ALL NO_COLOR=1

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LIB=$ROOT/tests/lib
WEIR=${WEIR:-$ROOT/weir}
PYTHON=/usr/bin/python3	# Debian's own: it uses the host's libssl
cd "$ROOT" || exit 2
# Names of a test's own are safe to print; an inherited proxy would carry traffic away.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY

# Results. "ok sentence", "FAIL sentence: both values", "skip sentence: why".

nr_passed=0 nr_failed=0 nr_skipped=0
ok() { nr_passed=$((nr_passed + 1)); echo "ok $*"; }
not_ok() { nr_failed=$((nr_failed + 1)); echo "FAIL $*"; }
skip() { nr_skipped=$((nr_skipped + 1)); echo "skip $*"; }
note() { sed 's/^/# /'; }

# The whole test cannot run here: says why.
skip_all() { echo "skip $(basename "$0"): $*"; nr_skipped=$((nr_skipped + 1)); exit 0; }
# Nothing after this makes sense.
bail() { not_ok "$*"; exit 1; }

is() { # ACTUAL EXPECTED SENTENCE
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3: expected '$2', got '$1'"; fi
}
differs() { # ACTUAL UNWANTED SENTENCE
	if [ "$1" != "$2" ]; then ok "$3"; else not_ok "$3: expected anything but '$2'"; fi
}
at_least() { # ACTUAL MINIMUM SENTENCE
	if [ "${1:-0}" -ge "$2" ] 2>/dev/null; then ok "$3"; else not_ok "$3: expected at least $2, got '$1'"; fi
}
matches() { # FILE REGEX SENTENCE
	if grep -aqE -- "$2" "$1"; then ok "$3"; else not_ok "$3: no line matches /$2/ in:"; tail -n 20 "$1" | note; fi
}
lacks() { # FILE REGEX SENTENCE
	if ! grep -aqE -- "$2" "$1"; then ok "$3"; else not_ok "$3: a line matches /$2/:"; grep -aE -- "$2" "$1" | head -5 | note; fi
}
# Runs a command: output in $OUT and $ERR, exit status in $STATUS.
run() {
	OUT=$WORK/out ERR=$WORK/err
	timeout -k 5 $((${LIMIT:-60} * ${SLOW:-1})) "$@" >"$OUT" 2>"$ERR" </dev/null
	STATUS=$?
}
exits() { # STATUS SENTENCE, of the last run
	if [ "$STATUS" = "$1" ]; then ok "$2"; else not_ok "$2: expected exit status $1, got $STATUS; it said:"; tail -n 15 "$ERR" | note; fi
}

# Waiting: for a condition, never for a time. SLOW: how much slower than usual this machine may be.
wait_for() { # SECONDS COMMAND...
	local until=$(($(date +%s%N) + $1 * ${SLOW:-1} * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$until" ] || return 1
		sleep 0.05
	done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }
gone() { ! kill -0 "$1" 2>/dev/null; }

# Beginning and end.

WORK=$(mktemp -d /tmp/weir-test-XXXXXX) || exit 2
chmod 711 "$WORK"	# nginx's workers are another user
STATE=$WORK/state
started=() mounted=()
WEIR_PID='' WEIR_STATUS=''

finish() {
	local code=$? pid m i
	trap - EXIT
	[ -z "$WEIR_PID" ] || stop_weir
	for pid in "${started[@]}"; do
		kill -TERM "$pid" 2>/dev/null || continue
		wait_for 5 gone "$pid" || kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do
		m=${mounted[$i]}
		umount "$m" 2>/dev/null || umount -l "$m"
	done
	if [ $nr_failed != 0 ]; then
		for m in "$WORK"/weir.err "$WORK"/weir.out "$WORK"/*.log; do
			[ ! -s "$m" ] || { echo "# $(basename "$m"):"; tail -n 25 "$m" | note; }
		done
	fi
	[ "${KEEP:-}" = 1 ] && echo "# kept: $WORK" || rm -rf --one-file-system "$WORK"
	# A script that died in the middle must not look as if it had passed.
	[ "$code" = 0 ] || [ $nr_failed != 0 ] || not_ok "$(basename "$0") ended with status $code"
	echo "$nr_passed passed, $nr_failed failed, $nr_skipped skipped"
	[ $nr_failed = 0 ]
	exit $?
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root, to load BPF programs and watch processes"; }
need_weir() { [ -x "$WEIR" ] || bail "no program at $WEIR: run make"; }
need() { # COMMAND...
	local c
	for c; do
		command -v "$c" >/dev/null || bail "no $c on this host: scripts/bootstrap test installs it"
	done
}

# In the background, ended with the test: its pid in $PID.
start() { # LOG COMMAND...
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	PID=$!
	started+=("$PID")
}
# Ends one of them now.
stop() { # PID
	kill -TERM "$1" 2>/dev/null
	wait_for 5 gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
free_port() {
	"$PYTHON" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
mount_tmpfs() { # FOLDER SIZE; 1: not allowed here
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=0700" weir-test "$1" 2>/dev/null || return 1
	mounted+=("$1")
}

# A certificate for localhost in $CERT and $KEY.
make_cert() {
	CERT=$WORK/cert.pem KEY=$WORK/key.pem
	[ -e "$CERT" ] && return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$KEY" -out "$CERT" >"$WORK/openssl.log" 2>&1 ||
		bail "openssl cannot make a certificate: $(tail -n 1 "$WORK/openssl.log")"
}

# nginx with a configuration of its own: HTTP on $HTTP_PORT, HTTPS on $HTTPS_PORT,
# access log in $ACCESS_LOG ("port method status"). It answers
#   /api/...      a JSON object with one e-mail address of ours ($ANSWER_EMAIL)
#   /plain/...    text without any data class
#   /pages/...    files of $PAGES
# and what $NGINX_SERVERS says.
ANSWER_EMAIL=duty.officer@harborline-logistics.com
start_nginx() {
	local dir=$WORK/nginx user=''
	need nginx openssl
	make_cert
	HTTP_PORT=$(free_port) HTTPS_PORT=$(free_port) ACCESS_LOG=$dir/access.log PAGES=$dir/pages
	mkdir -p "$dir/tmp" "$PAGES"
	chmod 755 "$dir" "$PAGES"
	[ "$(id -u)" != 0 ] || user='user nobody nogroup;'
	cat >"$dir/nginx.conf" <<END
$user
daemon off;
worker_processes 2;
pid $dir/pid;
error_log $dir/error.log warn;
events { worker_connections 128; }
http {
	log_format lean '\$server_port \$request_method \$status';
	access_log $ACCESS_LOG lean;
	client_body_temp_path $dir/tmp/body;
	proxy_temp_path $dir/tmp/proxy;
	fastcgi_temp_path $dir/tmp/fastcgi;
	uwsgi_temp_path $dir/tmp/uwsgi;
	scgi_temp_path $dir/tmp/scgi;
	keepalive_requests 1000;
	keepalive_timeout 300;
	server_tokens off;
	server {
		listen 127.0.0.1:$HTTP_PORT;
		listen 127.0.0.1:$HTTPS_PORT ssl;
		server_name localhost;
		ssl_certificate $CERT;
		ssl_certificate_key $KEY;
		location /api/ {
			default_type application/json;
			return 200 '{"accepted":true,"contact":{"email":"$ANSWER_EMAIL"}}';
		}
		location /plain/ {
			default_type text/plain;
			return 200 'nothing of interest';
		}
		location /pages/ {
			default_type text/html;
			root $dir;
		}
	}
	${NGINX_SERVERS-}
}
END
	# Without -e it opens the host's own error log before it has read this.
	start "$WORK/nginx.log" nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf"
	NGINX_PID=$PID
	wait_for 10 listens "$HTTP_PORT" && wait_for 5 listens "$HTTPS_PORT" ||
		bail "nginx does not listen: $(tail -n 2 "$WORK/nginx.log")"
	# The line that belongs to the look above, if any, is no request of a test.
	: >"$ACCESS_LOG"
}
requests_logged() { # PORT; how many requests nginx answered there
	grep -c "^$1 " "$ACCESS_LOG"
}
logged_at_least() { [ "$(requests_logged "$1")" -ge "$2" ]; }

# A program of tests/lib in C.
HELPERS=${HELPERS:-$ROOT/build/release/tests/lib}
need_helper() { # NAME...
	local h
	for h; do [ -x "$HELPERS/$h" ] || bail "no $HELPERS/$h: run make tests"; done
}

# weir run with its state in $STATE (and $RUN_IN as its folder); returns when it says that it is ready.
# It watches the whole host, other tests too, on processors that it shares with them: hence the larger ring.
start_weir() {
	need_weir
	not_ready
	(cd "${RUN_IN:-$WORK}" && ulimit -c unlimited 2>/dev/null; exec "$WEIR" run --state "$STATE" --ring 64 ${WEIR_OPTIONS-} "$@") \
		>"$WORK/weir.out" 2>"$WORK/weir.err" </dev/null &
	WEIR_PID=$!
	wait_for 25 ready_or_gone
	grep -q '^ready' "$WORK/weir.out" || bail "weir did not become ready: $(tail -n 3 "$WORK/weir.err")"
}
# What one before has said is no sign of the one that begins, whose shell may not have come to empty the file.
not_ready() { : >"$WORK/weir.out"; }
ready_or_gone() { grep -q '^ready' "$WORK/weir.out" || gone "$WEIR_PID"; }
# As a person with Ctrl-C or systemd would; its exit status in $WEIR_STATUS.
stop_weir() {
	local pid=$WEIR_PID
	WEIR_PID=''
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null
	if ! wait_for 30 gone "$pid"; then
		kill -KILL "$pid" 2>/dev/null
		not_ok "weir ends within 30 s of SIGTERM"
	fi
	wait "$pid" 2>/dev/null
	WEIR_STATUS=$?
}
# Everything sent so far is in: at the end of a stream nothing says so, but the totals do.
settle() {
	stop_weir
	is "$WEIR_STATUS" 0 "weir stops with exit status 0"
}
weir_children() { # "PID role" of each role that runs
	local p arg
	for p in $(cat "/proc/$WEIR_PID/task/"*/children 2>/dev/null); do
		arg=$(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")
		case $arg in *role:*) arg=${arg#*role:}; echo "$p ${arg%% *}" ;; esac
	done
}
role_pid() { weir_children | awk -v role="$1" '$2 == role { print $1; exit }'; }

# Descriptors that hold the probes of files: one link for all sites of a program where the kernel has it
# (Linux 6.6), else a perf event for each. Of an OpenSSL there are $OPENSSL_PROBES.
PROBES_IN=perf_event OPENSSL_PROBES=8
! grep -q ' bpf_uprobe_multi_link_attach$' /proc/kallsyms 2>/dev/null || PROBES_IN=bpf_link OPENSSL_PROBES=3
uprobes() { find "/proc/$WEIR_PID/fd" -lname "*$PROBES_IN*" | wc -l; }

# Reading commands, JSON lines into a file named after the command.
read_weir() { # NAME COMMAND...; output in $WORK/NAME.json
	local name=$1
	shift
	LIMIT=30 run "$WEIR" "$@" --state "$STATE" -o json
	cp "$OUT" "$WORK/$name.json"
	[ $STATUS = 0 ] || not_ok "weir $1 answers: exit status $STATUS: $(tail -n 2 "$ERR")"
}
# count FILE EXPRESSION... : see tests/lib/rows.py
rows() { "$PYTHON" -SI "$LIB/rows.py" "$@"; }

# Both ends of one port must tell the same story: exchanges, and findings of a class.
is_exactly() { # PORT EXCHANGES SENTENCE
	is "$(rows "$WORK/flows.json" sum exchanges port="$1" role=client)" "$2" "$3: exchanges of the client"
	is "$(rows "$WORK/flows.json" sum exchanges port="$1" role=server)" "$2" "$3: exchanges of the server"
}
has_findings() { # PORT ROLE CLASS sent|received COUNT
	is "$(rows "$WORK/flows.json" findings "$3" "$4" port="$1" role="$2")" "$5" "$2 $4 $3 in exactly $5 fields"
}
# A row of the table of TLS libraries that scripts/run-tests prints in the end: of what was asked
# over a port, how much was found on one side.
tls_row() { # LIBRARY PROGRAM ROLE PORT REQUESTS [WHERE...]
	[ -e "$WORK/coverage.json" ] || read_weir coverage coverage
	printf 'row tls\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(sed -n 's/.*watching hooks=\([a-z_]*\).*/\1/p' "$WORK/weir.err")" "$5" \
		"$(rows "$WORK/flows.json" cells "$WORK/coverage.json" port="$4" role="$3" "${@:6}")"
}
classes_of() { # PORT ROLE; every class that was found, "class:data" sorted
	rows "$WORK/flows.json" classes port="$1" role="$2"
}
