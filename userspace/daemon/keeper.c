/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.c - steps 6 to 9: context, policy, ledger, index, local sinks. What comes in
 * is a closed schema of facts (facts_unpack refuses the rest); no payload has ever been
 * in this address space. Holds the state folder and the ledger's key, nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/flat.h"
#include "base/hash.h"
#include "base/log.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/pipeline.h"
#include "daemon/rules.h"
#include "daemon/sandbox.h"
#include "daemon/standing.h"
#include "output/output.h"
#include "store/ledger.h"
#include "version.h"

#define TICK_MS 20
#define BATCH 256
#define ASK_NS 1000000000ull	/* again, where there was no answer */
#define EPOCHS_LATE 1	/* intervals after its own that a fact may come */
#define EPOCHS_EARLY 2	/* books may be on their way; with LATE and now not above ROLE_EPOCHS, nor INTERVALS */

struct keeper {
	struct role_stats *stats;
	struct back *back;
	struct outputs *outputs;
	struct standing *standing;
	const void *rules;
	const char *names[RULES_FILES], *texts[RULES_FILES], *hooks, *filters;	/* hooks NULL: not chosen yet */
	size_t sizes[RULES_FILES], nr_policies;
	bool journal, file, terminal, restart, stop, told;
	uint32_t epoch;
	uint64_t asked;		/* of the monitor, when last */
	char boot_id[40], host[65], reason[PATH_SIZE];
	uint8_t in[FACT_MAX_SIZE], out[4096];
	struct fact fact;
};

static bool argument(const char *arg, const char *name, const char **value)
{
	size_t n = strlen(name);

	if (strncmp(arg, name, n) || arg[n] != '=')
		return false;
	*value = arg + n + 1;
	return true;
}

static void arguments(struct keeper *k, int argc, char **argv)
{
	const char *v;

	for (int i = 2; i < argc; i++) {
		if (argument(argv[i], "hooks", &v))
			k->hooks = v;
		else if (argument(argv[i], "filters", &v))
			k->filters = v;
		else if (argument(argv[i], "epoch", &v))
			k->epoch = (uint32_t)strtoul(v, NULL, 10);
		else if (argument(argv[i], "journal", &v))
			k->journal = *v == '1';
		else if (argument(argv[i], "file", &v))
			k->file = *v == '1';
		else if (argument(argv[i], "terminal", &v))
			k->terminal = *v == '1';
		else if (argument(argv[i], "restart", &v))
			k->restart = *v == '1';
	}
}

/* Those that the monitor has for us now. */
static void rules_take(struct keeper *k)
{
	static struct policy_file files[RULES_FILES];

	k->nr_policies = rules_read(k->rules, files);
	for (size_t i = 0; i < k->nr_policies; i++) {
		k->names[i] = files[i].name;
		k->texts[i] = files[i].text;
		k->sizes[i] = files[i].len;
	}
}

static void read_line(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read_all(fd, out, size - 1);

	out[n > 0 ? n : 0] = 0;
	out[strcspn(out, "\n")] = 0;
	if (fd >= 0)
		close(fd);
}

struct addresses { struct { uint16_t family; uint8_t addr[16]; } list[64]; unsigned nr; };

