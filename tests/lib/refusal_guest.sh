#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# refusal_guest.sh - where the kernel gives weir nothing to work with it must say what is in the
# way, and end with 3: never run and see nothing. scripts/kernel-test boots such kernels.
. "$(dirname "$0")/lib.sh"
need_root
LIMIT=60
run "$WEIR" run --state "$STATE" --policy "$ROOT/policies/soc2.yaml" --duration 5s
exits 3 "weir run refuses"
lacks "$OUT" '^ready' "it does not say that it is ready"
case $(cat /proc/cmdline) in
*weir.refuses=lockdown*) matches "$ERR" 'no capture possible: lockdown' "it names the lockdown" ;;
*) matches "$ERR" 'weir is tested on Linux 6.1 and later' "it names the kernels that it works on" ;;
esac
matches "$ERR" 'weir doctor' "it says where to look further"
run "$WEIR" doctor
[ "$STATUS" = 3 ] || [ "$STATUS" = 2 ] || not_ok "weir doctor ends with 2 or 3, not $STATUS"
matches "$OUT" 'BLOCKING' "weir doctor finds what is in the way"
