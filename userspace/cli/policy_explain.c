/* SPDX-License-Identifier: Apache-2.0 */
/* policy_explain.c - `weir policy explain`: why a rule is broken by a violation, a flow or facts
 * given by hand, or why not: rule by rule, condition by condition. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/policy_verbs.h"
#include "cli/stories.h"
#include "cli/table.h"

#define GIVEN_MAX	((size_t)16 << 20)	/* bytes of what is explained */
#define DOC		3			/* its place among the query's parameters: ?4 */

static const struct { const char *word, *says; } evidence[] = {
	{ "value", "the value passes the validator of its class, or has a form that nothing else has" },
	{ "key", "the name of its field, or the words before it, name the class" },
	{ "object", "it stands in an object, or under a name, of such a thing or person" },
	{ "sibling", "another finding of the same object speaks for it" },
	{ "records", "the statistics of its field: its other values are of the class too" },
};

struct explain {
	struct policy_verb *verb;
	struct buf out;
	struct json json;
	const char *const *column;	/* of the finding; NULL: facts given by hand */
	const char *name, *text;	/* of what is given by hand */
	uint64_t findings, broken;
	bool failed, open;
};

static void put(struct explain *e)
{
	text_print(stdout, buf_str(&e->out));
	putchar('\n');
	buf_reset(&e->out);
}

static const char *or_dash(const char *text)
{
	return text && text[0] ? text : "-";
}

/* Of whom is told. */

static void head_print(struct explain *e)
{
	const char *const *c = e->column, *words;

	if (!c) {
		buf_printf(&e->out, "facts of %s", e->name);
		return put(e);
	}
	buf_printf(&e->out, "%s%s%s%s%s of %s, %s exchanges", c[STORY_TYPE], c[STORY_ID] ? " " : "", c[STORY_ID] ? c[STORY_ID] : "",
		   c[STORY_LEAF] ? ", leaf " : "", c[STORY_LEAF] ? c[STORY_LEAF] : "", or_dash(c[STORY_TIME]), or_dash(c[STORY_EXCHANGES]));
	put(e);
	buf_printf(&e->out, "  %s %s, %s%s%s%s%s: %s %s %s (%s), %s %s", or_dash(c[STORY_CLASS]), or_dash(c[STORY_DATA]),
		   or_dash(c[STORY_CONFIDENCE]), c[STORY_PATH] ? ", at " : "", c[STORY_PATH] ? c[STORY_PATH] : "", c[STORY_MASK] ? ", mask " : "",
		   c[STORY_MASK] ? c[STORY_MASK] : "", or_dash(c[STORY_WORKLOAD]),
		   c[STORY_ROLE] && !strcmp(c[STORY_ROLE], "server") ? "<-" : "->", or_dash(c[STORY_PEER]), or_dash(c[STORY_ZONE]),
		   or_dash(c[STORY_PROTOCOL]), or_dash(c[STORY_ROUTE]));
	put(e);
	words = c[STORY_EVIDENCE] ? c[STORY_EVIDENCE] : "";
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++)
			if (strlen(evidence[i].word) == n && !memcmp(evidence[i].word, words, n)) {
				buf_printf(&e->out, "  because of %-8s %s", evidence[i].word, evidence[i].says);
				put(e);
			}
	}
}

static void head_json(struct explain *e)
{
	static const struct { const char *key; enum story_column at; } of[] = {
		{ "of", STORY_TYPE }, { "id", STORY_ID }, { "class", STORY_CLASS }, { "data", STORY_DATA }, { "confidence", STORY_CONFIDENCE },
		{ "workload", STORY_WORKLOAD }, { "peer", STORY_PEER }, { "protocol", STORY_PROTOCOL }, { "route", STORY_ROUTE },
	};
	const char *const *c = e->column, *words;

	if (!c) {
		json_string(&e->json, "of", "facts");
		return;
	}
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		json_string(&e->json, of[i].key, c[of[i].at]);
	if (c[STORY_LEAF])
		json_uint(&e->json, "leaf", strtoull(c[STORY_LEAF], NULL, 10));
	words = c[STORY_EVIDENCE] ? c[STORY_EVIDENCE] : "";
	json_open(&e->json, "evidence", '[');
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		char word[16];

		n = strcspn(words, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		json_string(&e->json, NULL, word);
	}
	json_close(&e->json, ']');
}

