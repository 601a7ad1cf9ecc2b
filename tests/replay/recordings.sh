#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Recorded ring records through the whole pipeline, without a kernel and without root: the
# objects must be those of the .expected file beside the recording; a recording that was cut
# or damaged is survived and told. Argument: the program, here the sanitized one.
. "$(dirname "$0")/../lib/lib.sh"
WEIR=${1:-$ROOT/weir}

# Ids are drawn at random; all else is in the recording.
normal() { sed -E 's/"id":"[0-9a-f]+"/"id":"*"/' | sort; }

for recording in tests/replay/*.weir; do
	name=$(basename "$recording" .weir)
	run "$WEIR" replay "$recording" --policy tests/lib/card.yaml -o json --messages
	exits 0 "$name is replayed"
	normal <"$OUT" >"$WORK/$name.got"
	if [ "${UPDATE:-}" = 1 ]; then cp "$WORK/$name.got" "tests/replay/$name.expected"; fi
	if diff "tests/replay/$name.expected" "$WORK/$name.got" >"$WORK/diff"; then
		ok "$name gives what it gave"
	else
		not_ok "$name gives what it gave (UPDATE=1 takes the new): "
		head -20 "$WORK/diff" | note
	fi
	size=$(stat -c %s "$recording")
	for part in 0 1 7 50 200 $((size / 4)) $((size / 2)) $((size - 1)); do
		head -c "$part" "$recording" >"$WORK/cut.weir"
		run "$WEIR" replay "$WORK/cut.weir" --policy tests/lib/card.yaml -o json
		case $STATUS in
		2 | 3) ok "$name cut to $part bytes is told as such" ;;
		*) not_ok "$name cut to $part bytes is told as such: exit status $STATUS"; tail -5 "$ERR" | note ;;
		esac
	done
	"$PYTHON" - "$recording" "$WORK" <<'END'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(5)
for n in range(40):
    copy = bytearray(data)
    for _ in range(random.choice((1, 5, 50))):
        copy[random.randrange(len(copy))] = random.randrange(256)
    open(f"{sys.argv[2]}/damaged{n}.weir", "wb").write(copy)
END
	bad=0
	for damaged in "$WORK"/damaged*.weir; do
		LIMIT=20 run "$WEIR" replay "$damaged" --policy tests/lib/card.yaml -o json --messages
		case $STATUS in 0 | 2 | 3) ;; *) bad=$((bad + 1)); head -5 "$ERR" | note ;; esac
	done
	is "$bad" 0 "$name with bytes changed never ends the program badly"
done
