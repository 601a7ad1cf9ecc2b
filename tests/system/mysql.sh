#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real MariaDB with its command line client and one that prepares: text and binary results, LOCAL
# INFILE, errors; over TCP, the compressed protocol, TLS and a UNIX socket. As many exchanges as the
# server counts statements, on both sides, and the classes under the names of their columns.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need mariadbd mariadb perl openssl setpriv
perl -MDBD::MariaDB -e 1 2>/dev/null || bail "no DBD::MariaDB for perl: scripts/bootstrap test installs it"
make_cert

port=$(free_port)
mkdir "$WORK/my"
mount_tmpfs "$WORK/my" 512M || true	# it syncs a lot
install -d -o mysql "$WORK/my/data"
install -o mysql -m 600 "$KEY" "$WORK/my.key"
chmod 755 "$WORK" "$WORK/my"
chown mysql "$WORK/my"
server() { (cd / && exec mariadbd --no-defaults --user=mysql --datadir="$WORK/my/data" --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=8M "$@"); }
{
	printf '%s\n' 'CREATE DATABASE mysql;' 'USE mysql;' 'SET @auth_root_socket = NULL;'	# one a line
	cat /usr/share/mysql/mysql_system_tables.sql /usr/share/mysql/mysql_system_tables_data.sql
} | server --bootstrap >"$WORK/bootstrap.log" 2>&1 || bail "no MariaDB: $(tail -n 1 "$WORK/bootstrap.log")"
start "$WORK/mariadb.log" server --port="$port" --bind-address=127.0.0.1 --socket="$WORK/my/socket" --pid-file="$WORK/my/pid" --local-infile=1 \
	--ssl-cert="$CERT" --ssl-key="$WORK/my.key"
wait_for 30 listens "$port" || bail "no server on port $port: $(tail -n 2 "$WORK/mariadb.log")"

sql() { mariadb --no-defaults -BN -f --database=shop "$@" >>"$WORK/sql.out" 2>>"$WORK/sql.log"; }
root="--user=root --socket=$WORK/my/socket --database=mysql"
tcp="--host=127.0.0.1 --port=$port --user=app --password=harbour-Master-71"
# shellcheck disable=SC2086  # lists of words
mariadb --no-defaults $root -e "CREATE DATABASE shop; CREATE TABLE shop.customers (id int PRIMARY KEY, email varchar(80), card varchar(20), born date);
	CREATE TABLE shop.imports LIKE shop.customers; CREATE USER app IDENTIFIED BY 'harbour-Master-71'; GRANT ALL ON *.* TO app" 2>"$WORK/root.log" ||
	bail "no table: $(tail -n 1 "$WORK/root.log")"
start_weir --policy "$LIB/card.yaml" --exe '/usr/*bin/mariadb*'	# a UNIX socket is watched of who is named
# What the server itself has counted: this question too.
counted() {
	mariadb --no-defaults -BN $tcp --skip-ssl -e "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS
		WHERE VARIABLE_NAME IN ('COM_INSERT', 'COM_SELECT', 'COM_LOAD', 'COM_SET_OPTION')" 2>>"$WORK/sql.log"
}
before=$(counted)

inserts() { seq "$1" "$2" | sed "s/.*/INSERT INTO customers (id, email, card) VALUES (&, 'person&@harborline-logistics.com', '4111111111111111');/"; }
selects() { seq "$1" "$2" | sed "s/.*/SELECT email, card FROM customers WHERE id = &;/"; }
{ inserts 1 41; selects 1 41; selects 1 15; } >"$WORK/plain.sql"
sql $tcp --skip-ssl <"$WORK/plain.sql"
{ inserts 101 141; selects 101 141; selects 101 115; } >"$WORK/tls.sql"
sql $tcp --ssl <"$WORK/tls.sql"
{ inserts 201 223; selects 201 223; } >"$WORK/packed.sql"
sql $tcp --skip-ssl --compress <"$WORK/packed.sql"
selects 1 13 >"$WORK/unix.sql"
sql --socket="$WORK/my/socket" --user=app --password=harbour-Master-71 --skip-ssl <"$WORK/unix.sql"
between=$(counted)
perl "$LIB/mariadb_peer.pl" "$port" 53 2>"$WORK/perl.log" || not_ok "DBD::MariaDB: $(tail -n 1 "$WORK/perl.log")"
perl=$(($(counted) - between - 1))
at_least "$perl" $((2 * 53)) "the server counted the statements of perl"
seq 2001 2089 | sed 's/.*/&\tcopied&@harborline-logistics.com\t5555555555554444/' >"$WORK/rows.tsv"
sql $tcp --skip-ssl --local-infile=1 -e "LOAD DATA LOCAL INFILE '$WORK/rows.tsv' INTO TABLE imports (id, email, card)"
is "$(mariadb --no-defaults -BN $tcp --skip-ssl -e "SELECT count(*) FROM shop.imports" 2>>"$WORK/sql.log")" 89 "LOCAL INFILE moved 89 rows in"
sql $tcp --skip-ssl -e "INSERT INTO customers (id, email) VALUES (1, 'twice@harborline-logistics.com')"
sql $tcp --skip-ssl -e "SELECT nothing FROM nowhere"
after=$(counted)
questions=$((after - before))
at_least "$questions" $((97 * 2 + 46 + 13 + 2 * 53 + 5)) "the server itself counted statements"

settle
read_weir flows flows --sum
read_weir violations violations list
# The first that was counted is not in the difference. Of the clients perl is not watched: what it asks
# beside its statements the server alone has seen.
server=$((questions + 1)) client=$((questions + 1 - perl))
for side in client server; do
	is "$(($(rows "$WORK/flows.json" sum exchanges port="$port" role=$side) + $(rows "$WORK/flows.json" sum exchanges port=0 protocol=mysql role=$side)))" \
		"${!side}" "each statement is an exchange of the $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$port" tls.state=present role=$side)" 97 "97 of them over TLS, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port=0 role=$side protocol=mysql)" 13 "13 over a UNIX socket, $side"
	is "$(rows "$WORK/flows.json" unexplained protocol=mysql role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque skipped; do
		is "$(rows "$WORK/flows.json" sum bytes.$fate port="$port" role=$side)" 0 "no byte of the $side is $fate"
	done
done
found() { # CLASS COUNT, client's DIRECTION and WHERE, server's DIRECTION and WHERE
	is "$(rows "$WORK/flows.json" findings "$1" "$3" role=client "$4")" "$2" "client $3 $1 in exactly $2 fields ($4)"
	is "$(rows "$WORK/flows.json" findings "$1" "$5" role=server "$6")" "$2" "server $5 $1 in exactly $2 fields ($6)"
}
found pan 41 sent tls.state=present received tls.state=present
found email 56 received tls.state=present sent tls.state=present
found pan 13 received peer=unix sent port=0
is "$(rows "$WORK/flows.json" findings pan received role=server port="$port" tls.state=absent route=customers)" $((41 + 23 + 53)) "cards in the clear, packed and bound"
is "$(rows "$WORK/flows.json" findings pan sent role=server port="$port" tls.state=absent route=customers)" $((56 + 23 + 53)) "and in results"
found pan 89 sent route=imports received route=imports
for path in sql.card row.card bind.card copy.card; do
	at_least "$(rows "$WORK/violations.json" count path=$path)" 1 "card numbers have the name of their column: $path"
done
