/* The NDJSON of a push, line by line. See api_private.h.
 *
 * One object a line, at most PUSH_LINE_MAX bytes, by "type":
 *
 *   certificate   "pem", and "sha256" where the agent says it
 *   observation   model/observation.h
 *   confirmation  model/confirmation.h: many observations, of what is known here
 *   summary       model/summary.h; "complete": true after a scan that looked at all
 *                 configured targets: what it did not find there is no longer served
 *
 * Blank lines are skipped; lines of other types are counted and left out, since a
 * newer agent may send them. A line that cannot be read is rejected by its number,
 * and the others are taken.
 */
#include "web/api/api_private.h"

#include "base/text.h"

#include <string.h>

enum { LINE_TOKENS = MODEL_OBSERVATION_TOKENS, LINE_ARENA_MAX = 8 << 20, LINES_MAX = 400000 };

struct reading {
    struct arena *keep, line; /* line: forgotten behind each */
    struct buf der;
    struct push_lines *out;
    size_t number;
    size_t certificates_cap, observations_cap, confirmations_cap, rejections_cap;
};

/* A larger array in place of one that is full; the old one stays in the arena. */
static void *grown(struct arena *a, const void *old, size_t n, size_t *cap, size_t size) {
    size_t larger = *cap ? *cap * 2 : 64;
    void *p = arena_array(a, larger, size);
    if (!p)
        return NULL;
    if (n > 0)
        memcpy(p, old, n * size);
    *cap = larger;
    return p;
}

static enum err reject(struct reading *r, enum err code, const char *detail) {
    struct push_lines *out = r->out;
    if (out->rejections_n == r->rejections_cap) {
        void *p = grown(r->keep, out->rejections, out->rejections_n, &r->rejections_cap,
                        sizeof *out->rejections);
        if (!p)
            return r->keep->err;
        out->rejections = p;
    }
    const char *copy = arena_cstr(r->keep, bytes_text(detail));
    if (!copy)
        return r->keep->err;
    out->rejections[out->rejections_n++] = (struct push_rejection){r->number, code, copy};
    return ERR_OK;
}

static enum err reject_fault(struct reading *r, const struct fault *f) {
    char text[2 * FAULT_DETAIL_MAX];
    struct fault shown = *f;
    shown.os = 0;
    return reject(r, f->code, fault_text(&shown, text, sizeof text));
}

static enum err add_certificate(struct reading *r, const struct inventory_der *der) {
    struct push_lines *out = r->out;
    if (out->certificates_n == INVENTORY_PUSH_MAX)
        return ERR_LIMIT;
    if (out->certificates_n == r->certificates_cap) {
        size_t cap = r->certificates_cap;
        void *rows = grown(r->keep, out->certificates, out->certificates_n, &r->certificates_cap,
                           sizeof *out->certificates);
        void *lines = grown(r->keep, out->certificate_lines, out->certificates_n, &cap,
                            sizeof *out->certificate_lines);
        if (!rows || !lines)
            return r->keep->err;
        out->certificates = rows;
        out->certificate_lines = lines;
    }
    out->certificate_lines[out->certificates_n] = r->number;
    out->certificates[out->certificates_n++] = *der;
    return ERR_OK;
}

static enum err read_certificate(struct reading *r, struct json_value v) {
    struct bytes hex = {NULL, 0}, pem = {NULL, 0};
    uint8_t sha256[SHA256_SIZE];
    struct pem_object object;
    struct inventory_der der = {
        {NULL, 0},
        {NULL, 0}
    };
    if (json_string(json_get(v, "sha256"), &r->line, &hex)) {
        if (!hex_read(hex, sha256, sizeof sha256))
            return reject(r, ERR_FORMAT, "sha256: 64 hex digits are wanted");
        der.sha256 = arena_copy(r->keep, bytes_of(sha256, sizeof sha256));
    }
    if (!json_string(json_get(v, "pem"), &r->line, &pem))
        return reject(r, ERR_FORMAT, "pem: a string is wanted");
    struct cur c = cur_open(pem);
    if (!pem_next(&c, &r->der, &object) || object.kind != PEM_CERTIFICATE)
        return reject(r, ERR_FORMAT, "pem: no certificate");
    der.der = arena_copy(r->keep, object.der);
    if (r->keep->err != ERR_OK)
        return r->keep->err;
    return add_certificate(r, &der);
}

