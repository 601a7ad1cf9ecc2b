/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_play.c - the real keeper, in its own process and sandbox, under a monitor that
 * plays a fixed piece, so that the n-th call of one run is the n-th of the next:
 *
 *   keeper_play STATE POLICY [INTERVALS]
 *
 * Exits 0, with what the keeper exited with before it was ready, 3 after it said that it
 * failed, or 128 + signal. It needs no BPF, and takes some milliseconds. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/rules.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "daemon/standing.h"
#include "model/class.h"
#include "store/ledger.h"

#define ROUTES 60	/* flows of an interval: more than a tile of leaves in five of them */
#define PATIENCE_NS 30000000000ull

static struct { pid_t pid; int ctl[2], facts[2], stats_fd, state, status; const struct role_stats *stats; bool gone, failed; } k;
static struct fact fact;
static uint8_t packed[FACT_MAX_SIZE];

static void send_fact(int fd)
{
	int len = facts_pack(&fact, packed, sizeof(packed));

	if (len < 0) {
		fprintf(stderr, "keeper_play: a fact does not fit\n");
		exit(125);
	}
	(void)!send(fd, packed, (size_t)len, MSG_NOSIGNAL);	/* a keeper that is gone is noticed by wait_until */
}

static void event(const char *kind, const char *detail)
{
	memset(&fact, 0, sizeof(fact));
	fact.kind = FACT_EVENT;
	fact.event.time = clock_boot_ns();
	snprintf(fact.event.kind, sizeof(fact.event.kind), "%s", kind);
	snprintf(fact.event.subject, sizeof(fact.event.subject), "monitor");
	snprintf(fact.event.detail, sizeof(fact.event.detail), "%s", detail);
	send_fact(k.ctl[0]);
}

static void look(void)
{
	ssize_t n;

	if (!k.gone && waitpid(k.pid, &k.status, WNOHANG) == k.pid)
		k.gone = true;
	while ((n = recv(k.ctl[0], packed, sizeof(packed), MSG_DONTWAIT)) > 0) {
		if (facts_unpack(packed, (size_t)n, &fact) != FACT_EVENT || strcmp(fact.event.kind, "failed"))
			continue;
		fprintf(stderr, "failed: %s; %s\n", fact.event.detail, ledger_advice((int)fact.event.value));
		k.failed = true;
	}
}

static bool is_ready(uint64_t unused) { return k.stats->ready; }
static bool is_gone(uint64_t unused) { return false; }
static bool has_stored(uint64_t epoch) { return role_epoch_read(k.stats, (uint32_t)epoch).stored == ROUTES; }

/* false: it has failed or is gone. */
static bool wait_until(bool (*done)(uint64_t), uint64_t arg)
{
	uint64_t until = clock_boot_ns() + PATIENCE_NS;
	struct timespec pause = { 0, 200000 };

	for (;;) {
		look();
		if (k.gone || (k.failed && done != is_gone))
			return false;
		if (done(arg))
			return true;
		if (clock_boot_ns() > until) {
			fprintf(stderr, "keeper_play: the keeper hangs\n");
			kill(k.pid, SIGKILL);
			exit(124);
		}
		nanosleep(&pause, NULL);
	}
}

static void begin(const char *state, const char *policy)
{
	const struct sandbox *box = sandbox_find("keeper");
	struct role_plan plan = { .name = "keeper", .keep_stdout = 1 };
	static char text[1 << 20];
	int file = open(policy, O_RDONLY | O_CLOEXEC), rules = memory_file("weir-rules", RULES_MEMORY),
	    standing = memory_file("weir-standing", STANDING_MEMORY);
	void *memory = mmap(NULL, RULES_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, rules, 0);
	ssize_t len = file < 0 ? -1 : read(file, text, sizeof(text));
	struct policy_file files = { policy, text, len > 0 ? (size_t)len : 0 };

	mkdir(state, 0700);
	k.state = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	k.stats_fd = memory_file("weir-stats", 4096);
	k.stats = role_stats_map(k.stats_fd, false);
	if (len < 0 || memory == MAP_FAILED || rules_write(memory, &files, 1) ||
	    k.state < 0 || !k.stats || fchown(k.state, box->uid, box->gid) || socket_pair(k.ctl, 1 << 20) ||
	    socket_pair(k.facts, 1 << 20)) {
		fprintf(stderr, "keeper_play: %s: %s\n", state, strerror(errno));
		exit(125);
	}
	role_plan_fd(&plan, FD_CTL, k.ctl[1]);
	role_plan_fd(&plan, FD_STATS, k.stats_fd);
	role_plan_fd(&plan, FD_FACTS, k.facts[1]);
	role_plan_fd(&plan, FD_STATE, k.state);
	role_plan_fd(&plan, FD_JOURNAL, -1);
	role_plan_fd(&plan, FD_FILE, -1);
	role_plan_fd(&plan, FD_RULES, rules);
	role_plan_fd(&plan, FD_STANDING, standing);
	role_plan_arg(&plan, "hooks=tracepoint");
	role_plan_arg(&plan, "filters=");
	role_plan_arg(&plan, "terminal=1");
	k.pid = role_spawn(&plan);
	if (k.pid < 0)
		exit(125);
}

