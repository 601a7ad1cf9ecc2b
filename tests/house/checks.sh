#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Do the checks of `make check` fail when they should? Each rule is broken in a copy of the
# tree: the check must fail and name the place; what only looks like it must pass.
. "$(dirname "$0")/../lib/lib.sh"
need ctags

TREE=$WORK/tree
fresh() {
	rm -rf "$TREE"
	mkdir "$TREE"
	cp -a bpf userspace scripts policies Makefile "$TREE"
	mkdir "$TREE/tests"
	cp -a tests/lib "$TREE/tests"
}
put() { # FILE LINE: adds a line at its end
	mkdir -p "$(dirname "$TREE/$1")"
	[ -e "$TREE/$1" ] || echo '/* SPDX-License-Identifier: Apache-2.0 */' >"$TREE/$1"
	printf '%s\n' "$2" >>"$TREE/$1"
}
catches() { # CHECK PLACE-REGEX SENTENCE
	LIMIT=120 run scripts/check-"$1" "$TREE"
	cat "$ERR" >>"$OUT"
	if [ "$STATUS" != 0 ] && grep -qE -- "$2" "$OUT"; then
		ok "check-$1 refuses $3"
	else
		not_ok "check-$1 refuses $3: exit status $STATUS, it said:"
		tail -n 5 "$OUT" | note
	fi
}
passes() { # CHECK SENTENCE
	LIMIT=120 run scripts/check-"$1" "$TREE"
	if [ "$STATUS" = 0 ]; then ok "check-$1 lets pass $2"; else not_ok "check-$1 lets pass $2: it said:"; cat "$OUT" "$ERR" | head -n 8 | note; fi
}

fresh
for check in includes units words functions format; do
	passes $check "the tree as it is"
done

# Includes.
put userspace/store/planted.c '#include "policy/policy.h"'
catches includes 'store/planted\.c:2: .*siblings' "a sibling that includes a sibling"
fresh
put userspace/base/planted.c '#include "model/facts.h"'
catches includes 'base/planted\.c:2: .*nothing of this product' "base/ that knows the product"
fresh
put userspace/policy/planted.c '#include "model/payload.h"'
catches includes 'policy/planted\.c:2: .*payload' "payload after classification"
fresh
put userspace/daemon/planted.c '#include "model/payload.h"'
catches includes 'daemon/planted\.c:2: .*payload' "payload in a role that only passes facts on"
fresh
put userspace/store/planted.c '#include <bpf/libbpf.h>'
catches includes 'store/planted\.c:2: .*not for store' "libbpf outside capture/"
fresh
put userspace/context/planted.c '#include <curl/curl.h>'
catches includes 'context/planted\.c:2: .*neither libc' "a library that nobody decided on"
fresh
put userspace/cli/planted.c '#include "store/private.h"'
catches includes 'cli/planted\.c:2: .*private' "a private header in cli/"
fresh
put userspace/stream/planted.c '#include "private.h"'
catches includes 'stream/planted\.c:2: .*from userspace/' "a header without its folder"
fresh
put userspace/output/planted.c '#include "bpf/wire.h"'
catches includes 'output/planted\.c:2: .*records' "records behind capture/"
fresh
put bpf/planted.bpf.c '#include "userspace/model/facts.h"'
catches includes 'bpf/planted\.bpf\.c:2: .*bpf/ only' "the user space side in bpf/"
fresh
# Through another header, as the compiler's .d file tells.
mkdir -p "$TREE/build/release/userspace/store"
put userspace/store/planted.c '#include "model/facts.h"'
printf 'build/release/userspace/store/planted.o: userspace/store/planted.c \\\n userspace/model/facts.h \\\n userspace/policy/policy.h\n' \
	>"$TREE/build/release/userspace/store/planted.d"
catches includes 'store/planted\.c: through another header: .*policy' "a sibling that comes in through another header"
fresh
put userspace/store/planted.c '#include "model/facts.h"'
put userspace/store/planted.c '#include <sqlite3.h>'
put userspace/store/planted.c '/* #include "policy/policy.h" is not for us */'
passes includes "a model header, a library with a row, and a comment"

