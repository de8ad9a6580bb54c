/* Rows of named cells, as CSV, as JSON lines or as rows of an HTML table: who fills
 * them does not know which.
 *
 * Texts are foreign: control and bidirectional characters are made visible in all but JSON,
 * which escapes them itself; markup is text. Errors gather in the buffer. No I/O; one
 * thread at a time. */
#ifndef EXPORT_CELLS_H
#define EXPORT_CELLS_H

#include "base/json.h"
#include "export/csv.h"

enum cells_form { CELLS_CSV, CELLS_NDJSON, CELLS_HTML };

struct cells {
    enum cells_form form;
    struct buf *out, *spare; /* the caller's; spare: for one cell */
    struct csv csv;
    struct json json;
    const char *name; /* of the cell under way */
};

void cells_init(struct cells *c, enum cells_form form, struct buf *out, struct buf *spare,
                bool excel);
/* `type` is the first member of a JSON line. */
void cells_begin(struct cells *c, const char *type);
void cells_name(struct cells *c, const char *name); /* before each cell */
void cells_end(struct cells *c);

/* Empty texts are empty cells, and null in JSON. */
void cells_bytes(struct cells *c, struct bytes text);
void cells_text(struct cells *c, const char *text); /* NULL: empty */
void cells_hex(struct cells *c, struct bytes b);
void cells_int(struct cells *c, int64_t n);
void cells_bool(struct cells *c, bool v); /* true, false; in HTML yes and nothing */
void cells_time(struct cells *c, int64_t unix_s);
void cells_empty(struct cells *c);
/* Lines of a text: blanks between them, commas in HTML, an array in JSON. */
void cells_lines(struct cells *c, struct bytes lines);
/* A word that stands out by its kind, a class of the page: "bad", "soon", "ok", "plain". */
void cells_mark(struct cells *c, const char *kind, const char *text);

/* Foreign text within HTML, also within attributes in double quotes. */
void html_text(struct buf *out, struct buf *spare, struct bytes text);

#endif
