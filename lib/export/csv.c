/* The CSV writer. See csv.h. */
#include "export/csv.h"

#include "base/text.h"

#include <string.h>

struct csv csv_to(struct buf *out, bool excel) {
    return (struct csv){.out = out, .excel = excel};
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

/* A tab is looked for too: it is escaped only later. */
static bool is_formula(struct bytes text) {
    return text.n > 0 && memchr("=+-@\t\r", text.p[0], 6) != NULL;
}

static bool has(struct bytes text, char c) {
    return text.n > 0 && (text.p[0] == (uint8_t)c || memchr(text.p, c, text.n) != NULL);
}

/* Nothing that is escaped becomes a comma or a quote. */
static void put(struct csv *c, struct bytes text, char blank) {
    bool guard = c->excel && is_formula(text);
    size_t plain = text_plain(text, ',', '"');
    struct cur cur = cur_open(text);
    next_cell(c);
    if (plain == text.n && !guard) {
        buf_put(c->out, text);
        return;
    }
    struct bytes left = bytes_part(text, plain, text.n);
    bool quote = guard || has(left, ',') || has(left, '"');
    if (quote)
        buf_text(c->out, guard ? "\"'" : "\"");
    for (;;) {
        buf_put(c->out, cur_take(&cur, text_plain(cur.rest, '"', '"')));
        if (cur.rest.n == 0)
            break;
        size_t n = 0;
        while (n < cur.rest.n && cur.rest.p[n] != '"' && cur.rest.p[n] != (uint8_t)blank)
            n++;
        text_escape(c->out, cur_take(&cur, n));
        if (cur.rest.n > 0)
            buf_text(c->out, cur_u8(&cur) == '"' ? "\"\"" : " ");
    }
    if (quote)
        buf_u8(c->out, '"');
}

void csv_bytes(struct csv *c, struct bytes text) {
    put(c, text, '"');
}

void csv_lines(struct csv *c, struct bytes lines) {
    put(c, lines, '\n');
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
    number_put(c->out, n);
}

void csv_bool(struct csv *c, bool v) {
    next_cell(c);
    buf_put(c->out, v ? bytes_of("true", 4) : bytes_of("false", 5));
}

void csv_time(struct csv *c, int64_t unix_s) {
    next_cell(c);
    if (!c->has_moment || c->moment_s != unix_s)
        clock_write(unix_s, c->moment);
    c->has_moment = true;
    c->moment_s = unix_s;
    buf_text(c->out, c->moment);
}

void csv_empty(struct csv *c) {
    next_cell(c);
}

void csv_end(struct csv *c) {
    buf_put(c->out, bytes_of("\r\n", 2));
    c->has_cell = false;
}
