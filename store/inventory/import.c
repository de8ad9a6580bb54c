/* Certificates that people bring, from files of other tools. See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

enum { PAYLOADS_MAX = 48 << 20 };

struct imported {
    uint8_t sha256[SHA256_SIZE];
    size_t i;
    bool is_known;
};

static int compare(const void *a, const void *b) {
    const struct imported *left = a, *right = b;
    int order = memcmp(left->sha256, right->sha256, SHA256_SIZE);
    return order != 0 ? order : (left->i > right->i) - (left->i < right->i);
}

/* Sorted by hash, and of equal ones the first counts. */
static enum err sort(struct inventory *inv, const struct bytes *ders, size_t n, struct arena *a,
                     struct imported **out) {
    struct imported *rows = arena_array(a, n + 1, sizeof *rows);
    uint8_t(*hashes)[SHA256_SIZE] = arena_array(a, n + 1, SHA256_SIZE);
    bool *has = arena_array(a, n + 1, sizeof *has);
    if (rows == NULL || hashes == NULL || has == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct imported){.i = i};
        hash_of(HASH_SHA256, ders[i], rows[i].sha256);
    }
    qsort(rows, n, sizeof *rows, compare);
    for (size_t i = 0; i < n; i++)
        memcpy(hashes[i], rows[i].sha256, SHA256_SIZE);
    inventory_known(inv, (const uint8_t(*)[SHA256_SIZE])hashes, n, has);
    for (size_t i = 0; i < n; i++)
        rows[i].is_known = has[i] || (i > 0 && memcmp(hashes[i - 1], hashes[i], SHA256_SIZE) == 0);
    *out = rows;
    return ERR_OK;
}

struct import_writing {
    struct arena scratch;
    struct buf bytes;
    struct store_entry *entries;
    size_t *ends;
    size_t n;
};

static void end_entry(struct import_writing *w, enum record_type type, int64_t now_ms) {
    w->entries[w->n] =
        (struct store_entry){.type = (uint16_t)type, .version = RECORD_VERSION, .time_ms = now_ms};
    w->ends[w->n++] = w->bytes.n;
}

static enum err write_certificate(struct import_writing *w, struct bytes der, int64_t now_ms) {
    static const uint8_t nobody[INVENTORY_ID_SIZE];
    struct x509_cert cert;
    struct fault ignored;
    struct record_certificate r = {
        .agent = bytes_of(nobody, sizeof nobody), .der = der, .self_signed = X509_UNKNOWN};
    arena_reset(&w->scratch);
    enum err code = x509_cert_read(&w->scratch, der, &cert, &ignored);
    if (code == ERR_MEMORY)
        return code;
    if (code == ERR_OK)
        r.self_signed = x509_cert_self_signed(&cert);
    record_certificate_write(&r, &w->bytes);
    end_entry(w, RECORD_CERTIFICATE, now_ms);
    return w->bytes.err;
}

/* Payloads are found when the buffer no longer moves. */
static enum err submit(struct import_writing *w, struct change *c, struct fault *f) {
    for (size_t i = 0, from = 0; i < w->n; from = w->ends[i++])
        w->entries[i].payload = bytes_part(buf_bytes(&w->bytes), from, w->ends[i] - from);
    return change_submit(c, w->entries, w->n, f);
}

static enum err write_all(struct inventory *inv, const struct inventory_import *in,
                          const struct imported *rows, struct arena *a, struct change *c,
                          struct inventory_imported *out, struct fault *f) {
    char detail[100];
    int64_t now_ms = inventory_now_ms(inv);
    struct import_writing w = {.entries = arena_array(a, in->n + 1, sizeof *w.entries),
                               .ends = arena_array(a, in->n + 1, sizeof *w.ends)};
    enum err code = w.entries != NULL && w.ends != NULL ? ERR_OK : ERR_MEMORY;
    arena_init(&w.scratch, (size_t)64 << 20);
    buf_init(&w.bytes, PAYLOADS_MAX);
    for (size_t i = 0; i < in->n && code == ERR_OK; i++)
        if (!rows[i].is_known)
            code = write_certificate(&w, in->ders[rows[i].i], now_ms);
    out->added = w.n;
    out->known = in->n - w.n;
    if (code == ERR_OK && w.n > 0) {
        snprintf(detail, sizeof detail, "%zu new certificates, %zu known before", out->added,
                 out->known);
        struct record_audit act = {in->actor, bytes_text("import"), in->object, bytes_text(detail)};
        record_audit_write(&act, &w.bytes);
        end_entry(&w, RECORD_AUDIT, now_ms);
        code = w.bytes.err;
    }
    if (code != ERR_OK || w.n == 0)
        change_drop(c);
    if (code != ERR_OK)
        fault_set(f, code, "import", "%zu certificates", in->n);
    else if (w.n > 0)
        code = submit(&w, c, f);
    buf_clear(&w.bytes);
    arena_clear(&w.scratch);
    return code;
}

enum err inventory_import(struct inventory *inv, const struct inventory_import *in, struct arena *a,
                          struct inventory_imported *out, struct fault *f) {
    struct imported *rows;
    struct change *c = NULL;
    *out = (struct inventory_imported){0};
    if (in->n > INVENTORY_IMPORT_MAX || in->object.n > INVENTORY_TEXT_MAX)
        return fault_set(f, ERR_LIMIT, "import", "at most %d certificates at once",
                         INVENTORY_IMPORT_MAX);
    for (size_t i = 0; i < in->n; i++)
        if (in->ders[i].n == 0 || in->ders[i].n > X509_DER_MAX)
            return fault_set(f, ERR_LIMIT, "import", "a certificate of %zu bytes", in->ders[i].n);
    enum err code = change_begin_of(inv, "import", bytes_text(""), &c, f);
    if (code != ERR_OK)
        return code;
    code = sort(inv, in->ders, in->n, a, &rows);
    if (code != ERR_OK) {
        change_drop(c);
        return fault_set(f, code, "import", "no room");
    }
    return write_all(inv, in, rows, a, c, out, f);
}
