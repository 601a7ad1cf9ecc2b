/* SPDX-License-Identifier: Apache-2.0 */
/* forge.c - what an analyst in an attacker's hands could tell the keeper and the monitor, told
 * through the live analyst's own descriptors, which root can take.
 *
 *   forge PID bad            every message that the schema forbids; prints how many
 *   forge PID claim COUNT    its own page: so many facts more were sent
 *   forge PID analysed COUNT its own page: so many records more were analysed
 *   forge PID epochs         well-formed facts of intervals far ahead and far behind; prints how many
 *   forge PID true COUNT     well-formed facts that are not true, as fast as they are taken; prints
 *                            how many and, on stderr, how many a second
 *   forge KEEPER hangup      nothing more from the monitor, as when it is dying
 *   forge PID verdicts COUNT bad verdicts of every kind, then that nothing is to be copied of the
 *                            connections 1 to COUNT; prints how many, when the monitor has read all */
#include <errno.h>
#include <linux/sockios.h>
#include <msgpack.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "model/class.h"

/* Places in the array of an exchange with one finding, in the order of facts_wire.c. */
enum {
	AT_FAMILY = 9, AT_ROLE, AT_TLS, AT_BINDING, AT_LATE, AT_AUTH = 25, AT_INSPECTED, AT_GAP, AT_AGAIN, AT_REASONS = 46, AT_FINDINGS,
	AT_CLASS, AT_CONFIDENCE, AT_LOCATION, AT_DIR, AT_SAMPLE, AT_WHY, AT_COUNT, AT_END = 61
};

static int facts;
static struct role_stats *stats;
static unsigned sent;

static int take(int pidfd, int number)
{
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (fd < 0) {
		fprintf(stderr, "forge: cannot take descriptor %d: %s\n", number, strerror(errno));
		exit(2);
	}
	return fd;
}

static void tell(const void *message, size_t len)
{
	if (send(facts, message, len, 0) != (ssize_t)len) {
		fprintf(stderr, "forge: cannot send %zu bytes: %s\n", len, strerror(errno));
		exit(2);
	}
	sent++;
}

static uint32_t epoch_now(void)
{
	uint32_t e = 1;

	for (int i = 0; i < ROLE_EPOCHS; i++)
		if (stats->epochs[i].epoch > e)
			e = stats->epochs[i].epoch;
	return e;
}

static struct fact lie(uint32_t epoch)
{
	struct fact f = { .kind = FACT_EXCHANGE };
	struct exchange *e = &f.exchange;
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	e->conn = (struct conn_facts){ .id = 7919, .process = { 4194303, 1 }, .family = 2, .role = ROLE_SERVER, .comm = "forger" };
	e->conn.local.port = 64007;
	e->at = (struct stamp){ (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec, epoch };
	e->status = 200;
	snprintf(e->protocol, sizeof(e->protocol), "http1");
	snprintf(e->method, sizeof(e->method), "POST");
	snprintf(e->route, sizeof(e->route), "/forged");
	snprintf(e->host, sizeof(e->host), "forged.example");
	e->bytes[DIR_SENT] = (struct byte_account){ .moved = 100, .examined = 100 };
	e->nr_findings = 1;
	e->findings[0] = (struct finding){ .confidence = CONF_CERTAIN, .location = LOC_REQUEST_BODY, .count = 1, .distinct = 1,
					   .path = "$.forged", .key = "forged", .mask = "forged" };
	return f;
}

/* One place of a well-formed message holds something else. */
static void tell_with(const msgpack_object *whole, uint32_t place, const msgpack_object *other)
{
	msgpack_sbuffer out;
	msgpack_packer packer;

	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, whole->via.array.size);
	for (uint32_t i = 0; i < whole->via.array.size; i++)
		msgpack_pack_object(&packer, i == place ? *other : whole->via.array.ptr[i]);
	tell(out.data, out.size);
	msgpack_sbuffer_destroy(&out);
}

static msgpack_object number(uint64_t v)
{
	return (msgpack_object){ .type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = v };
}

static msgpack_object text(const char *s, size_t len)
{
	return (msgpack_object){ .type = MSGPACK_OBJECT_STR, .via.str = { (uint32_t)len, s } };
}

/* Things that no place takes, in every place. */
static void wrong_everywhere(const msgpack_object *whole)
{
	static char lengthy[4096];
	msgpack_object nil = { .type = MSGPACK_OBJECT_NIL }, inner[] = { number(1) };
	msgpack_object never[] = {
		nil,
		{ .type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = true },
		{ .type = MSGPACK_OBJECT_FLOAT64, .via.f64 = 1.5 },
		{ .type = MSGPACK_OBJECT_ARRAY, .via.array = { 1, inner } },
		{ .type = MSGPACK_OBJECT_MAP, .via.map = { 0, NULL } },
		{ .type = MSGPACK_OBJECT_BIN, .via.bin = { 3, "abc" } },
		{ .type = MSGPACK_OBJECT_EXT, .via.ext = { 1, 3, "abc" } },
		{ .type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = INT64_MIN },
		text("\x1b[2Jforged", 10), text("forged\n", 7), text("<script>", 8), text("forged\0", 7), text("\xc3\xa9", 2),
		text(lengthy, sizeof(lengthy)),
	};

	memset(lengthy, 'a', sizeof(lengthy));
	for (uint32_t place = 0; place < whole->via.array.size; place++)
		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			tell_with(whole, place, &never[i]);
}

