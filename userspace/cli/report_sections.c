/* SPDX-License-Identifier: Apache-2.0 */
/* report_sections.c - the tables of a report, as SQL over the leaves. */
#include "cli/coverage_sql.h"
#include "cli/flows_sql.h"
#include "cli/report.h"

#define FROM_LEAF "leaf>=CAST(?4 AS INTEGER)"
#define TO_LEAF "leaf<=CAST(?5 AS INTEGER)"
#define FROM_MS "CAST(?1 AS INTEGER)"
#define TO_MS "CAST(?2 AS INTEGER)"
#define IN_PERIOD(type) "type='" type "' AND " TO_LEAF " AND coalesce(start,time)>=" FROM_MS " AND coalesce(start,time)<" TO_MS

/* Runs that touch the period: also the one it began in. */
static const char runs_sql[] =
	"SELECT json_object('started',begin,'ended',stop,'reason',reason,'boot_id',boot,'version',version,'build',build,'kernel',kernel,"
	"'hooks',hooks,'filters',filters,'leaf',leaf), leaf, begin, coalesce(stop,iif(next IS NULL,'-','without a stop')), reason, boot,"
	" version || ' (' || build || ')', kernel, hooks, coalesce(filters,'none') FROM (SELECT leaf, " SQL_J("time") " AS begin, "
	SQL_J("boot_id") " AS boot, " SQL_J("version") " AS version, " SQL_J("build") " AS build, " SQL_J("kernel") " AS kernel, "
	SQL_J("hooks") " AS hooks, " SQL_J("filters") " AS filters,"
	" (SELECT json_extract(e.doc,'$.time') FROM leaf e WHERE e.type='stop' AND e.leaf=n.stop) AS stop,"
	" (SELECT json_extract(e.doc,'$.reason') FROM leaf e WHERE e.type='stop' AND e.leaf=n.stop) AS reason, next"
	" FROM (SELECT s.leaf, s.doc, (SELECT min(t.leaf) FROM leaf t WHERE t.type='start' AND t.leaf>s.leaf AND t." TO_LEAF ") AS next,"
	" (SELECT min(t.leaf) FROM leaf t WHERE t.type='stop' AND t.leaf>s.leaf AND t." TO_LEAF " AND t.leaf<coalesce("
	"(SELECT min(u.leaf) FROM leaf u WHERE u.type='start' AND u.leaf>s.leaf),9000000000000000000)) AS stop"
	" FROM leaf s WHERE s.type='start' AND s." TO_LEAF " AND s.leaf>=coalesce((SELECT max(leaf) FROM leaf WHERE type='start'"
	" AND time<=" FROM_MS "),0)) AS n) ORDER BY leaf";

static const char gaps_sql[] =
	"SELECT doc, leaf, " SQL_J("from") ", " SQL_J("to") ", round((ms(" SQL_J("to") ")-ms(" SQL_J("from") "))/1000.0,1), "
	SQL_J("role") ", " SQL_J("reason") " FROM leaf WHERE type='gap' AND " TO_LEAF " AND ms(" SQL_J("from") ")<" TO_MS
	" AND ms(" SQL_J("to") ")>=" FROM_MS " ORDER BY ms(" SQL_J("to") ")-ms(" SQL_J("from") ") DESC, leaf";

static const char losses_sql[] =
	"SELECT json_object('cause',cause,'records',records,'bytes',bytes,'intervals',n,'first',begin,'last',until), cause, records, bytes, n,"
	" begin, until FROM (SELECT " SQL_J("cause") " AS cause, sum(" SQL_J("records") ") AS records, sum(" SQL_J("bytes") ") AS bytes,"
	" count(*) AS n, min(" SQL_J("start") ") AS begin, max(" SQL_J("end") ") AS until FROM leaf WHERE " IN_PERIOD("loss")
	" GROUP BY cause) ORDER BY records DESC, cause";

