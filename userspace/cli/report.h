/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a report holds, in the order an auditor reads: who made it and from
 * what, what was not seen, then what was. One table of sections serves both formats. */
#ifndef WEIR_REPORT_H
#define WEIR_REPORT_H
#include "cli/reading.h"

#define REPORT_COLUMNS 14
struct report_fact { const char *name, *title, *sql; bool number; };
struct report_section {
	const char *name, *title, *note, *empty;	/* empty: what to say when there are no rows */
	const char *sql;		/* first column JSON, then the cells */
	const char *headers[REPORT_COLUMNS];
};
extern const struct report_fact report_facts[], report_totals[];	/* end with a NULL name */
extern const struct report_section report_sections[];
#define REPORT_FILTERS 3	/* "" parameters every section's query gets after ?1 and ?2 */

int report_html(struct reading *, const char *command, const char *verify);
int report_json(struct reading *, const char *command, const char *verify);
#endif
