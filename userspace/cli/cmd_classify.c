/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_classify.c - `weir classify`: what the classifier says about given bytes, with
 * byte offsets. No daemon, no root, no state. Values are never printed: only
 * where they stand, their class and their mask. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "classify/document.h"
#include "cli/cli.h"
#include "cli/hashes.h"
#include "cli/policies.h"
#include "policy/policy.h"

#define DOCUMENT_MAX	((size_t)256 << 20)	/* bytes of one document; a longer one is refused */
#define READ_STEP	((size_t)256 << 10)
#define OUT_MAX		((size_t)1 << 20)
#define OUT_FLUSH	((size_t)64 << 10)

static const struct option_row options[] = {
	{ "--lines", NULL, "each line is one document: JSON if it parses as JSON, else text" },
	{ "--min", "LEVEL", "possible, likely (default) or certain" },
	{ "--evidence", "LEVEL", "count only value, boundary (and before), key, object or all (default): what each is worth" },
	{ "--why", NULL, "with each finding what speaks for it: value, key, object, sibling (another finding beside it), records (its field's other values)" },
	{ "--stats", NULL, "a last object with bytes, seconds and findings per class" },
	{ "--list", NULL, "print every class with group, tier and default confidence" },
	{ "--policy", "PATH", "a policy file or a folder of them: the classes that they define are looked for too; may be repeated" },
	{ "--hashes", NULL, "no findings: the values of FILE, one a line, as a list of keyed hashes for a class of a policy" },
	{ "-o", "FORMAT", "json or table, for --list; findings are always JSON" },
	{ NULL, NULL, NULL }
};

struct job {
	bool lines, stats, list, json, many, why, hashes;
	const char *policies[POLICIES_MAX];
	unsigned nr_policies;
	int min;
	const char *file;
	uint64_t line, bytes, documents, findings[256];
	struct buf out;
	char *text;
	size_t len, size;
	bool short_of;		/* memory: output is missing */
};

static void out_flush(struct job *j)
{
	if (j->out.failed && !j->short_of)
		fprintf(stderr, "weir classify: no memory for the output: it is not complete\n");
	j->short_of |= j->out.failed;
	if (j->out.len)
		fwrite(j->out.ptr, 1, j->out.len, stdout);
	buf_reset(&j->out);
}

static void print_hit(void *owner, const struct document_hit *hit)
{
	struct job *job = owner;
	struct json j;

	if (hit->confidence < job->min)
		return;
	job->findings[hit->class_id]++;
	json_init(&j, &job->out);
	json_open(&j, NULL, '{');
	if (job->many)
		json_string(&j, "source", job->file);
	json_uint(&j, "line", job->line);
	json_string(&j, "class", class_get(hit->class_id)->name);
	json_string(&j, "confidence", confidence_name(hit->confidence));
	json_string(&j, "path", hit->path);
	json_string(&j, "key", hit->key);
	json_uint(&j, "start", hit->start);
	json_uint(&j, "end", hit->end);
	json_string(&j, "mask", hit->mask);
	if (job->why) {
		json_open(&j, "evidence", '[');
		for (unsigned bit = 1; bit <= WHY_ALL; bit <<= 1)
			if (hit->why & bit)
				json_string(&j, NULL, why_name(bit));
		json_close(&j, ']');
	}
	if (hit->sample)
		json_bool(&j, "sample", true);
	json_close(&j, '}');
	buf_puts(&job->out, "\n");
	if (job->out.len >= OUT_FLUSH)
		out_flush(job);
}

static int classify_document(struct job *j, const char *text, size_t len)
{
	int err = document_classify(text, len, print_hit, j);

	j->documents++;
	j->line++;
	return err;
}

static int grow(struct job *j)
{
	size_t size = j->size ? 2 * j->size : 2 * READ_STEP;
	char *text;

	if (j->size >= DOCUMENT_MAX)
		return -EFBIG;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	if (j->len)
		memcpy(text, j->text, j->len);
	if (j->text)
		explicit_bzero(j->text, j->size);
	free(j->text);
	j->text = text;
	j->size = size;
	return 0;
}

/* Classifies the whole lines held, and keeps what begins the next one. */
static int take_lines(struct job *j)
{
	size_t start = 0;
	char *end;
	int err = 0;

	while (!err && (end = memchr(j->text + start, '\n', j->len - start))) {
		err = classify_document(j, j->text + start, (size_t)(end - j->text) - start);
		start = (size_t)(end - j->text) + 1;
	}
	memmove(j->text, j->text + start, j->len - start);
	j->len -= start;
	return err;
}

/* Reads to the end; lines are classified as they come, a document when it is whole. */
static int classify_stream(struct job *j, FILE *f)
{
	int err = 0;

	j->len = j->line = 0;
	for (;;) {
		size_t n;

		if (j->size - j->len < READ_STEP && (err = grow(j)))
			return err;
		errno = 0;
		n = fread(j->text + j->len, 1, READ_STEP, f);
		if (!n)
			break;
		j->len += n;
		j->bytes += n;
		if (j->lines && (err = take_lines(j)))
			return err;
	}
	if (ferror(f))
		return errno ? -errno : -EIO;
	return j->len || !j->lines ? classify_document(j, j->text, j->len) : 0;
}

