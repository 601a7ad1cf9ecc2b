/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - a rule against one finding, told condition by condition. What holds is asked of
 * eval.c each time, so that the story cannot differ from the verdict. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "policy/private.h"

#define WANTED_SHOWN	8	/* values of a condition; more are counted */

struct telling { const struct judge *judge; policy_step_fn fn; void *owner; };
struct line { char text[640]; size_t len; };

static void line_add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line_add(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, args);
	va_end(args);
	l->len += n > 0 ? (size_t)n < room ? (size_t)n : room - 1 : 0;
}

static void line_number(struct line *l, enum value_type type, uint64_t number)
{
	if (type < T_WORDS)
		line_add(l, "%s", word_name(type, number));
	else if (type == T_BOOL)
		line_add(l, "%s", number ? "true" : "false");
	else
		line_add(l, "%llu", (unsigned long long)number);
}

static void line_address(struct line *l, const struct value *v)
{
	static const uint8_t four[12] = { [10] = 0xff, [11] = 0xff };
	bool is_four = v->bits >= 96 && !memcmp(v->addr, four, sizeof(four));
	unsigned bits = is_four ? v->bits - 96u : v->bits;
	char text[INET6_ADDRSTRLEN];

	line_add(l, "%s", inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? v->addr + 12 : v->addr, text, sizeof(text)) ? text : "?");
	if (bits < (is_four ? 32 : 128))
		line_add(l, "/%u", bits);
}

static void line_value(struct line *l, enum value_type type, const struct value *v)
{
	if (type == T_TEXT || type == T_HOST)
		line_add(l, "%s", v->text);
	else if (type == T_ADDRESS)
		line_address(l, v);
	else
		line_number(l, type, v->number);
}

static void line_wanted(struct line *l, const struct block *leaf)
{
	enum value_type type = fact_type(leaf->fact);
	size_t alone = 0;

	for (size_t i = 0; i < leaf->nr; i++) {
		if (leaf->value[i].list)
			continue;
		if (alone++ >= WANTED_SHOWN)
			continue;
		line_add(l, "%s", l->len ? ", " : "");
		line_value(l, type, &leaf->value[i]);
		if (type == T_CONFIDENCE && (leaf->op == OP_IN || leaf->op == OP_NOT_IN) && leaf->value[i].number < CONF_CERTAIN)
			line_add(l, " or more");
	}
	if (alone > WANTED_SHOWN)
		line_add(l, " and %zu more", alone - WANTED_SHOWN);
	for (size_t i = 0; i < leaf->nr_lists; i++)
		line_add(l, "%s%s (%zu item%s)", l->len ? ", " : "", leaf->list[i]->name, leaf->list[i]->nr, leaf->list[i]->nr == 1 ? "" : "s");
}

static const char *result_name(enum truth t)
{
	return t == YES ? "yes" : t == NO ? "no" : "unknown";
}

static const char *reason_of(const struct judge *j, enum policy_fact fact, enum seen seen)
{
	if (seen == WITHHELD)
		return "not kept by what tells of it";
	if (seen == NOT_OURS)
		return "to.* is asked only of what a client sends, so it speaks against the rule";
	if (seen == SEEN)
		return NULL;
	switch (j->rule->on_unknown[fact]) {
	case UNKNOWN_NOTE: return "not observed; on_unknown: note";
	case UNKNOWN_VIOLATE: return "not observed; on_unknown: violate, so it speaks for the rule";
	default: return "not observed; on_unknown: ignore, so it speaks against the rule";
	}
}

static void tell_fact(const struct telling *t, const struct block *leaf, unsigned depth, bool negated)
{
	static const char *const ops[] = { [OP_IN] = "in", [OP_NOT_IN] = "not_in", [OP_MIN] = "min", [OP_MAX] = "max" };
	struct line value = { .len = 0 }, wanted = { .len = 0 }, match = { .len = 0 };
	enum value_type type = fact_type(leaf->fact);
	struct fact_value v = { 0 };
	struct value address = { 0 };
	const struct value *is = NULL;
	enum seen seen = fact_fetch(t->judge, leaf->fact, &v);
	struct policy_step step = {
		.depth = depth, .fact = fact_name(leaf->fact), .op = ops[leaf->op],
		.result = result_name(policy_judge(t->judge, leaf, negated)),
	};

	if (seen == SEEN && type == T_ADDRESS && !address_parse(v.text, &address))
		seen = UNSEEN;
	if (seen == SEEN && (type == T_TEXT || type == T_HOST || type == T_ADDRESS))
		line_add(&value, "%s", v.text[0] ? v.text : "(none)");
	else if (seen == SEEN)
		line_number(&value, type, v.number);
	if (seen == SEEN && (leaf->op == OP_IN || leaf->op == OP_NOT_IN))
		is = leaf_match(leaf, &v, &address);
	if (is && (is->list || type == T_TEXT || type == T_HOST || type == T_ADDRESS)) {	/* words are what they are */
		line_value(&match, type, is);
		step.match = match.text;
		step.list = is->list;
	}
	line_wanted(&wanted, leaf);
	step.value = seen == SEEN ? value.text : NULL;
	step.wanted = wanted.text;
	step.reason = reason_of(t->judge, leaf->fact, seen);
	t->fn(t->owner, &step);
}

/* `in_all`: the conditions around it are all wanted; a block of more of them is not told apart unless it has a name. */
static void tell(const struct telling *t, const struct block *b, unsigned depth, bool negated, bool in_all)
{
	static const char *const blocks[] = { [BLOCK_ALL] = "all", [BLOCK_ANY] = "any", [BLOCK_NOT] = "not" };
	struct policy_step step = { .depth = depth, .condition = b->name };

	if (b->kind == BLOCK_LEAF) {
		tell_fact(t, b, depth, negated);
		return;
	}
	if (b->name || b->kind != BLOCK_ALL || !(in_all || b->nr == 1)) {
		step.block = blocks[b->kind];
		step.result = result_name(policy_judge(t->judge, b, negated));
		t->fn(t->owner, &step);
		depth++;
	}
	for (size_t i = 0; i < b->nr; i++)
		tell(t, b->child[i], depth, negated != (b->kind == BLOCK_NOT), b->kind == BLOCK_ALL);
}

enum verdict policy_explain(const struct policy_set *set, size_t i, const struct policy_story *story, policy_step_fn fn, void *owner)
{
	struct judge j = { .flow = &story->flow, .finding = &story->finding, .withheld = story->withheld };
	struct telling t = { &j, fn, owner };

	if (i >= set->nr_rules)
		return VERDICT_QUIET;
	j.rule = &set->rule[i];
	if (fn)
		tell(&t, j.rule->forbid, 0, false, true);
	switch (policy_judge(&j, j.rule->forbid, false)) {
	case YES: return VERDICT_VIOLATION;
	case UNSURE: return VERDICT_UNKNOWN;
	default: return VERDICT_QUIET;
	}
}
