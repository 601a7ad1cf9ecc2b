/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "classify/user.h"
#include "cli/policies.h"
#include "protocol/descriptor.h"

struct half {
	struct class_users classes;
	uint32_t nr;
	struct { uint32_t name, text, len; } file[RULES_FILES];	/* offsets in data */
	char data[];
};
struct memory { uint32_t holds; };	/* at the begin: which half */

static struct half *half(const void *memory, unsigned i)
{
	return (struct half *)(void *)((char *)(uintptr_t)memory + 4096 + (i & 1) * RULES_HALF);
}

static uint32_t put(struct half *h, uint32_t *at, const char *bytes, size_t len)
{
	uint32_t from = *at;

	memcpy(h->data + from, bytes, len);
	h->data[from + len] = 0;
	*at += (uint32_t)len + 1;
	return from;
}

int rules_write(void *memory, const struct policy_file *files, unsigned nr)
{
	struct memory *m = memory;
	struct half *h = half(memory, m->holds + 1);
	size_t size = sizeof(*h);
	uint32_t at = 0;

	for (unsigned i = 0; i < nr; i++)
		size += strlen(files[i].name) + files[i].len + 2;
	if (nr > RULES_FILES || size > RULES_HALF)
		return -E2BIG;
	class_users_get(&h->classes);
	h->nr = nr;
	for (unsigned i = 0; i < nr; i++) {
		h->file[i].name = put(h, &at, files[i].name, strlen(files[i].name));
		h->file[i].len = (uint32_t)files[i].len;
		h->file[i].text = put(h, &at, files[i].len ? files[i].text : "", files[i].len);
	}
	__atomic_store_n(&m->holds, m->holds + 1, __ATOMIC_RELEASE);
	return 0;
}

unsigned rules_read(const void *memory, struct policy_file files[RULES_FILES])
{
	const struct memory *m = memory;
	const struct half *h = half(memory, __atomic_load_n(&m->holds, __ATOMIC_ACQUIRE));

	class_users_set(&h->classes);
	for (unsigned i = 0; i < h->nr; i++)
		files[i] = (struct policy_file){ h->data + h->file[i].name, h->data + h->file[i].text, h->file[i].len };
	return h->nr;
}

int rules_use(struct rules *r, const void *memory, bool fast, char *why, size_t size)
{
	static struct policy_file files[RULES_FILES];
	struct rules new;
	unsigned nr;
	struct class_users before;

	class_users_get(&before);
	nr = rules_read(memory, files);
	new.set = policy_load(files, nr, stderr);
	snprintf(why, size, "the policies were refused");
	new.classes = new.set ? user_classes_new(policy_classes(new.set), fast, why, size) : NULL;
	if (!new.classes) {
		policy_free(new.set);
		class_users_set(&before);
		return -1;
	}
	user_classes_use(new.classes);
	user_classes_free(r->classes);
	policy_free(r->set);
	*r = new;
	return 0;
}

void rules_describe(const void *memory)
{
	static struct policy_file files[RULES_FILES];
	size_t before = descriptors_messages();

	if (descriptors_open(files, rules_read(memory, files), "weir", stderr))
		log_error("messages of protocol buffers are read as before");
	else if (before || descriptors_messages())
		log_info("descriptors of protocol buffers are in use messages=%zu", descriptors_messages());
}
