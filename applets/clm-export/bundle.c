/* Certificates themselves: as PEM in one file or one each, with their chains, and as
 * whole JSON objects. In the order in which they were first stored, so that the log is
 * read once, from its beginning to its end; chains by the end of their leaves. */
#include "applets/clm-export/parts.h"

#include "base/text.h"
#include "model/certificate.h"

#include <string.h>

static bool is_wanted(struct export_run *run, const struct inventory_cert *cert) {
    return run->where == NULL || inventory_cert_holds(run->inv, run->where, cert->sha256);
}

/* ---- PEM ---- */

/* What does not parse would make others stumble over the whole bundle. */
static bool put_pem(void *context, const struct inventory_cert *cert, struct bytes der) {
    struct export_run *run = context;
    if (!is_wanted(run, cert))
        return true;
    if (cert->bad) {
        run->skipped++;
        return true;
    }
    pem_write(&run->stream.chunk, "CERTIFICATE", der);
    run->rows++;
    return export_stream_step(&run->stream);
}

/* The face that showed the certificate as its leaf last, with what it sent along. */
static const struct model_observation *find_chain(struct export_run *run, struct arena *a,
                                                  const uint8_t sha256[SHA256_SIZE]) {
    struct inventory_cert_detail d;
    struct fault ignored;
    if (inventory_cert_get(run->inv, sha256, a, &d, &ignored) != ERR_OK)
        return NULL;
    for (size_t i = 0; i < d.sightings_n; i++) {
        struct inventory_endpoint_detail e;
        if (d.sightings[i].position != 0 ||
            inventory_endpoint_get(run->inv, d.sightings[i].endpoint, a, &e, &ignored) != ERR_OK)
            continue;
        for (size_t k = 0; k < e.faces_n; k++) {
            const struct model_observation *o = &e.faces[k].last;
            if (o->chain_n > 0 && memcmp(o->chain[0].bytes, sha256, SHA256_SIZE) == 0)
                return o;
        }
    }
    return NULL;
}

/* A leaf with the rest of its chain, as PEM. False: it is not presented anywhere. */
static bool put_with_chain(struct export_run *run, const uint8_t sha256[SHA256_SIZE],
                           struct buf *out, enum err *code, struct fault *f) {
    struct arena a;
    arena_init(&a, EXPORT_ITEM_MAX);
    const struct model_observation *o = find_chain(run, &a, sha256);
    for (size_t i = 0; o != NULL && i < o->chain_n && *code == ERR_OK; i++) {
        struct inventory_cert_detail d;
        *code = inventory_cert_get(run->inv, o->chain[i].bytes, &a, &d, f);
        if (*code == ERR_OK && !d.cert.bad)
            pem_write(out, "CERTIFICATE", d.der);
        if (*code == ERR_NOT_FOUND)
            *code = ERR_OK; /* lost with a damaged block, which was told */
    }
    arena_clear(&a);
    return o != NULL;
}

static bool put_chain(struct export_run *run, void *context, const void *row) {
    const struct inventory_cert *cert = row;
    (void)context;
    struct fault f;
    enum err code = ERR_OK;
    if (!cert->bad)
        run->rows += put_with_chain(run, cert->sha256, &run->stream.chunk, &code, &f);
    if (code != ERR_OK && run->stream.fault.code == ERR_OK)
        run->stream.fault = f;
    return export_stream_step(&run->stream);
}

enum err export_as_pem(struct export_run *run, struct fault *f) {
    if (run->options->chain)
        return export_each_cert(run, put_chain, NULL, f);
    return inventory_certificates(run->inv, put_pem, run, f);
}

/* ---- One file each ---- */

/* "www.example.com-3a917c02deadbeef.pem": nothing of a name that a file system or a shell
 * would take for its own. */
static void put_file_name(struct buf *out, const struct inventory_cert *cert) {
    enum { NAME_MAX_N = 64, DIGITS = 8 };
    for (size_t i = 0; i < cert->name.n && i < NAME_MAX_N; i++) {
        uint8_t c = cert->name.p[i];
        bool is_plain = ascii_is_alnum(c) || c == '-' || (c == '.' && i > 0);
        buf_u8(out, is_plain ? (uint8_t)ascii_lower((char)c) : '_');
    }
    buf_text(out, "-");
    hex_put(out, bytes_of(cert->sha256, DIGITS));
    buf_text(out, ".pem");
}

static enum err write_file(struct export_run *run, const struct inventory_cert *cert,
                           struct bytes der, struct fault *f) {
    struct arena a;
    struct buf pem;
    enum err code = ERR_OK;
    buf_reset(&run->line);
    put_file_name(&run->line, cert);
    arena_init(&a, 1 << 16);
    buf_init(&pem, EXPORT_ITEM_MAX);
    char *path = path_join(&a, run->options->split, buf_cstr(&run->line));
    if (!run->options->chain || !put_with_chain(run, cert->sha256, &pem, &code, f))
        pem_write(&pem, "CERTIFICATE", der);
    if (code == ERR_OK && (path == NULL || pem.err != ERR_OK))
        code = fault_set(f, ERR_LIMIT, "export", "a certificate");
    if (code == ERR_OK)
        code = file_replace(path, buf_bytes(&pem), 0644, f);
    buf_clear(&pem);
    arena_clear(&a);
    return code;
}

static bool put_file(struct export_run *run, void *context, const void *row) {
    const struct inventory_cert *cert = row;
    (void)context;
    struct bytes der;
    struct arena a;
    struct fault f;
    if (cert->bad) {
        run->skipped++;
        return true;
    }
    arena_init(&a, EXPORT_ITEM_MAX);
    enum err code = inventory_cert_der(run->inv, cert->sha256, &a, &der, &f);
    if (code == ERR_OK)
        code = write_file(run, cert, der, &f);
    arena_clear(&a);
    run->rows += code == ERR_OK;
    if (code != ERR_OK)
        run->stream.fault = f;
    return export_stream_step(&run->stream);
}

enum err export_as_split(struct export_run *run, struct fault *f) {
    enum err code = dir_make(run->options->split, 0755, f);
    return code == ERR_OK ? export_each_cert(run, put_file, NULL, f) : code;
}

/* ---- NDJSON ---- */

static void put_error(struct json *j, const struct inventory_cert *cert) {
    char hex[2 * SHA256_SIZE + 1];
    hex_write(hex, bytes_of(cert->sha256, SHA256_SIZE));
    json_text(j, "type", "error");
    json_text(j, "input", hex);
    json_text(j, "code", err_row(ERR_FORMAT)->name);
    json_text(j, "detail", "a certificate that does not parse");
}

static bool put_certificate(void *context, const struct inventory_cert *cert, struct bytes der) {
    struct export_run *run = context;
    struct json j = json_to(&run->stream.chunk);
    struct x509_cert parsed;
    struct fault ignored;
    if (!is_wanted(run, cert))
        return true;
    arena_reset(&run->arena);
    json_object(&j, NULL);
    if (x509_cert_read(&run->arena, der, &parsed, &ignored) == ERR_OK)
        model_certificate_json(&j, &parsed, true);
    else
        put_error(&j, cert);
    json_end(&j, '}');
    buf_u8(&run->stream.chunk, '\n');
    run->rows++;
    return export_stream_step(&run->stream);
}

enum err export_as_ndjson(struct export_run *run, struct fault *f) {
    if (run->kind == &export_certificates)
        return inventory_certificates(run->inv, put_certificate, run, f);
    return run->kind->walk(run, f); /* observations: without columns they are whole */
}
