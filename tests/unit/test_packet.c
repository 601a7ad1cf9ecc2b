/* SPDX-License-Identifier: Apache-2.0 */
/* Packets -> chunks: what of a capture is told, in which order, and at which positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/packet/packet.h"
#include "model/payload.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
#define CLIENT_ISN 1000u
#define SERVER_ISN 9000u

/* A capture as it is written, and what came out of it: a line a chunk, "received 0 text" or
 * "sent 5 -7" for seven bytes that are missing. */
static FILE *file;
static uint32_t millis;
static char told[4096];
static struct packet_stats stats;
static struct conn_facts conn;
static uint64_t final_pos[2];
static unsigned closes, conns;

static void put(const void *ptr, size_t len)
{
	assert_int_equal(fwrite(ptr, 1, len, file), len);
}

static void capture_begin(uint32_t link)
{
	const struct { uint32_t magic; uint16_t major, minor; uint32_t zone, digits, snap, link; } head = { 0xa1b2c3d4, 2, 4, 0, 0, 262144, link };

	file = fdopen(memfd_create("capture", 0), "w+");
	put(&head, sizeof(head));
	millis = 0;
}

static void frame_put(const uint8_t *bytes, size_t len, size_t captured)
{
	const uint32_t head[4] = { 1700000000 + millis / 1000, millis % 1000 * 1000, (uint32_t)captured, (uint32_t)len };

	put(head, sizeof(head));
	put(bytes, captured);
	millis++;
}

static void number(uint8_t *out, uint32_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

/* A TCP segment in IPv4 on a raw link. */
static size_t segment_make(uint8_t out[2048], bool server, unsigned flags, uint32_t seq, uint32_t ack, const char *text)
{
	size_t len = strlen(text);

	memset(out, 0, 40);
	out[0] = 0x45;
	number(out + 2, (uint32_t)(40 + len), 2);
	out[8] = 64;
	out[9] = 6;
	memcpy(out + 12, server ? "\x0a\0\0\x02" : "\x0a\0\0\x01", 4);
	memcpy(out + 16, server ? "\x0a\0\0\x01" : "\x0a\0\0\x02", 4);
	number(out + 20, server ? 80 : 50000, 2);
	number(out + 22, server ? 50000 : 80, 2);
	number(out + 24, seq, 4);
	number(out + 28, flags & ACK ? ack : 0, 4);
	out[32] = 5 << 4;
	out[33] = (uint8_t)flags;
	memcpy(out + 40, text, len);
	return 40 + len;
}

/* Positions count from the first byte of each direction, at which its sequence number is ISN + 1. */
static void from_client(unsigned flags, uint32_t pos, uint32_t acked, const char *text)
{
	uint8_t packet[2048];
	size_t len = segment_make(packet, false, flags, CLIENT_ISN + 1 + pos, SERVER_ISN + 1 + acked, text);

	frame_put(packet, len, len);
}
static void from_server(unsigned flags, uint32_t pos, uint32_t acked, const char *text)
{
	uint8_t packet[2048];
	size_t len = segment_make(packet, true, flags, SERVER_ISN + 1 + pos, CLIENT_ISN + 1 + acked, text);

	frame_put(packet, len, len);
}
static void shake_hands(void)
{
	from_client(SYN, -1u, 0, "");
	from_server(SYN | ACK, -1u, 0, "");
	from_client(ACK, 0, 0, "");
}

static void on_time(void *owner, uint64_t base_ms, struct stamp at)
{
}
static void on_conn(void *owner, const struct conn_seen *seen)
{
	conn = seen->conn;
	conns++;
}
static void on_chunk(void *owner, const struct chunk *ch)
{
	size_t n = strlen(told);
	const char *dir = ch->dir == DIR_SENT ? "sent" : "received";
	static const char *const layers[] = { "", "", "plaintext ", "records ", "hello " };

	if (ch->bytes.len || ch->layer != LAYER_SOCKET)
		n += (size_t)snprintf(told + n, sizeof(told) - n, "%s%s %llu %.*s\n", layers[ch->layer], dir, (unsigned long long)ch->pos,
				      ch->layer == LAYER_SOCKET ? (int)ch->bytes.len : 0, (const char *)ch->bytes.ptr);
	if (ch->skipped)
		snprintf(told + n, sizeof(told) - n, "%s %llu -%llu %s\n", dir, (unsigned long long)(ch->pos + ch->bytes.len),
			 (unsigned long long)ch->skipped, loss_name(ch->cause));
}
static void on_close(void *owner, uint64_t id, const uint64_t pos[2], struct stamp at)
{
	memcpy(final_pos, pos, sizeof(final_pos));
	closes++;
}

static void replay(enum overlap overlap)
{
	const struct packet_sink sink = { NULL, on_time, on_conn, on_chunk, on_close };
	const struct packet_options options = { .overlap = overlap };
	char why[256];

	told[0] = 0;
	closes = conns = 0;
	assert_int_equal(fflush(file), 0);
	rewind(file);
	assert_true(packet_file_is(file));
	assert_int_equal(packet_read(file, &options, &sink, &stats, why, sizeof(why)), 0);
	assert_int_equal(closes, conns);
	fclose(file);
}

static void a_connection_is_told_as_its_server_sees_it(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "question");
	from_server(ACK, 0, 8, "answer");
	from_client(ACK | FIN, 8, 6, "");
	from_server(ACK | FIN, 6, 9, "");
	from_client(ACK, 9, 7, "");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nsent 0 answer\n");
	assert_int_equal(conn.role, ROLE_SERVER);
	assert_int_equal(conn.local.port, 80);
	assert_int_equal(conn.remote.port, 50000);
	assert_int_equal(conn.late, 0);
	assert_int_equal(final_pos[DIR_RECEIVED], 8);
	assert_int_equal(final_pos[DIR_SENT], 6);
}

