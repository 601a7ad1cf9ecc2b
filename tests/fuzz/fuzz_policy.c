/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file: refused with reasons, or a set that judges any flow, and says why as it judges. Formatted it says the same, and
 * formatted again it is the same. The same bytes as facts by hand. */
#include "base/buf.h"
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

static void step(void *owner, const struct policy_step *s)
{
	MUST(s->result && s->depth < 64 && (s->block ? !s->fact : s->fact && s->op && s->wanted && (s->value || s->reason)));
	++*(unsigned *)owner;
}

static void format(const struct policy_file *file, FILE *errors)
{
	struct policy_file again = { "again.yaml", NULL, 0 };
	struct buf once, twice;

	buf_init(&once, 8 << 20);
	buf_init(&twice, 8 << 20);
	if (!policy_format(file, &once, errors)) {
		again.text = (const char *)once.ptr;
		again.len = once.len;
		MUST(!policy_format(&again, &twice, errors));
		MUST(once.len == twice.len && !memcmp(once.ptr, twice.ptr, once.len));
	}
	buf_free(&once);
	buf_free(&twice);
}

static void judge(const struct policy_set *set)
{
	struct flow_facts flow = { .workload = "nginx", .exe = "/usr/sbin/nginx", .role = ROLE_CLIENT, .zone = ZONE_INTERNET, .tls = TLS_ABSENT,
				   .peer = "api.partner.example", .peer_address = "192.0.2.7", .port = 443, .protocol = "http1", .route = "/p" };
	struct finding finding = { .class_id = 0, .confidence = CONF_CERTAIN, .location = LOC_REQUEST_BODY, .count = 1, .path = "$.a" };

	for (size_t i = 0; i < policy_rules(set); i++) {
		const struct rule_info *rule = policy_rule(set, i);

		MUST(rule->id && rule->title && rule->criteria);
		unsigned steps = 0;
		struct policy_story story = { .flow = flow, .finding = finding };

		MUST(policy_explain(set, i, &story, step, &steps) == policy_eval(set, i, &flow, &finding) && steps);
		story.withheld = 0x2aaaaaaa;
		MUST(policy_explain(set, i, &story, step, &steps) <= VERDICT_UNKNOWN);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct policy_file file = { "fuzz.yaml", (char *)exact(bytes, len), len };
	char *said = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&said, &n);
	struct policy_set *set = policy_load(&file, 1, errors);
	unsigned run;

	fflush(errors);
	MUST((set != NULL) == (n == 0) || set);
	MUST(set || strstr(said, "error"));
	policy_story_read(&(struct policy_story){ .withheld = 0 }, file.name, file.text, len, "data.count,peer.ip", errors);
	format(&file, errors);
	if (set) {
		judge(set);
		policy_test(set, errors, &run);
	}
	policy_free(set);
	fclose(errors);
	free(said);
	free((char *)file.text);
	return 0;
}
