/* Comma-separated values (RFC 4180), UTF-8, CRLF at each row's end.
 *
 * Cells hold foreign text: control characters, bidirectional ones and malformed
 * bytes are made visible (text_escape), so a cell is one line of valid UTF-8 and
 * no byte of it steers a terminal. Cells with a comma or a quote are quoted.
 *
 * For spreadsheets (`excel`): a byte order mark at the start, and an apostrophe
 * before what they would run as a formula: cells that begin with = + - @ or a tab.
 *
 * Errors gather in the buffer. No I/O; one thread at a time.
 */
#ifndef EXPORT_CSV_H
#define EXPORT_CSV_H

#include "base/buf.h"
#include "base/clock.h"

struct csv {
    struct buf *out;
    bool excel, has_cell;
    bool has_moment; /* the one written last: those of a row are often the same */
    int64_t moment_s;
    char moment[CLOCK_TEXT_MAX];
};

struct csv csv_to(struct buf *out, bool excel); /* the buffer is the caller's */
void csv_start(struct csv *c);                  /* once, before the first row */

void csv_bytes(struct csv *c, struct bytes text);
void csv_lines(struct csv *c, struct bytes lines); /* one cell: a blank for each line feed */
void csv_text(struct csv *c, const char *text);    /* NULL: empty */
void csv_hex(struct csv *c, struct bytes b);
void csv_int(struct csv *c, int64_t n);
void csv_bool(struct csv *c, bool v);         /* true, false */
void csv_time(struct csv *c, int64_t unix_s); /* RFC 3339; empty outside years 0 to 9999 */
void csv_empty(struct csv *c);
void csv_end(struct csv *c); /* of the row */

#endif
