/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_replay.c - `weir replay FILE`: a recording or a capture file through the whole pipeline, without
 * root, without a state folder. What is in the file is hostile: a child reads it, which
 * from then on has nothing but the files that are open. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "capture/packet/packet.h"
#include "capture/record.h"
#include "cli/cli.h"
#include "cli/policies.h"
#include "cli/replay.h"
#include "daemon/daemon.h"
#include "daemon/sandbox.h"
#include "model/class.h"
#include "policy/policy.h"

static const struct option_row options[] = {
	{ "-o", "FORMAT", "json: one object per line (default: a line per violation and the totals)" },
	{ "--messages", NULL, "also one object per exchange: field paths and classes, never values" },
	{ "--policy", "PATH", "a policy file or folder; may be repeated" },
	{ "--side", "SIDE", "of a capture: tell each connection as its server or its client sees it (default: server)" },
	{ "--keylog", "FILE", "of a capture: decrypts TLS 1.2 and 1.3 with the keys that SSLKEYLOGFILE made a program write; those in a .pcapng are used without it" },
	{ "--overlap", "WHICH", "of a capture: where TCP or IP repeats bytes and changes them, first or last count (default: first)" },
	{ "--no-sandbox", NULL, "read the file with all rights of who asks: for a kernel without seccomp, and a file that you trust" },
	{ NULL, NULL, NULL }
};

static void print_message(struct replay *r, const struct exchange *ex)
{
	struct json j;

	buf_reset(&r->buf);
	json_init(&j, &r->buf);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "message");
	json_time(&j, "time", clock_boot_to_utc_ms(ex->at.time));
	json_string(&j, "protocol", ex->protocol);
	json_string(&j, "role", role_name(ex->conn.role));
	json_string(&j, "tls", tls_name(ex->conn.tls));
	json_string(&j, "binding", ex->conn.tls == TLS_PRESENT ? binding_name(ex->conn.binding) : NULL);
	json_string(&j, "method", ex->method[0] ? ex->method : NULL);
	json_string(&j, "host", ex->host[0] ? ex->host : NULL);
	json_string(&j, "route", ex->route[0] ? ex->route : NULL);
	json_uint(&j, "status", ex->status);
	json_uint(&j, "latency_us", ex->latency_us);
	json_uint(&j, "request_bytes", ex->request_bytes);
	json_uint(&j, "response_bytes", ex->response_bytes);
	json_string(&j, "auth", auth_name(ex->auth));
	json_string(&j, "inspected", inspected_name(ex->inspected));
	json_bool(&j, "has_gap", ex->has_gap);
	if (ex->again)	/* told before as far as it was, and not another exchange */
		json_bool(&j, "again", true);
	json_open(&j, "fields", '[');
	for (uint32_t i = 0; i < ex->nr_findings; i++) {
		const struct finding *f = &ex->findings[i];

		json_open(&j, NULL, '{');
		json_string(&j, "class", class_get(f->class_id)->name);
		json_string(&j, "confidence", confidence_name(f->confidence));
		json_string(&j, "location", location_name(f->location));
		json_string(&j, "path", f->path);
		json_string(&j, "data", dir_name(f->dir));
		json_string(&j, "mask", f->mask);
		json_uint(&j, "count", f->count);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	puts(buf_str(&r->buf));
}

static void on_fact(void *owner, const struct fact *f)
{
	struct replay *r = owner;

	if (r->messages && f->kind == FACT_EXCHANGE)
		print_message(r, &f->exchange);
	r->books.findings++;
	if (back_fact(r->back, f))
		r->books.rejected++;
	else
		r->books.stored++;
}

static void on_emit(void *owner, const char *type, const char *json, size_t len, const char *line, uint64_t leaf)
{
	struct replay *r = owner;
	bool wanted = !strcmp(type, "flow") || !strcmp(type, "violation") || !strcmp(type, "coverage");

	if (r->json && wanted)
		printf("%.*s\n", (int)len, json);
	else if (!r->json && line && !strcmp(type, "violation"))
		printf("%s\n", line);
}

