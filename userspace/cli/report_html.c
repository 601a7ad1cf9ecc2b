/* SPDX-License-Identifier: Apache-2.0 */
/* report_html.c - the report as one page: no script, nothing loaded from anywhere, legible
 * in grey and on paper. Every value goes through put_text(): names in leaves come from
 * whoever talked to a watched process. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/coverage_sql.h"
#include "cli/report.h"
#include "version.h"

static const char style[] =
	":root{--ink:#1c2126;--soft:#5b646d;--line:#d5dadf;--pale:#f5f6f8;--deep:#24455f;--warn:#8a3b12}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:#fff;color:var(--ink);font:15px/1.55 system-ui,'Segoe UI','Liberation Sans',sans-serif}"
	"main{max-width:76rem;margin:0 auto;padding:2.5rem 2rem 4rem}"
	"header{border-bottom:3px solid var(--deep);padding-bottom:1.2rem;margin-bottom:1.6rem}"
	"h1{font-size:1.9rem;font-weight:600;margin:0 0 .2rem;color:var(--deep)}"
	"h2{font-size:1.25rem;font-weight:600;color:var(--deep);margin:2.6rem 0 .3rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}"
	"h3{font-size:1.02rem;font-weight:600;margin:1.5rem 0 .1rem}"
	"p{margin:.35rem 0;max-width:62rem}.note,.empty{color:var(--soft)}.lead{font-size:1.05rem;color:var(--soft)}"
	"code,pre,td.c{font-family:ui-monospace,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:.86em}"
	"pre{background:var(--pale);border:1px solid var(--line);border-radius:4px;padding:.8rem 1rem;overflow-x:auto;white-space:pre-wrap;word-break:break-all}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.4rem;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}"
	".sums{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
	".sums div{border:1px solid var(--line);border-radius:4px;padding:.55rem 1rem;min-width:9.5rem}"
	".sums b{display:block;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums}.sums span{color:var(--soft);font-size:.88em}"
	".scroll{overflow-x:auto;margin:.6rem 0 1rem}"
	"table{border-collapse:collapse;width:100%;font-size:.88em}"
	"th,td{text-align:left;vertical-align:top;padding:.32rem .7rem .32rem 0;border-bottom:1px solid var(--line)}"
	"th{color:var(--soft);font-weight:600;border-bottom:2px solid var(--line);white-space:nowrap}"
	"td{overflow-wrap:break-word}td.c{overflow-wrap:anywhere;min-width:6.5rem}td.w{white-space:nowrap;min-width:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}"
	"td.n+td,th.n+th{padding-left:.7rem}table.few{width:auto;min-width:24rem}td.s{white-space:nowrap}.bad{font-weight:700;color:var(--warn)}"
	".bar{display:flex;height:14px;border:1px solid var(--ink);margin:.3rem 0 .5rem;max-width:62rem}"
	".bar i{display:block;height:100%}.e{background:var(--deep)}.o{background:repeating-linear-gradient(45deg,#fff 0 3px,#6d7680 3px 5px)}"
	".k{background:#c4cbd2}.l{background:#fff}.key i{display:inline-block;width:1.1em;height:.8em;border:1px solid var(--ink);margin:0 .35em 0 1em}"
	"nav{columns:3;margin:1rem 0;max-width:62rem}nav a{display:block}a{color:var(--deep)}"
	"footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.8rem;color:var(--soft);font-size:.88em}"
	"@page{margin:14mm 12mm;size:A4 landscape}"
	"@media print{body{font-size:9.5pt}main{padding:0;max-width:none}h2,h3{break-after:avoid}tr{break-inside:avoid}thead{display:table-header-group}"
	".scroll{overflow:visible}a{color:inherit;text-decoration:none}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

static void put_text(FILE *f, const char *s)
{
	for (; s && *s; s++)
		switch (*s) {
		case '&': fputs("&amp;", f); break;
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '"': fputs("&quot;", f); break;
		case '\'': fputs("&#39;", f); break;
		default:
			fputc((unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s, f);
		}
}

static void put_fact(FILE *f, const char *name, const char *value, bool code)
{
	fprintf(f, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
	put_text(f, value[0] ? value : "not recorded");
	fputs(code ? "</code></dd>\n" : "</dd>\n", f);
}

/* Tables. */

struct rows { FILE *f; const struct report_section *section; bool any; };

static bool is_bad(const char *word)
{
	static const char *const words[] = {
		"critical", "high", "open", "dead", "blind", "partial", "unproven", "missed", "changed", "absent",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word && !strcmp(word, words[i]))
			return true;
	return false;
}

