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
    static const char *const names[] = {"unknown", "PEM", "NDJSON", "CSV"};
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

/* ---- Text that is a certificate: PEM, or base64 of the DER ---- */

/* False: it is no certificate at all. */
static bool decode(struct reading *r, struct bytes text, struct bytes *der) {
    struct cur c = cur_open(text);
    struct pem_object object;
    if (pem_is(text)) {
        bool found = pem_next(&c, &r->der, &object) && object.kind == PEM_CERTIFICATE;
        *der = found ? object.der : bytes_of(NULL, 0);
        return found;
    }
    buf_reset(&r->der);
    text = bytes_trim(text);
    if (!bytes_starts(text, "MI") || !base64_read(text, &r->der))
        return false;
    *der = buf_bytes(&r->der);
    return true;
}

/* ---- NDJSON ---- */

static enum err take_member(struct reading *r, struct json_value object, const char *name,
                            bool *found) {
    struct bytes text, der;
    if (!json_string(json_get(object, name), &r->arena, &text))
        return ERR_OK;
    *found = true;
    if (decode(r, text, &der))
        return take(r, der, name);
    refuse(r, name, "that is no certificate");
    return ERR_OK;
}

/* tlsx: the leaf, and behind it the chain's. */
static enum err take_response(struct reading *r, struct json_value v, bool *found) {
    enum err code = take_member(r, v, "certificate", found);
    struct json_value chain = json_get(v, "chain");
    if (json_type_of(chain) != JSON_ARRAY)
        return code;
    for (struct json_value link = json_first(chain);
         code == ERR_OK && json_type_of(link) != JSON_NONE; link = json_next(link))
        if (json_type_of(link) == JSON_OBJECT)
            code = take_member(r, link, "certificate", found);
    return code;
}

static enum err read_object(struct reading *r, struct bytes line) {
    struct json_value v;
    struct fault why;
    struct bytes type;
    bool found = false;
    enum err code;
    if (line.n > IMPORT_LINE_MAX ||
        (code = json_read(&r->arena, line, IMPORT_TOKENS, &v, &why)) == ERR_LIMIT) {
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
    code = is_ours ? take_member(r, v, "pem", &found) : take_response(r, v, &found);
    if (code == ERR_OK && !found)
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

/* ---- CSV ---- */

static enum err take_row(struct reading *r, const struct import_row *row) {
    struct bytes der;
    if (row->why) {
        refuse(r, "row", row->why);
        return ERR_OK;
    }
    if (row->n == 1 && bytes_trim(row->cells[0]).n == 0)
        return ERR_OK; /* an empty line */
    for (size_t i = 0; i < row->n; i++)
        if (decode(r, row->cells[i], &der))
            return take(r, der, "cell");
    refuse(r, "row", "no cell of it is a certificate: let the tool write the raw one");
    return ERR_OK;
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

/* CSV: UTF-8 whose first line has more than one cell, or is the one before a certificate. */
static enum import_format format_of(struct bytes text) {
    struct cur c = cur_open(text);
    struct bytes first = cur_until(&c, '\n');
    size_t at = 0;
    while (at < text.n &&
           (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\r' || text.p[at] == '\n'))
        at++;
    if (at < text.n && text.p[at] == '{')
        return IMPORT_NDJSON;
    if (bytes_starts(bytes_part(text, at, text.n), "-----BEGIN "))
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
    case IMPORT_CSV:
        code = read_csv(&r, text);
        break;
    default:
        code = fault_set(f, ERR_FORMAT, "import", "neither PEM nor NDJSON nor CSV");
        break;
    }
    buf_clear(&r.der);
    arena_clear(&r.arena);
    return code;
}
