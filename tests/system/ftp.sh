#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# vsftpd with Python's client, in clear and after AUTH TLS, files as well: 53 files are sent and read over control connections that
# are kept, some over connections to the client. Each command that the server logs is an exchange on both sides; what is
# moved is FTP's, under the path that was asked for.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need vsftpd openssl
make_cert
port=$(free_port)
mkdir -p "$WORK/root/in" "$WORK/empty"
chmod 755 "$WORK" "$WORK/root"
chmod 777 "$WORK/root/in"
cat >"$WORK/vsftpd.conf" <<END
listen=YES
listen_address=127.0.0.1
listen_port=$port
background=NO
anonymous_enable=YES
anon_root=$WORK/root
write_enable=YES
anon_upload_enable=YES
anon_umask=022
anon_world_readable_only=NO
connect_from_port_20=NO
port_enable=YES
secure_chroot_dir=$WORK/empty
xferlog_enable=YES
xferlog_std_format=NO
dual_log_enable=NO
log_ftp_protocol=YES
vsftpd_log_file=$WORK/vsftpd.log
ssl_enable=YES
allow_anon_ssl=YES
force_anon_data_ssl=NO
force_anon_logins_ssl=NO
require_ssl_reuse=NO
rsa_cert_file=$CERT
rsa_private_key_file=$KEY
END
start "$WORK/server.log" vsftpd "$WORK/vsftpd.conf"
wait_for 30 listens "$port" || bail "vsftpd does not listen: $(tail -n 2 "$WORK/server.log")"
start_weir --policy "$LIB/card.yaml"
"$PYTHON" - "$port" >"$WORK/client.log" 2>&1 <<'END' || not_ok "the client: $(tail -n 1 "$WORK/client.log")"
import ftplib, io, ssl, sys
context = ssl._create_unverified_context()
for begin, end, make in ((0, 31, ftplib.FTP), (31, 53, lambda: ftplib.FTP_TLS(context=context))):
    with make() as ftp:
        ftp.connect("127.0.0.1", int(sys.argv[1]), 30)
        ftp.login("anonymous", "s3cret-harbor-17")
        ftp.cwd("in")
        if begin:
            ftp.prot_p()
        for i in range(begin, end):
            ftp.set_pasv(i % 3 != 0)
            body = b"contact: buyer%d@harborline-logistics.com\n" % i
            ftp.storbinary("STOR buyer%d@harborline-logistics.com" % i, io.BytesIO(body))
            back = io.BytesIO()
            ftp.retrbinary("RETR buyer%d@harborline-logistics.com" % i, back.write)
            assert back.getvalue() == body
        try:
            ftp.cwd("nowhere")
        except ftplib.error_perm:
            print("refused")
END
is "$(grep -c refused "$WORK/client.log")" 2 "the client did it all"
ended() { [ "$(grep -c '"221 Goodbye' "$WORK/vsftpd.log")" = 2 ]; }
wait_for 30 ended || not_ok "the server logged both ends"
logged=$(grep -c "FTP command: Client" "$WORK/vsftpd.log")
at_least "$logged" $((4 * 53 + 12)) "the server itself logged what was asked"
settle
read_weir flows flows --sum
for role in client server; do
	to=sent
	[ $role = client ] || to=received
	is "$(rows "$WORK/flows.json" sum exchanges protocol=ftp port="$port" role=$role)" "$logged" "each command is an exchange of the $role"
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$role)" 0 "no byte of the $role is unexplained"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$role)" 0 "and none is opaque"
	has_findings "$port" $role email $to $((2 * 53))
	has_findings "$port" $role password $to 2
done
for role in client server; do
	for way in sent received; do
		is "$(rows "$WORK/flows.json" findings email $way protocol=ftp port!="$port" role=$role route~buyer)" 0 "no name of a person is in a path"
	done
done
# Of a data connection that the server opens he is the client.
is "$(rows "$WORK/flows.json" findings email sent protocol=ftp port!="$port" tls.state=absent route={email})" $((2 * 31)) "what data connections move is FTP's, by its path, sent"
is "$(rows "$WORK/flows.json" findings email received protocol=ftp port!="$port" tls.state=absent route={email})" $((2 * 31)) "and received"
over_tls() { rows "$WORK/flows.json" findings email "$1" protocol=ftp port!="$port" tls.state=present route={email} role="$2"; }
for role in client server; do
	is $(($(over_tls sent $role) + $(over_tls received $role))) $((2 * 22)) "over TLS each is FTP's too, by its path, of the $role"
done
is "$(rows "$WORK/flows.json" sum exchanges protocol=ftp port!="$port")" 0 "it is counted where it was asked for"
is "$(rows "$WORK/flows.json" sum bytes.opaque protocol=ftp)" 0 "no byte of it is opaque"
is "$(rows "$WORK/flows.json" unexplained protocol=ftp)" 0 "nor unexplained"
is "$(rows "$WORK/flows.json" findings email sent protocol=null)" 0 "none is of no protocol"
grep -rqF 's3cret-harbor' "$STATE" "$WORK/flows.json" && not_ok "no password is kept" || ok "no password is kept"