void replay_interval(struct replay *r, uint64_t time)
{
	if (!r->epoch)
		return;
	front_interval(r->front, (struct stamp){ time, r->epoch });
	r->books.epoch = r->epoch;
	r->books.end_ms = clock_boot_to_utc_ms(time) + 1;
	back_interval(r->back, &r->books);
	r->books = (struct books){ .start_ms = r->books.end_ms };
}

void replay_count(struct replay *r, int err)
{
	r->books.produced++;
	r->books.submitted++;
	r->books.read++;
	switch (err) {
	case 0:
		r->books.analysed++;
		break;
	case -ENOMEM:
		r->books.over_budget++;
		break;
	default:
		r->books.undecodable++;
	}
}

/* Processes and connections come first, in a pass of their own: live they overtake. */
static int replay_fact(struct replay *r, const void *ptr, size_t len)
{
	if (facts_unpack(ptr, len, &r->fact) < 0)
		return -EBADMSG;
	if (!r->pass_two && (r->fact.kind == FACT_PROCESS || r->fact.kind == FACT_CONN))
		back_fact(r->back, &r->fact);
	return 0;
}

static int replay_record(struct replay *r, const void *ptr, size_t len)
{
	uint32_t epoch = record_epoch(ptr, len);
	uint64_t time;

	memcpy(&time, (const char *)ptr + 8, sizeof(time));
	clock_set_replay(r->header.utc_at_boot_ms, time);
	if (!r->books.start_ms)
		r->books.start_ms = clock_boot_to_utc_ms(time);
	if (r->epoch && epoch > r->epoch)
		replay_interval(r, time);
	if (epoch >= r->epoch)
		r->epoch = epoch;
	r->orders_time = time;
	replay_count(r, front_record(r->front, ptr, len));
	front_tick(r->front, (struct stamp){ time, r->epoch });
	return 0;
}

/* A file may say anything of whose connection it was: taken as the roles take it from each other. */
static bool who_take(struct conn_facts *who)
{
	static struct fact f, checked;
	static uint8_t packed[FACT_MAX_SIZE];
	int n;

	f.kind = FACT_CONN;
	f.conn.conn = *who;
	n = facts_pack(&f, packed, sizeof(packed));
	if (n < 0 || facts_unpack(packed, (size_t)n, &checked) != FACT_CONN)
		return false;
	*who = checked.conn.conn;
	return true;
}

static int on_entry(void *owner, enum recording_kind kind, const void *ptr, size_t len)
{
	struct replay *r = owner;
	struct order o = { 0 };

	if (kind == RECORDING_FACT)
		return replay_fact(r, ptr, len);
	if (!r->pass_two)
		return 0;
	if (kind == RECORDING_RECORD)
		return len < 16 ? -EBADMSG : replay_record(r, ptr, len);
	if (len != sizeof(o) && len != offsetof(struct order, who))	/* as recordings had it before */
		return -EBADMSG;
	memcpy(&o, ptr, len);
	if (o.who.id && !who_take(&o.who))
		return -EBADMSG;
	if (o.kind == ORDER_CLOSE) {
		front_untold(r->front, o.conn, o.before);
		front_close(r->front, o.conn, o.sent_pos, o.received_pos, o.sent, o.received, (struct stamp){ o.time, r->epoch });
		if (o.who.id)
			front_unheard(r->front, &o.who, o.before, o.time);
	} else if (o.kind == ORDER_REACH) {
		front_untold(r->front, o.conn, o.before);
		front_reach(r->front, o.conn, o.sent_pos, o.received_pos, (struct stamp){ o.time, r->epoch });
	} else if (o.kind == ORDER_PLAIN) {
		front_plain(r->front, o.conn, o.sent_pos, o.received_pos, o.before, (uint8_t)o.sent);
	}
	return 0;
}

static int replay_pass(struct replay *r, FILE *f, const char *name, bool second)
{
	char why[256] = "";
	int err;

	rewind(f);
	r->pass_two = second;
	err = recording_read(f, &r->header, on_entry, r, why, sizeof(why));
	if (err && second)
		fprintf(stderr, "weir replay: %s: %s; what came before it is shown\n", name, why);
	else if (err)
		fprintf(stderr, "weir replay: %s: %s\n", name, why);
	return err;
}