/* Conditions. */

static void step_print(void *owner, const struct policy_step *s)
{
	struct explain *e = owner;
	int indent = 4 + 2 * (int)s->depth;

	if (s->block) {
		buf_printf(&e->out, "%*s%-8s %s", indent, "", s->result, s->block);
		if (s->condition)
			buf_printf(&e->out, " of the condition %s", s->condition);
		buf_puts(&e->out, ":");
		return put(e);
	}
	buf_printf(&e->out, "%*s%-8s %s%s%s, %s [%s]", indent, "", s->result, s->fact, s->value ? " is " : "", s->value ? s->value : "", s->op,
		   s->wanted);
	if (s->list)
		buf_printf(&e->out, ": %s of %s", s->match, s->list);
	else if (s->match && s->value && strcmp(s->match, s->value))
		buf_printf(&e->out, ": %s", s->match);
	if (s->reason)
		buf_printf(&e->out, ": %s", s->reason);
	put(e);
}

static void step_json(void *owner, const struct policy_step *s)
{
	struct explain *e = owner;

	json_open(&e->json, NULL, '{');
	json_uint(&e->json, "depth", s->depth);
	json_string(&e->json, "result", s->result);
	if (s->block) {
		json_string(&e->json, "block", s->block);
		json_string(&e->json, "condition", s->condition);
	} else {
		json_string(&e->json, "fact", s->fact);
		json_string(&e->json, "value", s->value);
		json_string(&e->json, "operator", s->op);
		json_string(&e->json, "wanted", s->wanted);
		json_string(&e->json, "match", s->match);
		json_string(&e->json, "list", s->list);
		json_string(&e->json, "reason", s->reason);
	}
	json_close(&e->json, '}');
}

/* Rules. */

static void rule_json(struct explain *e, size_t i, const struct policy_story *story)
{
	const struct rule_info *r = policy_rule(e->verb->set, i);
	enum verdict verdict;

	json_init(&e->json, &e->out);
	json_open(&e->json, NULL, '{');
	json_string(&e->json, "type", "explanation");
	json_string(&e->json, "rule", r->id);
	json_string(&e->json, "title", r->title);
	json_string(&e->json, "severity", severity_name(r->severity));
	head_json(e);
	json_open(&e->json, "conditions", '[');
	verdict = policy_explain(e->verb->set, i, story, step_json, e);
	json_close(&e->json, ']');
	json_string(&e->json, "verdict", verdict_name(verdict));
	if (e->column && e->column[STORY_RULE])
		json_bool(&e->json, "recorded", !strcmp(e->column[STORY_RULE], r->id));
	json_close(&e->json, '}');
	puts(buf_str(&e->out));
	buf_reset(&e->out);
	e->broken += verdict == VERDICT_VIOLATION;
}

static void rule_print(struct explain *e, size_t i, const struct policy_story *story)
{
	static const char *const says[] = { "is not broken", "is broken", "cannot be judged" };
	const struct rule_info *r = policy_rule(e->verb->set, i);
	enum verdict verdict = policy_explain(e->verb->set, i, story, NULL, NULL);
	bool recorded = e->column && e->column[STORY_RULE] && !strcmp(e->column[STORY_RULE], r->id);

	buf_printf(&e->out, "  %s %s%s: %s", r->id, says[verdict],
		   !recorded ? "" : verdict == VERDICT_VIOLATION ? ", as recorded" : ", though it is recorded as broken: by what was the policy then",
		   r->title);
	put(e);
	policy_explain(e->verb->set, i, story, step_print, e);
	e->broken += verdict == VERDICT_VIOLATION;
}

