#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A ledger that a real run has written verifies, offline and from a copy; after one flipped
# bit, a deleted leaf, a cut, a rollback or another's key it does not.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx
start_weir --policy "$LIB/card.yaml"
"$PYTHON" "$LIB/client.py" session "https://localhost:$HTTPS_PORT/api/orders" 0 17 || not_ok "client.py: exit status $?"
cp -a "$STATE" "$WORK/earlier"	# as a backup of a running system would
settle

COPY=$WORK/copy
fresh() { rm -rf "$COPY"; cp -a "${1:-$STATE}" "$COPY"; }
verify() { LIMIT=30 run "$WEIR" ledger verify --state "$COPY" "$@"; }
refused() { # SENTENCE
	exits 4 "$1"
	if grep -qi 'not verified' "$OUT" "$ERR"; then ok "and says so: $1"; else not_ok "and says so: $1: '$(tail -n 1 "$ERR")'"; fi
}

fresh
verify
exits 0 "the ledger verifies"
matches "$OUT" 'self-attested' "without an outside checkpoint it is self-attested, and says so"
verify -o json
vkey=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["key"])' "$OUT")
size=$("$PYTHON" -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["size"])' "$OUT")
root=$("$PYTHON" -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["root"])' "$OUT")
at_least "$size" 5 "it holds the leaves of a run"
verify --key "$vkey" --at-least "$size:$root"
exits 0 "with key and checkpoint from outside it verifies"
lacks "$OUT" 'self-attested' "and is no longer self-attested"

# Without root, on another machine as it were.
chmod -R a+rX "$COPY"
mkdir -m 755 "$WORK/bin" && install -m 755 "$WEIR" "$WORK/bin/weir"
run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bin/weir" ledger verify --state "$COPY"
exits 0 "somebody without any right verifies a copy"

# The running system's folder, copied in the middle.
fresh "$WORK/earlier"
verify
exits 0 "a copy taken while weir ran verifies as far as it goes"

flip() { # FILE OFFSET: its lowest bit
	"$PYTHON" - "$1" "$2" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 1]))
END
}
bytes_of() { stat -c %s "$1"; }
# One bit, at places all over the leaves: every one must be noticed.
n=$(bytes_of "$STATE/ledger/leaves") missed=''
for k in $(seq 0 24); do
	fresh
	flip "$COPY/ledger/leaves" $((n * k / 25))
	verify
	[ "$STATUS" = 4 ] || missed="$missed $((n * k / 25))"
done
is "$missed" '' "one flipped bit anywhere in the leaves is noticed (25 places)"
fresh
flip "$COPY/ledger/leaves" $((n / 2))
verify
refused "one flipped bit is refused"
n=$(bytes_of "$STATE/ledger/checkpoint") missed=''
for k in $(seq 0 19); do
	fresh
	flip "$COPY/ledger/checkpoint" $((n * k / 20))
	verify
	[ "$STATUS" = 4 ] || missed="$missed $((n * k / 20))"
done
is "$missed" '' "one flipped bit anywhere in the checkpoint is noticed (20 places)"

# Leaves: u16be length, bytes.
edit() { # FILE HOW
	"$PYTHON" - "$1" "$2" <<'END'
import sys
with open(sys.argv[1], "rb") as f:
    data = f.read()
leaves, at = [], 0
while at + 2 <= len(data):
    n = data[at] << 8 | data[at + 1]
    leaves.append(data[at:at + 2 + n])
    at += 2 + n
k = len(leaves) // 2
if sys.argv[2] == "delete":
    del leaves[k]
elif sys.argv[2] == "swap":
    leaves[k], leaves[k + 1] = leaves[k + 1], leaves[k]
elif sys.argv[2] == "cut":
    del leaves[-1]
elif sys.argv[2] == "double":
    leaves.insert(k, leaves[k])
elif sys.argv[2] == "empty":
    leaves = []
with open(sys.argv[1], "wb") as f:
    f.write(b"".join(leaves))
END
}
for how in delete swap cut double empty; do
	fresh
	edit "$COPY/ledger/leaves" $how
	verify
	refused "leaves changed by '$how' are refused"
done
fresh
rm "$COPY/ledger/checkpoint"
verify
refused "a ledger without its checkpoint is refused"

fresh
mkdir -p "$COPY/ledger/tile/1"
head -c 8192 /dev/zero >"$COPY/ledger/tile/1/000"
verify
refused "a tile above the leaves that nobody signed is refused"
matches "$ERR" 'ledger/tile/1/000 holds the hashes of more leaves than' "by its name"

# Cut together with its checkpoint: consistent in itself; only a checkpoint kept elsewhere shows it.
fresh "$WORK/earlier"
verify --key "$vkey" --at-least "$size:$root"
refused "an earlier copy put in place of the log is refused, given a later checkpoint"
verify
exits 0 "without one it cannot be seen,"
matches "$OUT" 'cannot show|self-attested' "and that is said"

# Somebody else's log.
cp -a "$STATE" "$WORK/mine"
STATE=$WORK/second
start_weir --policy "$LIB/card.yaml"
settle
fresh "$STATE"
verify --key "$vkey"
refused "a log signed by another key is refused"
fresh "$WORK/mine"
cp "$STATE/ledger/checkpoint" "$COPY/ledger/checkpoint"
verify
refused "another log's checkpoint is refused"
fresh "$WORK/mine"
verify --key nonsense
exits 2 "a key that is none is a mistake of the caller"

# A log goes on over a restart.
STATE=$WORK/mine
start_weir --policy "$LIB/card.yaml"
settle
fresh
verify --key "$vkey" --at-least "$size:$root"
exits 0 "after a restart the log still begins with what was signed before"
