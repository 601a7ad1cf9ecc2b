/* SPDX-License-Identifier: Apache-2.0 */
/* coverage_sql.c - see coverage_sql.h.
 *
 * Over several intervals the state follows from the added bytes, as store/coverage.c makes
 * it from those of one; a process that moved nothing keeps the last thing said of it. */
#include "cli/coverage_sql.h"

#include "cli/query.h"

#define BINDING "CASE " SQL_J("binding") " WHEN 'none' THEN 1 WHEN 'weak' THEN 2 WHEN 'strong' THEN 3 WHEN 'exact' THEN 4 END"

/* f: coverage leaves and open rows of the period. A row of a process has a pid. The
 * reason is that of the latest interval that had one. */
#define ROWS \
	"WITH f AS (SELECT leaf, doc FROM leaf WHERE type='coverage' AND start>=CAST(?1 AS INTEGER) AND start<CAST(?2 AS INTEGER)" \
	" UNION ALL SELECT 9000000000000000000+rowid, doc FROM open WHERE type='coverage'" \
	" AND ms(" SQL_J("start") ")>=CAST(?1 AS INTEGER) AND ms(" SQL_J("start") ")<CAST(?2 AS INTEGER))," \
	" y AS (SELECT *, " SQL_J("workload") " AS workload, " SQL_J("pid") " AS pid FROM f)," \
	" x AS (SELECT *, json_array(workload,pid," SQL_J("exe") "," SQL_J("library") "," SQL_J("build_id") ") AS key FROM y WHERE 1 @)," \
	" g AS (SELECT key, workload, pid, max(leaf) AS last, min(" SQL_J("start") ") AS begin, max(" SQL_J("end") ") AS until," \
	" " SQL_J("exe") " AS exe, " SQL_J("library") " AS library, " SQL_J("build_id") " AS build_id, max(" SQL_J("uid") ") AS uid, max(" SQL_J("user") ") AS user," \
	" max(" SQL_J("container_id") ") AS container_id, substr(max(printf('%019d',leaf) || " SQL_J("state") "),20) AS latest," \
	" max(CASE WHEN " SQL_J("state") "='dead' AND " SQL_J("bytes.moved") ">0 THEN 1 ELSE 0 END) AS dead," \
	" max(CASE WHEN " SQL_J("reason") " IS NOT NULL AND " SQL_J("reason") "<>'no_traffic' THEN printf('%019d',leaf) || " SQL_J("reason") " END) AS why," \
	" max(" BINDING ") AS bound, sum(" SQL_J("late_attach.connections") ") AS late, sum(" SQL_J("late_attach.sent") ") AS late_sent," \
	" sum(" SQL_J("late_attach.received") ") AS late_received, " SQL_SUM_BYTES " FROM x GROUP BY key)," \
	" w AS (SELECT x.key AS key, e.key AS name, sum(e.value) AS total FROM x, json_each(x.doc,'$.reasons') e GROUP BY 1, 2)," \
	" v AS (SELECT key AS of_key, json_group_object(name,total) AS reasons FROM w WHERE total<>0 GROUP BY key)," \
	" s AS (SELECT g.*, v.reasons, CASE WHEN moved=0 THEN latest WHEN examined>0 AND opaque=0 AND lost=0 THEN 'visible'" \
	" WHEN examined>0 THEN 'partial' WHEN dead THEN 'dead' WHEN opaque=0 AND lost=0 THEN latest ELSE 'blind' END AS state FROM g LEFT JOIN v ON v.of_key=g.key)," \
	" r AS (SELECT *, CASE state WHEN 'visible' THEN NULL WHEN 'unproven' THEN coalesce(substr(why,20),'no_traffic')" \
	" ELSE coalesce(substr(why,20),'unknown_protocol') END AS reason," \
	" CASE bound WHEN 1 THEN 'none' WHEN 2 THEN 'weak' WHEN 3 THEN 'strong' WHEN 4 THEN 'exact' END AS binding," \
	" CASE state WHEN 'dead' THEN 0 WHEN 'blind' THEN 1 WHEN 'partial' THEN 2 WHEN 'unproven' THEN 3 ELSE 4 END AS worst FROM s)"

#define BYTES_OBJECT SQL_BYTES ",'reasons',json(coalesce(reasons,'{}'))"
/* What is there only when it is known: of a patch, null is nothing. */
#define LATE_OBJECT "'late_attach',json(iif(late IS NULL,'null',json_object('connections',late,'sent',late_sent,'received',late_received)))"
#define PROCESS_OBJECT \
	"json_patch(json_object('type','coverage','start',begin,'end',until,'workload',workload,'exe',exe,'pid',pid,'library',library," \
	"'build_id',build_id,'state',state,'reason',reason,'binding',binding," BYTES_OBJECT ")," \
	"json_object('uid',uid,'user',user,'container_id',container_id," LATE_OBJECT "))"
#define WORKLOAD_OBJECT \
	"json_patch(json_object('type','coverage','start',begin,'end',until,'workload',workload,'state',state,'reason',reason,'binding',binding," \
	BYTES_OBJECT "),json_object(" LATE_OBJECT "))"
#define COLUMNS "workload, pid, state, reason, library, binding, moved, examined, opaque, skipped, lost, framing, " SQL_UNEXPLAINED

const char coverage_workloads_sql[] =
	ROWS " SELECT " WORKLOAD_OBJECT ", " COLUMNS " FROM r WHERE pid IS NULL"
	" ORDER BY worst, opaque+lost DESC, workload LIMIT CAST(?3 AS INTEGER)";

const char coverage_all_sql[] =
	ROWS " SELECT iif(pid IS NULL," WORKLOAD_OBJECT "," PROCESS_OBJECT "), " COLUMNS " FROM r"
	" ORDER BY pid IS NOT NULL, worst, opaque+lost DESC, workload, pid, key LIMIT CAST(?3 AS INTEGER)";

const char coverage_page_sql[] =
	ROWS " SELECT " WORKLOAD_OBJECT ", " COLUMNS " FROM r WHERE pid IS NULL OR state<>'visible'"
	" ORDER BY pid IS NOT NULL, worst, opaque+lost DESC, workload, pid, key";

const char coverage_totals_sql[] =
	ROWS " SELECT sum(moved), sum(examined), sum(opaque), sum(skipped), sum(lost), sum(framing),"
	" sum(unexplained) || iif(abs(sum(unexplained))<sum(abs(sent_unexplained)+abs(received_unexplained)), printf(' (%+d%+d)',"
	" sum(max(sent_unexplained,0)+max(received_unexplained,0)), sum(min(sent_unexplained,0)+min(received_unexplained,0))), ''),"
	" sum(late), sum(late_sent), sum(late_received) FROM r WHERE pid IS NULL";

const char coverage_hidden_sql[] = ROWS " SELECT count(*) FROM r WHERE pid IS NULL AND state IN ('partial','blind','dead')";
