/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_flows.c - `weir flows`: who sent what where, per interval, or summed over a period. */
#include <string.h>

#include "cli/reading.h"

static const struct option_row options[] = {
	READING_OPTIONS,
	{ "--sum", NULL, "one row per flow over the whole period; distinct is an estimate and is never summed" },
	{ "--workload", "W", "of this workload only" },
	{ "--class", "C", "carrying this data class only" },
	{ "--to", "PEER", "to this peer only" },
	{ NULL, NULL, NULL }
};

#define WHERE \
	" WHERE (?3='' OR json_extract(doc,'$.workload')=?3) AND (?4='' OR EXISTS(SELECT 1 FROM json_each(doc,'$.classes')" \
	" WHERE json_extract(value,'$.class')=?4)) AND (?5='' OR json_extract(doc,'$.peer')=?5)"
#define CLASSES(json) "(SELECT group_concat(json_extract(value,'$.class')||' x'||json_extract(value,'$.findings'),', ') FROM json_each(" json ",'$.classes'))"
#define X(name) "json_extract(doc,'$." name "')"

static const char each_sql[] = FLOWS_SQL
	"SELECT doc, substr(" X("start") ",1,16)||CASE WHEN " X("sealed") " THEN '' ELSE '*' END, " X("workload") ", " X("role") ", " X("peer") ", "
	X("peer_zone") ", " X("port") ", " X("route") ", " X("tls.state") ", " X("binding") ", " X("exchanges") ", " CLASSES("doc") ", "
	X("bytes.moved") " FROM f" WHERE " ORDER BY " X("start") ", " X("workload") ", " X("peer") ", " X("role") ", " X("route");

/* Classes are added up by class and direction; of distinct the largest interval stands. */
const char flows_sum_sql[] = FLOWS_SQL
	", g AS (SELECT " X("workload") " w, " X("exe") " e, " X("role") " r, " X("peer") " p, " X("port") " o, " X("protocol") " q, " X("route") " t,"
	" " X("tls.state") " s, min(" X("start") ") a, max(" X("end") ") z, min(" X("sealed") ") sealed, max(" X("pair") ") pair, max(" X("unit") ") unit,"
	" max(" X("container") ") container, max(" X("peer_zone") ") zone, max(" X("tls.version") ") version,"
	" CASE max(CASE " X("binding") " WHEN 'exact' THEN 3 WHEN 'strong' THEN 2 WHEN 'weak' THEN 1 ELSE 0 END) WHEN 3 THEN 'exact' WHEN 2 THEN 'strong'"
	" WHEN 1 THEN 'weak' ELSE 'none' END binding, sum(" X("exchanges") ") n, sum(" X("bytes.moved") ") moved, sum(" X("bytes.examined") ") examined,"
	" sum(" X("bytes.opaque") ") opaque, sum(" X("bytes.skipped") ") skipped, sum(" X("bytes.lost") ") lost, sum(" X("bytes.framing") ") framing,"
	" sum(" X("bytes.unexplained") ") unexplained FROM f" WHERE " GROUP BY w,e,r,p,o,q,t,s),"
	" c AS (SELECT " X("workload") " w, " X("exe") " e, " X("role") " r, " X("peer") " p, " X("port") " o, " X("protocol") " q, " X("route") " t,"
	" " X("tls.state") " s, json_extract(value,'$.class') class, json_extract(value,'$.group') grp, json_extract(value,'$.data') data,"
	" max(CASE json_extract(value,'$.confidence') WHEN 'certain' THEN 3 WHEN 'likely' THEN 2 ELSE 1 END) conf, sum(json_extract(value,'$.findings')) findings,"
	" max(json_extract(value,'$.distinct')) dist FROM f, json_each(doc,'$.classes') GROUP BY w,e,r,p,o,q,t,s,class,data),"
	" j AS (SELECT json_object('type','flow','start',a,'end',z,'sealed',json(CASE WHEN sealed THEN 'true' ELSE 'false' END),'pair',pair,'workload',w,'exe',e,"
	"'unit',unit,'container',container,'role',r,'peer',p,'peer_zone',zone,'port',o,'protocol',q,'route',t,'tls',json_object('state',s,'version',version),"
	"'binding',binding,'exchanges',n,'classes',(SELECT json_group_array(json_object('class',class,'group',grp,'confidence',CASE conf WHEN 3 THEN 'certain'"
	" WHEN 2 THEN 'likely' ELSE 'possible' END,'data',data,'findings',findings,'distinct',dist)) FROM (SELECT * FROM c WHERE c.w=g.w AND c.e IS g.e AND"
	" c.r=g.r AND c.p=g.p AND c.o=g.o AND c.q IS g.q AND c.t IS g.t AND c.s=g.s ORDER BY class, data)),'bytes',json_object('moved',moved,'examined',examined,"
	"'opaque',opaque,'skipped',skipped,'lost',lost,'framing',framing,'unexplained',unexplained)) doc FROM g)"
	" SELECT doc, " X("workload") ", " X("role") ", " X("peer") ", " X("peer_zone") ", " X("port") ", " X("route") ", " X("tls.state") ", " X("binding") ", "
	X("exchanges") ", " CLASSES("doc") ", " X("bytes.moved") " FROM j ORDER BY " X("workload") ", " X("peer") ", " X("role") ", " X("route");