/* The books of intervals that do not balance: a fault of weir, shown as such. */
static const char unbalanced_sql[] =
	"SELECT doc, leaf, " SQL_J("start") ", " SQL_J("books.produced") ", " SQL_J("books.submitted") ", " SQL_J("books.read") ", "
	SQL_J("books.analysed") ", " SQL_J("books.findings") ", " SQL_J("books.stored") " FROM leaf WHERE " IN_PERIOD("heartbeat")
	" AND NOT " SQL_J("balanced") " ORDER BY leaf";

static const char selftests_sql[] =
	"SELECT json_object('path',path,'result',result,'count',n,'latency_ms_max',slowest), path, result, n, slowest, begin, until FROM"
	" (SELECT " SQL_J("path") " AS path, " SQL_J("result") " AS result, count(*) AS n, max(" SQL_J("latency_ms") ") AS slowest,"
	" min(" SQL_J("time") ") AS begin, max(" SQL_J("time") ") AS until FROM leaf WHERE " IN_PERIOD("selftest") " GROUP BY path, result)"
	" ORDER BY result DESC, path";

static const char leaves_sql[] =
	"SELECT json_object('leaf_type',type,'leaves',n), type, n FROM (SELECT type, count(*) AS n FROM leaf WHERE " FROM_LEAF " AND "
	TO_LEAF " GROUP BY type) ORDER BY type";

static const char findings_sql[] =
	SQL_FLOWS " SELECT json_object('class',class,'findings',findings), class, findings FROM " SQL_TOTAL_FINDINGS " ORDER BY class";

/* As of the last leaf of the period: what became of them later is in a later report. */
#define VIOLATIONS \
	"WITH l AS (SELECT doc, max(leaf) AS leaf FROM leaf WHERE type='violation' AND " TO_LEAF " GROUP BY " SQL_J("id") ")," \
	" v AS (SELECT doc, leaf, " SQL_J("severity") " AS severity, CASE " SQL_J("severity") " WHEN 'critical' THEN 0 WHEN 'high' THEN 1" \
	" WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END AS rank, " SQL_J("status") " AS status FROM l" \
	" WHERE ms(" SQL_J("opened") ")<" TO_MS " AND ms(" SQL_J("updated") ")>=" FROM_MS ")"

static const char statuses_sql[] =
	VIOLATIONS " SELECT json_object('severity',severity,'status',status,'violations',n), severity, status, n FROM"
	" (SELECT severity, rank, status, count(*) AS n FROM v GROUP BY rank, status) ORDER BY rank, status";

static const char changes_sql[] =
	"SELECT json_object('time',at,'leaf',leaf,'policy_hash',policy,'class_hash',class,'rules',rules,'files',json(files),'changed',"
	"json(iif(was IS NOT NULL AND was<>policy || class,'true','false'))), leaf, at, policy, class, rules, (SELECT group_concat(value,', ') FROM json_each(files)),"
	" iif(was IS NULL,'first',iif(was<>policy || class,'changed','as before')) FROM (SELECT leaf, " SQL_J("time") " AS at, " SQL_J("policy_hash") " AS policy, "
	SQL_J("class_hash") " AS class, " SQL_J("rules") " AS rules, " SQL_J("files") " AS files, lag(" SQL_J("policy_hash") " || "
	SQL_J("class_hash") ") OVER (ORDER BY leaf) AS was FROM leaf"
	" WHERE type='policy' AND " TO_LEAF ") WHERE leaf>=coalesce((SELECT max(leaf) FROM leaf WHERE type='policy' AND time<=" FROM_MS
	"),0) ORDER BY leaf";

static const char violations_sql[] =
	VIOLATIONS " SELECT doc, leaf, " SQL_J("id") ", severity, " SQL_J("rule") " || ': ' || " SQL_J("title") ","
	" (SELECT group_concat(value,' ') FROM json_each(doc,'$.criteria')), " SQL_J("workload") " || iif(" SQL_J("role") "='server',' <- ',' -> ')"
	" || " SQL_J("peer") " || ' (' || " SQL_J("peer_zone") " || ')', " SQL_J("route") ","
	" (SELECT group_concat(json_extract(c.value,'$.class') || ' (' || json_extract(c.value,'$.confidence') || ')',' ') FROM"
	" json_each(doc,'$.classes') AS c), " SQL_J("path") " || ' ' || coalesce(" SQL_J("mask") ",''), " SQL_J("exchanges") ", "
	SQL_J("opened") ", " SQL_J("updated") ", status FROM v ORDER BY rank, " SQL_J("opened") ", leaf";