static void rules_explain(struct explain *e, const struct policy_story *story)
{
	const char *recorded = e->column ? e->column[STORY_RULE] : NULL;
	bool known = !recorded;

	e->findings++;
	if (!e->verb->q.json)
		head_print(e);
	for (size_t i = 0; i < policy_rules(e->verb->set); i++) {
		known |= recorded && !strcmp(recorded, policy_rule(e->verb->set, i)->id);
		if (policy_verb_wants(e->verb, i))
			(e->verb->q.json ? rule_json : rule_print)(e, i, story);
	}
	if (!known)
		fprintf(stderr, "weir policy: %s, the rule that is recorded as broken, is in none of these policies; name the right ones with --policy\n",
			recorded);
}

static int on_story(void *owner, int columns, const char *const *c)
{
	struct explain *e = owner;
	struct policy_story story;

	if (columns < STORY_COLUMNS || !c[STORY_GIVEN])
		return 0;
	e->column = c;
	if (policy_story_read(&story, "the leaf's facts", c[STORY_GIVEN], strlen(c[STORY_GIVEN]), c[STORY_WITHHELD] ? c[STORY_WITHHELD] : "", stderr)) {
		fprintf(stderr, "weir policy: what is recorded of %s cannot be judged by these policies: they do not know the above (a class of a user's own "
			"wants the policy that defines it)\n", or_dash(c[STORY_CLASS]));
		e->failed = true;
		return 0;
	}
	rules_explain(e, &story);
	return 0;
}

/* What is asked. */

static int explain_leaf(struct explain *e, const char *table, const char *param, const char *nothing)
{
	struct query *q = &e->verb->q;
	struct buf sql;
	int err;

	q->params[DOC] = param;
	q->nr = DOC + 1;
	buf_init(&sql, 65536);
	buf_printf(&sql, "WITH d AS (%s) %s", table, stories_sql);
	err = sql.failed ? -1 : query_run(q, buf_str(&sql), on_story, e);
	buf_free(&sql);
	if (err)
		return EXIT_DEGRADED;
	if (e->findings || e->failed)
		return e->failed ? EXIT_USAGE : EXIT_OK;
	fprintf(stderr, "weir policy: %s: %s; weir violations list and weir flows print what there is\n", e->name ? e->name : param, nothing);
	return EXIT_USAGE;
}

static int count_row(void *owner, int nr, const char *const *v)
{
	++*(unsigned *)owner;
	return 0;
}

static int explain_id(struct explain *e, const char *id)
{
	struct query *q = &e->verb->q;
	unsigned found = 0;
	char pattern[40];

	snprintf(pattern, sizeof(pattern), "%.32s*", id);
	q->params[DOC] = pattern;
	q->nr = DOC + 1;
	if (query_run(q, "SELECT DISTINCT " SQL_J("id") " FROM leaf WHERE type='violation' AND " SQL_J("id") " GLOB ?4 LIMIT 2", count_row, &found))
		return EXIT_DEGRADED;
	if (found == 1)
		return explain_leaf(e, "SELECT doc, min(leaf) AS leaf FROM leaf WHERE type='violation' AND " SQL_J("id") " GLOB ?4 HAVING doc IS NOT NULL",
				    pattern, "it tells of no finding");
	fprintf(stderr, "weir policy: %s violation has an id that begins with %s; weir violations list prints ids\n", found ? "more than one" : "no", id);
	return EXIT_USAGE;
}

static int explain_facts(struct explain *e, const char *text, size_t len)
{
	struct policy_story story;

	e->column = NULL;
	if (policy_story_read(&story, e->name, text, len, "", stderr))
		return EXIT_USAGE;
	rules_explain(e, &story);
	return EXIT_OK;
}

