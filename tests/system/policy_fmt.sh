#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir policy fmt: one way of writing, to the byte; comments stay, what it says too, and what is wrong is left alone.
. "$(dirname "$0")/../lib/lib.sh"
need_weir

printf '%b' '\n\n# before\nversion: 1   \r\nlists:\n    partners:\n          # who they are\n          type: host\n          items: [a.example,   \n             "*.b.example"]\t\n\n\n\nrules:\n-   id: T-1\n    title: >-\n       a title\n       of two lines\n    forbid:\n        any:\n        - data.class: pan\n          # or\n        -  data:\n             class: email\n           to.host: [partners]\n    severity: low # a word\n# behind the rule\n- {id: T-2, title: b, severity: low,\n   forbid: {data.class: pan}}\n\n# the end\n\n' >"$WORK/messy.yaml"
cat >"$WORK/want.yaml" <<'END'
# before
version: 1
lists:
  partners:
    # who they are
    type: host
    items: [a.example,
       "*.b.example"]

rules:
  - id: T-1
    title: >-
       a title
       of two lines
    forbid:
      any:
        - data.class: pan
          # or
        - data:
            class: email
          to.host: [partners]
    severity: low # a word
  # behind the rule
  - {id: T-2, title: b, severity: low,
     forbid: {data.class: pan}}

  # the end
END
cp "$WORK/messy.yaml" "$WORK/mine.yaml"
chmod 640 "$WORK/mine.yaml"
ln -s mine.yaml "$WORK/link.yaml"
run "$WEIR" policy fmt --check "$WORK/mine.yaml"
exits 1 "--check says by its exit status that a file is not in the one way of writing"
is "$(cat "$OUT")" "$WORK/mine.yaml" "and names it"
is "$(cmp "$WORK/messy.yaml" "$WORK/mine.yaml" && echo same)" same "and changes nothing"
run "$WEIR" policy fmt "$WORK/link.yaml"
exits 0 "fmt formats it"
if diff=$(diff -u "$WORK/want.yaml" "$WORK/mine.yaml"); then ok "to the byte"; else not_ok "to the byte:"; note <<<"$diff"; fi
is "$(readlink "$WORK/link.yaml") $(stat -c %a "$WORK/mine.yaml")" "mine.yaml 640" "through a link, which stays one, with the file's mode"
run "$WEIR" policy fmt --check "$WORK/mine.yaml"
exits 0 "a second time there is nothing to do"
run "$WEIR" policy check "$WORK/mine.yaml"
exits 0 "and it is a policy still"
"$WEIR" policy fmt - <"$WORK/messy.yaml" >"$WORK/out.yaml"
is "$(cmp "$WORK/want.yaml" "$WORK/out.yaml" && echo same)" same "from the standard input to the standard output it is the same"
run "$WEIR" policy fmt --check policies tests/lib/card.yaml
exits 0 "the policies that weir ships are in the one way of writing"
printf 'version: 1\nrules: [\n' >"$WORK/broken.yaml"
cp "$WORK/broken.yaml" "$WORK/before.yaml"
run "$WEIR" policy fmt "$WORK/broken.yaml" "$WORK/mine.yaml"
exits 2 "what is no YAML is refused"
matches "$ERR" 'broken.yaml:3:1: error: not valid YAML' "with the place"
is "$(cmp "$WORK/broken.yaml" "$WORK/before.yaml" && echo same) $(find "$WORK" -name '*.fmt' | wc -l)" "same 0" "and left as it is, with nothing beside it"
run "$WEIR" policy fmt
exits 2 "without a file it is a usage error"
