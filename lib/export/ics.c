/* Calendar lines. See ics.h. */
#include "export/ics.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20 };

static bool continues_character(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* Every line but the first has its blank as first octet. */
static void put_folded(struct buf *out, struct bytes line) {
    size_t room = ICS_LINE_MAX;
    while (line.n > room) {
        size_t n = room;
        while (n > 0 && continues_character(line.p[n]))
            n--;
        if (n == 0) /* no UTF-8: anywhere will do */
            n = room;
        buf_put(out, bytes_part(line, 0, n));
        buf_text(out, "\r\n ");
        line = bytes_part(line, n, line.n);
        room = ICS_LINE_MAX - 1;
    }
    buf_put(out, line);
    buf_text(out, "\r\n");
}

void ics_line(struct buf *out, const char *name, struct bytes value) {
    struct buf line;
    buf_init(&line, TEXT_MAX);
    buf_text(&line, name);
    buf_u8(&line, ':');
    buf_put(&line, value);
    if (line.err != ERR_OK && out->err == ERR_OK)
        out->err = line.err;
    put_folded(out, buf_bytes(&line));
    buf_clear(&line);
}

/* Escaped by lines, so that a line end stays one and all else that controls is shown. */
void ics_text(struct buf *out, const char *name, struct bytes text) {
    struct buf value, safe;
    struct cur c = cur_open(text);
    buf_init(&value, TEXT_MAX);
    buf_init(&safe, TEXT_MAX);
    for (bool is_first = true; c.rest.n > 0; is_first = false) {
        if (!is_first)
            buf_text(&value, "\\n");
        buf_reset(&safe);
        text_escape(&safe, cur_until(&c, '\n'));
        for (size_t i = 0; i < safe.n; i++) {
            if (memchr("\\;,", safe.p[i], 3) != NULL)
                buf_u8(&value, '\\');
            buf_u8(&value, safe.p[i]);
        }
    }
    enum err code = value.err != ERR_OK ? value.err : safe.err;
    if (code != ERR_OK && out->err == ERR_OK)
        out->err = code;
    ics_line(out, name, buf_bytes(&value));
    buf_clear(&value);
    buf_clear(&safe);
}

bool ics_time(struct buf *out, const char *name, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX], packed[CLOCK_TEXT_MAX];
    size_t n = 0;
    for (const char *p = clock_write(unix_s, text); *p != 0; p++)
        if (*p != '-' && *p != ':')
            packed[n++] = *p;
    if (n > 0)
        ics_line(out, name, bytes_of(packed, n));
    return n > 0;
}
