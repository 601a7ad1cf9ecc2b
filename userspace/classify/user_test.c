/* SPDX-License-Identifier: Apache-2.0 */
/* user_test.c - the cases beside a user's class, each as a document of its own. */
#include "base/buf.h"
#include "base/json.h"
#include "classify/document.h"
#include "classify/user.h"

#define CASE_MAX (1u << 20)

struct seen { uint8_t class_id; bool found; };

static void on_hit(void *owner, const struct document_hit *hit)
{
	struct seen *s = owner;

	s->found |= hit->class_id == s->class_id && hit->confidence >= CONF_LIKELY;
}

static bool case_found(const struct class_rule *c, const struct class_case *k, bool *failed)
{
	struct seen seen = { .class_id = c->id };
	struct buf text;
	struct json j;

	buf_init(&text, CASE_MAX);
	if (k->keys) {
		json_init(&j, &text);
		json_open(&j, NULL, '{');
		for (size_t i = 0; i < k->nr; i++)
			json_string(&j, k->keys[i], k->values[i]);
		json_close(&j, '}');
	} else if (k->nr) {
		buf_puts(&text, k->values[0]);
	}
	*failed = text.failed || document_classify((const char *)text.ptr, text.len, on_hit, &seen);
	buf_free(&text);
	return seen.found;
}

int user_classes_test(const struct class_rules *rules, FILE *out, unsigned *run)
{
	int failed = 0;

	for (size_t i = 0; i < rules->nr; i++) {
		const struct class_rule *c = &rules->rule[i];

		for (size_t n = 0; n < c->nr_cases; n++) {
			const struct class_case *k = &c->cases[n];
			uint64_t before = user_classes_failures();
			bool broken, found = case_found(c, k, &broken), unrun = user_classes_failures() != before;

			++*run;
			if (!broken && !unrun && found == k->found) {
				fprintf(out, "ok    class %s: %s in the case of line %zu\n", c->name, found ? "found" : "nothing", k->line);
				continue;
			}
			failed++;
			fprintf(out, "FAIL  class %s: expected %s, got %s (%s:%zu)\n", c->name, k->found ? "it to be found" : "nothing",
				broken ? "no memory" : unrun ? "a regex that PCRE2 cannot run; write it simpler" : found ? "it" : "nothing", c->file, k->line);
		}
	}
	return failed;
}
