/* SPDX-License-Identifier: Apache-2.0 */
/* FTP's data connections: read as what the control connection has arranged, on either side, whoever of the two listens;
 * and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "protocol/arranged.h"
#include "protocol/protocol.h"

static struct { unsigned exchanges, again, fields; struct exchange last; char path[PATH_SIZE], value[64]; } seen;
static struct arranged *arranged;

static void on_field(void *owner, struct exchange *ex, const struct field *f)
{
	seen.fields++;
	snprintf(seen.path, sizeof(seen.path), "%s", f->path);
	snprintf(seen.value, sizeof(seen.value), "%.*s", (int)f->value.len, (const char *)f->value.ptr);
}

static size_t on_clean(void *owner, char out[NAME_SIZE], struct slice raw)
{
	size_t n = raw.len < NAME_SIZE - 1 ? raw.len : NAME_SIZE - 1;

	memcpy(out, raw.ptr, n);
	out[n] = 0;
	return n;
}

static void on_exchange(void *owner, const struct exchange *ex)
{
	seen.exchanges += !ex->again;
	seen.again += ex->again;
	seen.last = *ex;
}

static const struct field_sink sink = { .field = on_field, .clean = on_clean, .exchange = on_exchange };

/* 10.0.0.1 is watched, 10.0.0.2 the other end. */
struct end { struct session *session; struct byte_account acct[2]; int64_t given; };

static void begin(struct end *e, uint64_t id, unsigned role, uint16_t local, uint16_t remote)
{
	struct conn_facts conn = {
		.id = id, .role = (uint8_t)role, .tls = TLS_ABSENT, .family = 2, .local = { { 10, 0, 0, 1 }, local }, .remote = { { 10, 0, 0, 2 }, remote },
	};

	*e = (struct end){ .session = session_new(&conn, &sink, e->acct) };
	assert_non_null(e->session);
	session_arrange(e->session, arranged);
}

static void say(struct end *e, enum dir dir, const char *text)
{
	session_bytes(e->session, dir, slice_of(text, strlen(text)), (struct stamp){ 1000, 1 });
	e->given += (int64_t)strlen(text);
}

static void end(struct end *e)
{
	session_close(e->session, (struct stamp){ 2000, 1 });
	assert_int_equal(e->acct[0].examined + e->acct[0].opaque + e->acct[0].skipped + e->acct[1].examined + e->acct[1].opaque + e->acct[1].skipped,
			 e->given);
}

static void control(struct end *e, unsigned role, const char *ask, const char *answer, const char *moves)
{
	enum dir front = role == ROLE_CLIENT ? DIR_SENT : DIR_RECEIVED;

	memset(&seen, 0, sizeof(seen));
	arranged_free(arranged);
	arranged = arranged_new();
	if (role == ROLE_CLIENT)
		begin(e, 1, role, 40000, 21);
	else
		begin(e, 1, role, 21, 40000);
	say(e, !front, "220 ftp.example FTP\r\n");
	say(e, front, ask);
	say(e, !front, answer);
	say(e, front, moves);
	say(e, !front, "150 go\r\n");
}

static void moved(unsigned role, uint16_t local, uint16_t remote, enum dir dir, const char *method, enum location location)
{
	struct end data;
	unsigned before = seen.exchanges;

	begin(&data, 2, role, local, remote);
	say(&data, dir, "{\"email\":\"ana@corp.org\"}");
	end(&data);
	assert_string_equal(seen.last.protocol, "ftp");
	assert_string_equal(seen.last.method, method);
	assert_string_equal(seen.last.route, "in/people.json");
	assert_string_equal(seen.path, "$.email");
	assert_int_equal(seen.last.again, 1);
	assert_int_equal(seen.exchanges, before);
	assert_int_equal(location == LOC_REQUEST_BODY ? seen.last.request_bytes : seen.last.response_bytes, 24);
	assert_int_equal(data.acct[dir].examined, 24);
}

static void who_listens_tells_the_port(void **state)
{
	struct end c;

	control(&c, ROLE_CLIENT, "PASV\r\n", "227 Entering Passive Mode (10,0,0,2,195,80).\r\n", "STOR in/people.json\r\n");
	moved(ROLE_CLIENT, 40001, 50000, DIR_SENT, "STOR", LOC_REQUEST_BODY);
	end(&c);
	control(&c, ROLE_SERVER, "PASV\r\n", "227 Entering Passive Mode 10,0,0,1,195,80\r\n", "RETR in/people.json\r\n");
	moved(ROLE_SERVER, 50000, 40001, DIR_SENT, "RETR", LOC_RESPONSE_BODY);
	end(&c);
	control(&c, ROLE_CLIENT, "EPSV\r\n", "229 Entering Extended Passive Mode (|||50000|)\r\n", "RETR in/people.json\r\n");
	moved(ROLE_CLIENT, 40001, 50000, DIR_RECEIVED, "RETR", LOC_RESPONSE_BODY);
	end(&c);
	control(&c, ROLE_CLIENT, "PORT 10,0,0,1,195,80\r\n", "200 ok\r\n", "APPE in/people.json\r\n");
	moved(ROLE_SERVER, 50000, 20, DIR_SENT, "APPE", LOC_REQUEST_BODY);
	end(&c);
	control(&c, ROLE_SERVER, "EPRT |1|10.0.0.2|50000|\r\n", "200 ok\r\n", "RETR in/people.json\r\n");
	moved(ROLE_CLIENT, 20, 50000, DIR_SENT, "RETR", LOC_RESPONSE_BODY);
	end(&c);
}

