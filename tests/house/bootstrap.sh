#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# scripts/bootstrap on hosts that this one is not: with packages missing, without rights,
# without apt, with an older archive. Stand-ins for dpkg-query and apt play the host;
# nothing is installed.
. "$(dirname "$0")/../lib/lib.sh"

BIN=$WORK/bin
mkdir "$BIN"
cat >"$BIN/dpkg-query" <<'END'
#!/bin/sh
# The last argument is the package.
for p; do :; done
[ -e "$HOST/has/$p" ] || exit 1
case "$*" in *db:Status-Status*) printf installed ;; *) printf 'install ok installed' ;; esac
END
cat >"$BIN/apt-get" <<'END'
#!/bin/sh
echo "$*" >>"$HOST/asked"
case " $* " in *' update '*) : >"$HOST/updated"; exit 0 ;; esac
for p; do case $p in -* | install) ;; *) : >"$HOST/has/$p" ;; esac; done
# nginx-light brings nginx, as it does in Debian.
[ ! -e "$HOST/has/nginx-light" ] || : >"$HOST/has/nginx"
END
cat >"$BIN/apt-cache" <<'END'
#!/bin/sh
for p; do :; done
[ -e "$HOST/unknown/$p" ] && exit 100
# Provided by another package: apt says so on stderr, and success.
[ -e "$HOST/provided/$p" ] && { echo "N: $p is purely virtual" >&2; exit 0; }
echo "Package: $p | 1 | http://archive"
END
cat >"$BIN/systemctl" <<'END'
#!/bin/sh
echo "systemctl $*" >>"$HOST/asked"
END
cp "$BIN/systemctl" "$BIN/update-rc.d"
chmod +x "$BIN"/*
HOST=$WORK/host
export HOST
host() { rm -rf "$HOST"; mkdir -p "$HOST/has" "$HOST/unknown" "$HOST/provided"; : >"$HOST/asked"; chmod -R 777 "$HOST"; }
boot() { run env PATH="$BIN:$PATH" "$@"; }
policy=/usr/sbin/policy-rc.d
policy_before=$(ls -l $policy 2>/dev/null)

if [ "$(id -u)" = 0 ]; then
	host
	boot scripts/bootstrap run
	exits 0 "a bare host gets what the build needs"
	for p in make gcc clang llvm libbpf-dev libelf-dev libmsgpack-dev libyaml-dev libssl-dev libsqlite3-dev libseccomp-dev libcap-dev; do
		grep -q "^.* $p\b" "$HOST/asked" || not_ok "asked for $p"
	done
	matches "$HOST/asked" 'no-install-recommends' "and nothing that is only recommended"
	lacks "$HOST/asked" 'nginx|cmocka' "for run no test server and no test library is installed"
	matches "$OUT" 'clang.*BPF' "it says what and why"
	: >"$HOST/asked"
	boot scripts/bootstrap run
	exits 0 "a second time"
	is "$(wc -l <"$HOST/asked")" 0 "nothing is asked of apt"

	boot scripts/bootstrap test
	exits 0 "then what the tests need"
	matches "$HOST/asked" 'nginx' "which includes a real server,"
	matches "$HOST/asked" 'disable.*nginx|nginx.*disable' "whose service is kept from starting at the next boot"
	lacks "$HOST/asked" '\b(clang|gcc) ' "and not again what is there"
	is "$(ls -l $policy 2>/dev/null)" "$policy_before" "the host's own policy-rc.d is as before"

	host
	touch "$HOST/has/nginx"
	boot scripts/bootstrap test
	lacks "$HOST/asked" 'nginx.*disable|disable.*nginx' "an nginx that was there before stays enabled"

	host
	touch "$HOST/unknown/libmsgpack-dev" "$HOST/unknown/pkg-config"
	boot scripts/bootstrap run
	exits 0 "on an archive with newer names"
	matches "$HOST/asked" 'libmsgpack-c-dev' "the newer name is taken"
	matches "$HOST/asked" 'update' "after the lists were brought up to date"

	# Names as in Debian 13 and Ubuntu 24.04, where old ones are provided by new packages.
	host
	touch "$HOST/provided/libmsgpack-dev" "$HOST/provided/pkg-config" "$HOST/unknown/nginx-light"
	boot scripts/bootstrap test
	exits 0 "on an archive where new packages provide the old names"
	for p in libmsgpack-c-dev pkgconf nginx; do
		matches "$HOST/asked" " $p( |\$)" "$p is asked for"
	done
	lacks "$HOST/asked" 'libmsgpack-dev|pkg-config|nginx-light' "and no name that is only provided"
	boot scripts/bootstrap test
	matches "$OUT" 'everything for test is installed' "after which nothing is missing"
	boot scripts/bootstrap host
	exits 0 "and what makes another system in a folder"
	matches "$HOST/asked" 'debootstrap' "is asked for by its own word"
else
	skip "installing: needs root"
fi

host
chmod 777 "$HOST" "$HOST/has"
nobody=
[ "$(id -u)" != 0 ] || nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
# shellcheck disable=SC2086
run $nobody env PATH="$BIN:$PATH" scripts/bootstrap run
exits 2 "without root nothing is installed"
matches "$ERR" 'root' "it says that it takes root"
cat "$OUT" "$ERR" >"$WORK/both"
matches "$WORK/both" 'libbpf-dev' "and which packages are missing"
run env PATH="$BIN:$PATH" scripts/bootstrap everything
exits 2 "a word that is neither run nor test is refused"

# No apt at all: a path with what a shell script needs, and nothing else.
mkdir "$WORK/noapt"
for c in sh dirname id sed awk cut tr xargs grep cat; do
	ln -s "$(command -v $c)" "$WORK/noapt/$c"
done
run env PATH="$WORK/noapt" /bin/sh scripts/bootstrap run
exits 2 "a host without apt is told to install by hand"
matches "$ERR" 'apt' "and why"
