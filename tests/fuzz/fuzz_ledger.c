/* SPDX-License-Identifier: Apache-2.0 */
/* The file of leaves in a state folder that was honest before: a log of three leaves is
 * signed once, then its segment is replaced by the input. Only the signed bytes verify. */
#include <fcntl.h>
#include <unistd.h>

#include "store/ledger.h"
#include "tests/fuzz/fuzz.h"

static int state_dir = -1;
static char folder[] = "/dev/shm/weir-fuzz-XXXXXX";
static uint8_t honest[4096];
static size_t honest_len;

static void folder_remove(void)
{
	static const char *const names[] = { "key", "key.pub", "leaves", "checkpoint", "checkpoints", "tile/0", "tile", "lock", "." };
	int dir = openat(state_dir, "ledger", O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(dir, names[i], 0))
			unlinkat(dir, names[i], AT_REMOVEDIR);
	close(dir);
	unlinkat(state_dir, "ledger", AT_REMOVEDIR);
	rmdir(folder);
}

static void folder_make(void)
{
	static const char *const leaves[] = { "{\"type\":\"start\"}", "{\"type\":\"flow\",\"n\":1}", "{\"type\":\"stop\"}" };
	enum ledger_error err;
	struct ledger *l;
	uint64_t cut;
	bool created;
	char why[256];
	int fd;

	MUST(mkdtemp(folder));
	state_dir = open(folder, O_RDONLY | O_DIRECTORY);
	l = ledger_open(state_dir, "host", &created, &cut, &err, why, sizeof(why));
	MUST(l);
	for (int i = 0; i < 3; i++)
		MUST(ledger_append(l, leaves[i], strlen(leaves[i])) == i);
	MUST(!ledger_commit(l));
	ledger_close(l);
	fd = openat(state_dir, "ledger/leaves", O_RDONLY);
	honest_len = (size_t)read(fd, honest, sizeof(honest));
	close(fd);
	atexit(folder_remove);
}

/* What a leaf says counts after LEDGER_OK only; before, it may be anything. */
static int on_leaf(void *owner, uint64_t index, const char *json, size_t len)
{
	MUST(index == (*(uint64_t *)owner)++ && len <= LEAF_MAX);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ledger_report report;
	uint64_t leaves = 0;
	enum ledger_error err;
	int fd;

	if (state_dir < 0)
		folder_make();
	fd = openat(state_dir, "ledger/leaves", O_WRONLY | O_TRUNC);
	MUST(write(fd, bytes, len) == (ssize_t)len);
	close(fd);
	err = ledger_verify(state_dir, NULL, NULL, on_leaf, &leaves, &report);
	if (err == LEDGER_OK)
		MUST(len >= honest_len && !memcmp(bytes, honest, honest_len) && leaves == 3 && report.size == 3);
	else
		MUST(report.why[0]);
	return 0;
}