# Units.
fresh
put userspace/stream/planted.c 'static int planted(const char *s) { return !strcmp(s, "http1"); }'
catches units 'stream/planted\.c:2:' "a protocol's name outside its file"
fresh
put userspace/capture/planted.c 'extern const struct tls_lib tls_lib_openssl;'
catches units 'capture/planted\.c:2:' "a TLS library's symbol outside its file"
fresh
put userspace/policy/planted.c 'static const char *planted = "us_ssn";'
catches units 'policy/planted\.c:2:' "a data class by name in a policy"
fresh
printf 'PROTOCOL(ghost)\n' >>"$TREE/userspace/protocol/list.def"
catches units 'list\.def: row ghost' "a row without a file"
fresh
put userspace/stream/planted.c '/* http1 is looked at in protocol/ */'
put userspace/stream/planted.c 'static const char *planted = "http10";'
passes units "a comment and a longer word"

# Words.
for call in 'strcpy(a, b)' 'strcat(a, b)' 'sprintf(a, "x")' 'system("x")' 'alloca(3)' 'strtok(a, b)' 'popen("x", "r")' 'gets(a)'; do
	fresh
	put userspace/base/planted.c "void planted(void) { $call; }"
	catches words 'base/planted\.c:2:' "${call%%(*}()"
done
for word in TODO FIXME XXX; do
	fresh
	put userspace/base/planted.c "/* $word: later */"
	catches words 'base/planted\.c:2:' "the word $word"
done
fresh
put userspace/base/planted.c 'void planted(char *a) { snprintf(a, 4, "x"); strtok_r(a, a, &a); mkdtemp("weir-XXXXXX"); }'
passes words "snprintf, strtok_r and a template of a name"

fresh
printf 'one\n%s HEAD\n' '<<<<<<<' >"$TREE/userspace/README.md"
catches words 'userspace/README\.md:2:' "what a merge left behind"

# Functions and files.
fresh
{ echo 'int planted(int a)'; echo '{'; for i in $(seq 95); do echo "	a += $i;"; done; echo '	return a;'; echo '}'; } >"$WORK/long"
put userspace/base/planted.c "$(cat "$WORK/long")"
catches functions 'base/planted\.c:2: planted has 9[0-9] lines' "a function of 97 lines"
fresh
{ echo 'int planted(int a)'; echo '{'; for i in $(seq 80); do echo "	a += $i;"; done; echo '	return a;'; echo '}'; } >"$WORK/long"
put userspace/base/planted.c "$(cat "$WORK/long")"
passes functions "a function of 83 lines"
fresh
put userspace/base/planted.c "$(for i in $(seq 720); do echo "/* $i */"; done)"
catches functions 'base/planted\.c: 721 lines' "a file of 721 lines"

# Format.
fresh
printf 'int planted;\n' >"$TREE/userspace/base/planted.c"
catches format 'base/planted\.c:1: .*SPDX' "a file without its licence line"
fresh
put userspace/base/planted.c 'int planted;  '
catches format 'base/planted\.c:2: .*blanks' "blanks at the end of a line"
fresh
put userspace/base/planted.c "$(printf 'void planted(void)\n{\n    int a;\n}')"
catches format 'base/planted\.c:4: .*tabs' "indentation by spaces"
fresh
printf '/* SPDX-License-Identifier: Apache-2.0 */\nint planted;' >"$TREE/userspace/base/planted.c"
catches format 'base/planted\.c:1: .*newline' "a file that ends without a newline"

# All together: one bad file makes make check fail.
fresh
put userspace/base/planted.c '/* FIXME */'
run "$TREE/scripts/check-all"
differs "$STATUS" 0 "check-all fails when one check does"
matches "$OUT" 'FAIL words' "and says which"
fresh
run "$TREE/scripts/check-all"
exits 0 "check-all passes the tree as it is"