/* One JSON object: a flow or violation as -o json prints it, or facts. */
static int explain_object(struct explain *e, const char *text)
{
	struct query *q = &e->verb->q;
	uint64_t before = e->findings;
	char type[32];
	int code;

	q->params[DOC] = text;
	q->nr = DOC + 1;
	query_text(q, "SELECT json_extract(?4,'$.type')", type, sizeof(type));
	if (!type[0])
		return explain_facts(e, text, strlen(text));
	if (strcmp(type, "flow") && strcmp(type, "violation")) {
		fprintf(stderr, "weir policy: %s: an object of type %s has nothing that rules are about; give flows, violations, or facts such as "
			"{\"data.class\": \"pan\", \"to.zone\": \"internet\"}\n", e->name, type);
		return EXIT_USAGE;
	}
	code = explain_leaf(e, "SELECT ?4 AS doc, NULL AS leaf", text, "no finding is in it");
	return e->findings == before && code == EXIT_OK ? EXIT_USAGE : code;
}

static bool is_json(struct explain *e, const char *text)
{
	char yes[4];

	e->verb->q.params[DOC] = text;
	e->verb->q.nr = DOC + 1;
	query_text(&e->verb->q, "SELECT json_valid(?4) AND json_type(?4)='object'", yes, sizeof(yes));
	return !strcmp(yes, "1");
}

/* An object, one in each line, or facts in YAML. */
static int explain_text(struct explain *e, char *text)
{
	char *line, *end = strchr(text, '\n');
	int code = EXIT_OK, one;

	if (is_json(e, text))
		return explain_object(e, text);
	if (end)
		*end = 0;
	one = text[0] == '{' && is_json(e, text);
	if (end)
		*end = '\n';
	if (!one)
		return explain_facts(e, text, strlen(text));
	for (unsigned nr = 1; (line = strsep(&text, "\n")); nr++) {
		if (!line[strspn(line, " \t\r")])
			continue;
		if (!is_json(e, line)) {
			fprintf(stderr, "weir policy: %s: line %u is no JSON object; give one in each line\n", e->name, nr);
			return EXIT_USAGE;
		}
		one = explain_object(e, line);
		code = one > code ? one : code;
	}
	return code;
}

static int explain_file(struct explain *e, const char *name)
{
	bool is_stdin = !strcmp(name, "-");
	struct buf text;
	char why[256] = "";
	int err, code = EXIT_USAGE;

	e->name = is_stdin ? "the standard input" : name;
	buf_init(&text, GIVEN_MAX);
	err = read_file(AT_FDCWD, is_stdin ? "/dev/stdin" : name, &text);
	e->verb->q.index = index_open(NULL, true, why, sizeof(why));
	if (err || !text.len)
		fprintf(stderr, "weir policy: cannot read %s: %s; give a violation's id, a file of JSON or YAML, or - for the standard input\n", e->name,
			err ? strerror(-err) : "it is empty");
	else if (!e->verb->q.index || buf_add(&text, "", 1))
		fprintf(stderr, "weir policy: no memory for what %s says: %s\n", e->name, why), code = EXIT_DEGRADED;
	else if (memchr(text.ptr, 0, text.len - 1))
		fprintf(stderr, "weir policy: %s has a zero byte and is no text; give JSON or YAML\n", e->name);
	else
		code = explain_text(e, (char *)text.ptr);
	buf_free(&text);
	return code;
}

int policy_verb_explain(struct policy_verb *verb)
{
	struct explain e = { .verb = verb };
	const char *what = verb->what;
	int code;

	buf_init(&e.out, 1 << 20);
	if (!verb->leaf && (strspn(what, "0123456789abcdef") < strlen(what) || strlen(what) > 16))
		code = explain_file(&e, what);
	else if (!query_open(&verb->q, &code))
		;
	else if (verb->leaf)
		code = explain_leaf(&e, "SELECT doc, leaf FROM leaf WHERE leaf=CAST(?4 AS INTEGER) AND type IN ('flow', 'violation')", verb->leaf,
				    "no leaf of that number is a violation or a flow with findings");
	else
		code = explain_id(&e, what);
	buf_free(&e.out);
	return code || !verb->q.exit_code || !e.broken ? code : EXIT_FOUND;
}
