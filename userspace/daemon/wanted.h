/* SPDX-License-Identifier: Apache-2.0 */
/* wanted.h - what `weir run` and `weir record` were asked to look at: an option that is given several times adds
 * to what it said before. Whatever any of them means is watched. */
#ifndef WEIR_WANTED_H
#define WEIR_WANTED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WANTED_MAX 16	/* of each kind; equals WIRE_GLOBS */

struct names { const char *list[WANTED_MAX]; unsigned nr; };
struct wanted {
	uint32_t pids[WANTED_MAX];
	unsigned nr_pids;
	struct names exes, units, containers;	/* none of any: all */
};
/* An option of the command line: 0, 1 where it is none of these, -1 when a message was printed. */
int wanted_option(struct wanted *, const char *command, const char *option, const char *value);
/* "pid 7 exe nginx exe curl", for the evidence; what there is no room for is said to be left out. */
void wanted_text(const struct wanted *, char *text, size_t size);

static inline bool wanted_by_name(const struct wanted *w)
{
	return w->exes.nr || w->units.nr || w->containers.nr;
}
#endif
