/* SPDX-License-Identifier: Apache-2.0 */
/* roles.c - which role this process is, and the page in which a role counts. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/log.h"
#include "daemon/daemon.h"

static int elfscan(int argc, char **argv)
{
	return elfscan_main();
}

static const struct { const char *name; int (*run)(int, char **); } roles[] = {
	{ "reader", reader_main }, { "analyst", analyst_main }, { "keeper", keeper_main },
	{ "recorder", recorder_main }, { "stimulus", stimulus_main }, { "elfscan", elfscan },
	{ "filescan", filescan_main },
};

static uint32_t self;	/* a role may not ask in its sandbox */

int role_main(int argc, char **argv)
{
	const char *name = argv[1] + strlen("role:");

	self = (uint32_t)getpid();
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(roles[i].name, name)) {
			log_init(roles[i].name, LOG_INFO_);
			return roles[i].run(argc, argv);
		}
	log_error("no such role: it is started by the monitor only name=%s", name);
	return 2;
}

size_t memory_share(int argc, char **argv)
{
	size_t share = 0;

	for (int i = 2; i < argc; i++)
		if (!strncmp(argv[i], "memory=", 7))
			share = strtoull(argv[i] + 7, NULL, 10);
	budget_set(share);
	return share + share / 4 + MEMORY_SLACK;
}

struct role_epoch *role_epoch(struct role_stats *s, uint32_t epoch)
{
	struct role_epoch *e = &s->epochs[epoch % ROLE_EPOCHS];

	if (e->epoch != epoch) {
		*e = (struct role_epoch){ 0 };
		/* Last: who looks meanwhile, or comes after a death here, finds a slot of no interval. */
		__atomic_store_n(&e->epoch, epoch, __ATOMIC_RELEASE);
	}
	return e;
}

struct role_epoch role_epoch_read(const struct role_stats *s, uint32_t epoch)
{
	struct role_epoch e = s->epochs[epoch % ROLE_EPOCHS];

	return e.epoch == epoch ? e : (struct role_epoch){ .epoch = epoch };
}

struct role_stats *role_stats_map(int fd, bool write)
{
	void *p = mmap(NULL, 4096, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

void role_ready(struct role_stats *s)
{
	__atomic_store_n(&s->ready, self, __ATOMIC_RELEASE);
}

_Static_assert(sizeof(struct role_stats) <= 4096, "one page");
