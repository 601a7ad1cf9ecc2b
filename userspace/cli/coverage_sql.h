/* SPDX-License-Identifier: Apache-2.0 */
/* coverage_sql.h - coverage added up over a period, for `weir coverage` and the report.
 * For query_run(). Columns: json, workload, pid, state, reason, library, binding, and the
 * bytes moved, examined, opaque, skipped, lost, framing, unexplained. Worst first. */
#ifndef WEIR_CLI_COVERAGE_SQL_H
#define WEIR_CLI_COVERAGE_SQL_H
extern const char coverage_workloads_sql[];	/* one row per workload */
extern const char coverage_all_sql[];		/* one per workload, then one per process */
extern const char coverage_page_sql[];		/* of the processes only those that were not visible */
extern const char coverage_hidden_sql[];	/* one number: workloads of which something was not visible */
extern const char coverage_totals_sql[];	/* one row: the seven byte sums over all workloads */
#endif