/* Is it read as what was arranged? */
static bool is_ftp(uint64_t id, uint16_t local, uint16_t remote, const char *text)
{
	struct end data;

	memset(&seen.last, 0, sizeof(seen.last));
	begin(&data, id, ROLE_CLIENT, local, remote);
	say(&data, DIR_SENT, text);
	end(&data);
	return !strcmp(seen.last.protocol, "ftp");
}

static void others_are_not_read_so(void **state)
{
	struct end c;

	control(&c, ROLE_CLIENT, "PASV\r\n", "227 Entering Passive Mode (10,0,0,2,195,80).\r\n", "STOR x\r\n");
	assert_false(is_ftp(2, 40001, 50001, "some text ana@corp.org"));
	assert_false(is_ftp(3, 50000, 40001, "some text ana@corp.org"));
	/* What speaks for itself is what it says. */
	assert_false(is_ftp(4, 40001, 50000, "GET /people HTTP/1.1\r\nHost: h\r\n\r\n"));
	assert_true(is_ftp(5, 40001, 50000, "some text ana@corp.org"));
	/* Nor who comes to the same port later. */
	assert_false(is_ftp(6, 40002, 50000, "some text ana@corp.org"));
	end(&c);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const wrong[] = { "227 no port\r\n", "227 (1,2,3)\r\n", "227 (10,0,0,2,999,80)\r\n", "227 (10,0,0,2,0,0)\r\n" };

		control(&c, ROLE_CLIENT, "PASV\r\n", wrong[i], "STOR x\r\n");
		assert_false(is_ftp(2, 40001, 50000, "some text ana@corp.org"));
		end(&c);
	}
	for (unsigned i = 0; i < 3; i++) {
		static const char *const wrong[] = { "229 no port\r\n", "229 (|||99999999999|)\r\n", "229 (|||50000)\r\n" };

		control(&c, ROLE_CLIENT, "EPSV\r\n", wrong[i], "STOR x\r\n");
		assert_false(is_ftp(2, 40001, 50000, "some text ana@corp.org"));
		end(&c);
	}
}

static void what_is_arranged_and_never_comes_is_forgotten(void **state)
{
	struct end c;

	control(&c, ROLE_CLIENT, "PASV\r\n", "227 (10,0,0,2,195,80)\r\n", "STOR x\r\n");
	for (unsigned i = 0; i < ARRANGED_MAX; i++) {
		char answer[64];

		say(&c, DIR_RECEIVED, "226 ok\r\n");
		say(&c, DIR_SENT, "PASV\r\n");
		snprintf(answer, sizeof(answer), "227 (10,0,0,2,100,%u)\r\n", i);
		say(&c, DIR_RECEIVED, answer);
		say(&c, DIR_SENT, "STOR x\r\n");
	}
	assert_false(is_ftp(2, 40001, 50000, "some text ana@corp.org"));
	assert_true(is_ftp(3, 40001, 100 << 8 | (ARRANGED_MAX - 1), "some text ana@corp.org"));
	end(&c);
}

/* Of a large file its beginning is read, and what is behind a gap is not. */
static void large_files_are_read_in_part(void **state)
{
	struct end c, data;
	char block[8192];

	memset(block, 'x', sizeof(block) - 1);
	block[sizeof(block) - 1] = 0;
	control(&c, ROLE_CLIENT, "PASV\r\n", "227 (10,0,0,2,195,80)\r\n", "STOR x\r\n");
	begin(&data, 2, ROLE_CLIENT, 40001, 50000);
	for (unsigned i = 0; i < 200; i++)
		say(&data, DIR_SENT, block);
	assert_true(session_unwanted(data.session, DIR_SENT) == UINT64_MAX);
	end(&data);
	assert_int_equal(seen.last.inspected, INSPECTED_PARTIAL);
	assert_int_equal(data.acct[DIR_SENT].examined, PROTOCOL_BODY_HELD);
	end(&c);
	control(&c, ROLE_CLIENT, "PASV\r\n", "227 (10,0,0,2,195,80)\r\n", "STOR x\r\n");
	begin(&data, 2, ROLE_CLIENT, 40001, 50000);
	say(&data, DIR_SENT, "contact: ana@corp.org\n");
	session_gap(data.session, DIR_SENT, 100, LOSS_MISSING, (struct stamp){ 1500, 1 });
	say(&data, DIR_SENT, "bea@corp.org\n");
	end(&data);
	assert_int_equal(seen.last.has_gap, 1);
	assert_int_equal(seen.last.inspected, INSPECTED_PARTIAL);
	assert_string_equal(seen.value, "contact: ana@corp.org\n");
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_listens_tells_the_port),
		cmocka_unit_test(others_are_not_read_so),
		cmocka_unit_test(what_is_arranged_and_never_comes_is_forgotten),
		cmocka_unit_test(large_files_are_read_in_part),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arranged_free(arranged);
	return failed;
}
