build/release/tests/lib/load_object w.o | grep -v "^ok\|log:"
for i in socket_released udp_sent udp_received unix_page_sent; do echo "== $i"; tail -n 12 w.o.$i.log | cut -c1-250; done
