/* Rows by columns: which are wanted, and one row after another. See parts.h. */
#include "applets/clm-export/parts.h"

#include <string.h>

bool export_row(struct export_run *run, const void *row) {
    cells_begin(&run->cells, run->kind->type);
    for (size_t i = 0; i < run->columns_n; i++) {
        cells_name(&run->cells, run->kind->columns[run->columns[i]].name);
        run->kind->cell(run, run->columns[i], row);
    }
    cells_end(&run->cells);
    run->rows++;
    return export_stream_step(&run->stream);
}

static enum err unknown_column(const struct export_run *run, struct bytes name, struct fault *f) {
    struct buf names;
    buf_init(&names, 1000);
    for (size_t i = 0; i < run->kind->columns_n; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", run->kind->columns[i].name);
    enum err code = fault_set(f, ERR_USAGE, "--columns", "%.*s is none of %s: %s",
                              name.n < 40 ? (int)name.n : 40, (const char *)name.p, run->kind->name,
                              buf_cstr(&names));
    buf_clear(&names);
    return code;
}

static enum err pick_named(struct export_run *run, struct bytes list, struct fault *f) {
    struct cur c = cur_open(list);
    while (c.rest.n > 0) {
        struct bytes name = bytes_trim(cur_until(&c, ','));
        size_t at = 0;
        while (at < run->kind->columns_n && !bytes_is(name, run->kind->columns[at].name))
            at++;
        if (at == run->kind->columns_n)
            return unknown_column(run, name, f);
        if (run->columns_n == EXPORT_COLUMNS_MAX)
            return fault_set(f, ERR_USAGE, "--columns", "at most %d", EXPORT_COLUMNS_MAX);
        run->columns[run->columns_n++] = at;
    }
    return ERR_OK;
}

enum err export_pick_columns(struct export_run *run, unsigned in, struct fault *f) {
    const struct opt_list *named = &run->options->columns;
    enum err code = ERR_OK;
    run->columns_n = 0;
    for (size_t i = 0; i < named->n && code == ERR_OK; i++)
        code = pick_named(run, bytes_text(named->items[i]), f);
    for (size_t i = 0; i < run->kind->columns_n && named->n == 0; i++)
        if ((run->kind->columns[i].in & in) != 0)
            run->columns[run->columns_n++] = i;
    if (code == ERR_OK && run->columns_n == 0)
        return fault_set(f, ERR_USAGE, "--columns", "none is named");
    return code;
}

/* A page's cursor lies in the arena, and outlives it here. */
static enum err keep_cursor(struct bytes next, uint8_t *room, size_t size, struct bytes *out,
                            struct fault *f) {
    if (next.n > size)
        return fault_set(f, ERR_LIMIT, "cursor", "%zu bytes", next.n);
    if (next.n > 0)
        memcpy(room, next.p, next.n);
    *out = bytes_of(room, next.n);
    return ERR_OK;
}

enum err export_each(struct export_run *run, const struct export_list *list,
                     struct inventory_query q, export_visit *visit, void *context,
                     struct fault *f) {
    struct inventory_page page;
    uint8_t room[128];
    do {
        const void *rows = NULL;
        size_t n = 0;
        arena_reset(&run->arena);
        enum err code = list->read(run, &q, &rows, &n, &page, f);
        if (code == ERR_OK)
            code = keep_cursor(page.next, room, sizeof room, &q.cursor, f);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < n; i++)
            if (!visit(run, context, (const char *)rows + i * list->size))
                return ERR_OK;
    } while (q.cursor.n > 0);
    return ERR_OK;
}

bool export_visit_row(struct export_run *run, void *context, const void *row) {
    (void)context;
    return export_row(run, row);
}

void export_ms(struct cells *c, int64_t ms) {
    if (ms != 0)
        cells_time(c, ms / 1000);
    else
        cells_empty(c);
}

/* The first line of CSV with --header: what the file is. */
static enum err put_header(struct export_run *run, struct fault *f) {
    buf_text(&run->line, "# ");
    enum err code = export_head(run, &run->line, f);
    csv_bytes(&run->cells.csv, buf_bytes(&run->line));
    csv_end(&run->cells.csv);
    return code;
}

enum err export_as_table(struct export_run *run, struct fault *f) {
    bool is_csv = strcmp(run->options->format, "csv") == 0;
    cells_init(&run->cells, is_csv ? CELLS_CSV : CELLS_NDJSON, &run->stream.chunk, &run->spare,
               run->options->excel);
    if (is_csv) {
        csv_start(&run->cells.csv);
        enum err code = run->options->header ? put_header(run, f) : ERR_OK;
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < run->columns_n; i++)
            csv_text(&run->cells.csv, run->kind->columns[run->columns[i]].name);
        csv_end(&run->cells.csv);
    }
    return run->kind->walk(run, f);
}
