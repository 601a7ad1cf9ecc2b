/* SPDX-License-Identifier: Apache-2.0 */
/* Text of /proc: a cgroup path, whose components any tenant of the host may choose, and a
 * line of maps, whose path a watched process does. */
#include "daemon/container.h"
#include "daemon/proc.h"
#include "tests/fuzz/fuzz.h"

static bool wanted(const char *base)
{
	MUST(!memchr(base, '/', strlen(base)));
	return strlen(base) % 2;
}

static void on_library(void *owner, const struct proc_library *lib)
{
	MUST(lib->ino && strnlen(lib->name, sizeof(lib->name)) < sizeof(lib->name) && !strchr(lib->name, '/'));
	/* What is opened is the mapping itself, never a path that the line says. */
	MUST(!strncmp(lib->open_path, "/proc/7/map_files/", 18) && strspn(lib->open_path + 18, "0123456789abcdef-") == strlen(lib->open_path + 18));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct process_facts f = { .comm = "" };
	struct place place;
	char *path = malloc(len + 1);

	memcpy(path, bytes, len);
	path[len] = 0;
	place_init(&place);
	place_read(&place, path, strcspn(path, "\n"));
	MUST(is_clean(place.unit, sizeof(place.unit)) && is_clean(place.name, sizeof(place.name)));
	MUST(!place.id[0] || strlen(place.id) == CONTAINER_ID);
	container_facts(&place, NULL, NULL, &f);
	MUST(is_clean(f.unit, sizeof(f.unit)) && is_clean(f.container, sizeof(f.container)) && is_clean(f.container_id, 13));
	proc_maps_line(7, path, wanted, on_library, NULL);
	free(path);
	return 0;
}
