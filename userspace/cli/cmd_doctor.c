/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `weir doctor`: what this host allows, what is missing, how to mend it.
 * Changes nothing; root's trial of the hooks is a short-lived weir that watches itself. */
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/doctor/doctor.h"
#include "cli/policies.h"
#include "cli/table.h"
#include "daemon/sandbox.h"

#define MAX_POLICIES (sizeof(((struct host *)0)->policies) / sizeof(char *))

extern const struct command command_doctor;

static const struct option_row options[] = {
	{ "--state", "DIR", "the state folder to look at (default " STATE_DEFAULT ")" },
	{ "--policy", "PATH", "a policy file or a folder of them; may be repeated (default: as weir run)" },
	{ "-o", "FORMAT", "text or json, one object a check" },
	{ NULL, NULL, NULL }
};

static void host_look(struct host *h)
{
	struct timex t = { 0 };

	h->privileged = !geteuid();
	h->clock_synced = adjtimex(&t) != TIME_ERROR;
	h->landlock = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	h->utc_ms = clock_utc_ms();
	h->boot_ns = clock_boot_ns();
	h->uid_taken = sandbox_uid_taken();
}

static void print_text(const struct check *c, const struct answer *a)
{
	static const char *const rows[] = { "affects", "fix" };
	const char *const texts[] = { a->affects, a->fix };

	printf("[%s]%*s %-18s ", check_state_name(a->state), 8 - (int)strlen(check_state_name(a->state)), "", c->name);
	text_print(stdout, a->found);
	putchar('\n');
	for (size_t i = 0; i < 2; i++) {
		if (!texts[i][0])
			continue;
		printf("%11s%7s: ", "", rows[i]);
		text_print(stdout, texts[i]);
		putchar('\n');
	}
}

static void print_json(const struct check *c, const struct answer *a)
{
	struct buf line;
	struct json j;

	buf_init(&line, 16384);
	json_init(&j, &line);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "check");
	json_string(&j, "name", c->name);
	json_string(&j, "state", check_state_name(a->state));
	json_string(&j, "found", a->found);
	json_string(&j, "affects", a->affects[0] ? a->affects : NULL);
	json_string(&j, "fix", a->fix[0] ? a->fix : NULL);
	json_close(&j, '}');
	puts(buf_str(&line));
	buf_free(&line);
}

static int look(struct host *h, bool json)
{
	unsigned nr[CHECK_BLOCKING + 1] = { 0 };

	for (unsigned i = 0; i < check_count(); i++) {
		const struct check *c = check_get(i);
		struct answer a = { .state = CHECK_OK };

		c->look(h, &a);
		nr[a.state]++;
		if (json)
			print_json(c, &a);
		else
			print_text(c, &a);
		fflush(stdout);
	}
	if (!json) {
		printf("\n%u ok, %u degraded, %u blocking, %u unknown%s\n", nr[CHECK_OK], nr[CHECK_DEGRADED], nr[CHECK_BLOCKING], nr[CHECK_UNKNOWN],
		       h->privileged ? "" : "; as root more can be looked at, and the hooks are tried");
	}
	return nr[CHECK_BLOCKING] ? EXIT_USAGE : nr[CHECK_DEGRADED] ? EXIT_DEGRADED : EXIT_OK;
}

static int cmd_doctor(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = &command_doctor };
	struct host h = { .root = "", .state = STATE_DEFAULT };
	const struct option_row *row;
	const char *value;
	bool json = false;

	while ((row = cli_next(&cli, &value))) {
		if (!strcmp(row->name, "--state"))
			h.state = value;
		else if (!strcmp(row->name, "-o"))
			json = !strcmp(value, "json");
		else if (policies_add(h.policies, &h.nr_policies, MAX_POLICIES, value))
			return EXIT_USAGE;
		if (!strcmp(row->name, "-o") && !json && strcmp(value, "text")) {
			fprintf(stderr, "weir doctor: no such format: %s (text, json)\n", value);
			return EXIT_USAGE;
		}
	}
	if (cli.error)
		return EXIT_USAGE;
	if (cli.next < argc) {
		fprintf(stderr, "weir doctor: unexpected argument: %s\nTry 'weir doctor --help'.\n", argv[cli.next]);
		return EXIT_USAGE;
	}
	if (!h.nr_policies)
		(void)policies_default(h.policies, &h.nr_policies, MAX_POLICIES);	/* none: its row says so */
	host_look(&h);
	return look(&h, json);
}

const struct command command_doctor = {
	"doctor", "[--state DIR] [--policy PATH]... [-o json]",
	"what this host allows, what is missing, and how to mend it (exit 3: degraded, 2: blocking)", options, cmd_doctor,
};