static int classify_file(struct job *j, const char *name)
{
	bool is_stdin = !name || !strcmp(name, "-");
	FILE *f = is_stdin ? stdin : fopen(name, "re");
	int err;

	j->file = is_stdin ? "-" : name;
	if (!f) {
		fprintf(stderr, "weir classify: cannot open %s: %s\n", name, strerror(errno));
		return EXIT_USAGE;
	}
	err = classify_stream(j, f);
	if (!is_stdin)
		fclose(f);
	if (err == -EFBIG)
		fprintf(stderr, "weir classify: %s: a document is longer than %zu MiB; split it, or use --lines\n",
			j->file, DOCUMENT_MAX >> 20);
	else if (err)
		fprintf(stderr, "weir classify: cannot read %s: %s\n", j->file, strerror(-err));
	return err ? EXIT_USAGE : EXIT_OK;
}

static void print_stats(struct job *job, uint64_t ns)
{
	struct json j;

	json_init(&j, &job->out);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "stats");
	json_uint(&j, "bytes", job->bytes);
	json_uint(&j, "documents", job->documents);
	json_double(&j, "seconds", (double)ns / 1e9);
	json_open(&j, "findings", '{');
	for (unsigned i = 0; i < class_count(); i++)
		if (job->findings[i])
			json_uint(&j, class_get(i)->name, job->findings[i]);
	json_close(&j, '}');
	json_close(&j, '}');
	buf_puts(&job->out, "\n");
}

static void list_json(struct job *job, const struct class_info *c)
{
	struct json j;

	json_init(&j, &job->out);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "class");
	json_string(&j, "class", c->name);
	json_string(&j, "group", group_name(c->group));
	json_uint(&j, "tier", c->tier);
	json_string(&j, "confidence", confidence_name(c->confidence));
	json_string(&j, "summary", c->summary);
	json_close(&j, '}');
	buf_puts(&job->out, "\n");
}

static int list_classes(struct job *j)
{
	if (!j->json)
		buf_printf(&j->out, "%-20s %-13s %-5s %-11s %s\n", "CLASS", "GROUP", "TIER", "CONFIDENCE", "SUMMARY");
	for (unsigned i = 0; i < class_count(); i++) {
		const struct class_info *c = class_get(i);

		if (!class_live(i))
			continue;
		if (j->json)
			list_json(j, c);
		else
			buf_printf(&j->out, "%-20s %-13s %-5u %-11s %s\n", c->name, group_name(c->group), c->tier,
				   confidence_name(c->confidence), c->summary);
	}
	out_flush(j);
	return EXIT_OK;
}

static int read_options(struct job *j, struct cli *cli)
{
	const struct option_row *row;
	const char *value;

	while ((row = cli_next(cli, &value))) {
		if (!strcmp(row->name, "--lines"))
			j->lines = true;
		else if (!strcmp(row->name, "--why"))
			j->why = true;
		else if (!strcmp(row->name, "--stats"))
			j->stats = true;
		else if (!strcmp(row->name, "--list"))
			j->list = true;
		else if (!strcmp(row->name, "--hashes"))
			j->hashes = true;
		else if (!strcmp(row->name, "--policy")) {
			if (policies_add(j->policies, &j->nr_policies, POLICIES_MAX, value))
				return EXIT_USAGE;
		} else if (!strcmp(row->name, "--evidence") && document_evidence(value))
			return fprintf(stderr, "weir classify: --evidence takes value, boundary, key, object or all, not %s\n", value), EXIT_USAGE;
		else if (!strcmp(row->name, "--evidence"))
			continue;
		else if (!strcmp(row->name, "--min"))
			j->min = confidence_parse(value);
		else if (!strcmp(row->name, "-o") && strcmp(value, "json") && strcmp(value, "table"))
			return fprintf(stderr, "weir classify: -o takes json or table, not %s\n", value), EXIT_USAGE;
		else
			j->json = !strcmp(value, "json");
		if (j->min < 0)
			return fprintf(stderr, "weir classify: --min takes possible, likely or certain, not %s\n", value),
			       EXIT_USAGE;
	}
	return cli->error ? EXIT_USAGE : EXIT_OK;
}

/* What the policies define is looked for until the process ends. */
static int classes_add(struct job *j)
{
	static struct policy_file files[POLICIES_MAX];
	static struct buf texts[POLICIES_MAX];
	struct policy_set *set;

	if (!j->nr_policies)
		return EXIT_OK;
	if (policies_read(files, texts, j->policies, j->nr_policies, "weir classify"))
		return EXIT_USAGE;
	set = policy_load(files, j->nr_policies, stderr);
	return set && classes_open(policy_classes(set), "weir classify") ? EXIT_OK : EXIT_USAGE;
}

static int cmd_classify(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("classify") };
	struct job j = { .min = CONF_LIKELY };
	uint64_t began = clock_boot_ns();
	int err = read_options(&j, &cli);

	if (err || (err = classes_add(&j)))
		return err;
	if (j.hashes)
		return hashes_print(argv + cli.next, argc - cli.next);
	buf_init(&j.out, OUT_MAX);
	if (j.list) {
		err = list_classes(&j);
	} else {
		j.many = argc - cli.next > 1;
		if (cli.next == argc)
			err = classify_file(&j, NULL);
		for (int i = cli.next; i < argc && !err; i++)
			err = classify_file(&j, argv[i]);
		if (j.stats)
			print_stats(&j, clock_boot_ns() - began);
		out_flush(&j);
	}
	if (fflush(stdout))
		err = EXIT_USAGE;
	if (!err && j.short_of)
		err = EXIT_DEGRADED;
	if (j.text)
		explicit_bzero(j.text, j.size);
	free(j.text);
	buf_free(&j.out);
	return err;
}

const struct command command_classify = {
	"classify", "[FILE]... [--lines] [--min LEVEL] [--why] [--stats] [--policy PATH]... | --list [-o json] | --hashes [FILE]...",
	"classify bytes from files or stdin; needs no daemon and no root", options, cmd_classify,
};
