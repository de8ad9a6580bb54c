/* The CSV writer. See csv.h. */
#include "export/csv.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct csv csv_to(struct buf *out, struct buf *spare, bool excel) {
    return (struct csv){.out = out, .spare = spare, .excel = excel};
}

void csv_start(struct csv *c) {
    if (c->excel)
        buf_text(c->out, "\xef\xbb\xbf");
}

static void next_cell(struct csv *c) {
    if (c->has_cell)
        buf_u8(c->out, ',');
    c->has_cell = true;
}

/* Looked at before the escaping, which hides a tab, and after it, since what begins
 * with a control character begins with a backslash then. */
static bool is_formula(struct bytes text) {
    return text.n > 0 && memchr("=+-@\t\r", text.p[0], 6) != NULL;
}

static void put_quoted(struct csv *c, struct bytes text, bool guard) {
    buf_u8(c->out, '"');
    if (guard)
        buf_u8(c->out, '\'');
    while (text.n > 0) {
        size_t quote = bytes_find(text, bytes_text("\""));
        size_t n = quote == SIZE_MAX ? text.n : quote + 1;
        buf_put(c->out, bytes_part(text, 0, n));
        if (quote != SIZE_MAX)
            buf_u8(c->out, '"');
        text = bytes_part(text, n, text.n);
    }
    buf_u8(c->out, '"');
}

void csv_bytes(struct csv *c, struct bytes text) {
    bool guard = c->excel && is_formula(text);
    next_cell(c);
    buf_reset(c->spare);
    text_escape(c->spare, text);
    if (c->spare->err != ERR_OK && c->out->err == ERR_OK)
        c->out->err = c->spare->err;
    struct bytes safe = buf_bytes(c->spare);
    bool quote = guard;
    for (size_t i = 0; i < safe.n && !quote; i++)
        quote = safe.p[i] == '"' || safe.p[i] == ',' || safe.p[i] == '\n' || safe.p[i] == '\r';
    if (quote)
        put_quoted(c, safe, guard);
    else
        buf_put(c->out, safe);
}

void csv_text(struct csv *c, const char *text) {
    csv_bytes(c, bytes_text(text != NULL ? text : ""));
}

void csv_hex(struct csv *c, struct bytes b) {
    next_cell(c);
    hex_put(c->out, b);
}

void csv_int(struct csv *c, int64_t n) {
    next_cell(c);
    buf_printf(c->out, "%lld", (long long)n);
}

void csv_bool(struct csv *c, bool v) {
    next_cell(c);
    buf_text(c->out, v ? "true" : "false");
}

void csv_time(struct csv *c, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX];
    next_cell(c);
    buf_text(c->out, clock_write(unix_s, text));
}

void csv_empty(struct csv *c) {
    next_cell(c);
}

void csv_end(struct csv *c) {
    buf_text(c->out, "\r\n");
    c->has_cell = false;
}
