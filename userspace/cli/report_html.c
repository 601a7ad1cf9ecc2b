/* SPDX-License-Identifier: Apache-2.0 */
/* report_html.c - one page that needs nothing else: no script, no asset, readable in grey
 * and on paper. Everything that came from a leaf is escaped: names are hostile. */
#include <stdio.h>
#include <string.h>

#include "cli/report.h"

static const char style[] =
	"body{font:14px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:1180px;margin:2.5rem auto;padding:0 1.5rem}"
	"h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .3rem;padding-top:.6rem;border-top:2px solid #1b1f24}"
	"p{margin:.3rem 0 .8rem;color:#4a525c}table{border-collapse:collapse;width:100%;font-size:12.5px;margin:.4rem 0}"
	"th{text-align:left;font-weight:600;border-bottom:1px solid #1b1f24;padding:.25rem .5rem .25rem 0;white-space:nowrap}"
	"td{border-bottom:1px solid #dfe3e8;padding:.25rem .5rem .25rem 0;vertical-align:top;overflow-wrap:anywhere}"
	"tr{break-inside:avoid}.facts th{width:16rem;border-bottom:1px solid #dfe3e8}.num{font-variant-numeric:tabular-nums}"
	"code,pre{font:12px/1.45 ui-monospace,monospace}pre{background:#f4f6f8;padding:.7rem .9rem;white-space:pre-wrap;overflow-wrap:anywhere}"
	".sum{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}.sum div{flex:1 1 8rem;border:1px solid #c9d0d8;border-radius:6px;padding:.6rem .9rem}"
	".sum b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}.sum span{color:#4a525c;font-size:12px}"
	"@media print{body{margin:0;max-width:none;font-size:11px}table{font-size:9.5px}}";

static void escape(const char *s)
{
	for (; s && *s; s++)
		switch (*s) {
		case '<': fputs("&lt;", stdout); break;
		case '>': fputs("&gt;", stdout); break;
		case '&': fputs("&amp;", stdout); break;
		case '"': fputs("&quot;", stdout); break;
		case '\'': fputs("&#39;", stdout); break;
		default:
			if ((unsigned char)*s >= 0x20)
				putchar(*s);
		}
}

static bool is_number(const char *s)
{
	return s && *s && strspn(s, "-0123456789") == strlen(s);
}

struct rows { const struct report_section *section; uint64_t nr; };

static int row(void *owner, int columns, const char *const *v)
{
	struct rows *r = owner;

	if (!r->nr++) {
		printf("<table><thead><tr>");
		for (int i = 0; i + 1 < columns && i < REPORT_COLUMNS && r->section->headers[i]; i++)
			printf("<th scope=\"col\">%s</th>", r->section->headers[i]);
		printf("</tr></thead><tbody>\n");
	}
	printf("<tr>");
	for (int i = 1; i < columns; i++) {
		printf(is_number(v[i]) ? "<td class=\"num\">" : "<td>");
		escape(v[i] ? v[i] : "–");
		printf("</td>");
	}
	printf("</tr>\n");
	return 0;
}

static int section(struct reading *r, const struct report_section *s)
{
	const char *params[2 + REPORT_FILTERS] = { r->from_text, r->to_text, "", "", "" };
	struct rows rows = { s, 0 };
	size_t nr = strstr(s->sql, "?5") ? 5 : strstr(s->sql, "?3") ? 3 : 2;
	char why[256];

	printf("<h2 id=\"%s\">%s</h2>\n<p>%s</p>\n", s->name, s->title, s->note);
	if (index_query(r->index, s->sql, params, nr, row, &rows, why, sizeof(why))) {
		fprintf(stderr, "weir report: %s: %s\n", s->name, why);
		return EXIT_DEGRADED;
	}
	printf(rows.nr ? "</tbody></table>\n" : "<p>%s</p>\n", s->empty);
	return 0;
}

static void facts(struct reading *r, const struct report_fact *f)
{
	printf("<table class=\"facts\"><tbody>\n");
	for (; f->name; f++) {
		const char *value = reading_one(r, f->sql);

		printf("<tr><th scope=\"row\">%s</th><td>", f->title);
		escape(value && *value ? value : "–");
		printf("</td></tr>\n");
	}
	printf("</tbody></table>\n");
}

/* The figures that say how far the rest can be relied on. */
static void summary(struct reading *r)
{
	static const char *const names[] = { "intervals", "intervals_unbalanced", "gaps", "records_lost", "selftests_missed" };

	printf("<div class=\"sum\">");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (const struct report_fact *f = report_totals; f->name; f++)
			if (!strcmp(f->name, names[i])) {
				printf("<div><b>");
				escape(reading_one(r, f->sql));
				printf("</b><span>%s</span></div>", f->title);
			}
	printf("</div>\n");
}

int report_html(struct reading *r, const char *command, const char *verify)
{
	int err = 0;

	printf("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
	       "<title>weir report</title><style>%s</style></head><body>\n<h1>Data flow report</h1>\n<p>Period (UTC, half-open): ", style);
	escape(reading_one(r, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', min(time)/1000, 'unixepoch')||' to '||strftime('%Y-%m-%dT%H:%M:%SZ', max(time)/1000, 'unixepoch')"
			      " FROM leaf WHERE time>=CAST(?1 AS INTEGER) AND time<CAST(?2 AS INTEGER)"));
	printf("</p>\n");
	summary(r);
	printf("<p>Made from the leaves of one log and nothing else: the same leaves give the same page. Values are never kept; masks, classes and counts are.</p>\n");
	printf("<h2 id=\"source\">Source</h2>\n");
	facts(r, report_facts);
	printf("<h2 id=\"totals\">Totals</h2>\n");
	facts(r, report_totals);
	for (const struct report_section *s = report_sections; !err && s->name; s++)
		err = section(r, s);
	printf("<h2 id=\"verify\">How to verify</h2>\n<p>On any machine with weir and a copy of the state folder. Without a key and a checkpoint that were "
	       "kept elsewhere the log vouches for itself only.</p>\n<pre>");
	escape(verify);
	printf("</pre>\n<p>Made with: <code>");
	escape(command);
	printf("</code></p>\n</body></html>\n");
	return err;
}