static void segments_are_put_in_order(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 4, 0, "EFGH");
	from_client(ACK, 8, 0, "IJ");
	from_client(ACK, 0, 0, "ABCD");
	from_client(ACK, 2, 0, "CDEFGHIJKL");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 ABCD\nreceived 4 EFGH\nreceived 8 IJ\nreceived 10 KL\n");
	assert_int_equal(stats.repeated_bytes, 8);
	assert_int_equal(stats.conflicts, 0);
	assert_int_equal(stats.gaps, 0);
}

/* What was told is told; what is held can be replaced. */
static void bytes_that_change_count_first_or_last(void **state)
{
	for (int last = 0; last < 2; last++) {
		capture_begin(101);
		shake_hands();
		from_client(ACK, 4, 0, "efgh");
		from_client(ACK, 4, 0, "eXYh");
		from_client(ACK, 0, 0, "abcd");
		from_client(ACK, 2, 0, "Zd");
		from_server(ACK, 0, 8, "");
		replay(last ? OVERLAP_LAST : OVERLAP_FIRST);
		assert_string_equal(told, last ? "received 0 abZd\nreceived 4 eXYh\n" : "received 0 abcd\nreceived 4 efgh\n");
		assert_int_equal(stats.conflicts, 2);
		assert_int_equal(stats.conflict_bytes, 3);
	}
}

static void what_was_acknowledged_is_not_replaced(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "abcd");
	from_server(ACK, 0, 4, "");
	from_client(ACK, 0, 0, "WXYZ");
	replay(OVERLAP_LAST);
	assert_string_equal(told, "received 0 abcd\n");
	assert_int_equal(stats.repeated_bytes, 4);
}

static void a_hole_waits_for_its_retransmission(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 4, 0, "EFGH");
	for (unsigned i = 0; i < 20; i++) {	/* seconds pass, and the other end says what it has not */
		millis += 1000;
		from_server(ACK, 0, 0, "");
	}
	from_client(ACK, 0, 0, "ABCD");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 ABCD\nreceived 4 EFGH\n");
	assert_int_equal(stats.gaps, 0);
}

static void what_arrived_and_was_not_captured_is_a_gap_before_its_answer(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 4, 0, "EFGH");
	from_server(ACK, 0, 8, "answer");
	millis += 100;
	from_client(ACK, 8, 6, "IJ");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 -4 record_lost\nreceived 4 EFGH\nsent 0 answer\nreceived 8 IJ\n");
	assert_int_equal(stats.gap_bytes, 4);
	assert_int_equal(final_pos[DIR_RECEIVED], 10);
}

/* Packets of a capture overtake each other: an acknowledgement may stand before what it is of. */
static void a_late_packet_of_the_capture_is_no_gap(void **state)
{
	capture_begin(101);
	shake_hands();
	from_server(ACK, 0, 8, "answer");
	from_client(ACK, 0, 0, "question");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nsent 0 answer\n");
	assert_int_equal(stats.gaps, 0);
}

