/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - how many different values, of a message and of a flow's interval: about how many people. HyperLogLog
 * (Flajolet and others, 2007) over keyed fingerprints: 2 KiB a count whatever it counts, within 2.3 % of the truth two
 * times in three, within 10 % nearly always. A fixed number of counts: the one that rested longest makes room, what it
 * counted is forgotten, and its next count is too low. */
#ifndef WEIR_CLASSIFY_RECORDS_H
#define WEIR_CLASSIFY_RECORDS_H
#include <stdint.h>

#define SKETCH_REGISTERS 2048
struct sketch {
	uint64_t key;		/* what is counted; 0: free */
	uint64_t used;		/* when, in additions */
	uint64_t sum;		/* of 2^-register, as parts of 2^40 */
	uint32_t zeros;		/* registers that nothing has touched */
	uint8_t registers[SKETCH_REGISTERS];
};
struct records {
	struct sketch *list;
	uint32_t nr;		/* a power of two */
	uint64_t additions, evicted;
};

int records_init(struct records *, uint32_t nr);	/* 0 or -ENOMEM */
void records_fini(struct records *);
void records_add(struct records *, uint64_t key, uint64_t print);
uint32_t records_count(const struct records *, uint64_t key);	/* 0: it made room, or was never there */
void records_drop(struct records *, uint64_t key);
void records_forget(struct records *);
#endif
