/* PEM and NDJSON: certificates in the order in which they were first stored, so
 * that the log is read once, from its beginning to its end. */
#include "applets/clm-export/parts.h"

#include "base/text.h"
#include "model/certificate.h"

#include <string.h>

/* ---- PEM ---- */

/* What does not parse would make others stumble over the whole bundle. */
static bool put_pem(void *context, const struct inventory_cert *cert, struct bytes der) {
    struct export_run *run = context;
    if (cert->bad) {
        run->skipped++;
        return true;
    }
    pem_write(&run->stream.chunk, "CERTIFICATE", der);
    run->rows++;
    return export_stream_step(&run->stream);
}

/* The face that showed the certificate as its leaf last, with what it sent along. */
static const struct model_observation *find_chain(struct export_run *run,
                                                  const struct inventory_cert *cert) {
    struct inventory_cert_detail d;
    struct fault ignored;
    if (inventory_cert_get(run->inv, cert->sha256, &run->arena, &d, &ignored) != ERR_OK)
        return NULL;
    for (size_t i = 0; i < d.sightings_n; i++) {
        struct inventory_endpoint_detail e;
        if (d.sightings[i].position != 0 ||
            inventory_endpoint_get(run->inv, d.sightings[i].endpoint, &run->arena, &e, &ignored) !=
                ERR_OK)
            continue;
        for (size_t k = 0; k < e.faces_n; k++) {
            const struct model_observation *o = &e.faces[k].last;
            if (o->chain_n > 0 && memcmp(o->chain[0].bytes, cert->sha256, SHA256_SIZE) == 0)
                return o;
        }
    }
    return NULL;
}

static bool put_rest(struct export_run *run, const struct model_observation *o, struct fault *f) {
    for (size_t i = 1; i < o->chain_n; i++) {
        struct inventory_cert_detail d;
        if (inventory_cert_get(run->inv, o->chain[i].bytes, &run->arena, &d, f) != ERR_OK)
            return f->code == ERR_NOT_FOUND;
        if (!d.cert.bad)
            pem_write(&run->stream.chunk, "CERTIFICATE", d.der);
    }
    return true;
}

/* With --chain: leaves that are presented somewhere, each with the rest of its chain. */
static enum err put_chains(struct export_run *run, struct fault *f) {
    struct inventory_query q = {.sort = INVENTORY_BY_END, .limit = 1};
    struct inventory_page page;
    char cursor[128];
    do {
        struct inventory_cert *cert;
        struct bytes der;
        size_t n;
        arena_reset(&run->arena);
        enum err code = inventory_certs(run->inv, &q, &run->arena, &cert, &n, &page, f);
        if (code != ERR_OK || n == 0)
            return code;
        const struct model_observation *o = cert->bad ? NULL : find_chain(run, cert);
        if (o != NULL) {
            code = inventory_cert_der(run->inv, cert->sha256, &run->arena, &der, f);
            if (code != ERR_OK)
                return code;
            put_pem(run, cert, der);
            if (!put_rest(run, o, f))
                return f->code;
        }
        q.cursor = bytes_of(cursor, page.next.n < sizeof cursor ? page.next.n : 0);
        if (q.cursor.n > 0)
            memcpy(cursor, page.next.p, q.cursor.n);
    } while (q.cursor.n > 0 && export_stream_step(&run->stream));
    return ERR_OK;
}

enum err export_pem_certificates(struct export_run *run, struct fault *f) {
    if (run->options->chain)
        return put_chains(run, f);
    return inventory_certificates(run->inv, put_pem, run, f);
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

enum err export_ndjson_certificates(struct export_run *run, struct fault *f) {
    return inventory_certificates(run->inv, put_certificate, run, f);
}

static bool put_observation(void *context, const uint8_t *agent, int64_t stored_ms,
                            const struct model_observation *o) {
    struct export_run *run = context;
    struct json j = json_to(&run->stream.chunk);
    (void)agent;
    (void)stored_ms;
    model_observation_json(&j, NULL, o);
    buf_u8(&run->stream.chunk, '\n');
    run->rows++;
    return export_stream_step(&run->stream);
}

enum err export_ndjson_observations(struct export_run *run, struct fault *f) {
    return inventory_observations(run->inv, put_observation, run, f);
}
