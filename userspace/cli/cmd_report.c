/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - `weir report`: for the auditor. Coverage, gaps and losses come before
 * findings. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/report.h"
#include "version.h"

static const struct option_row options[] = {
	{ "--period", "P", "all, 24h, 2026-09, 2026-Q3, FROM..TO (UTC, half-open; default all)" },
	{ "--format", "FORMAT", "html or json (default html)" },
	{ "--state", "DIR", "the state folder (default " STATE_DEFAULT ")" },
	{ NULL, NULL, NULL }
};

static void json_facts(struct reading *r, struct json *j, const struct report_fact *f)
{
	for (; f->name; f++) {
		const char *value = reading_one(r, f->sql);
		long long n;

		if (f->number && value && sscanf(value, "%lld", &n) == 1)
			json_int(j, f->name, n);
		else
			json_string(j, f->name, value);
	}
}

struct rows { struct buf *buf; bool comma; };

static int row(void *owner, int columns, const char *const *v)
{
	struct rows *r = owner;

	if (r->comma)
		buf_add(r->buf, ",", 1);
	r->comma = true;
	return v[0] ? buf_puts(r->buf, v[0]) : 0;
}

int report_json(struct reading *r, const char *command, const char *verify)
{
	const char *params[2 + REPORT_FILTERS] = { r->from_text, r->to_text, "", "", "" };
	struct json j;
	struct buf b;
	char why[256];
	int err = 0;

	buf_init(&b, 256 << 20);
	json_init(&j, &b);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "report");
	json_string(&j, "command", command);
	json_string(&j, "version", WEIR_VERSION);
	json_string(&j, "build", WEIR_BUILD);
	json_facts(r, &j, report_facts);
	json_open(&j, "totals", '{');
	json_facts(r, &j, report_totals);
	json_close(&j, '}');
	for (const struct report_section *s = report_sections; !err && s->name; s++) {
		struct rows rows = { &b, false };

		json_open(&j, s->name, '[');
		err = index_query(r->index, s->sql, params, strstr(s->sql, "?5") ? 5 : strstr(s->sql, "?3") ? 3 : 2, row, &rows, why, sizeof(why));
		json_close(&j, ']');
	}
	json_string(&j, "verify", verify);
	json_close(&j, '}');
	if (!err && b.failed)
		snprintf(why, sizeof(why), "larger than 256 MiB: choose a shorter --period");
	if (err || b.failed)
		fprintf(stderr, "weir report: %s\n", why);
	else
		puts(buf_str(&b));
	err |= b.failed;
	buf_free(&b);
	return err ? EXIT_DEGRADED : 0;
}

static int cmd_report(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("report") };
	const char *format = "html", *period = "all", *value, *key;
	const struct option_row *o;
	char command[512], verify[1024], vkey[256];
	struct reading r;
	int err;

	reading_init(&r);
	while ((o = cli_next(&cli, &value))) {
		if (!strcmp(o->name, "--format"))
			format = value;
		else if (reading_option(&r, o, value) < 0)
			return EXIT_USAGE;
		if (!strcmp(o->name, "--period"))
			period = value;
	}
	if (cli.error || cli.next < argc || (strcmp(format, "html") && strcmp(format, "json"))) {
		if (!cli.error)
			cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	err = reading_open(&r);
	if (err)
		return err;
	key = reading_one(&r, "SELECT json_extract(doc,'$.key') FROM leaf WHERE type='genesis' ORDER BY leaf LIMIT 1");
	snprintf(vkey, sizeof(vkey), "%s", key ? key : "VKEY");
	value = reading_one(&r, "SELECT json_extract(doc,'$.size')||':'||json_extract(doc,'$.root') FROM leaf WHERE type='heartbeat' ORDER BY leaf DESC LIMIT 1");
	snprintf(verify, sizeof(verify), "weir ledger verify --state COPY --key '%s' --at-least %s", vkey, value ? value : "SIZE:ROOT");
	snprintf(command, sizeof(command), "weir report --period %.100s --format %s (weir %s, build %s)", period, format, WEIR_VERSION, WEIR_BUILD);
	err = !strcmp(format, "json") ? report_json(&r, command, verify) : report_html(&r, command, verify);
	reading_close(&r);
	return err;
}

const struct command command_report = {
	"report", "[--period P] [--format html|json] [--state DIR]",
	"what an auditor reads: coverage, gaps, losses, then findings", options, cmd_report,
};
