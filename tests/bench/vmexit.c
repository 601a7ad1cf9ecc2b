/* SPDX-License-Identifier: Apache-2.0 */
/* vmexit.c - what leaving a virtual machine costs here: cpuid always leaves it. Figures that
 * depend on it (single-stepped probes, wake-ups across CPUs) are to be read beside it. */
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 2001

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(void)
{
	static uint64_t took[ROUNDS];
	unsigned a, b, c, d;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = now_ns();

		__cpuid(0, a, b, c, d);
		took[i] = now_ns() - before;
	}
	qsort(took, ROUNDS, sizeof(took[0]), ascending);
	printf("a VM exit (cpuid) costs %.1f us here, median of %d\n", (double)took[ROUNDS / 2] / 1000, ROUNDS);
	return 0;
}
