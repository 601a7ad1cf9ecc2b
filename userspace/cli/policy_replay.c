/* SPDX-License-Identifier: Apache-2.0 */
/* policy_replay.c - `weir policy replay`: what these policies would have said of what is recorded, before they are
 * used. Flows are sums, so that a rule about single messages cannot always be judged by them;
 * violations were recorded with their message's facts, and tell whether they would be ones again. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/policy_verbs.h"
#include "cli/stories.h"
#include "cli/table.h"

struct tally { uint64_t broken, unknown, recorded, again, not_again; };

struct replay {
	struct policy_verb *verb;
	struct tally *tally;	/* by rule */
	struct buf out;
	uint64_t findings, unjudged, others;	/* others: recorded of rules that these policies lack */
	bool failed;
};

/* Equal flows of many intervals are one: of that the first leaf, and in place of the exchanges how many. */
static const char flows_sql[] =
	"WITH d AS (SELECT doc, leaf FROM leaf WHERE type='flow' AND ms(" SQL_J("start") ")>=CAST(?1 AS INTEGER) AND ms(" SQL_J("start")
	")<CAST(?2 AS INTEGER)), s(" STORIES_NAMES ") AS (%s)"
	" SELECT given, withheld, type, min(leaf), id, rule, min(time), class, data, confidence, evidence, path, mask, workload, role, peer, zone,"
	" protocol, route, count(*) FROM s GROUP BY given, withheld ORDER BY min(leaf), class, data, confidence";
static const char violations_sql[] =
	"WITH d AS (SELECT doc, min(leaf) AS leaf FROM leaf WHERE type='violation' AND ms(" SQL_J("opened") ")>=CAST(?1 AS INTEGER) AND ms("
	SQL_J("opened") ")<CAST(?2 AS INTEGER) GROUP BY " SQL_J("id") ") %s ORDER BY d.leaf";

static bool story_take(struct replay *r, int columns, const char *const *c, struct policy_story *story)
{
	if (columns < STORY_COLUMNS || !c[STORY_GIVEN])
		return false;
	if (!policy_story_read(story, "facts", c[STORY_GIVEN], strlen(c[STORY_GIVEN]), c[STORY_WITHHELD] ? c[STORY_WITHHELD] : "", NULL))
		return true;
	r->unjudged++;	/* most likely of a class that these policies do not define */
	return false;
}

static void flow_json(struct replay *r, size_t rule, enum verdict verdict, const char *const *c)
{
	static const struct { const char *key; enum story_column at; } texts[] = {
		{ "class", STORY_CLASS }, { "data", STORY_DATA }, { "confidence", STORY_CONFIDENCE }, { "workload", STORY_WORKLOAD },
		{ "role", STORY_ROLE }, { "peer", STORY_PEER }, { "peer_zone", STORY_ZONE }, { "protocol", STORY_PROTOCOL }, { "route", STORY_ROUTE },
	};
	struct json j;

	buf_reset(&r->out);
	json_init(&j, &r->out);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "judgement");
	json_string(&j, "rule", policy_rule(r->verb->set, rule)->id);
	json_string(&j, "verdict", verdict_name(verdict));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		json_string(&j, texts[i].key, c[texts[i].at]);
	json_uint(&j, "intervals", strtoull(c[STORY_EXCHANGES], NULL, 10));
	json_uint(&j, "leaf", strtoull(c[STORY_LEAF], NULL, 10));
	json_close(&j, '}');
	puts(buf_str(&r->out));
}

static int on_flow(void *owner, int columns, const char *const *c)
{
	struct replay *r = owner;
	struct policy_story story;

	r->findings++;
	if (!story_take(r, columns, c, &story))
		return 0;
	for (size_t i = 0; i < policy_rules(r->verb->set); i++) {
		enum verdict v = policy_verb_wants(r->verb, i) ? policy_explain(r->verb->set, i, &story, NULL, NULL) : VERDICT_QUIET;

		r->tally[i].broken += v == VERDICT_VIOLATION;
		r->tally[i].unknown += v == VERDICT_UNKNOWN;
		if (v != VERDICT_QUIET && r->verb->q.json)
			flow_json(r, i, v, c);
	}
	return 0;
}

static int on_violation(void *owner, int columns, const char *const *c)
{
	struct replay *r = owner;
	struct policy_story story;
	enum verdict v;
	size_t i = 0;

	while (columns >= STORY_COLUMNS && c[STORY_RULE] && i < policy_rules(r->verb->set) && strcmp(policy_rule(r->verb->set, i)->id, c[STORY_RULE]))
		i++;
	if (i == policy_rules(r->verb->set)) {
		r->others++;
		return 0;
	}
	r->tally[i].recorded++;
	if (!story_take(r, columns, c, &story))
		return 0;
	v = policy_explain(r->verb->set, i, &story, NULL, NULL);
	r->tally[i].again += v == VERDICT_VIOLATION;
	r->tally[i].not_again += v == VERDICT_QUIET;
	return 0;
}

