/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file: refused with reasons, or a set that judges any flow. */
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

static void judge(const struct policy_set *set)
{
	struct flow_facts flow = { .workload = "nginx", .exe = "/usr/sbin/nginx", .role = ROLE_CLIENT, .zone = ZONE_INTERNET, .tls = TLS_ABSENT,
				   .peer = "api.partner.example", .peer_address = "192.0.2.7", .port = 443, .protocol = "http1", .route = "/p" };
	struct finding finding = { .class_id = 0, .confidence = CONF_CERTAIN, .location = LOC_REQUEST_BODY, .count = 1, .path = "$.a" };

	for (size_t i = 0; i < policy_rules(set); i++) {
		const struct rule_info *rule = policy_rule(set, i);

		MUST(rule->id && rule->title && rule->criteria);
		MUST(policy_eval(set, i, &flow, &finding) <= VERDICT_UNKNOWN);
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