static void the_end_of_a_stream_that_was_not_captured_is_a_gap(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "question");
	from_server(ACK, 0, 8, "");
	from_server(ACK, 0, 30, "");
	from_client(ACK | FIN, 30, 0, "");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nreceived 8 -22 record_lost\n");
	assert_int_equal(final_pos[DIR_RECEIVED], 30);
}

/* One byte behind the last is the FIN's, captured or not. */
static void a_fin_is_no_byte(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "question");
	from_server(ACK, 0, 9, "answer");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nsent 0 answer\n");
	assert_int_equal(final_pos[DIR_RECEIVED], 8);
}

static void a_segment_beyond_any_window_is_of_nobody(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "question");
	from_client(ACK, 500000000, 0, "forged");
	from_server(ACK, 0, 8, "answer");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nsent 0 answer\n");
	assert_int_equal(stats.stray_bytes, 6);
}

/* A FIN that somebody else sent hides nothing of what follows. */
static void a_forged_end_hides_nothing(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK | FIN, 0, 0, "");
	from_client(RST, 0, 0, "");
	from_client(ACK, 0, 0, "question");
	from_server(ACK, 0, 8, "answer");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 question\nsent 0 answer\n");
	assert_int_equal(conns, 1);
}

static void a_capture_that_begins_in_the_middle_is_late(void **state)
{
	capture_begin(101);
	from_server(ACK, 700, 400, "rest of an answer");
	from_client(ACK, 400, 717, "question");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "sent 0 rest of an answer\nreceived 0 question\n");
	assert_int_equal(conn.late, 1);
	assert_int_equal(conn.role, ROLE_SERVER);
	assert_int_equal(conn.local.port, 80);	/* by its well-known port: nobody saw who began */
}

static void the_same_ports_with_another_beginning_are_another_connection(void **state)
{
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, "one");
	from_client(SYN, 777776, 0, "");
	from_client(ACK, 777777, 0, "two");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 one\nreceived 0 two\n");
	assert_int_equal(conns, 2);
}

static void a_packet_that_was_cut_says_how_much_is_missing(void **state)
{
	uint8_t packet[2048];
	size_t len = segment_make(packet, false, ACK, CLIENT_ISN + 1, 0, "abcdefgh");

	capture_begin(101);
	shake_hands();
	frame_put(packet, len, len - 5);
	from_client(ACK, 8, 0, "ij");
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "received 0 abc\nreceived 3 -5 truncated\nreceived 8 ij\n");
	assert_int_equal(stats.truncated, 1);
	assert_int_equal(stats.truncated_bytes, 5);
}

/* Lengths that lie, in each field that has one. */
static void headers_that_lie_are_malformed(void **state)
{
	static const struct { size_t at; uint8_t value; } lies[] = {
		{ 0, 0x44 }, { 0, 0x4f }, { 0, 0x15 }, { 3, 19 }, { 32, 0x40 }, { 32, 0xf0 },
	};
	uint8_t packet[2048];

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t len = segment_make(packet, false, ACK, CLIENT_ISN + 1, 0, "abc");

		packet[lies[i].at] = lies[i].value;
		capture_begin(101);
		frame_put(packet, len, len);
		replay(OVERLAP_FIRST);
		assert_string_equal(told, "");
		assert_int_equal(stats.malformed + stats.not_ip, 1);
	}
}

static void a_client_that_says_hello_speaks_tls(void **state)
{
	char hello[64] = "\x16\x03\x01\x01\x06\x01\x01\x01\x01\x03\x03";

	memset(hello + 11, 'r', 40);
	capture_begin(101);
	shake_hands();
	from_client(ACK, 0, 0, hello);
	replay(OVERLAP_FIRST);
	assert_string_equal(told, "hello received 0 \nhello received 5 \nrecords received 0 \n");
	assert_int_equal(stats.tls, 1);
}

static void a_key_log_is_known_by_its_lines(void **state)
{
	static const char *const bad[] = { "", "hello\n", "CLIENT_RANDOM 00 00\n", "# CLIENT_RANDOM\n" };
	char line[300] = "# made by a test\nCLIENT_RANDOM ", why[256];
	struct keylog *k;
	FILE *f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f = fmemopen((void *)bad[i], strlen(bad[i]) + 1, "r");
		why[0] = 0;
		assert_null(keylog_read(f, why, sizeof(why)));
		assert_non_null(strstr(why, "SSLKEYLOGFILE"));
		fclose(f);
	}
	memset(line + strlen(line), 'a', 64);
	strncat(line, " ", 2);
	memset(line + strlen(line), '0', 96);
	f = fmemopen(line, strlen(line), "r");
	k = keylog_read(f, why, sizeof(why));
	assert_non_null(k);
	keylog_free(k);
	fclose(f);
}