static enum err read_observation(struct reading *r, struct json_value v) {
    struct model_observation o;
    struct fault why = {0};
    struct push_lines *out = r->out;
    enum err code = model_observation_read(r->keep, v, &o, &why);
    if (code == ERR_MEMORY || r->keep->err != ERR_OK)
        return ERR_MEMORY;
    if (code != ERR_OK)
        return reject_fault(r, &why);
    if (out->observations_n == INVENTORY_PUSH_MAX)
        return ERR_LIMIT;
    if (out->observations_n == r->observations_cap) {
        size_t cap = r->observations_cap;
        void *rows = grown(r->keep, out->observations, out->observations_n, &r->observations_cap,
                           sizeof *out->observations);
        void *lines = grown(r->keep, out->observation_lines, out->observations_n, &cap,
                            sizeof *out->observation_lines);
        if (!rows || !lines)
            return r->keep->err;
        out->observations = rows;
        out->observation_lines = lines;
    }
    out->observation_lines[out->observations_n] = r->number;
    out->observations[out->observations_n++] = o;
    return ERR_OK;
}

static enum err read_confirmation(struct reading *r, struct json_value v) {
    struct push_confirmation c = {.line = r->number};
    struct fault why = {0};
    struct push_lines *out = r->out;
    enum err code = model_confirmation_read(r->keep, v, &c.said, &why);
    if (code == ERR_MEMORY || r->keep->err != ERR_OK)
        return ERR_MEMORY;
    if (code != ERR_OK)
        return reject_fault(r, &why);
    if (out->confirmations_n == r->confirmations_cap) {
        void *p = grown(r->keep, out->confirmations, out->confirmations_n, &r->confirmations_cap,
                        sizeof *out->confirmations);
        if (!p)
            return r->keep->err;
        out->confirmations = p;
    }
    out->confirmations[out->confirmations_n++] = c;
    return ERR_OK;
}

static enum err read_summary(struct reading *r, struct json_value v) {
    struct fault why = {0};
    if (r->out->has_summary)
        return reject(r, ERR_CONFLICT, "summary: there was one before");
    enum err code = model_summary_read(r->keep, v, &r->out->summary, &why);
    if (code == ERR_MEMORY)
        return code;
    if (code != ERR_OK)
        return reject_fault(r, &why);
    r->out->has_summary = true;
    if (!json_boolean(json_get(v, "complete"), &r->out->complete))
        r->out->complete = false;
    return ERR_OK;
}

static const struct {
    const char *type;
    enum err (*read)(struct reading *r, struct json_value v);
} types[] = {
    {"certificate",  read_certificate },
    {"observation",  read_observation },
    {"confirmation", read_confirmation},
    {"summary",      read_summary     },
};

static enum err read_line(struct reading *r, struct bytes line) {
    struct json_value v;
    struct fault why = {0};
    struct bytes type;
    if (line.n > PUSH_LINE_MAX)
        return reject(r, ERR_LIMIT, "the line is too long");
    enum err code = json_read(&r->line, line, LINE_TOKENS, &v, &why);
    if (code == ERR_MEMORY)
        return code;
    if (code != ERR_OK)
        return reject_fault(r, &why);
    if (json_type_of(v) != JSON_OBJECT || !json_string(json_get(v, "type"), &r->line, &type))
        return reject(r, ERR_FORMAT, "an object with a type is wanted");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (bytes_is(type, types[i].type))
            return types[i].read(r, v);
    }
    r->out->unknown_n++;
    return ERR_OK;
}

enum err push_lines_read(struct arena *arena, struct bytes text, struct push_lines *out,
                         struct fault *f) {
    struct reading r = {.keep = arena, .out = out};
    struct cur c = cur_open(text);
    size_t lines = 0;
    enum err code = ERR_OK;
    *out = (struct push_lines){0};
    arena_init(&r.line, LINE_ARENA_MAX);
    buf_init(&r.der, X509_DER_MAX);
    while (c.rest.n > 0 && code == ERR_OK) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        r.number++;
        if (line.n == 0)
            continue;
        arena_reset(&r.line);
        code = ++lines > LINES_MAX ? ERR_LIMIT : read_line(&r, line);
    }
    buf_clear(&r.der);
    arena_clear(&r.line);
    if (code == ERR_LIMIT)
        return fault_set(f, code, "push", "at most %d certificates and %d observations at once",
                         INVENTORY_PUSH_MAX, INVENTORY_PUSH_MAX);
    if (code != ERR_OK)
        return fault_set(f, code, "push", "line %zu", r.number);
    return ERR_OK;
}
