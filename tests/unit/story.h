/* SPDX-License-Identifier: Apache-2.0 */
/* story.h - a state folder in which something happened, for the tests of reading commands:
 *
 *   08:50  97 exchanges of curl with nginx (a local pair), 10 of app.service with a
 *          processor outside; one violation each; records lost
 *   08:51  3 more of the pair; weir was killed
 *   09:10  started again with another policy; the first violation closed
 *   09:11  running: 2 exchanges, not sealed */
#ifndef WEIR_STORY_H
#define WEIR_STORY_H
#include "tests/unit/state_fixture.h"

#define ACCOUNT(object, moved, examined, opaque, framing) \
	"\"" object "\":{\"moved\":" #moved ",\"examined\":" #examined ",\"opaque\":" #opaque ",\"skipped\":0,\"lost\":0,\"framing\":" #framing ",\"unexplained\":0}"
#define BYTES(moved, examined, opaque, framing) \
	ACCOUNT("bytes", moved, examined, opaque, framing) "," ACCOUNT("sent", moved, examined, opaque, framing) "," ACCOUNT("received", 0, 0, 0, 0)
#define CLASS(class, group, data, findings, distinct) \
	"{\"class\":\"" class "\",\"group\":\"" group "\",\"confidence\":\"certain\",\"data\":\"" data "\",\"findings\":" #findings ",\"distinct\":" #distinct "}"
#define FLOW(minute, sealed, pair, workload, role, peer, zone, route, tls, exchanges, classes, bytes) \
	"{\"type\":\"flow\",\"start\":\"2026-11-24T" minute ":00.000Z\",\"end\":\"2026-11-24T" minute ":59.000Z\",\"sealed\":" sealed ",\"pair\":" pair "," \
	"\"workload\":\"" workload "\",\"exe\":\"/usr/bin/" workload "\",\"unit\":null,\"container\":null,\"role\":\"" role "\",\"peer\":\"" peer "\"," \
	"\"peer_zone\":\"" zone "\",\"port\":443,\"protocol\":\"http1\",\"route\":\"" route "\",\"tls\":{\"state\":\"" tls "\",\"version\":null}," \
	"\"binding\":\"exact\",\"exchanges\":" #exchanges ",\"classes\":[" classes "]," bytes "}"
#define PAIR "\"00000000000000ab\""
#define VIOLATION(id, updated, rule, severity, criteria, workload, peer, exchanges, status, leaf) \
	"{\"type\":\"violation\",\"id\":\"" id "\",\"opened\":\"2026-11-24T08:50:10.000Z\",\"updated\":\"2026-11-24T" updated "Z\",\"rule\":\"" rule "\"," \
	"\"title\":\"A <b>title</b> & more\",\"severity\":\"" severity "\",\"criteria\":[" criteria "],\"workload\":\"" workload "\",\"exe\":null," \
	"\"role\":\"client\",\"peer\":\"" peer "\",\"peer_zone\":\"internet\",\"port\":443,\"protocol\":\"http1\",\"route\":\"/pay\"," \
	"\"classes\":[" CLASS("pan", "pci", "sent", 1, 1) "],\"path\":\"$.card\",\"mask\":\"411111******1111\",\"exchanges\":" #exchanges "," \
	"\"status\":\"" status "\",\"leaf\":" #leaf "}"
#define COVERAGE(minute, workload, rest, state, reason, bytes) \
	"{\"type\":\"coverage\",\"start\":\"2026-11-24T" minute ":00.000Z\",\"end\":\"2026-11-24T" minute ":59.000Z\",\"workload\":\"" workload "\"" rest \
	",\"state\":\"" state "\",\"reason\":" reason ",\"binding\":\"exact\"," bytes ",\"reasons\":{\"io_uring\":3,\"unknown_protocol\":7}}"
#define PROCESS(pid) ",\"exe\":\"/usr/bin/x\",\"pid\":" #pid ",\"library\":\"libssl.so.3\",\"build_id\":null"
#define HEARTBEAT(minute, balanced, produced, analysed) \
	"{\"type\":\"heartbeat\",\"time\":\"2026-11-24T" minute ":59.100Z\",\"epoch\":1,\"start\":\"2026-11-24T" minute ":00.000Z\",\"end\":\"2026-11-24T" minute \
	":59.000Z\",\"boottime_ns\":1,\"boot_id\":\"boot-1\",\"size\":5,\"root\":\"cm9vdA==\",\"balanced\":" balanced ",\"books\":{\"produced\":" #produced \
	",\"submitted\":" #analysed ",\"ring_full\":3,\"read\":" #analysed ",\"analysed\":" #analysed ",\"findings\":1,\"stored\":1}}"

