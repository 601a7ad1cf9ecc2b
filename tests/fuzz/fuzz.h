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

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
			abort(); \
		} \
	} while (0)

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
