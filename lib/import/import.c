/* The formats, and which of them a text has. See import.h. */
#include "import/import.h"

#include "base/json.h"
#include "base/text.h"
#include "x509/x509.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 256 << 20, PREFIX = 3 };

struct reading {
    const struct import_taker *taker;
    struct arena arena; /* of one line or certificate */
    struct buf der;
    size_t line;
    struct fault *f;
};

const char *import_format_name(enum import_format format) {
    static const char *const names[] = {"unknown", "PEM", "NDJSON", "JSON", "CSV"};
    return names[format];
}

static void refuse(struct reading *r, const char *what, const char *why) {
    r->taker->refuse(r->taker->context, r->line, what, why);
}

static enum err take(struct reading *r, struct bytes der, const char *what) {
    struct x509_cert cert;
    struct fault ignored;
    if (der.n > X509_DER_MAX) {
        refuse(r, what, "the certificate is too large");
        return ERR_OK;
    }
    enum err code = x509_cert_read(&r->arena, der, &cert, &ignored);
    if (code == ERR_MEMORY)
        return fault_set(r->f, code, "import", "line %zu", r->line);
    if (code != ERR_OK) {
        refuse(r, what, "that is no certificate");
        return ERR_OK;
    }
    code = r->taker->take(r->taker->context, der);
    return code == ERR_OK ? code : fault_set(r->f, code, "import", "line %zu", r->line);
}

/* ---- PEM ---- */

static size_t count_lines(struct bytes text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static enum err read_pem(struct reading *r, struct bytes text) {
    struct cur c = cur_open(text);
    struct pem_object object;
    enum err code = ERR_OK;
    size_t at = 0;
    while (code == ERR_OK && pem_next(&c, &r->der, &object)) {
        size_t end = text.n - c.rest.n;
        arena_reset(&r->arena);
        if (object.kind == PEM_CERTIFICATE)
            code = take(r, object.der, "PEM");
        else if (object.kind == PEM_BROKEN)
            refuse(r, "PEM", "an object that is broken");
        r->line += count_lines(bytes_part(text, at, end - at));
        at = end;
    }
    return code;
}

/* ---- Text that is a certificate: PEM, or base64 of that or of the DER ---- */

static bool is_base64(struct reading *r, struct bytes text, const char *begin) {
    text = bytes_trim(text);
    buf_reset(&r->der);
    return bytes_starts(text, begin) && base64_read(text, &r->der);
}

/* All certificates of a PEM. *n counts. */
static enum err take_pem(struct reading *r, struct bytes text, const char *what, size_t *n) {
    struct cur c = cur_open(text);
    struct pem_object object;
    enum err code = ERR_OK;
    while (code == ERR_OK && pem_next(&c, &r->der, &object))
        if (object.kind == PEM_CERTIFICATE) {
            ++*n;
            code = take(r, object.der, what);
        }
    return code;
}

/* *n stays where the text is none. */
static enum err take_text(struct reading *r, struct bytes text, const char *what, size_t *n) {
    if (pem_is(text))
        return take_pem(r, text, what, n);
    if (is_base64(r, text, "LS0t")) { /* "---" */
        struct bytes pem = arena_copy(&r->arena, buf_bytes(&r->der));
        if (pem.p == NULL)
            return fault_set(r->f, ERR_MEMORY, "import", "line %zu", r->line);
        return pem_is(pem) ? take_pem(r, pem, what, n) : ERR_OK;
    }
    if (!is_base64(r, text, "MI")) /* a SEQUENCE of more than 127 bytes */
        return ERR_OK;
    ++*n;
    return take(r, buf_bytes(&r->der), what);
}

/* ---- JSON ---- */

/* Every text of a foreign object, however deep (json_read has a limit). */
static enum err take_all(struct reading *r, struct json_value v, size_t *n) {
    struct bytes text;
    enum err code = ERR_OK;
    if (json_string(v, &r->arena, &text))
        return take_text(r, text, "certificate", n);
    if (json_type_of(v) != JSON_OBJECT && json_type_of(v) != JSON_ARRAY)
        return ERR_OK;
    for (v = json_first(v); code == ERR_OK && json_type_of(v) != JSON_NONE; v = json_next(v))
        code = take_all(r, v, n);
    return code;
}

static enum err read_object(struct reading *r, struct bytes text) {
    struct json_value v;
    struct fault why;
    struct bytes type;
    size_t n = 0;
    enum err code;
    if (text.n > IMPORT_LINE_MAX ||
        (code = json_read(&r->arena, text, IMPORT_TOKENS, &v, &why)) == ERR_LIMIT) {
        refuse(r, "object", "too large");
        return ERR_OK;
    }
    if (code == ERR_MEMORY)
        return fault_set(r->f, code, "import", "line %zu", r->line);
    if (code != ERR_OK || json_type_of(v) != JSON_OBJECT) {
        refuse(r, "object", "that is no JSON object");
        return ERR_OK;
    }
    bool is_ours = json_string(json_get(v, "type"), &r->arena, &type);
    if (is_ours && !bytes_is(type, "certificate"))
        return ERR_OK; /* observations, errors, the summary */
    code = is_ours ? take_all(r, json_get(v, "pem"), &n) : take_all(r, v, &n);
    if (code == ERR_OK && n == 0)
        refuse(r, is_ours ? "pem" : "certificate", "missing: write it with --pem, or -cert");
    return code;
}

static enum err read_ndjson(struct reading *r, struct bytes text) {
    struct cur c = cur_open(text);
    enum err code = ERR_OK;
    for (; code == ERR_OK && c.rest.n > 0; r->line++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        arena_reset(&r->arena);
        if (line.n > 0)
            code = read_object(r, line);
    }
    return code;
}

/* How long the object at the begin of the text is; all of it where it does not end. */
static size_t object_size(struct bytes text) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return text.n;
}