static const char *const story[] = {
	"{\"type\":\"genesis\",\"time\":\"2026-11-24T08:49:00.000Z\",\"host\":\"host.example\",\"machine\":\"x86_64\",\"version\":\"0.1\",\"build\":\"b\"}",
	"{\"type\":\"start\",\"time\":\"2026-11-24T08:49:01.000Z\",\"boot_id\":\"boot-1\",\"version\":\"0.1\",\"build\":\"b\",\"kernel\":\"6.18\",\"hooks\":"
	"\"tracepoint\",\"policy_hash\":\"aaaa\",\"class_hash\":\"cccc\",\"filters\":null}",
	"{\"type\":\"policy\",\"time\":\"2026-11-24T08:49:01.000Z\",\"policy_hash\":\"aaaa\",\"class_hash\":\"cccc\",\"rules\":6,\"files\":[\"soc2.yaml\"]}",
	"{\"type\":\"selftest\",\"time\":\"2026-11-24T08:49:02.000Z\",\"path\":\"tls\",\"result\":\"detected\",\"latency_ms\":40}",
	VIOLATION("00000000000000f1", "08:50:10.000", "CC6.7-TLS-001", "high", "\"CC6.7\",\"P6.1\"", "curl", "nginx", 1, "open", 4),
	VIOLATION("0000000000000e22", "08:50:11.000", "C1.1-001", "low", "\"C1.1\"", "app.service", "api.example.com", 10, "open", 5),
	FLOW("08:50", "true", PAIR, "curl", "client", "nginx", "loopback", "/pay", "present", 97,
	     CLASS("pan", "pci", "sent", 97, 3) "," CLASS("email", "pii", "received", 97, 1), BYTES(1000, 900, 0, 100)),
	FLOW("08:50", "true", PAIR, "nginx", "server", "curl", "loopback", "/pay", "present", 97,
	     CLASS("pan", "pci", "received", 97, 3) "," CLASS("email", "pii", "sent", 97, 1), BYTES(1000, 900, 0, 100)),
	FLOW("08:50", "true", "null", "app.service", "client", "api.example.com", "internet", "/v1/{id}", "absent", 10, CLASS("email", "pii", "sent", 20, 7),
	     BYTES(500, 500, 0, 0)),
	COVERAGE("08:50", "curl", PROCESS(11), "visible", "null", BYTES(1000, 900, 0, 100)),
	COVERAGE("08:50", "java", PROCESS(12), "blind", "\"unprobed_tls\"", BYTES(300, 0, 300, 0)),
	COVERAGE("08:50", "curl", "", "visible", "null", BYTES(1000, 900, 0, 100)),
	COVERAGE("08:50", "java", "", "blind", "\"unprobed_tls\"", BYTES(300, 0, 300, 0)),
	"{\"type\":\"loss\",\"time\":\"2026-11-24T08:50:59.100Z\",\"start\":\"2026-11-24T08:50:00.000Z\",\"end\":\"2026-11-24T08:50:59.000Z\",\"cause\":\"ring_full\","
	"\"records\":3,\"bytes\":4096}",
	HEARTBEAT("08:50", "true", 103, 100),
	FLOW("08:51", "true", PAIR, "curl", "client", "nginx", "loopback", "/pay", "present", 3, CLASS("pan", "pci", "sent", 3, 2), BYTES(30, 30, 0, 0)),
	FLOW("08:51", "true", PAIR, "nginx", "server", "curl", "loopback", "/pay", "present", 3, CLASS("pan", "pci", "received", 3, 2), BYTES(30, 30, 0, 0)),
	VIOLATION("00000000000000f1", "08:51:30.000", "CC6.7-TLS-001", "high", "\"CC6.7\",\"P6.1\"", "curl", "nginx", 100, "open", 17),
	HEARTBEAT("08:51", "false", 50, 40),
	"{\"type\":\"gap\",\"time\":\"2026-11-24T09:10:00.000Z\",\"from\":\"2026-11-24T08:52:00.000Z\",\"to\":\"2026-11-24T09:10:00.000Z\",\"reason\":\"killed\",\"role\":"
	"\"monitor\"}",
	"{\"type\":\"start\",\"time\":\"2026-11-24T09:10:00.000Z\",\"boot_id\":\"boot-2\",\"version\":\"0.1\",\"build\":\"b\",\"kernel\":\"6.18\",\"hooks\":\"sys_exit\","
	"\"policy_hash\":\"bbbb\",\"class_hash\":\"cccc\",\"filters\":\"pid 7\"}",
	"{\"type\":\"policy\",\"time\":\"2026-11-24T09:10:00.000Z\",\"policy_hash\":\"bbbb\",\"class_hash\":\"cccc\",\"rules\":7,\"files\":[\"soc2.yaml\",\"mine.yaml\"]}",
	VIOLATION("00000000000000f1", "08:51:30.000", "CC6.7-TLS-001", "high", "\"CC6.7\",\"P6.1\"", "curl", "nginx", 100, "closed", 22),
	COVERAGE("09:10", "nginx", PROCESS(13), "partial", "\"unknown_protocol\"", BYTES(100, 60, 40, 0)),
	COVERAGE("09:10", "nginx", "", "partial", "\"unknown_protocol\"", BYTES(100, 60, 40, 0)),
	HEARTBEAT("09:10", "true", 5, 5),
};
static const char open_flow[] =
	FLOW("09:11", "false", "null", "app.service", "client", "api.example.com", "internet", "/v1/{id}", "absent", 2, CLASS("email", "pii", "sent", 2, 2),
	     BYTES(50, 50, 0, 0));

static struct state home;

static inline int make_home(void **state)
{
	home = state_new();
	index_begin(home.index);
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		state_leaf(&home, story[i]);
	state_commit(&home);
	index_open_row(home.index, "flow", open_flow, strlen(open_flow));
	index_commit(home.index);
	state_close(&home);
	setenv("NO_COLOR", "1", 1);
	return 0;
}

static inline int free_home(void **state)
{
	state_free(&home);
	return 0;
}

/* The n-th line of what was said, from 0. */
static inline const char *line(unsigned n)
{
	static char text[8192];
	const char *s = said.out;

	while (n-- && s)
		s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
	snprintf(text, sizeof(text), "%.*s", s ? (int)strcspn(s, "\n") : 0, s ? s : "");
	return text;
}

static inline void said_has(const char *what)
{
	if (!strstr(said.out, what))
		fail_msg("\"%s\" is not in:\n%s\n%s", what, said.out, said.err);
}

static inline void said_lacks(const char *what)
{
	if (strstr(said.out, what))
		fail_msg("\"%s\" is in:\n%s", what, said.out);
}
#endif