static void put_cell(FILE *f, enum cell cell, const char *value)
{
	static const char *const opens[] = {
		[CELL_TEXT] = "<td>", [CELL_NUMBER] = "<td class=n>", [CELL_CODE] = "<td class=c>", [CELL_STATE] = "<td class=s>",
	};
	bool bad = cell == CELL_STATE && is_bad(value);

	if (cell == CELL_CODE && value && strlen(value) == 24 && strspn(value, "0123456789-") == 10 && value[10] == 'T') {	/* a time: its day over its hour */
		fprintf(f, "<td class=\"c w\">%.10s<br>", value);
		put_text(f, value + 11);
		fputs("</td>", f);
		return;
	}
	fputs(opens[cell], f);
	if (bad)
		fputs("<span class=bad>", f);
	put_text(f, value && *value ? value : "-");
	fputs(bad ? "</span></td>" : "</td>", f);
}

static void put_head(struct rows *rows)
{
	fprintf(rows->f, "<div class=scroll><table%s><thead><tr>", rows->section->columns[3].cell ? "" : " class=few");
	for (unsigned i = 0; i < REPORT_COLUMNS && rows->section->columns[i].cell; i++) {
		fprintf(rows->f, "<th scope=col%s>", rows->section->columns[i].cell == CELL_NUMBER ? " class=n" : "");
		put_text(rows->f, rows->section->columns[i].title);
		fputs("</th>", rows->f);
	}
	fputs("</tr></thead><tbody>\n", rows->f);
}

static int put_row(void *owner, int nr, const char *const *v)
{
	struct rows *rows = owner;

	if (!rows->any)
		put_head(rows);
	rows->any = true;
	fputs("<tr>", rows->f);
	for (int i = 0; i < REPORT_COLUMNS && rows->section->columns[i].cell; i++)
		put_cell(rows->f, rows->section->columns[i].cell, i + 1 < nr ? v[i + 1] : NULL);
	fputs("</tr>\n", rows->f);
	return ferror(rows->f);
}

static int put_section(struct report *r, FILE *f, const struct report_section *s, const char *level)
{
	struct rows rows = { f, s, false };
	int err;

	fprintf(f, "<%s id=\"%s\">%s</%s>\n", level, s->name, s->title, level);
	if (s->note)
		fputs("<p class=note>", f), put_text(f, s->note), fputs("</p>\n", f);
	err = query_run(&r->q, s->page_sql ? s->page_sql : s->sql, put_row, &rows);
	if (rows.any)
		fputs("</tbody></table></div>\n", f);
	else
		fprintf(f, "<p class=empty>%s</p>\n", s->empty);
	return err;
}

static int put_part(struct report *r, FILE *f, enum report_part part, const char *level)
{
	size_t nr;
	const struct report_section *s = report_sections(part, &nr);
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = put_section(r, f, &s[i], level);
	return err;
}

/* What all traffic was, as one bar with its numbers beside it. */

static int put_bar(void *owner, int nr, const char *const *v)
{
	static const struct { unsigned column; const char *style, *name; } parts[] = {
		{ 1, "e", "examined" }, { 5, "k", "framing" }, { 3, "k", "skipped by policy" }, { 2, "o", "opaque" }, { 4, "l", "lost" },
	};
	FILE *f = owner;
	double moved = nr >= 7 && v[0] ? strtod(v[0], NULL) : 0;

	if (moved <= 0)
		return 1;
	fputs("<div class=bar role=img aria-label=\"shares of all bytes; the numbers follow\">", f);
	for (unsigned i = 0; i < 5; i++)
		fprintf(f, "<i class=%s style=\"width:%.2f%%\"></i>", parts[i].style, strtod(v[parts[i].column], NULL) * 100 / moved);
	fputs("</div>\n<p class=key>", f);
	fprintf(f, "%s bytes moved:", v[0]);
	for (unsigned i = 0; i < 5; i++)
		fprintf(f, "<i class=%s></i>%s %s (%.2f %%)", parts[i].style, parts[i].name, v[parts[i].column],
			strtod(v[parts[i].column], NULL) * 100 / moved);
	fprintf(f, " &nbsp; unexplained %s</p>\n", v[6]);
	return 1;
}

static void put_cover(const struct report *r, FILE *f)
{
	char range[100], version[64];

	fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>weir report: ", f);
	put_text(f, r->host);
	fputs(", ", f);
	put_text(f, r->q.period);
	fprintf(f, "</title><style>%s</style></head>\n<body><main><header><h1>Data flows and violations</h1>\n<p class=lead>", style);
	put_text(f, r->host);
	fputs(" &middot; ", f);
	put_text(f, r->period_from);
	fputs(" to ", f);
	put_text(f, r->period_to);
	fputs(" (end excluded, UTC)</p></header>\n<dl>\n", f);
	put_fact(f, "Host", r->host, false);
	put_fact(f, "Boot ids", r->boot_ids, true);
	snprintf(range, sizeof(range), "%s to %s", r->recorded_from, r->recorded_to);
	put_fact(f, "Recorded", range, false);
	put_fact(f, "Criteria named", r->criteria[0] ? r->criteria : "none", false);
	put_fact(f, "Policy hash", r->policy_hash, true);
	put_fact(f, "Class set hash", r->class_hash, true);
	snprintf(range, sizeof(range), "%" PRIu64 " to %" PRIu64 " (%" PRIu64 " leaves)", r->first, r->last, r->leaves);
	put_fact(f, "Leaf range", range, false);
	put_fact(f, "Log origin", r->ledger.origin, true);
	put_fact(f, "Key", r->ledger.vkey, true);
	put_fact(f, "Key id", r->ledger.key_id, true);
	put_fact(f, "Checkpoint", r->pin, true);
	snprintf(version, sizeof(version), "weir %s (build %s)", WEIR_VERSION, WEIR_BUILD);
	put_fact(f, "Report made by", version, false);
	put_fact(f, "Command", r->command, true);
	fputs("</dl>\n", f);
}