static int ask(struct replay *r, const char *form, int (*row)(void *, int, const char *const *))
{
	struct buf sql;
	int err;

	buf_init(&sql, 65536);
	for (const char *s = form; *s; s++)
		if (s[0] == '%' && s[1] == 's')
			buf_puts(&sql, stories_sql), s++;
		else
			buf_add(&sql, s, 1);
	err = sql.failed ? -1 : query_run(&r->verb->q, buf_str(&sql), row, r);
	buf_free(&sql);
	return err;
}

static void rule_json(struct replay *r, size_t i)
{
	const struct rule_info *rule = policy_rule(r->verb->set, i);
	const struct tally *t = &r->tally[i];
	struct json j;

	buf_reset(&r->out);
	json_init(&j, &r->out);
	json_open(&j, NULL, '{');
	json_string(&j, "type", "replayed");
	json_string(&j, "rule", rule->id);
	json_string(&j, "severity", severity_name(rule->severity));
	json_uint(&j, "broken", t->broken);
	json_uint(&j, "unknown", t->unknown);
	json_uint(&j, "recorded", t->recorded);
	json_uint(&j, "again", t->again);
	json_uint(&j, "not_again", t->not_again);
	json_close(&j, '}');
	puts(buf_str(&r->out));
}

static void rule_row(struct replay *r, struct table *table, size_t i)
{
	const struct rule_info *rule = policy_rule(r->verb->set, i);
	const struct tally *t = &r->tally[i];
	char numbers[5][24];
	const uint64_t of[] = { t->broken, t->unknown, t->recorded, t->again, t->not_again };
	const char *cells[] = { rule->id, severity_name(rule->severity), numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] };

	for (unsigned k = 0; k < 5; k++)
		snprintf(numbers[k], sizeof(numbers[k]), "%llu", (unsigned long long)of[k]);
	table_row(table, cells);
}

/* How many rules are broken. */
static uint64_t told(struct replay *r)
{
	static const struct column columns[] = {
		{ "RULE", false, false }, { "SEVERITY", false, false }, { "BROKEN", true, false }, { "NOT KNOWN", true, false },
		{ "RECORDED", true, false }, { "AGAIN", true, false }, { "NOT AGAIN", true, false },
	};
	struct table *table = r->verb->q.json ? NULL : table_new(columns, sizeof(columns) / sizeof(columns[0]));
	uint64_t broken = 0;

	for (size_t i = 0; i < policy_rules(r->verb->set); i++) {
		if (!policy_verb_wants(r->verb, i))
			continue;
		broken += r->tally[i].broken || r->tally[i].again;
		if (table)
			rule_row(r, table, i);
		else if (r->verb->q.json)
			rule_json(r, i);
	}
	if (table) {
		table_print(table, stdout);
		printf("\n%llu findings of flows are judged; RECORDED are violations of then, of which AGAIN would be ones. A flow is a sum: NOT KNOWN wants\n"
		       "what it does not keep (-o json names each; weir policy explain --leaf N says why)\n", (unsigned long long)r->findings);
	}
	table_free(table);
	return broken;
}

int policy_verb_replay(struct policy_verb *verb)
{
	struct replay r = { .verb = verb, .tally = calloc(policy_rules(verb->set) + 1, sizeof(struct tally)) };
	uint64_t broken = 0;
	int code = EXIT_DEGRADED;

	buf_init(&r.out, 1 << 20);
	if (!r.tally)
		fprintf(stderr, "weir policy: no memory to count by %zu rules\n", policy_rules(verb->set));
	else if (query_open(&verb->q, &code) && (code = EXIT_DEGRADED) && !ask(&r, flows_sql, on_flow) && !ask(&r, violations_sql, on_violation)) {
		broken = told(&r);
		code = EXIT_OK;
	}
	if (r.unjudged)
		fprintf(stderr, "weir policy: %llu findings could not be judged: these policies do not know their classes, which those of then defined\n",
			(unsigned long long)r.unjudged);
	if (r.others && !code)
		fprintf(stderr, "weir policy: %llu recorded violations are of rules that these policies lack\n", (unsigned long long)r.others);
	buf_free(&r.out);
	free(r.tally);
	return code || !verb->q.exit_code || !broken ? code : EXIT_FOUND;
}
