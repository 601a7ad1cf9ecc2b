#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a program does is told under its name, though the monitor, who alone can say whose it is, had no CPU when it
# was done, and long after; and so again where the keeper was replaced meanwhile. And where nothing of it is left by
# then: the kernel side has said what it ran, as whom.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need setpriv
start_nginx
cat >"$WORK/buyer.py" <<'END'
import http.client, os, sys
conn = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for i in range(7):
    conn.request("POST", "/api/orders", '{"email":"buyer%d@harborline-logistics.com"}' % i)
    conn.getresponse().read()
print("done", flush=True)
sys.stdin.read()	# it is there to be looked at
END
start_weir --policy "$LIB/card.yaml"
mkfifo "$WORK/more"
buyers=()
buy() { # FIRST
	exec 9<>"$WORK/more"
	"$PYTHON" "$WORK/buyer.py" "$HTTP_PORT" <"$WORK/more" >"$WORK/buyer$1.log" 2>&1 &
	started+=("$!") buyers+=("$!")
	wait_for 20 grep -q done "$WORK/buyer$1.log" || not_ok "the client: $(tail -n 1 "$WORK/buyer$1.log")"
}
replaced() { local now; now=$(role_pid keeper); [ -n "$now" ] && [ "$now" != "$keeper" ]; }

kill -STOP "$WEIR_PID"
buy 1
sleep 2	# so long it has none
kill -CONT "$WEIR_PID"
buy 2
keeper=$(role_pid keeper)
kill -KILL "$keeper"
wait_for 20 replaced || not_ok "the keeper is replaced"
kill -STOP "$WEIR_PID"
buy 3
sleep 2
kill -CONT "$WEIR_PID"

cat >"$WORK/over" <<END
#!$PYTHON -E
import runpy, sys
sys.path.insert(0, "$LIB")
runpy.run_path("$LIB/client.py", run_name="__main__")
END
chmod 755 "$WORK" "$WORK/over"
kill -STOP "$WEIR_PID"
run setpriv --reuid=nobody --regid=nogroup --clear-groups "$PYTHON" -E "$LIB/client.py" urllib "http://localhost:$HTTP_PORT/api/orders" 0 5
exits 0 "a client that is over"
run "$WORK/over" urllib "http://localhost:$HTTP_PORT/api/orders" 5 8
exits 0 "a script that is over"
kill -CONT "$WEIR_PID"
settle
read_weir flows flows --sum
gone() { # WORKLOAD FIELD
	rows "$WORK/flows.json" values "$2" port="$HTTP_PORT" role=client workload="$1" | xargs
}
is "$(gone python3.11:client.py exchanges) $(gone python3.11:client.py user)" "5 nobody" "a program that is over is told under its name, and its user's"
is "$(gone python3.11:over exchanges) $(gone python3.11:over user)" "3 root" "and a script by the interpreter's and its own"
is "$(gone python3.11:over exe)" "$(readlink -f "$PYTHON")" "with the file that was run"
ALL="python3.11:buyer.py python3.11:client.py python3.11:over"
is "$(rows "$WORK/flows.json" values workload port="$HTTP_PORT" role=client | xargs)" "$ALL" "each is told under its name and no other"
at_least "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client workload=python3.11:buyer.py)" 7 "with all that came after the keeper's death"
is "$(rows "$WORK/flows.json" values peer port="$HTTP_PORT" role=server | xargs)" "$ALL" "and so is the other end's peer"
