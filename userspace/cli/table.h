/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - rows in aligned columns for people. Copies what it is given; control
 * characters never pass. On a terminal that is too narrow, columns marked flex are
 * cut with "..", elsewhere nothing is cut. */
#ifndef WEIR_CLI_TABLE_H
#define WEIR_CLI_TABLE_H
#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS	16
#define TABLE_ROWS	100000	/* more are counted and said; -o json has no such limit */

struct column { const char *title; bool right, flex; };
struct table;
struct table *table_new(const struct column *, unsigned nr);	/* columns stay the caller's */
void table_free(struct table *);
void table_row(struct table *, const char *const *cells);	/* NULL or "": "-" */
size_t table_rows(const struct table *);
void table_print(const struct table *, FILE *);
/* Text to a stream without control characters: for everything that stands in no table. */
void text_print(FILE *, const char *);
#endif