static void addresses_read(struct addresses *a)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all))
		return;
	for (struct ifaddrs *i = all; i && a->nr < 64; i = i->ifa_next) {
		if (!i->ifa_addr)
			continue;
		a->list[a->nr].family = i->ifa_addr->sa_family;
		if (i->ifa_addr->sa_family == AF_INET)
			memcpy(a->list[a->nr++].addr, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, 4);
		else if (i->ifa_addr->sa_family == AF_INET6)
			memcpy(a->list[a->nr++].addr, &((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, 16);
	}
	freeifaddrs(all);
}

static void on_emit(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	struct keeper *k = owner;
	bool violation = !strcmp(type, "violation"), trouble = !strcmp(type, "gap") || !strcmp(type, "loss");
	struct event e = { type, json, len, leaf, line, violation || trouble ? 4 : 6 };

	outputs_send(k->outputs, &e);
}

static void tell_monitor(struct keeper *k, const char *kind, const char *detail, uint32_t value)
{
	int len;

	memset(&k->fact, 0, sizeof(k->fact));
	k->fact.kind = FACT_EVENT;
	k->fact.event.value = value;
	snprintf(k->fact.event.kind, sizeof(k->fact.event.kind), "%s", kind);
	snprintf(k->fact.event.subject, sizeof(k->fact.event.subject), "keeper");
	snprintf(k->fact.event.detail, sizeof(k->fact.event.detail), "%s", detail);
	len = facts_pack(&k->fact, k->out, sizeof(k->out));
	if (len > 0 && write(FD_CTL, k->out, (size_t)len) < 0)
		log_warn("the monitor does not listen error=\"%s\"", strerror(errno));
}

/* Which interval runs is the monitor's to say, by the books of the one before. An analyst
 * that could name any would fill the places of those to come. What comes after the books
 * of its own interval is counted there, as lost, and told in the running one. */
static bool epoch_fits(const struct keeper *k, uint32_t *epoch, uint32_t *counted)
{
	*counted = *epoch;
	if (*epoch + EPOCHS_LATE == k->epoch)
		*epoch = k->epoch;
	return *epoch - k->epoch <= EPOCHS_EARLY;
}

static bool fact_take(struct keeper *k, const uint8_t *fact, size_t size, uint32_t *counted)
{
	int kind = facts_unpack(fact, size, &k->fact);
	struct fact *f = &k->fact;
	uint32_t *epoch = kind == FACT_EXCHANGE ? &f->exchange.at.epoch : kind == FACT_TRAFFIC ? &f->traffic.at.epoch :
			  kind == FACT_HANDSHAKE ? &f->handshake.at.epoch : kind == FACT_NAMED ? &f->named.at.epoch : NULL;

	/* An analyst may tell of exchanges, traffic, handshakes and names of peers; who processes are, and what
	 * the books say, it is not asked. */
	if (!epoch || !epoch_fits(k, epoch, counted))
		return false;
	standing_put(k->standing, f, fact, size);
	return !back_fact(k->back, f);
}

static void count_fact(struct keeper *k, const uint8_t *fact, size_t size)
{
	uint32_t counted;

	if (fact_take(k, fact, size, &counted))
		role_epoch(k->stats, counted)->stored++;
	else
		role_epoch(k->stats, k->epoch)->rejected++;
}

/* The facts of a batch, one after the other to the end, and nothing else. */
static bool is_batch(const uint8_t *in, size_t size)
{
	ssize_t len = 1;

	for (size_t at = 0; at < size && len > 0; at += (size_t)len)
		len = flat_len(in + at, size - at);
	return size && len > 0;
}

/* False: there is no message. */
static bool take_facts(struct keeper *k)
{
	ssize_t n = recv(FD_FACTS, k->in, sizeof(k->in), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return false;
	if (n > (ssize_t)sizeof(k->in) || !is_batch(k->in, (size_t)n)) {
		role_epoch(k->stats, k->epoch)->rejected++;
		return true;
	}
	for (size_t at = 0, len; at < (size_t)n; at += len) {
		len = (size_t)flat_len(k->in + at, (size_t)n - at);
		count_fact(k, k->in + at, len);
	}
	return true;
}

/* The monitor tells books and gaps until they are durable, so they may come twice; and books
 * from before a death speak of facts that died with it. */
static void take_books(struct keeper *k)
{
	const struct books *b = &k->fact.books;
	char why[200];

	if (b->epoch <= k->stats->sealed || role_epoch(k->stats, b->epoch)->stored != b->stored)
		return;
	k->epoch = b->epoch + 1;
	if (!back_fact(k->back, &k->fact) && !back_failed(k->back, why, sizeof(why)))
		__atomic_store_n(&k->stats->sealed, k->epoch - 1, __ATOMIC_RELEASE);
	malloc_trim(0);	/* what the interval made grow is given back */
}

static void take_gap(struct keeper *k)
{
	uint32_t number = k->fact.event.value;
	char why[200];

	if (strcmp(k->fact.event.kind, "gap") || number <= k->stats->gaps)
		return;
	if (!back_fact(k->back, &k->fact) && !back_failed(k->back, why, sizeof(why)))
		__atomic_store_n(&k->stats->gaps, number, __ATOMIC_RELEASE);
}

/* The analyst is told when this role knows the classes that it may tell of. */
static void take_rules(struct keeper *k)
{
	struct class_users before;

	class_users_get(&before);
	rules_take(k);
	if (!back_reload(k->back, k->names, k->texts, k->sizes, k->nr_policies))
		return tell_monitor(k, "rules", "in use", 0);
	class_users_set(&before);
	log_error("the policies cannot be taken over: the old ones stay");
}

static void take_order(struct keeper *k)
{
	ssize_t n = recv(FD_CTL, k->in, sizeof(k->in), MSG_DONTWAIT);

	if (!n)
		_exit(EXIT_DEGRADED);	/* the monitor is dying, which nobody ordered: the next start writes the gap */
	if (n < 0 || facts_unpack(k->in, (size_t)n, &k->fact) < 0)
		return;
	if (k->fact.kind == FACT_EVENT && !strcmp(k->fact.event.kind, "stop")) {
		snprintf(k->reason, sizeof(k->reason), "%s", k->fact.event.detail);
		k->stop = true;
		return;
	}
	if (k->fact.kind == FACT_EVENT && !strcmp(k->fact.event.kind, "rules")) {
		take_rules(k);
		return;
	}
	if (k->fact.kind == FACT_EVENT && !strcmp(k->fact.event.kind, "heard")) {
		back_heard(k->back, k->fact.event.time);
		k->asked = 0;
		return;
	}
	if (k->fact.kind == FACT_BOOKS)
		return take_books(k);
	if (k->fact.kind == FACT_EVENT)
		return take_gap(k);
	standing_put(k->standing, &k->fact, k->in, (size_t)n);
	back_fact(k->back, &k->fact);
}

/* The monitor ends weir then, and this role when everything else has ended. Told once. */
static void failure_tell(struct keeper *k)
{
	char why[200];
	int err = back_failed(k->back, why, sizeof(why)), low = err ? 0 : back_low(k->back);

	if (k->told || (!err && !low))
		return;
	k->told = true;
	if (low)
		snprintf(why, sizeof(why), "cannot write ledger/: %s; the room set aside takes what ends this run", strerror(low));
	tell_monitor(k, err ? "failed" : "low", why, (uint32_t)(err ? err : low));
}

static void work(struct keeper *k)
{
	struct pollfd fds[] = { { .fd = FD_CTL, .events = POLLIN }, { .fd = FD_FACTS, .events = POLLIN } };
	uint64_t now;
	unsigned bits;

	if (poll(fds, 2, TICK_MS) < 0 && errno != EINTR)
		return;
	for (int i = 0; i < BATCH && poll(&fds[0], 1, 0) > 0 && !k->stop; i++)
		take_order(k);
	for (int i = 0; i < BATCH && take_facts(k); i++)
		;
	now = clock_boot_ns();
	back_tick(k->back, now);
	if (back_asks(k->back, now) && now >= k->asked + ASK_NS) {
		k->asked = now;
		tell_monitor(k, "asks", "", 0);
	}
	bits = back_selftest(k->back);
	if (bits)
		tell_monitor(k, "selftest", "detected", bits);
	failure_tell(k);
	k->stats->beat++;
}

static void print_totals(struct keeper *k)
{
	struct back_totals t;

	back_totals(k->back, &t);
	printf("stopped: %llu exchanges, %llu findings, %llu violations (%llu open), %llu leaves\n",
	       (unsigned long long)t.exchanges, (unsigned long long)t.findings, (unsigned long long)t.violations,
	       (unsigned long long)t.open, (unsigned long long)t.leaves);
	fflush(stdout);
}

/* What a connection moved before weir came was told to the one that died. */
static void tell_again(void *owner, struct fact *f)
{
	struct keeper *k = owner;

	if (f->kind == FACT_CONN)
		memset(f->conn.before, 0, sizeof(f->conn.before));
	back_fact(k->back, f);
}

/* Facts of intervals that are not sealed were in the memory of the one that died: they are
 * stored nowhere, and the monitor, which knows how many there were, states them as keeper_lost. */
static int keeper_resume(struct keeper *k)
{
	struct back_done done;

	if (back_resume(k->back, &done))
		return EXIT_DEGRADED;
	k->stats->sealed = done.sealed;
	k->stats->gaps = done.gaps;
	for (unsigned i = 0; i < ROLE_EPOCHS; i++)
		if (k->stats->epochs[i].epoch > done.sealed)
			k->stats->epochs[i].stored = 0;
	k->epoch = done.sealed + 1;
	if (standing_tell(k->standing, &k->fact, tell_again, k) < 0)
		log_error("the keeper before died of what it was told again: what is known of open connections begins anew");
	return 0;
}

/* The monitor starts this role before it has loaded what it watches with: only when that has
 * succeeded is there anything to keep evidence of. False: it never will. */
static bool keeper_waits(struct keeper *k)
{
	static struct fact start;
	ssize_t n;

	while (!k->hooks && !k->restart) {
		n = recv(FD_CTL, k->in, sizeof(k->in), 0);
		if (!n || (n < 0 && errno != EINTR))
			return false;
		if (n > 0 && facts_unpack(k->in, (size_t)n, &start) == FACT_EVENT && !strcmp(start.event.kind, "start"))
			k->hooks = start.event.detail;
	}
	return true;
}

static int keeper_begin(struct keeper *k)
{
	back_start(k->back, k->hooks, k->filters, WEIR_VERSION, WEIR_BUILD);
	k->epoch = 1;
	return 0;
}

static int keeper_open(struct keeper *k, const struct addresses *a)
{
	struct back_config config = {
		.policy_names = k->names, .policy_texts = k->texts, .policy_sizes = k->sizes,
		.nr_policies = k->nr_policies, .state = FD_STATE, .host = k->host, .emit = on_emit, .owner = k,
	};
	int code = EXIT_DEGRADED, err;
	char why[512];

	k->back = back_new(&config, why, sizeof(why), &code);
	if (!k->back) {
		log_error("%s", why);
		return code;
	}
	back_boot_id(k->back, k->boot_id);
	for (unsigned i = 0; i < a->nr; i++)
		back_address(k->back, a->list[i].family, a->list[i].addr);
	if (k->restart)
		code = keeper_resume(k);
	else
		code = keeper_begin(k);
	err = back_failed(k->back, why, sizeof(why));
	if (err)
		log_error("cannot keep evidence: %s; %s", why, ledger_advice(err));
	return err ? EXIT_DEGRADED : code;
}

int keeper_main(int argc, char **argv)
{
	static struct keeper k;
	static struct addresses a;
	struct sandbox box = *sandbox_find("keeper");
	char why[256] = "no randomness";
	uint64_t first;
	int code;

	arguments(&k, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	k.stats = role_stats_map(FD_STATS, true);
	k.rules = mmap(NULL, RULES_MEMORY, PROT_READ, MAP_SHARED, FD_RULES, 0);
	k.standing = mmap(NULL, STANDING_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, FD_STANDING, 0);
	if (!k.stats || k.rules == MAP_FAILED || k.standing == MAP_FAILED || standing_prepare(k.standing) || fchdir(FD_STATE))
		return EXIT_DEGRADED;
	close(FD_RULES);
	close(FD_STANDING);
	rules_take(&k);
	read_line("/proc/sys/kernel/random/boot_id", k.boot_id, sizeof(k.boot_id));
	gethostname(k.host, sizeof(k.host) - 1);
	addresses_read(&a);
	k.outputs = outputs_new();
	if (k.terminal)
		outputs_add(k.outputs, "terminal", STDOUT_FILENO, "the terminal");
	if (k.journal)
		outputs_add(k.outputs, "journal", FD_JOURNAL, "the journal");
	if (k.file)
		outputs_add(k.outputs, "file", FD_FILE, "the JSON Lines file");
	box.grow = memory_share(argc, argv);
	box.landlock_dir = FD_STATE;
	/* Newer libcs prepare their randomness at its first use, by looking at files and CPUs. */
	if (random_bytes(&first, sizeof(first)) || sandbox_enter(&box, why, sizeof(why))) {
		log_error("cannot drop privileges: %s", why);
		return EXIT_DEGRADED;
	}
	if (!keeper_waits(&k))
		return EXIT_DEGRADED;
	code = keeper_open(&k, &a);
	if (code)
		return code;
	role_ready(k.stats);
	while (!k.stop)
		work(&k);
	if (!back_failed(k.back, why, sizeof(why)))
		back_stop(k.back, k.reason);
	failure_tell(&k);	/* also when the stop itself could not be written */
	print_totals(&k);
	outputs_free(k.outputs);
	k.outputs = NULL;
	return back_failed(k.back, why, sizeof(why)) ? EXIT_DEGRADED : 0;
}
