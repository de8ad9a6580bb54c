/* A report as one HTML file: to be read, printed and sent; no script, nothing from outside. */
#include "applets/clm-export/parts.h"

#include <string.h>

/* The same colours as the GUI's; on paper always the light ones. */
static const char style[] =
    ":root{color-scheme:light "
    "dark;--page:light-dark(#fff,#101317);--line:light-dark(#dfe3e9,#2a3038);"
    "--text:light-dark(#1a1f27,#e6e9ee);--quiet:light-dark(#566072,#98a2b3);--head:light-dark(#"
    "f1f3f6,#171b21);"
    "--ok:light-dark(#1b7a43,#57c98a);--soon:light-dark(#8a5a00,#e8b44c);--bad:light-dark(#b3261e,#"
    "ff8a80)}\n"
    "body{margin:24px;font:13px/1.4 system-ui,\"Segoe UI\",Roboto,\"Liberation Sans\",sans-serif;"
    "background:var(--page);color:var(--text)}\n"
    "h1{font-size:20px;margin:0 0 4px}p{margin:0 0 "
    "16px;color:var(--quiet);overflow-wrap:anywhere}\n"
    "table{width:100%;border-collapse:collapse}caption{position:absolute;clip-path:inset(50%)}\n"
    "th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}\n"
    "th{background:var(--head);white-space:nowrap;font-size:12px}"
    ".num{text-align:right}.num,time{font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".hex{font:12px ui-monospace,\"DejaVu Sans Mono\",monospace}\n"
    ".mark{font-weight:600;white-space:nowrap}.mark.ok{color:var(--ok)}.mark.soon{color:var(--soon)"
    "}"
    ".mark.bad{color:var(--bad)}.mark.plain{color:var(--quiet)}"
    ".mark::before{margin-right:5px}.mark.ok::before{content:\"\\25CF\"}.mark.soon::before{content:"
    "\"\\25B2\"}"
    ".mark.bad::before{content:\"\\2715\"}.mark.plain::before{content:\"\\25CB\"}\n"
    "@page{size:A4 landscape;margin:12mm}"
    "@media "
    "print{:root{color-scheme:light}body{margin:0;font-size:9pt}thead{display:table-header-group}"
    "tr{break-inside:avoid}th{background:none}}\n";

static void put_heading(struct export_run *run) {
    struct buf *out = &run->stream.chunk;
    buf_text(out, "<thead><tr>");
    for (size_t i = 0; i < run->columns_n; i++) {
        const struct export_column *column = &run->kind->columns[run->columns[i]];
        bool is_number = (column->in & EXPORT_NUMBER) != 0;
        buf_printf(out, "<th scope=\"col\"%s>", is_number ? " class=\"num\"" : "");
        html_text(out, &run->spare, bytes_text(column->title));
        buf_text(out, "</th>");
    }
    buf_text(out, "</tr></thead>\n<tbody>\n");
}

enum err export_as_page(struct export_run *run, struct fault *f) {
    struct buf *out = &run->stream.chunk;
    char title[40];
    snprintf(title, sizeof title, "%c%s", run->kind->name[0] - 'a' + 'A', run->kind->name + 1);
    enum err code = export_head(run, &run->line, f);
    if (code != ERR_OK)
        return code;
    cells_init(&run->cells, CELLS_HTML, out, &run->spare, false);
    buf_printf(out,
               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'\">\n<title>%s</title>\n<style>\n%s</style>\n</head>\n"
               "<body>\n<main>\n<h1>%s</h1>\n<p>",
               title, style, title);
    html_text(out, &run->spare, buf_bytes(&run->line));
    buf_printf(out, "</p>\n<table>\n<caption>%s</caption>\n", title);
    put_heading(run);
    code = run->kind->walk(run, f);
    buf_printf(out, "</tbody>\n</table>\n<p>%llu rows</p>\n</main>\n</body>\n</html>\n",
               (unsigned long long)run->rows);
    return code;
}