/* Words of an enum, one beyond its last; counts that do not fit what follows. */
static void wrong_numbers(const msgpack_object *whole)
{
	const struct { uint32_t place; uint64_t value; } wrong[] = {
		{ 0, 0 }, { 0, FACT_LAST + 1 }, { AT_FAMILY, 65536 }, { AT_ROLE, ROLE_CLIENT + 1 }, { AT_TLS, TLS_PRESENT + 1 },
		{ AT_BINDING, BINDING_EXACT + 1 }, { AT_LATE, TRANSPORT_UNIX_DATAGRAM << 1 | 2 }, { AT_REASONS, 1 },
		{ AT_REASONS, UINT32_MAX }, { AT_AUTH, AUTH_MAX }, { AT_INSPECTED, INSPECTED_NONE + 1 },
		{ AT_GAP, 2 }, { AT_AGAIN, 2 }, { AT_FINDINGS, 0 }, { AT_FINDINGS, 2 }, { AT_FINDINGS, MAX_FINDINGS + 1 }, { AT_FINDINGS, UINT32_MAX },
		{ AT_CLASS, class_count() }, { AT_CONFIDENCE, 0 }, { AT_CONFIDENCE, CONF_CERTAIN + 1 }, { AT_LOCATION, LOC_MAX },
		{ AT_DIR, DIR_SENT + 1 }, { AT_SAMPLE, 2 }, { AT_WHY, WHY_ALL + 1 }, { AT_COUNT, (uint64_t)UINT32_MAX + 1 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		msgpack_object other = number(wrong[i].value);

		tell_with(whole, wrong[i].place, &other);
	}
}

/* Of the schema, but not an analyst's to tell. */
static void wrong_kinds(void)
{
	static const char *const events[] = { "stop", "gap", "selftest", "failed", "probe" };
	uint8_t out[4096];
	struct fact f;
	int n;

	for (int kind = FACT_PROCESS; kind <= FACT_EVENT; kind++)
		for (size_t i = 0; i < (kind == FACT_EVENT ? sizeof(events) / sizeof(events[0]) : 1); i++) {
			memset(&f, 0, sizeof(f));
			f.kind = (enum fact_kind)kind;
			if (kind == FACT_PROCESS)
				snprintf(f.process.exe, sizeof(f.process.exe), "/forged");
			if (kind == FACT_BOOKS)
				f.books.epoch = epoch_now();
			if (kind == FACT_EVENT) {
				snprintf(f.event.kind, sizeof(f.event.kind), "%s", events[i]);
				snprintf(f.event.detail, sizeof(f.event.detail), "forged");
				f.event.value = 3;
			}
			n = facts_pack(&f, out, sizeof(out));
			if (n < 0)
				exit(2);
			tell(out, (size_t)n);
		}
}

/* No message at all: nothing, noise, too much, and what explodes in a careless reader. */
static void wrong_bytes(const uint8_t *good, size_t len)
{
	static uint8_t room[1 << 17];
	static const uint8_t heads[][6] = {
		{ 0xdd, 0xff, 0xff, 0xff, 0xff }, { 0xdf, 0xff, 0xff, 0xff, 0xff }, { 0xdb, 0xff, 0xff, 0xff, 0xff },
		{ 0xc6, 0xff, 0xff, 0xff, 0xff }, { 0xc9, 0xff, 0xff, 0xff, 0xff, 1 },
	};
	uint64_t noise = 0x9e3779b97f4a7c15ull;

	tell("", 0);
	for (size_t n = 1; n < len; n++)	/* cut short anywhere */
		tell(good, n);
	memcpy(room, good, len);
	tell(room, len + 1);
	for (int round = 0; round < 101; round++) {
		for (size_t i = 0; i < 509; i++) {
			noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
			room[i] = (uint8_t)noise;
		}
		tell(room, 509);
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		memset(room, 0xc0, 1021);
		memcpy(room, heads[i], sizeof(heads[i]));
		tell(room, 1021);
	}
	memset(room, 0x91, sizeof(room));	/* an array in an array, to the bottom */
	tell(room, FACT_MAX_SIZE);
	memset(room, 0x81, sizeof(room));
	tell(room, FACT_MAX_SIZE);
	tell(room, FACT_MAX_SIZE + 1);
	tell(room, sizeof(room));
}

static void bad(void)
{
	static uint8_t out[FACT_MAX_SIZE];
	struct fact f = lie(epoch_now());
	int n = facts_pack(&f, out, sizeof(out));
	msgpack_unpacked item;

	msgpack_unpacked_init(&item);
	if (n < 0 || msgpack_unpack_next(&item, (char *)out, (size_t)n, NULL) != MSGPACK_UNPACK_SUCCESS ||
	    item.data.via.array.size != AT_END) {
		fprintf(stderr, "forge: the schema is not the one this was written for\n");
		exit(2);
	}
	wrong_bytes(out, (size_t)n);
	wrong_kinds();
	wrong_numbers(&item.data);
	wrong_everywhere(&item.data);
	msgpack_unpacked_destroy(&item);
}

static void tell_lie(uint32_t epoch, unsigned serial)
{
	static uint8_t out[FACT_MAX_SIZE];
	struct fact f = lie(epoch);
	int n;

	if (serial)
		snprintf(f.exchange.route, sizeof(f.exchange.route), "/invented/%u", serial);
	n = facts_pack(&f, out, sizeof(out));
	if (n < 0)
		exit(2);
	tell(out, (size_t)n);
}

static void epochs(void)
{
	static const uint32_t far[] = { 4, 5, 6, 7, 8, 1000, 1000000, UINT32_MAX / 2, UINT32_MAX - 8 };

	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		tell_lie(epoch_now() + far[i], 0);
	tell_lie(epoch_now() - 5, 0);	/* wraps: further ahead than anything */
	tell_lie(epoch_now() - 1000000, 0);
}

static void invent(unsigned count)
{
	struct timespec from, to;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 1; i <= count; i++)
		tell_lie(epoch_now(), i);
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	fprintf(stderr, "%.0f a second\n", count / seconds);
}

