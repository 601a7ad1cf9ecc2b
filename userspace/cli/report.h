/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a report consists of, in the order in which an auditor reads it, for the
 * writers of its formats. A report is a function of the leaves alone: it holds no time of
 * its making, no folder, nothing of the host it was made on. Private to cli/. */
#ifndef WEIR_CLI_REPORT_H
#define WEIR_CLI_REPORT_H
#include "cli/query.h"
#include "store/ledger.h"

enum cell { CELL_END, CELL_TEXT, CELL_NUMBER, CELL_CODE, CELL_STATE };
#define REPORT_COLUMNS 13

/* One table. Its SQL gives the JSON of a row first, then a value per column. ?1 and ?2
 * are the period, ?4 and ?5 the first and the last leaf. */
struct report_section {
	const char *name;	/* key in the JSON object, anchor in the page */
	const char *title, *note, *empty;
	const char *sql;
	const char *page_sql;	/* shorter, for reading; NULL: the same */
	struct { const char *title; enum cell cell; } columns[REPORT_COLUMNS];
};
enum report_part { PART_SEEN, PART_TOTALS, PART_FOUND };	/* what was seen comes before what was found */
const struct report_section *report_sections(enum report_part, size_t *nr);

struct report {
	struct query q;
	char command[128], host[80], machine[32], period_from[32], period_to[32], recorded_from[32], recorded_to[32];
	char first_text[24], last_text[24], pin[96];	/* pin: "SIZE:ROOT" of the last heartbeat, or "" */
	char policy_hash[65], class_hash[65], boot_ids[400], criteria[400];
	uint64_t checked;				/* leaves of the index that are those of the ledger */
	uint64_t first, last, leaves;			/* leaf range, both ends in it */
	uint64_t intervals, unbalanced, minutes;	/* sealed; not balanced; from first to last */
	uint64_t exchanges, rows_exchanges, pairs, violations, gaps, produced, analysed, lost;
	struct ledger_report ledger;
};
int report_html(struct report *, FILE *);
int report_json(struct report *, FILE *);
#endif