/* A local pair is two rows and one flow of data: its larger end counts. */
const char flows_total_sql[] = FLOWS_SQL
	", p AS (SELECT max(n) n FROM (SELECT " X("pair") " k, " X("role") " r, sum(" X("exchanges") ") n FROM f WHERE " X("pair") " IS NOT NULL GROUP BY 1,2) GROUP BY k)"
	" SELECT (SELECT coalesce(sum(n),0) FROM p)+(SELECT coalesce(sum(" X("exchanges") "),0) FROM f WHERE " X("pair") " IS NULL)";

static const char *const each_headers[] = { "INTERVAL", "WORKLOAD", "ROLE", "PEER", "ZONE", "PORT", "ROUTE", "TLS", "BINDING", "EXCHANGES", "CLASSES", "BYTES" };

static int cmd_flows(int argc, char **argv)
{
	struct cli cli = { .argc = argc, .argv = argv, .next = 1, .command = command_find("flows") };
	const char *where[3] = { "", "", "" }, *value;
	const struct option_row *o;
	struct reading r;
	bool sum = false;
	int err;

	reading_init(&r);
	while ((o = cli_next(&cli, &value))) {
		int taken = reading_option(&r, o, value);

		if (taken < 0)
			return EXIT_USAGE;
		if (taken)
			continue;
		if (!strcmp(o->name, "--sum"))
			sum = true;
		else
			where[!strcmp(o->name, "--workload") ? 0 : !strcmp(o->name, "--class") ? 1 : 2] = value;
	}
	if (cli.error || cli.next < argc) {
		if (!cli.error)
			cli_usage(cli.command, stderr);
		return EXIT_USAGE;
	}
	err = reading_open(&r);
	if (err)
		return err;
	err = reading_print(&r, sum ? flows_sum_sql : each_sql, where, 3, sum ? each_headers + 1 : each_headers);
	if (!err && !r.json && !r.rows)
		printf("no flows\n");
	else if (!err && !r.json && !where[0][0] && !where[1][0] && !where[2][0])
		printf("%s exchanges in all; a pair of local ends counts once; * still running\n", reading_one(&r, flows_total_sql));
	reading_close(&r);
	return err ? err : reading_exit(&r);
}

const struct command command_flows = {
	"flows", "[--sum] [--workload W] [--class C] [--to PEER] [--period P] [--state DIR] [-o json]",
	"who sent which data where, by interval or summed", options, cmd_flows,
};
