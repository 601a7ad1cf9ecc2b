/* SPDX-License-Identifier: Apache-2.0 */
/* flows_sql.c - see flows_sql.h.
 *
 * `distinct` is an estimate per interval and cannot be added: a value seen in two
 * intervals is one value. Over several, the largest is a lower bound, marked >=. */
#include "cli/flows_sql.h"

#include "cli/query.h"

#define CLASS_WORDS(source) \
	"(SELECT group_concat(json_extract(k.value,'$.class') || ' ' || json_extract(k.value,'$.data') || ' ' ||" \
	" json_extract(k.value,'$.findings') || ' (' || json_extract(k.value,'$.distinct') || ')', ', ')" \
	" FROM json_each(" source ",'$.classes') AS k)"

/* What a row says is read after the limit was applied, not of every flow there ever was. */
const char flows_rows_sql[] =
	SQL_FLOWS
	" SELECT doc, " SQL_J("start") ", " SQL_J("workload") ", " SQL_J("role") ", " SQL_J("peer") ", " SQL_J("peer_zone") ", " SQL_J("port") ", "
	SQL_J("protocol") ", " SQL_J("route") ", coalesce(" SQL_J("tls.version") "," SQL_J("tls.state") "), " SQL_J("exchanges") ", " CLASS_WORDS("doc") ","
	" " SQL_J("bytes.moved") ", iif(" SQL_J("sent.unexplained") "*" SQL_J("received.unexplained") "<0,printf('%+d%+d'," SQL_J("sent.unexplained") ","
	SQL_J("received.unexplained") ")," SQL_J("bytes.unexplained") "), iif(sealed,'yes','no')"
	" FROM (SELECT leaf, doc, start, sealed FROM x ORDER BY start DESC, leaf DESC LIMIT CAST(?3 AS INTEGER)) ORDER BY start, leaf";

#define RANK(column, a, b, c, d) \
	"CASE " column " WHEN '" a "' THEN 1 WHEN '" b "' THEN 2 WHEN '" c "' THEN 3 WHEN '" d "' THEN 4 ELSE 0 END"
#define WORD(rank, a, b, c, d) \
	"CASE " rank " WHEN 1 THEN '" a "' WHEN 2 THEN '" b "' WHEN 3 THEN '" c "' WHEN 4 THEN '" d "' END"

/* Of several intervals' handshakes the weakest, as of an interval's (store/flows.c): two
 * characters that sort before the object. */
#define WEAKEST \
	"(CASE " SQL_J("tls.version") " WHEN 'ssl3' THEN '9' WHEN '1.0' THEN '8' WHEN '1.1' THEN '7' WHEN '1.2' THEN '6' WHEN '1.3' THEN '5'" \
	" ELSE iif(" SQL_J("tls.version") " IS NULL,'0','1') END || iif(" SQL_J("tls.peer_subject") " IS NULL,'0','1'))"

/* Of shares and means over several intervals: by the bytes that each is of. */
#define LOOKED(what) "sum(" SQL_J("unread." what) "*" SQL_J("unread.bytes") ")/sum(" SQL_J("unread.bytes") ")"

/* What an object has only when it is known: of a patch, null is nothing. */
#define WHO_OBJECT \
	"json_object('container_id',container_id,'runtime',runtime,'pod',pod,'namespace',namespace,'uid',uid,'user',user,'unread',"	\
	"json(iif(looked>0,json_object('bytes',looked,'printable',round(printable,3),'entropy',round(entropy,2)),NULL)))"

/* j: one row per flow; c: its classes; e: those as the array of a flow object. */
#define SUMS \
	" j AS (SELECT fk, workload, exe, max(" SQL_J("unit") ") AS unit, max(" SQL_J("container") ") AS container, role, peer," \
	" max(zone) AS zone, port, protocol, route, tls, substr(max(" WEAKEST " || " SQL_J("tls") "),3) AS handshake, max(pair) AS pair," \
	" max(" SQL_J("container_id") ") AS container_id, max(" SQL_J("runtime") ") AS runtime, max(" SQL_J("pod") ") AS pod," \
	" max(" SQL_J("namespace") ") AS namespace, max(" SQL_J("uid") ") AS uid, max(" SQL_J("user") ") AS user," \
	" min(" SQL_J("start") ") AS begin, max(" SQL_J("end") ") AS until, min(sealed) AS sealed, count(*) AS intervals," \
	" max(" RANK(SQL_J("binding"), "none", "weak", "strong", "exact") ") AS binding, sum(exchanges) AS exchanges," \
	" sum(" SQL_J("unread.bytes") ") AS looked, " LOOKED("printable") " AS printable, " LOOKED("entropy") " AS entropy, " \
	SQL_SUM_BYTES " FROM x GROUP BY fk)," \
	" c AS (SELECT fk, json_extract(k.value,'$.class') AS class, json_extract(k.value,'$.group') AS grp," \
	" json_extract(k.value,'$.data') AS way, max(" RANK("json_extract(k.value,'$.confidence')", "", "possible", "likely", "certain") ")" \
	" AS confidence, sum(json_extract(k.value,'$.findings')) AS findings, max(json_extract(k.value,'$.distinct')) AS dist, count(*) AS n" \
	" FROM x, json_each(x.doc,'$.classes') AS k GROUP BY fk, class, way)," \
	" e AS (SELECT fk, json_group_array(json_object('class',class,'group',grp,'confidence'," WORD("confidence", "", "possible", "likely", "certain") "," \
	"'data',way,'findings',findings,'distinct',dist)) AS classes," \
	" group_concat(class || ' ' || way || ' ' || findings || iif(n>1,' (>=',' (') || dist || ')', ', ') AS words" \
	" FROM (SELECT * FROM c ORDER BY fk, class, way) GROUP BY fk)"

const char flows_sum_sql[] =
	SQL_FLOWS "," SUMS
	" SELECT object, begin, workload, role, peer, zone, port, protocol, route, coalesce(json_extract(handshake,'$.version'),tls),"
	" exchanges, words, moved, " SQL_UNEXPLAINED ","
	" iif(sealed,'yes','no') FROM (SELECT json_patch(json_object('type','flow','start',begin,'end',until,"
	"'sealed',json(iif(sealed,'true','false')),'pair',pair,'workload',workload,'exe',exe,'unit',unit,'container',container,"
	"'role',role,'peer',peer,'peer_zone',zone,'port',port,'protocol',protocol,'route',route,"
	"'tls',json(handshake),'binding'," WORD("binding", "none", "weak", "strong", "exact") ","
	"'exchanges',exchanges,'classes',json(coalesce(classes,'[]'))," SQL_BYTES ")," WHO_OBJECT ") AS object,"
	" j.*, words FROM j LEFT JOIN e USING(fk) ORDER BY exchanges DESC, fk LIMIT CAST(?3 AS INTEGER))"
	" ORDER BY workload, peer, role, port, route, fk";

const char flows_totals_sql[] =
	SQL_FLOWS
	" SELECT " SQL_TOTAL_EXCHANGES ", (SELECT count(*) FROM (SELECT pair FROM x WHERE pair IS NOT NULL GROUP BY pair"
	" HAVING count(DISTINCT role)>1)), (SELECT group_concat(class || ' ' || findings, ', ') FROM (SELECT * FROM"
	" " SQL_TOTAL_FINDINGS " ORDER BY class)), (SELECT count(*) FROM x WHERE NOT sealed)";
