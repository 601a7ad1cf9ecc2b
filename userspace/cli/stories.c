/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stories.h"

/* A leaf keeps sums, no single message. The opening leaf of a violation has the message's own
 * facts beside; leaves of a weir before these had not, and flows never have. Of a server's flow whose
 * client is not watched here, the peer is a zone and no host. */
#define WITHHELD_FLOW \
	"'data.count,data.records,data.flow_records,data.location,data.path,data.key,data.sample," \
	"via.method,via.status,via.auth,peer.ip,to.ip'"
#define WITHHELD_VIOLATION \
	"'data.count,data.records,data.flow_records,data.location,data.key,data.sample,from.unit,from.container," \
	"via.method,via.status,via.auth,via.tls,peer.ip,to.ip'"
#define NO_HOST "(" SQL_J("role") "='server' AND " SQL_J("pair") " IS NULL)"
/* json_patch() leaves out what is NULL. */
const char stories_sql[] =
	"SELECT json_patch(json_patch('{}', json_object("
	"'from.workload', nullif(" SQL_J("workload") ",''), 'from.exe', " SQL_J("exe") ", 'from.unit', " SQL_J("unit") ","
	" 'from.container', " SQL_J("container") ", 'via.role', nullif(" SQL_J("role") ",'unknown'),"
	" 'peer.host', iif(" NO_HOST ", NULL, nullif(" SQL_J("peer") ",'')), 'peer.zone', nullif(" SQL_J("peer_zone") ",'unknown'),"
	" 'peer.port', nullif(" SQL_J("port") ",0), 'via.protocol', " SQL_J("protocol") ", 'via.route', " SQL_J("route") ","
	" 'via.tls', nullif(" SQL_J("tls.state") ",'unknown'), 'via.direction', json_extract(k.value,'$.data'),"
	" 'data.class', json_extract(k.value,'$.class'), 'data.confidence', json_extract(k.value,'$.confidence'),"
	" 'data.path', " SQL_J("path") ")), coalesce(" SQL_J("facts") ",'{}')),"
	" CASE WHEN " SQL_J("facts") " IS NOT NULL THEN '' WHEN " SQL_J("type") "='violation' THEN " WITHHELD_VIOLATION
	" ELSE " WITHHELD_FLOW " END || iif(" SQL_J("facts") " IS NULL AND " NO_HOST ", ',peer.host,to.host', ''),"
	" " SQL_J("type") ", d.leaf, " SQL_J("id") ", " SQL_J("rule") ", coalesce(" SQL_J("opened") ", " SQL_J("start") "),"
	" json_extract(k.value,'$.class'), json_extract(k.value,'$.data'), json_extract(k.value,'$.confidence'),"
	" (SELECT group_concat(e.value,' ') FROM json_each(k.value,'$.evidence') AS e),"
	" " SQL_J("path") ", " SQL_J("mask") ", " SQL_J("workload") ", " SQL_J("role") ", " SQL_J("peer") ", " SQL_J("peer_zone") ","
	" " SQL_J("protocol") ", " SQL_J("route") ", " SQL_J("exchanges")
	" FROM d, json_each(d.doc,'$.classes') AS k";