static int replay_open(struct replay *r)
{
	struct back_config config = {
		.policy_names = r->policies, .policy_texts = r->texts, .policy_sizes = r->sizes,
		.nr_policies = r->nr_policies, .state = -1, .host = "replay", .emit = on_emit, .owner = r,
	};
	static struct policy_file files[POLICIES_MAX];
	static struct buf texts[POLICIES_MAX];
	char why[256];
	int code;

	if (policies_read(files, texts, r->policies, r->nr_policies, "weir replay") || descriptors_open(files, r->nr_policies, "weir replay", stderr))
		return EXIT_USAGE;
	for (unsigned i = 0; i < r->nr_policies; i++) {
		r->texts[i] = files[i].text;
		r->sizes[i] = files[i].len;
	}
	r->back = back_new(&config, why, sizeof(why), &code);
	r->front = front_new(on_fact, r);
	if (r->back && !classes_open(back_classes(r->back), "weir replay"))
		return EXIT_USAGE;
	if (r->back && r->front)
		return 0;
	fprintf(stderr, "weir replay: %s\n", r->back ? "no memory" : why);
	return r->back ? EXIT_DEGRADED : code;
}

/* Time passes: what waits for a missing piece becomes a gap. */
static void replay_end(struct replay *r)
{
	struct back_totals t;

	front_tick(r->front, (struct stamp){ r->orders_time + 3600ull * 1000000000, r->epoch });
	replay_interval(r, r->orders_time + 1000000);
	back_totals(r->back, &t);
	if (!r->json)
		printf("%llu exchanges, %llu findings, %llu violations\n", (unsigned long long)t.exchanges,
		       (unsigned long long)t.findings, (unsigned long long)t.violations);
}

static int replay_recording(struct replay *r, FILE *f, const char *name)
{
	int err;

	if (r->as_client || r->last_wins || r->keylog) {
		fprintf(stderr, "weir replay: %s is no capture file: --side, --keylog and --overlap are for .pcap and .pcapng\n", name);
		return EXIT_USAGE;
	}
	replay_pass(r, f, name, false);
	if (!r->header.format) {
		fprintf(stderr, "weir replay: %s: give a recording of `weir record`, or a capture in .pcap or .pcapng format\n", name);
		return EXIT_USAGE;
	}
	clock_set_replay(r->header.utc_at_boot_ms, 0);
	err = replay_pass(r, f, name, true) ? EXIT_DEGRADED : 0;
	replay_end(r);
	return err;
}