/* A number of a .pcapng of either byte order. */
static void number_put(bool big, uint32_t v)
{
	v = big ? __builtin_bswap32(v) : v;
	put(&v, sizeof(v));
}

static void section_put(bool big)
{
	const uint32_t nr[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, -1u, -1u, 28 };

	for (size_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++)
		number_put(big, i == 3 && big ? 0x10000 : nr[i]);
}

/* Secrets of a kind, said to be of that length. */
static void secrets_put(bool big, uint32_t kind, const char *text, uint32_t said)
{
	uint32_t len = (uint32_t)strlen(text), padded = (len + 3) & ~3u;

	number_put(big, 10);
	number_put(big, 20 + padded);
	number_put(big, kind);
	number_put(big, said);
	put(text, len);
	put("\0\0\0", padded - len);
	number_put(big, 20 + padded);
}

/* What was counted of a file as it is. */
static uint64_t secrets_in(void)
{
	const struct packet_sink sink = { NULL, on_time, on_conn, on_chunk, on_close };
	const struct packet_options options = { 0 };
	char why[256] = "";

	fflush(file);
	rewind(file);
	stats = (struct packet_stats){ 0 };
	(void)packet_read(file, &options, &sink, &stats, why, sizeof(why));
	fclose(file);
	return stats.secrets;
}

static void keys_in_a_capture_are_found_in_either_order(void **state)
{
	for (int big = 0; big < 2; big++) {
		file = fdopen(memfd_create("capture", 0), "w+");
		section_put(big);
		secrets_put(big, 0x544c534b, "CLIENT_RANDOM 00 00\n", 20);
		secrets_put(big, 0x57474b4c, "LOCAL_STATIC_PRIVATE_KEY = A", 28);	/* WireGuard's */
		section_put(!big);	/* another section, the other order */
		secrets_put(!big, 0x544c534b, "# none\n", 7);
		assert_int_equal(secrets_in(), 2);
	}
}

static void a_block_that_lies_ends_the_search_for_keys(void **state)
{
	static const uint32_t lengths[] = { 0, 4, 11, 13, 0xfffffffc };

	file = fdopen(memfd_create("capture", 0), "w+");
	section_put(false);
	secrets_put(false, 0x544c534b, "# short\n", 0xfffffff0);	/* longer than its block */
	secrets_put(false, 0x544c534b, "# short\n", 9);
	secrets_put(false, 0x544c534b, "# whole\n", 8);
	assert_int_equal(secrets_in(), 1);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		file = fdopen(memfd_create("capture", 0), "w+");
		section_put(false);
		number_put(false, 10);
		number_put(false, lengths[i]);
		secrets_put(false, 0x544c534b, "# whole\n", 8);
		assert_int_equal(secrets_in(), 0);
	}
	file = fdopen(memfd_create("capture", 0), "w+");
	secrets_put(false, 0x544c534b, "# before a section\n", 19);
	assert_int_equal(secrets_in(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_told_as_its_server_sees_it),
		cmocka_unit_test(segments_are_put_in_order),
		cmocka_unit_test(bytes_that_change_count_first_or_last),
		cmocka_unit_test(what_was_acknowledged_is_not_replaced),
		cmocka_unit_test(a_hole_waits_for_its_retransmission),
		cmocka_unit_test(what_arrived_and_was_not_captured_is_a_gap_before_its_answer),
		cmocka_unit_test(a_late_packet_of_the_capture_is_no_gap),
		cmocka_unit_test(the_end_of_a_stream_that_was_not_captured_is_a_gap),
		cmocka_unit_test(a_fin_is_no_byte),
		cmocka_unit_test(a_segment_beyond_any_window_is_of_nobody),
		cmocka_unit_test(a_forged_end_hides_nothing),
		cmocka_unit_test(a_capture_that_begins_in_the_middle_is_late),
		cmocka_unit_test(the_same_ports_with_another_beginning_are_another_connection),
		cmocka_unit_test(a_packet_that_was_cut_says_how_much_is_missing),
		cmocka_unit_test(headers_that_lie_are_malformed),
		cmocka_unit_test(a_client_that_says_hello_speaks_tls),
		cmocka_unit_test(a_key_log_is_known_by_its_lines),
		cmocka_unit_test(keys_in_a_capture_are_found_in_either_order),
		cmocka_unit_test(a_block_that_lies_ends_the_search_for_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