/* The objects of an array, or such that take more than a line, one by one: the whole may be
 * large. */
static enum err read_json(struct reading *r, struct bytes text) {
    enum err code = ERR_OK;
    for (size_t at = 0, size; code == ERR_OK && at < text.n; at += size) {
        size = 1;
        r->line += text.p[at] == '\n';
        if (text.p[at] != '{')
            continue;
        size = object_size(bytes_part(text, at, text.n));
        arena_reset(&r->arena);
        code = read_object(r, bytes_part(text, at, size));
        r->line += count_lines(bytes_part(text, at, size));
    }
    return code;
}

/* ---- CSV ---- */

static enum err take_row(struct reading *r, const struct import_row *row) {
    size_t n = 0;
    enum err code = ERR_OK;
    if (row->why) {
        refuse(r, "row", row->why);
        return ERR_OK;
    }
    if (row->n == 1 && bytes_trim(row->cells[0]).n == 0)
        return ERR_OK; /* an empty line */
    for (size_t i = 0; i < row->n && n == 0 && code == ERR_OK; i++)
        code = take_text(r, row->cells[i], "cell", &n);
    if (code == ERR_OK && n == 0)
        refuse(r, "row", "no cell of it is a certificate: let the tool write the raw one");
    return code;
}

static enum err read_csv(struct reading *r, struct bytes text) {
    struct cur c = cur_open(text);
    struct buf room;
    struct import_row *row = malloc(sizeof *row);
    enum err code = row ? ERR_OK : fault_set(r->f, ERR_MEMORY, "import", "a row");
    buf_init(&room, IMPORT_LINE_MAX);
    for (bool is_first = true; code == ERR_OK && import_csv_next(&c, &room, row);
         is_first = false) {
        arena_reset(&r->arena);
        if (!is_first)
            code = take_row(r, row);
        r->line += row->lines;
    }
    buf_clear(&room);
    free(row);
    return code;
}

/* ---- Which ---- */

static struct bytes without_mark(struct bytes text) {
    return bytes_starts(text, "\xEF\xBB\xBF") ? bytes_part(text, PREFIX, text.n) : text;
}

/* JSON: an array, or an object that does not end in its line. CSV: UTF-8 whose first line has more
 * than one cell, or is the one before a certificate. */
static enum import_format format_of(struct bytes text) {
    struct cur c = cur_open(text);
    struct bytes first = cur_until(&c, '\n');
    size_t at = 0;
    while (at < text.n &&
           (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\r' || text.p[at] == '\n'))
        at++;
    struct bytes begun = bytes_part(text, at, text.n);
    if (at < text.n && text.p[at] == '{') {
        struct cur line = cur_open(begun);
        struct bytes object = bytes_trim(cur_until(&line, '\n'));
        return line.rest.n == 0 || object_size(begun) <= object.n ? IMPORT_NDJSON : IMPORT_JSON;
    }
    if (at < text.n && text.p[at] == '[')
        return IMPORT_JSON;
    if (bytes_starts(begun, "-----BEGIN "))
        return IMPORT_PEM;
    if (utf8_valid(first) && bytes_find(first, bytes_of("", 1)) == SIZE_MAX &&
        bytes_find(first, bytes_text(",")) != SIZE_MAX)
        return IMPORT_CSV;
    if (bytes_find(text, bytes_text("\n\"-----BEGIN ")) != SIZE_MAX)
        return IMPORT_CSV;
    return pem_begins_certificate(text) ? IMPORT_PEM : IMPORT_UNKNOWN;
}

enum err import_read(struct bytes text, const struct import_taker *taker,
                     enum import_format *format, struct fault *f) {
    struct reading r = {.taker = taker, .line = 1, .f = f};
    enum err code;
    text = without_mark(text);
    *format = format_of(text);
    arena_init(&r.arena, ARENA_MAX);
    buf_init(&r.der, X509_CERT_MAX);
    switch (*format) {
    case IMPORT_PEM:
        code = read_pem(&r, text);
        break;
    case IMPORT_NDJSON:
        code = read_ndjson(&r, text);
        break;
    case IMPORT_JSON:
        code = read_json(&r, text);
        break;
    case IMPORT_CSV:
        code = read_csv(&r, text);
        break;
    default:
        code = fault_set(f, ERR_FORMAT, "import", "neither PEM nor JSON nor CSV");
        break;
    }
    buf_clear(&r.der);
    arena_clear(&r.arena);
    return code;
}
