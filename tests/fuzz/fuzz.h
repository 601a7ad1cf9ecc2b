/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the fuzz targets share. A target is one file and one row in the Makefile: it
 * gets bytes from libFuzzer and says by MUST what holds whatever they are, so that a wrong
 * answer is found as surely as a crash. */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int fuzz_one(const uint8_t *, size_t);

#define MUST(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
			abort(); \
		} \
	} while (0)

/* 100 ns a byte is what parsing may cost; sanitizers, coverage and a target's own oracles cost
 * the rest. What is not linear in its input is far beyond it with a few thousand bytes. */
#define FUZZ_LONG	4096
#ifndef FUZZ_NS
#define FUZZ_NS		(100 * 40)
#endif

static inline uint64_t fuzz_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* What libFuzzer calls: the target, and a look at what a long input cost. Others may have the
 * CPU's caches, so that it must be dear each time. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint64_t least = UINT64_MAX;
	int rc = 0;

	for (int i = 0; i < 3 && least > len * FUZZ_NS; i++) {
		uint64_t began = fuzz_cpu_ns(), took;

		rc = fuzz_one(bytes, len);
		took = fuzz_cpu_ns() - began;
		least = took < least ? took : least;
		if (len < FUZZ_LONG)
			return rc;
	}
	if (least > len * FUZZ_NS)
		fprintf(stderr, "%llu ns for each of %zu bytes\n", (unsigned long long)(least / len), len);
	MUST(least <= len * FUZZ_NS);
	return rc;
}
#define LLVMFuzzerTestOneInput fuzz_one

/* A copy that ends where the bytes end, so that one byte too many faults. Free it. */
static inline uint8_t *exact(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

/* Numbers from the front of the input; zeros when it is used up. */
struct input { const uint8_t *ptr; size_t len; };
static inline uint64_t input_number(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (; bytes; bytes--) {
		v = v << 8 | (in->len ? *in->ptr : 0);
		in->ptr += in->len > 0;
		in->len -= in->len > 0;
	}
	return v;
}

/* The characters of cleaned names and paths, and nothing of the terminal's. */
static inline bool is_clean(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
		      strchr("_.:/{}$*+-[]", s[i])))
			return false;
	return len < size;
}
#endif
