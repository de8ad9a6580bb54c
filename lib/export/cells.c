/* Cells. See cells.h. */
#include "export/cells.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

void cells_init(struct cells *c, enum cells_form form, struct buf *out, struct buf *spare,
                bool excel) {
    *c = (struct cells){.form = form, .out = out, .spare = spare};
    c->csv = csv_to(out, excel);
}

void html_text(struct buf *out, struct buf *spare, struct bytes text) {
    static const struct {
        char plain;
        const char *entity;
    } entities[] = {
        {'&',  "&amp;" },
        {'<',  "&lt;"  },
        {'>',  "&gt;"  },
        {'"',  "&quot;"},
        {'\'', "&#39;" },
    };
    buf_reset(spare);
    text_escape(spare, text);
    if (spare->err != ERR_OK && out->err == ERR_OK)
        out->err = spare->err;
    struct bytes safe = buf_bytes(spare);
    for (size_t i = 0, from = 0; i <= safe.n; i++) {
        const char *entity = i == safe.n ? "" : NULL;
        for (size_t k = 0; entity == NULL && k < sizeof entities / sizeof entities[0]; k++)
            if (safe.p[i] == (uint8_t)entities[k].plain)
                entity = entities[k].entity;
        if (entity == NULL)
            continue;
        buf_put(out, bytes_part(safe, from, i - from));
        buf_text(out, entity);
        from = i + 1;
    }
}

void cells_begin(struct cells *c, const char *type) {
    if (c->form == CELLS_HTML) {
        buf_text(c->out, "<tr>");
    } else if (c->form == CELLS_NDJSON) {
        c->json = json_to(c->out);
        json_object(&c->json, NULL);
        json_text(&c->json, "type", type);
    }
}

void cells_name(struct cells *c, const char *name) {
    c->name = name;
}

void cells_end(struct cells *c) {
    if (c->form == CELLS_HTML) {
        buf_text(c->out, "</tr>\n");
    } else if (c->form == CELLS_NDJSON) {
        json_end(&c->json, '}');
        buf_u8(c->out, '\n');
    } else {
        csv_end(&c->csv);
    }
}

void cells_bytes(struct cells *c, struct bytes text) {
    if (c->form == CELLS_CSV) {
        csv_bytes(&c->csv, text);
    } else if (c->form == CELLS_HTML) {
        buf_text(c->out, "<td>");
        html_text(c->out, c->spare, text);
        buf_text(c->out, "</td>");
    } else if (text.n == 0) {
        json_null(&c->json, c->name);
    } else {
        json_bytes(&c->json, c->name, text);
    }
}

void cells_text(struct cells *c, const char *text) {
    cells_bytes(c, bytes_text(text != NULL ? text : ""));
}

void cells_hex(struct cells *c, struct bytes b) {
    if (c->form == CELLS_CSV) {
        csv_hex(&c->csv, b);
    } else if (c->form == CELLS_HTML) {
        buf_text(c->out, "<td class=\"hex\">");
        hex_put(c->out, b);
        buf_text(c->out, "</td>");
    } else if (b.n == 0) {
        json_null(&c->json, c->name);
    } else {
        json_hex(&c->json, c->name, b);
    }
}

void cells_int(struct cells *c, int64_t n) {
    if (c->form == CELLS_CSV)
        csv_int(&c->csv, n);
    else if (c->form == CELLS_HTML)
        buf_printf(c->out, "<td class=\"num\">%lld</td>", (long long)n);
    else
        json_int(&c->json, c->name, n);
}

void cells_bool(struct cells *c, bool v) {
    if (c->form == CELLS_CSV)
        csv_bool(&c->csv, v);
    else if (c->form == CELLS_HTML)
        buf_text(c->out, v ? "<td>yes</td>" : "<td></td>");
    else
        json_bool(&c->json, c->name, v);
}

/* People read the day and the minute; the whole moment stands in the machine's attribute. */
void cells_time(struct cells *c, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX];
    if (c->form == CELLS_CSV) {
        csv_time(&c->csv, unix_s);
    } else if (c->form == CELLS_HTML) {
        struct bytes moment = bytes_text(clock_write(unix_s, text));
        buf_printf(c->out, "<td><time datetime=\"%s\">%.10s</time></td>", text,
                   moment.n >= 10 ? text : "");
    } else {
        json_time(&c->json, c->name, unix_s);
    }
}

void cells_empty(struct cells *c) {
    cells_bytes(c, (struct bytes){NULL, 0});
}

static void put_joined(struct cells *c, struct bytes lines, const char *between) {
    struct cur cur = cur_open(lines);
    for (bool is_first = true; cur.rest.n > 0; is_first = false) {
        if (!is_first)
            buf_text(c->out, between);
        html_text(c->out, c->spare, cur_until(&cur, '\n'));
    }
}

void cells_lines(struct cells *c, struct bytes lines) {
    struct cur cur = cur_open(lines);
    if (c->form == CELLS_HTML) {
        buf_text(c->out, "<td>");
        put_joined(c, lines, ", ");
        buf_text(c->out, "</td>");
    } else if (c->form == CELLS_NDJSON) {
        json_array(&c->json, c->name);
        while (cur.rest.n > 0)
            json_bytes(&c->json, NULL, cur_until(&cur, '\n'));
        json_end(&c->json, ']');
    } else {
        csv_lines(&c->csv, lines);
    }
}

void cells_mark(struct cells *c, const char *kind, const char *text) {
    if (c->form == CELLS_HTML)
        buf_printf(c->out, "<td><span class=\"mark %s\">%s</span></td>", kind, text);
    else
        cells_text(c, text);
}