/* What unpacks a file that begins so; NULL: nothing has to. */
static const char *packed_with(FILE *f)
{
	static const struct { const char *begin, *tool; } rows[] = { { "\x1f\x8b", "gunzip" }, { "\x28\xb5\x2f\xfd", "unzstd" },
		{ "\xfd" "7zXZ", "unxz" }, { "BZh", "bunzip2" }, { "\x04\x22\x4d\x18", "unlz4" } };
	char begin[6] = "";
	size_t n = fread(begin, 1, sizeof(begin) - 1, f);

	rewind(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (n >= strlen(rows[i].begin) && !memcmp(begin, rows[i].begin, strlen(rows[i].begin)))
			return rows[i].tool;
	return NULL;
}

static int replay_open_file(struct replay *r, FILE *f, const char *name)
{
	const char *tool = packed_with(f);
	int err;

	if (tool) {
		fprintf(stderr, "weir replay: %s is compressed: unpack it first (%s -k %s)\n", name, tool, name);
		err = EXIT_USAGE;
	} else if (packet_file_is(f)) {
		err = replay_capture(r, f, name);
		if (err != EXIT_USAGE) {
			replay_end(r);
			replay_capture_sum(r);
		}
	} else {
		err = replay_recording(r, f, name);
	}
	clock_set_replay(0, 0);
	return err;
}

static int replay_enter(const struct replay *r, const char *name)
{
	char why[256] = "";

	if (r->no_sandbox)
		return 0;
	if (!sandbox_landlock())
		fprintf(stderr, "weir replay: warning: this kernel has no landlock, so that of the sandbox only seccomp is left\n");
	packet_prepare();
	if (!sandbox_enter(sandbox_find("replay"), why, sizeof(why)))
		return 0;
	fprintf(stderr, "weir replay: cannot make a sandbox to read %s in: %s; on a kernel without seccomp, or where root may not become another "
		"user, use --no-sandbox if you trust the file\n", name, why);
	return EXIT_DEGRADED;
}

/* In the child. */
static int replay_run(struct replay *r, FILE *f, const char *name)
{
	int err = replay_open(r);

	if (!err)
		err = replay_enter(r, name);
	if (!err)
		err = replay_open_file(r, f, name);
	back_free(r->back);
	front_free(r->front);
	buf_free(&r->buf);
	if (fflush(stdout) && !err)
		err = EXIT_DEGRADED;
	return err;
}

/* As the child ended, so does this process. */
static int replay_wait(pid_t child, const char *name)
{
	int status = 0, sig;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_DEGRADED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	if (sig == SIGINT || sig == SIGTERM || sig == SIGPIPE || sig == SIGHUP) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	fprintf(stderr, "weir replay: %s: the process that read it was ended by signal %d (%s)%s; what came before it is shown\n", name, sig, strsignal(sig),
		sig == SIGSYS ? ": it wanted what its sandbox forbids, as if what is in the file had taken it over" : "");
	return EXIT_DEGRADED;
}

static FILE *file_open(const char *name, const char *what)
{
	FILE *f = fopen(name, "re");

	if (!f)
		fprintf(stderr, "weir replay: cannot open %s%s: %s\n", what, name, strerror(errno));
	return f;
}

static int replay_file(struct replay *r, const char *name)
{
	FILE *f = file_open(name, "");
	struct stat st;
	int err = EXIT_USAGE;
	pid_t child;

	if (f && !fstat(fileno(f), &st) && S_ISDIR(st.st_mode)) {
		fprintf(stderr, "weir replay: %s is a folder; give a recording of `weir record`, or a capture in .pcap or .pcapng format\n", name);
	} else if (f && (!r->keylog || (r->keys = file_open(r->keylog, "the key log ")))) {
		fflush(stdout);
		child = fork();
		if (!child)
			_exit(replay_run(r, f, name));
		if (child > 0)
			err = replay_wait(child, name);
		else
			fprintf(stderr, "weir replay: cannot start a process to read %s in: %s\n", name, strerror(errno));
	}
	if (r->keys)
		fclose(r->keys);
	if (f)
		fclose(f);
	return err;
}

/* One of two words. */
static int either(const char *option, const char *value, const char *no, const char *yes, bool *out)
{
	*out = !strcmp(value, yes);
	if (*out || !strcmp(value, no))
		return 0;
	fprintf(stderr, "weir replay: %s takes %s or %s, not %s\n", option, no, yes, value);
	return -1;
}

/* False: an option that is wrong, and a message was printed. */
static bool option_take(struct replay *r, const char *name, const char *value)
{
	if (!strcmp(name, "--messages"))
		r->messages = true;
	else if (!strcmp(name, "-o"))
		return !either(name, value, "table", "json", &r->json);
	else if (!strcmp(name, "--side"))
		return !either(name, value, "server", "client", &r->as_client);
	else if (!strcmp(name, "--overlap"))
		return !either(name, value, "first", "last", &r->last_wins);
	else if (!strcmp(name, "--no-sandbox"))
		r->no_sandbox = true;
	else if (!strcmp(name, "--keylog"))
		r->keylog = value;
	else if (!strcmp(name, "--policy"))
		return !policies_add(r->policies, &r->nr_policies, POLICIES_MAX, value);
	return true;
}

static int cmd_replay(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("replay") };
	static struct replay r;
	const struct option_row *row;
	const char *value;

	buf_init(&r.buf, 1 << 20);
	while ((row = cli_next(&cli, &value)))
		if (!option_take(&r, row->name, value))
			return EXIT_USAGE;
	if (cli.error)
		return EXIT_USAGE;
	if (argc - cli.next != 1) {
		cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	if (!r.nr_policies && policies_default(r.policies, &r.nr_policies, POLICIES_MAX))
		return EXIT_USAGE;
	return replay_file(&r, argv[cli.next]);
}

const struct command command_replay = {
	"replay", "FILE [-o json] [--messages] [--policy PATH]... [--side server|client] [--keylog FILE] [--overlap first|last] [--no-sandbox]",
	"run a recording (.weir) or a capture (.pcap, .pcapng) through the pipeline; needs no root", options, cmd_replay,
};
