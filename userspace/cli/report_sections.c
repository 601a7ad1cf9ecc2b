/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#define X(name) "json_extract(doc,'$." name "')"
#define IN_PERIOD " AND time>=CAST(?1 AS INTEGER) AND time<CAST(?2 AS INTEGER) "
#define LAST(type, field) "SELECT " X(field) " FROM leaf WHERE type='" type "' AND time<CAST(?2 AS INTEGER) AND ?1=?1 ORDER BY leaf DESC LIMIT 1"

/* Every value comes from leaves, so that the same log gives the same report. */
const struct report_fact report_facts[] = {
	{ "host", "Host", LAST("genesis", "host"), false },
	{ "origin", "Log origin", LAST("genesis", "origin"), false },
	{ "key", "Log key (vkey)", LAST("genesis", "key"), false },
	{ "boots", "Boot ids", "SELECT group_concat(b, ' ') FROM (SELECT DISTINCT " X("boot_id") " b FROM leaf WHERE type IN ('start','heartbeat')" IN_PERIOD ")", false },
	{ "kernel", "Kernel", LAST("start", "kernel"), false },
	{ "hooks", "Hook set", LAST("start", "hooks"), false },
	{ "filters", "Filters", LAST("start", "filters"), false },
	{ "recorded_by", "Recorded by", "SELECT group_concat(DISTINCT " X("version") "||' ('||" X("build") "||')') FROM leaf WHERE type='start' AND time<CAST(?2 AS INTEGER) AND ?1=?1", false },
	{ "policy_hash", "Policy hash at the end", LAST("policy", "policy_hash"), false },
	{ "class_hash", "Class set hash at the end", LAST("policy", "class_hash"), false },
	{ "first_leaf", "First leaf", "SELECT min(leaf) FROM leaf WHERE 1" IN_PERIOD, true },
	{ "last_leaf", "Last leaf", "SELECT max(leaf) FROM leaf WHERE 1" IN_PERIOD, true },
	{ "last_checkpoint", "Last sealed size and root", "SELECT " X("size") "||':'||" X("root") " FROM leaf WHERE type='heartbeat' AND time<CAST(?2 AS INTEGER) AND ?1=?1 ORDER BY leaf DESC LIMIT 1", false },
	{ NULL, NULL, NULL, false }
};

#define COUNT(what) "SELECT count(*) FROM leaf WHERE " what IN_PERIOD
#define BOOK(name) "SELECT coalesce(sum(" X("books." name) "),0) FROM leaf WHERE type='heartbeat'" IN_PERIOD
const struct report_fact report_totals[] = {
	{ "intervals", "Intervals sealed", COUNT("type='heartbeat'"), true },
	{ "intervals_unbalanced", "Intervals with unbalanced books", COUNT("type='heartbeat' AND NOT " X("balanced")), true },
	{ "gaps", "Gaps stated", COUNT("type='gap'"), true },
	{ "records_produced", "Records produced by the kernel side", BOOK("produced"), true },
	{ "records_analysed", "Records analysed", BOOK("analysed"), true },
	{ "records_lost", "Records lost, all causes", "SELECT coalesce(sum(" X("books.ring_full") "+" X("books.unreadable") "+" X("books.too_big") "+" X("books.no_state") "+" X("books.queue_full") "+" X("books.crash_lost") "+" X("books.undecodable") "+" X("books.over_budget") "),0) FROM leaf WHERE type='heartbeat'" IN_PERIOD, true },
	{ "exchanges", "Exchanges, a local pair once", flows_total_sql, true },
	{ "flows", "Flow summaries", FLOWS_SQL "SELECT count(*) FROM f", true },
	{ "violations", "Violations in all", VIOLATIONS_SQL "SELECT count(*) FROM v", true },
	{ "violations_open", "of these, open", VIOLATIONS_SQL "SELECT count(*) FROM v WHERE " X("status") "='open'", true },
	{ "selftests", "Selftests detected", COUNT("type='selftest' AND " X("result") "='detected'"), true },
	{ "selftests_missed", "Selftests missed", COUNT("type='selftest' AND " X("result") "<>'detected'"), true },
	{ NULL, NULL, NULL, false }
};

const struct report_section report_sections[] = {
	{ "coverage", "Coverage", "What weir could see of each workload and process. Blind and partial rows limit every statement below.",
	  "No process moved bytes.", coverage_sql,
	  { "Workload", "PID", "State", "Reason", "Library", "Binding", "Moved", "Examined", "Opaque", "Lost", "Framing", "Unexplained" } },
	{ "gaps", "Gaps", "Times in which weir, or a part of it, was not running.", "None.",
	  "SELECT doc, " X("from") ", " X("to") ", " X("role") ", " X("reason") " FROM leaf WHERE type='gap'" IN_PERIOD "ORDER BY leaf", { "From", "To", "Role", "Reason" } },
	{ "losses", "Losses", "What did not reach analysis or judgement, by cause: records, and bytes where they are known.", "None.",
	  "SELECT doc, " X("start") ", " X("end") ", " X("cause") ", " X("records") ", " X("bytes") " FROM leaf WHERE type='loss'" IN_PERIOD "ORDER BY leaf",
	  { "From", "To", "Cause", "Records", "Bytes" } },
	{ "changes", "Changes", "Policy and class set in force; each start and each change is a leaf.", "None.",
	  "SELECT doc, " X("time") ", leaf, " X("rules") ", " X("policy_hash") ", " X("class_hash") " FROM leaf WHERE type='policy'" IN_PERIOD "ORDER BY leaf",
	  { "Time", "Leaf", "Rules", "Policy hash", "Class set hash" } },
	{ "violations", "Violations", "Each row is one rule broken by one workload towards one peer with one class on one route, until it was quiet for the rule's window.",
	  "None was found in what was visible.", violations_list_sql,
	  { "Id", "Opened", "Severity", "Rule", "Workload", "Peer", "Route", "Class", "Mask", "Exchanges", "Status", "Criteria" } },
	{ "flows", "Observed data flows", "Who sent which classes where, summed over the period. The two ends of a local pair are two rows and one flow.",
	  "No flows were observed.", flows_sum_sql, { "Workload", "Role", "Peer", "Zone", "Port", "Route", "TLS", "Binding", "Exchanges", "Classes", "Bytes" } },
	{ "criteria", "Criteria index", "Trust Services Criteria to which violations of the period speak. A criterion that is not listed was not addressed.", "None.",
	  VIOLATIONS_SQL "SELECT json_object('criterion',value,'violations',count(*),'open',sum(" X("status") "='open')), value, count(*), sum(" X("status") "='open'),"
	  " group_concat(DISTINCT " X("rule") ") FROM v, json_each(v.doc,'$.criteria') GROUP BY value ORDER BY value", { "Criterion", "Violations", "Open", "Rules" } },
	{ NULL, NULL, NULL, NULL, NULL, { NULL } }
};
