/* SPDX-License-Identifier: Apache-2.0 */
/* classify.h - fields -> findings. Payload ends here: what leaves is a class, a
 * confidence, a cleaned path and a mask. Never stores, logs or hashes a value
 * without the key that is drawn at random in every process. */
#ifndef WEIR_CLASSIFY_H
#define WEIR_CLASSIFY_H
#include "model/class.h"
#include "model/payload.h"

/* One hit inside a value. start and end are offsets in the value. */
struct hit {
	uint8_t class_id, confidence, sample;
	size_t start, end;
	char mask[MASK_SIZE];
};
#define CLASSIFY_HITS 64	/* hits of one value; more are dropped and counted */

/* Evidence around a value, for detectors. */
struct evidence {
	struct slice key, parent;
	enum location location;
	uint8_t type;		/* enum value_type */
	bool text;		/* look for spans inside; else the whole value is the candidate first */
};

/* One row of classify/list.def. */
struct class_row {
	struct class_info info;
	/* Finds this class in value. Adds at most max hits, in order, and returns
	 * how many. Must not read outside value. */
	size_t (*find)(const struct evidence *, struct slice value, struct hit *out, size_t max);
};

/* All classes over one value, overlaps resolved to one winner a span. */
size_t classify_value(const struct evidence *, struct slice value, struct hit *out, size_t max);

/* The classifier of one analyst: classify_value plus distinct counts. */
struct classifier;
struct classifier *classifier_new(void);	/* draws its key; NULL: no memory or no randomness */
void classifier_free(struct classifier *);
/* field_sink.field and .clean with owner = struct classifier */
void classifier_field(void *owner, struct exchange *, const struct field *);
size_t classifier_clean(void *owner, char out[NAME_SIZE], struct slice raw);
void classifier_interval(struct classifier *, uint32_t epoch);	/* forgets fingerprints */

/* The one function names pass: charset [A-Za-z0-9_.:/@{}$*+-] without '@' (others
 * become '_'), at most 64 bytes, and itself classified: a class in it becomes
 * "{email}". Returns the length. For callers without slices. */
size_t name_clean(char out[NAME_SIZE], const char *raw, size_t len);
/* The same for a file path, segment by segment; out holds EXE_SIZE bytes. */
size_t name_clean_path(char out[EXE_SIZE], const char *raw, size_t len);
#endif