static void put_use(FILE *f)
{
	fputs("<h2 id=\"use\">What this supports, and what it does not</h2>\n"
	      "<p>It states which data classes were seen to flow between which parties, over what, how often, and which rules of the policy "
	      "named above that broke, together with what could not be seen. It is made from a signed append-only log that verified when this was "
	      "made; anyone who holds the log can make and check it again.</p>\n"
	      "<p>It does not state that traffic which was opaque, lost, in a gap or outside the filters carried no such data. A class is "
	      "recognised from form and context, with the stated confidence. No value that was sent or received is kept: masks show at most "
	      "leading and trailing characters. Whether a control is met is for the reader to judge.</p>\n", f);
}

static int put_seen(struct report *r, FILE *f)
{
	uint64_t missing = r->minutes > r->intervals ? r->minutes - r->intervals : 0;
	int err;

	fputs("<h2 id=\"seen\">Coverage, gaps and losses</h2>\n<div class=sums>", f);
	fprintf(f, "<div><b>%" PRIu64 "</b><span>intervals sealed</span></div>", r->intervals);
	fprintf(f, "<div><b>%" PRIu64 "</b><span>minutes between first and last</span></div>", r->minutes);
	fprintf(f, "<div><b%s>%" PRIu64 "</b><span>of these not sealed</span></div>", missing ? " class=bad" : "", missing);
	fprintf(f, "<div><b%s>%" PRIu64 "</b><span>intervals that do not balance</span></div>", r->unbalanced ? " class=bad" : "",
		r->unbalanced);
	fprintf(f, "<div><b%s>%" PRIu64 "</b><span>gaps</span></div>", r->gaps ? " class=bad" : "", r->gaps);
	fprintf(f, "<div><b%s>%" PRIu64 "</b><span>records lost of %" PRIu64 "</span></div></div>\n", r->lost ? " class=bad" : "", r->lost,
		r->produced);
	err = query_run(&r->q, coverage_totals_sql, put_bar, f);
	return err ? err : put_part(r, f, PART_SEEN, "h3");
}

static int put_totals(struct report *r, FILE *f)
{
	fputs("<h2 id=\"totals\">Totals</h2>\n<div class=sums>", f);
	fprintf(f, "<div><b>%" PRIu64 "</b><span>exchanges</span></div>", r->exchanges);
	fprintf(f, "<div><b%s>%" PRIu64 "</b><span>violations</span></div>", r->violations ? " class=bad" : "", r->violations);
	fprintf(f, "<div><b>%" PRIu64 "</b><span>local pairs, counted once</span></div></div>\n", r->pairs);
	fprintf(f, "<p>The rows of the flow table add up to %" PRIu64 " exchanges; %" PRIu64 " of them are the second ends of local pairs; "
		"%" PRIu64 " &minus; %" PRIu64 " = %" PRIu64 ".</p>\n", r->rows_exchanges, r->rows_exchanges - r->exchanges, r->rows_exchanges,
		r->rows_exchanges - r->exchanges, r->exchanges);
	return put_part(r, f, PART_TOTALS, "h3");
}

static void put_verify(const struct report *r, FILE *f)
{
	fputs("<h2 id=\"verify\">How to verify this</h2>\n<p>With the state folder, on any machine: is the log what was signed, and does making the "
	      "report again give the same bytes?</p>\n<pre>weir ledger verify --state STATE --key '", f);
	put_text(f, r->ledger.vkey);
	fputs("'", f);
	if (r->pin[0])
		fputs(" --at-least ", f), put_text(f, r->pin);
	fputs("\n", f);
	put_text(f, r->command);
	fputs(" | sha256sum</pre>\n<p class=note>The key and the checkpoint above come from the log itself. They prove something only when they "
	      "agree with ones that were kept elsewhere from the beginning: the journal prints a checkpoint every minute.</p>\n", f);
}

int report_html(struct report *r, FILE *f)
{
	int err;

	put_cover(r, f);
	put_use(f);
	err = put_seen(r, f);
	err = err ? err : put_totals(r, f);
	err = err ? err : put_part(r, f, PART_FOUND, "h2");
	put_verify(r, f);
	fputs("<footer>Times are UTC. Sizes are bytes. Dashes: not recorded.</footer>\n</main></body></html>\n", f);
	return err;
}
