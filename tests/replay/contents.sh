#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 1,688 bodies of six kinds, made by Debian's Python libraries: the fields are what these read in them.
# Argument: the program; the decoder is built beside it.
. "$(dirname "$0")/../lib/lib.sh"
decoder=$(dirname "${1:-$ROOT/build/release/weir}")/tests/lib/decode_body
[ -x "$decoder" ] || decoder=$ROOT/build/release/tests/lib/decode_body
run "$PYTHON" "$LIB/contents.py" "$decoder"
exits 0 "bodies of six kinds are read as their libraries read them"
note <"$OUT"
