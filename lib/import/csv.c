/* Rows of CSV (RFC 4180). See import.h. Line ends may be LF alone. */
#include "import/import.h"

#include <string.h>

struct scan {
    struct cur *c;
    struct buf *room;
    struct import_row *row;
    size_t ends[IMPORT_CELLS_MAX];
};

static int next_byte(struct cur *c) {
    return c->rest.n > 0 ? c->rest.p[0] : -1;
}

/* Up to the closing quote, whose doubled ones are one. */
static void quoted(struct scan *s) {
    for (;;) {
        if (next_byte(s->c) < 0) {
            s->row->why = "a quote is not closed";
            return;
        }
        uint8_t b = cur_u8(s->c);
        s->row->lines += b == '\n';
        if (b == '"') {
            if (next_byte(s->c) != '"')
                return;
            cur_u8(s->c);
        }
        buf_u8(s->room, b);
    }
}

static void plain(struct scan *s) {
    for (int b = next_byte(s->c); b >= 0 && b != ',' && b != '\n'; b = next_byte(s->c)) {
        if (b == '"')
            s->row->why = "a quote within a cell";
        buf_u8(s->room, cur_u8(s->c));
    }
}

static void cell(struct scan *s) {
    size_t from = s->room->n;
    if (next_byte(s->c) == '"') {
        cur_u8(s->c);
        quoted(s);
        if (next_byte(s->c) == '\r')
            cur_u8(s->c);
        if (next_byte(s->c) >= 0 && next_byte(s->c) != ',' && next_byte(s->c) != '\n') {
            s->row->why = "text behind a quoted cell";
            plain(s);
        }
    } else {
        plain(s);
        if (s->room->n > from && s->room->p[s->room->n - 1] == '\r')
            buf_cut(s->room, s->room->n - 1);
    }
}

bool import_csv_next(struct cur *c, struct buf *room, struct import_row *row) {
    struct scan s = {.c = c, .room = room, .row = row};
    buf_reset(room);
    row->n = row->lines = 0;
    row->why = NULL;
    if (c->rest.n == 0)
        return false;
    for (bool more = true; more;) {
        cell(&s);
        if (row->n < IMPORT_CELLS_MAX)
            s.ends[row->n++] = room->n;
        else
            row->why = "too many cells";
        more = next_byte(c) == ',';
        if (next_byte(c) >= 0) {
            row->lines += next_byte(c) == '\n';
            cur_u8(c);
        }
    }
    if (room->err != ERR_OK)
        row->why = "the row is too long";
    for (size_t i = 0, from = 0; i < row->n; from = s.ends[i++])
        row->cells[i] = bytes_part(buf_bytes(room), from, s.ends[i] - from);
    return true;
}
