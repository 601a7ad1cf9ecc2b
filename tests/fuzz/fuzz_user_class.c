/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file with data classes: refused with reasons, or classes that can be looked for in any bytes, with
 * Hyperscan and without finding the same. */
#include "classify/document.h"
#include "classify/user.h"
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

struct sum { uint64_t hits; size_t len; };

static void on_hit(void *owner, const struct document_hit *hit)
{
	struct sum *s = owner;

	MUST(class_get(hit->class_id) && class_live(hit->class_id));
	MUST(hit->start < hit->end && hit->end <= s->len);
	if (class_is_user(hit->class_id))
		s->hits = s->hits * 31 + hit->class_id + hit->start * 7 + hit->end * 3 + hit->confidence;
}

static uint64_t look(const struct policy_set *set, bool fast, const char *text, size_t len)
{
	struct sum sum = { .len = len };
	char why[256] = "";
	struct user_classes *c = user_classes_new(policy_classes(set), fast, why, sizeof(why));
	unsigned run = 0;

	MUST(c || why[0]);
	if (!c)
		return 0;
	user_classes_use(c);
	MUST(!document_classify(text, len, on_hit, &sum));
	if (!fast) {
		char *said = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&said, &n);

		user_classes_test(policy_classes(set), out, &run);
		fclose(out);
		free(said);
	}
	user_classes_free(c);
	return sum.hits;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct policy_file file = { "fuzz.yaml", (char *)exact(bytes, len), len };
	static const struct class_users none;
	char *said = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&said, &n);
	struct policy_set *set;

	class_users_set(&none);	/* numbers are kept as long as a process lives, and this one lives long */
	set = policy_load(&file, 1, errors);
	fflush(errors);
	MUST(set || strstr(said, "error"));
	if (set)
		MUST(look(set, false, file.text, len) == look(set, true, file.text, len));
	policy_free(set);
	fclose(errors);
	free(said);
	free((char *)file.text);
	return 0;
}