static void advise(int ctl, const void *message, size_t len)
{
	struct pollfd room = { .fd = ctl, .events = POLLOUT };

	while (send(ctl, message, len, 0) != (ssize_t)len) {
		if (errno != EAGAIN || poll(&room, 1, 30000) != 1) {
			fprintf(stderr, "forge: the monitor does not read verdicts: %s\n", strerror(errno));
			exit(2);
		}
	}
	sent++;
}

static void wait_read(int ctl)
{
	int waiting = 1;

	for (int i = 0; i < 30000; i++) {
		if (!ioctl(ctl, SIOCOUTQ, &waiting) && !waiting)
			return;
		poll(NULL, 0, 1);
	}
	fprintf(stderr, "forge: the monitor does not read verdicts\n");
	exit(2);
}

static void verdicts(int ctl, unsigned count)
{
	struct capture_verdict good = { .version = VERDICT_VERSION, .layer = 1, .to = { UINT64_MAX, UINT64_MAX } }, bad[6];
	uint8_t lengthy[4096] = { 0 };

	good.conn = 1;
	for (size_t i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].version++;
	bad[1].layer = 3;
	bad[2].layer = 0;
	bad[3].pad[4] = 1;
	bad[4].conn = 0;
	bad[5].conn = 1ull << 60;
	memcpy(lengthy, &good, sizeof(good));
	for (unsigned turn = 0; turn < 61; turn++) {
		for (size_t i = 0; i < 6; i++)
			advise(ctl, &bad[i], sizeof(bad[i]));
		advise(ctl, lengthy, sizeof(good) - 1);
		advise(ctl, lengthy, sizeof(good) + 1);
		advise(ctl, lengthy, sizeof(lengthy));
	}
	for (unsigned i = 1; i <= count; i++) {
		good.conn = i;
		advise(ctl, &good, sizeof(good));
	}
	wait_read(ctl);
	advise(ctl, &bad[0], sizeof(bad[0]));	/* read after the last one was heeded */
	wait_read(ctl);
}

int main(int argc, char **argv)
{
	int pidfd = argc > 2 ? (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0) : -1;
	unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (pidfd < 0) {
		fprintf(stderr, "usage: forge PID bad | epochs | claim COUNT | analysed COUNT | true COUNT | hangup | verdicts COUNT\n");
		return 2;
	}
	facts = take(pidfd, FD_FACTS);
	stats = role_stats_map(take(pidfd, FD_STATS), true);
	if (!stats)
		return 2;
	if (!strcmp(argv[2], "bad"))
		bad();
	else if (!strcmp(argv[2], "epochs"))
		epochs();
	else if (!strcmp(argv[2], "claim"))
		role_epoch(stats, epoch_now())->findings += count;
	else if (!strcmp(argv[2], "analysed"))
		role_epoch(stats, epoch_now())->analysed += count;
	else if (!strcmp(argv[2], "true"))
		invent(count);
	else if (!strcmp(argv[2], "hangup") && shutdown(take(pidfd, FD_CTL), SHUT_RDWR))
		return 2;
	else if (!strcmp(argv[2], "verdicts"))
		verdicts(take(pidfd, FD_CTL), count);
	printf("%u\n", sent);
	return 0;
}
