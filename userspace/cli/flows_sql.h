/* SPDX-License-Identifier: Apache-2.0 */
/* flows_sql.h - flows as SQL, for `weir flows` and the report, so that both say the same.
 * For query_run(): '@' are the filters. Columns: json, start, workload, role, peer, zone,
 * port, protocol, route, tls, exchanges, classes, bytes moved, unexplained, sealed. */
#ifndef WEIR_CLI_FLOWS_SQL_H
#define WEIR_CLI_FLOWS_SQL_H
extern const char flows_rows_sql[];	/* one row per flow and interval */
extern const char flows_sum_sql[];	/* one per flow: numbers added, distinct the largest of an interval */
/* One row: exchanges, local pairs, findings as text, rows not sealed. A pair counts once. */
extern const char flows_totals_sql[];
#endif