static const char criteria_sql[] =
	VIOLATIONS " SELECT json_object('criterion',criterion,'violations',n,'exchanges',exchanges,'rules',json(rules)), criterion, n,"
	" exchanges, (SELECT group_concat(value,', ') FROM json_each(rules)) FROM (SELECT k.value AS criterion, count(*) AS n,"
	" sum(" SQL_J("exchanges") ") AS exchanges, json_group_array(DISTINCT " SQL_J("rule") ") AS rules FROM"
	" (SELECT * FROM v ORDER BY leaf) AS w, json_each(w.doc,'$.criteria') AS k GROUP BY criterion) ORDER BY criterion";

#define COVERAGE_COLUMNS \
	{ { "Workload", CELL_TEXT }, { "Pid", CELL_NUMBER }, { "State", CELL_STATE }, { "Reason", CELL_TEXT }, { "TLS library", CELL_CODE }, \
	  { "Binding", CELL_TEXT }, { "Moved", CELL_NUMBER }, { "Examined", CELL_NUMBER }, { "Opaque", CELL_NUMBER }, \
	  { "Skipped", CELL_NUMBER }, { "Lost", CELL_NUMBER }, { "Framing", CELL_NUMBER }, { "Unexplained", CELL_NUMBER } }

static const struct report_section seen[] = {
	{ "runs", "When weir was running", "Each start and stop is a leaf. Time between runs was not watched.", "No run touches this period.",
	  runs_sql, NULL, { { "Leaf", CELL_NUMBER }, { "Started", CELL_CODE }, { "Ended", CELL_CODE }, { "Why", CELL_TEXT }, { "Boot id", CELL_CODE },
		      { "Version", CELL_TEXT }, { "Kernel", CELL_TEXT }, { "Hooks", CELL_TEXT }, { "Filters", CELL_TEXT } } },
	{ "gaps", "Gaps", "Time that was not watched, longest first. Nothing is known about what happened in it.", "No gap is recorded.",
	  gaps_sql, NULL, { { "Leaf", CELL_NUMBER }, { "From", CELL_CODE }, { "To", CELL_CODE }, { "Seconds", CELL_NUMBER }, { "Role", CELL_TEXT },
		      { "Reason", CELL_TEXT } } },
	{ "losses", "Losses", "Records that were made and not analysed, by cause. Bytes where they are known.", "No loss is recorded.",
	  losses_sql, NULL, { { "Cause", CELL_TEXT }, { "Records", CELL_NUMBER }, { "Bytes", CELL_NUMBER }, { "Intervals", CELL_NUMBER },
			{ "First", CELL_CODE }, { "Last", CELL_CODE } } },
	{ "unbalanced", "Intervals whose books do not balance", "Records that weir cannot account for: a fault of weir itself.",
	  "The books of every sealed interval balance.",
	  unbalanced_sql, NULL, { { "Leaf", CELL_NUMBER }, { "Interval", CELL_CODE }, { "Produced", CELL_NUMBER }, { "Submitted", CELL_NUMBER },
			    { "Read", CELL_NUMBER }, { "Analysed", CELL_NUMBER }, { "Findings", CELL_NUMBER }, { "Stored", CELL_NUMBER } } },
	{ "selftests", "Self-tests", "Synthetic values sent through a plain and a TLS connection, which must come out as findings. They stand "
	  "outside all populations.", "No self-test is recorded: nothing proves that detection worked.",
	  selftests_sql, NULL, { { "Path", CELL_TEXT }, { "Result", CELL_STATE }, { "Times", CELL_NUMBER }, { "Slowest, ms", CELL_NUMBER },
			   { "First", CELL_CODE }, { "Last", CELL_CODE } } },
	{ "coverage", "Coverage", "Each workload, then the processes of which something was hidden; worst first. Bytes as the kernel counted them: moved = examined + opaque + skipped + lost + framing "
	  "+ unexplained. Opaque bytes moved and could not be read.", "No traffic is recorded.", coverage_all_sql,
	  coverage_page_sql, COVERAGE_COLUMNS },
};