/* Cards sent in clear: flows, and violations that open and are updated. */
static void exchange(uint32_t epoch, unsigned route)
{
	struct exchange *ex = &fact.exchange;

	memset(&fact, 0, sizeof(fact));
	fact.kind = FACT_EXCHANGE;
	ex->at = (struct stamp){ clock_boot_ns(), epoch };
	ex->began = ex->at.time;
	ex->status = 200;
	ex->inspected = INSPECTED_FULL;
	ex->conn = (struct conn_facts){ .id = 77, .process = { 4242, 1 }, .family = 2, .role = ROLE_CLIENT, .tls = TLS_ABSENT,
					.binding = BINDING_EXACT, .comm = "player" };
	memcpy(ex->conn.local.addr, "\x0a\0\0\1", 4);
	memcpy(ex->conn.remote.addr, "\xcb\0\x71\5", 4);
	ex->conn.remote.port = 80;
	snprintf(ex->protocol, sizeof(ex->protocol), "http1");
	snprintf(ex->method, sizeof(ex->method), "POST");
	snprintf(ex->route, sizeof(ex->route), "/r%u", route);
	snprintf(ex->host, sizeof(ex->host), "pay.example.com");
	ex->bytes[DIR_SENT] = (struct byte_account){ .moved = 300, .examined = 300 };
	ex->nr_findings = 1;
	ex->findings[0] = (struct finding){ .class_id = (uint8_t)class_find("pan"), .confidence = CONF_CERTAIN, .dir = DIR_SENT,
					    .location = LOC_REQUEST_BODY, .count = 1, .distinct = 1 };
	snprintf(ex->findings[0].path, sizeof(ex->findings[0].path), "$.card.number");
	snprintf(ex->findings[0].mask, sizeof(ex->findings[0].mask), "411111******1111");
	send_fact(k.facts[0]);
}

static bool interval(uint32_t epoch)
{
	for (unsigned i = 0; i < ROUTES; i++)
		exchange(epoch, i);
	if (!wait_until(has_stored, epoch))
		return false;
	memset(&fact, 0, sizeof(fact));
	fact.kind = FACT_BOOKS;
	fact.books = (struct books){ .epoch = epoch, .start_ms = clock_utc_ms() - 1000, .end_ms = clock_utc_ms(), .produced = 2 * ROUTES,
				     .submitted = 2 * ROUTES, .read = 2 * ROUTES, .analysed = 2 * ROUTES, .findings = ROUTES, .stored = ROUTES };
	send_fact(k.ctl[0]);
	return true;
}

int main(int argc, char **argv)
{
	unsigned intervals = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2;

	if (argc > 1 && !strncmp(argv[1], "role:", 5))
		return role_main(argc, argv);
	if (argc < 3) {
		fprintf(stderr, "usage: keeper_play STATE POLICY [INTERVALS]\n");
		return 2;
	}
	begin(argv[1], argv[2]);
	if (wait_until(is_ready, 0))
		for (uint32_t e = 1; e <= intervals && interval(e); e++)
			;
	event("stop", k.failed ? "failure" : "asked to");
	wait_until(is_gone, 0);
	if (WIFSIGNALED(k.status))
		return 128 + WTERMSIG(k.status);
	return WEXITSTATUS(k.status) ? WEXITSTATUS(k.status) : k.failed ? 3 : 0;
}