static const struct report_section totals[] = {
	{ "findings", "Findings by class", "A local pair's findings count once.", "Nothing of a known class was found.",
	  findings_sql, NULL, { { "Class", CELL_TEXT }, { "Findings", CELL_NUMBER } } },
	{ "violations_by_status", "Violations by severity and status", NULL, "No rule was broken by what was visible.",
	  statuses_sql, NULL, { { "Severity", CELL_STATE }, { "Status", CELL_STATE }, { "Violations", CELL_NUMBER } } },
	{ "leaves_by_type", "Leaves by type", "All leaves of the range; they add up to its length.", "No leaf.",
	  leaves_sql, NULL, { { "Type", CELL_TEXT }, { "Leaves", CELL_NUMBER } } },
};

static const struct report_section found[] = {
	{ "changes", "Policy and class set", "By hash, at each start; the first line is what the period began with.", "No policy is recorded.",
	  changes_sql, NULL, { { "Leaf", CELL_NUMBER }, { "Time", CELL_CODE }, { "Policy hash", CELL_CODE }, { "Class set hash", CELL_CODE },
			 { "Rules", CELL_NUMBER }, { "Files", CELL_TEXT }, { "", CELL_STATE } } },
	{ "violations", "Violations", "As they stood at the last leaf of the period. Masks keep no value.", "No rule was broken by what was visible.",
	  violations_sql, NULL, { { "Leaf", CELL_NUMBER }, { "Id", CELL_CODE }, { "Severity", CELL_STATE }, { "Rule", CELL_TEXT }, { "Criteria", CELL_TEXT },
			    { "Flow", CELL_TEXT }, { "Route", CELL_CODE }, { "Class", CELL_TEXT }, { "Field and mask", CELL_CODE },
			    { "Exchanges", CELL_NUMBER }, { "Opened", CELL_CODE }, { "Updated", CELL_CODE }, { "Status", CELL_STATE } } },
	{ "flows", "Flows", "One row per flow over the period. Both ends of a local pair have a row; the total counts the pair once. Distinct "
	  "counts are estimates, >= over several intervals.", "No flow is recorded.",
	  flows_sum_sql, NULL, { { "First seen", CELL_CODE }, { "Workload", CELL_TEXT }, { "Role", CELL_TEXT }, { "Peer", CELL_TEXT }, { "Zone", CELL_TEXT },
			   { "Port", CELL_NUMBER }, { "Protocol", CELL_TEXT }, { "Route", CELL_CODE }, { "TLS", CELL_STATE },
			   { "Exchanges", CELL_NUMBER }, { "Classes: findings (distinct)", CELL_TEXT }, { "Bytes", CELL_NUMBER },
			   { "Unexplained", CELL_NUMBER } } },
	{ "criteria", "Criteria index", "Criteria that a violation of this period names. One that is not listed was broken by nothing that was "
	  "visible; that is not the same as being met.", "No violation names a criterion.",
	  criteria_sql, NULL, { { "Criterion", CELL_TEXT }, { "Violations", CELL_NUMBER }, { "Exchanges", CELL_NUMBER }, { "Rules", CELL_TEXT } } },
};

const struct report_section *report_sections(enum report_part part, size_t *nr)
{
	switch (part) {
	case PART_SEEN:
		*nr = sizeof(seen) / sizeof(seen[0]);
		return seen;
	case PART_TOTALS:
		*nr = sizeof(totals) / sizeof(totals[0]);
		return totals;
	case PART_FOUND:
		*nr = sizeof(found) / sizeof(found[0]);
		return found;
	}
	*nr = 0;
	return NULL;
}
