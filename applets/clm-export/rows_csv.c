/* CSV: certificates by the end of their time, endpoints by host, observations in
 * the order in which they were stored. */
#include "applets/clm-export/parts.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 500 };

static void put_names(struct csv *c, const char *const *names) {
    for (; *names != NULL; names++)
        csv_text(c, *names);
    csv_end(c);
}

static bool row_end(struct export_run *run) {
    csv_end(&run->csv);
    run->rows++;
    return export_stream_step(&run->stream);
}

static void put_ms(struct csv *c, int64_t ms) {
    if (ms != 0)
        csv_time(c, ms / 1000);
    else
        csv_empty(c);
}

/* ---- Certificates ---- */

static const char *const cert_columns[] = {
    "sha256",    "serial_number", "name",   "subject", "issuer",      "not_before", "not_after",
    "key",       "signature",     "names",  "is_ca",   "self_signed", "parsed",     "first_seen",
    "last_seen", "places",        "served", "service", "spki_sha256", NULL,
};

/* Names of hosts, told apart by blanks. */
static void put_list(struct csv *c, struct arena *a, struct bytes lines) {
    struct bytes copy = arena_copy(a, lines);
    uint8_t *text = arena_alloc(a, lines.n + 1);
    for (size_t i = 0; text != NULL && i < copy.n; i++)
        text[i] = copy.p[i] == '\n' ? ' ' : copy.p[i];
    csv_bytes(c, bytes_of(text, text != NULL ? lines.n : 0));
}

static void put_cert(struct csv *c, struct arena *a, const struct inventory_cert *cert) {
    csv_hex(c, bytes_of(cert->sha256, SHA256_SIZE));
    csv_hex(c, cert->serial);
    csv_bytes(c, cert->name);
    csv_bytes(c, cert->subject);
    csv_bytes(c, cert->issuer);
    if (cert->has_not_before)
        csv_time(c, cert->not_before_s);
    else
        csv_empty(c);
    if (cert->has_not_after)
        csv_time(c, cert->not_after_s);
    else
        csv_empty(c);
    csv_bytes(c, cert->key);
    csv_bytes(c, cert->signature_algorithm);
    put_list(c, a, cert->names);
    csv_bool(c, cert->is_ca);
    if (cert->self_signed == X509_UNKNOWN)
        csv_empty(c); /* of a kind that is not checked here */
    else
        csv_bool(c, cert->self_signed == X509_YES);
    csv_bool(c, !cert->bad);
    put_ms(c, cert->first_seen_ms);
    put_ms(c, cert->last_seen_ms);
    csv_int(c, (int64_t)cert->places);
    csv_int(c, (int64_t)cert->served);
    csv_hex(c, bytes_of(cert->service, INVENTORY_ID_SIZE));
    csv_hex(c, bytes_of(cert->spki_sha256, cert->bad ? 0 : SHA256_SIZE));
}

/* The cursor outlives the page's arena. */
static struct bytes keep_cursor(struct bytes next, uint8_t room[128]) {
    size_t n = next.n < 128 ? next.n : 0;
    if (n > 0)
        memcpy(room, next.p, n);
    return bytes_of(room, n);
}

enum err export_csv_certificates(struct export_run *run, struct fault *f) {
    struct inventory_query q = {.sort = INVENTORY_BY_END, .limit = PAGE};
    struct inventory_page page;
    uint8_t room[128];
    put_names(&run->csv, cert_columns);
    do {
        struct inventory_cert *rows;
        size_t n;
        arena_reset(&run->arena);
        enum err code = inventory_certs(run->inv, &q, &run->arena, &rows, &n, &page, f);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < n; i++) {
            put_cert(&run->csv, &run->arena, &rows[i]);
            if (!row_end(run))
                return ERR_OK;
        }
        q.cursor = keep_cursor(page.next, room);
    } while (q.cursor.n > 0);
    return ERR_OK;
}

/* ---- Endpoints ---- */

static const char *const endpoint_columns[] = {
    "endpoint",   "network",   "kind",  "host",  "port",   "path", "protocol",  "outcome",
    "first_seen", "last_seen", "agent", "faces", "sha256", "name", "not_after", NULL,
};

static void put_place(struct csv *c, const struct model_endpoint *p) {
    bool is_tls = p->kind == MODEL_KIND_TLS;
    csv_text(c, model_kind_name(p->kind));
    csv_bytes(c, p->host);
    if (is_tls)
        csv_int(c, p->port);
    else
        csv_empty(c);
    csv_bytes(c, p->path);
    csv_text(c, is_tls ? model_protocol_name(p->protocol) : NULL);
}

static void put_endpoint(struct csv *c, const struct inventory_endpoint *e) {
    csv_hex(c, bytes_of(e->id, INVENTORY_ID_SIZE));
    csv_bytes(c, e->place.network);
    put_place(c, &e->place);
    csv_text(c, model_outcome_name(e->outcome));
    put_ms(c, e->first_seen_ms);
    put_ms(c, e->last_seen_ms);
    csv_bytes(c, e->agent_name);
    csv_int(c, (int64_t)e->faces);
    csv_hex(c, bytes_of(e->leaf, e->has_leaf ? SHA256_SIZE : 0));
    csv_bytes(c, e->leaf_name);
    if (e->leaf_has_not_after)
        csv_time(c, e->leaf_not_after_s);
    else
        csv_empty(c);
}

enum err export_csv_endpoints(struct export_run *run, struct fault *f) {
    struct inventory_query q = {.sort = INVENTORY_BY_NAME, .limit = PAGE};
    struct inventory_page page;
    uint8_t room[128];
    put_names(&run->csv, endpoint_columns);
    do {
        struct inventory_endpoint *rows;
        size_t n;
        arena_reset(&run->arena);
        enum err code = inventory_endpoints(run->inv, &q, &run->arena, &rows, &n, &page, f);
        if (code != ERR_OK)
            return code;
        for (size_t i = 0; i < n; i++) {
            put_endpoint(&run->csv, &rows[i]);
            if (!row_end(run))
                return ERR_OK;
        }
        q.cursor = keep_cursor(page.next, room);
    } while (q.cursor.n > 0);
    return ERR_OK;
}

/* ---- Observations ---- */

static const char *const observation_columns[] = {
    "time",        "stored",       "agent", "scan",     "target",       "kind",
    "host",        "ip",           "port",  "path",     "protocol",     "sni",
    "asked",       "outcome",      "stage", "alert",    "detail",       "duration_ms",
    "tls_version", "cipher_suite", "group", "alpn",     "chain",        "container",
    "owner",       "owner_id",     "mode",  "modified", "private_keys", NULL,
};

static void put_chain(struct csv *c, struct buf *spare, const struct model_observation *o) {
    struct buf text;
    buf_init(&text, (size_t)MODEL_CHAIN_MAX * 65);
    for (size_t i = 0; i < o->chain_n; i++) {
        if (i > 0)
            buf_u8(&text, ' ');
        hex_put(&text, bytes_of(o->chain[i].bytes, SHA256_SIZE));
    }
    if (text.err != ERR_OK && spare->err == ERR_OK)
        spare->err = text.err;
    csv_bytes(c, buf_bytes(&text));
    buf_clear(&text);
}

/* Empty cells where it was no file, or nothing is known of it. */
static void put_file(struct csv *c, const struct model_observation *o) {
    enum { CELLS = 6 };
    const struct model_file_facts *f = &o->file;
    char mode[16] = "";
    if (!o->has_file) {
        for (unsigned i = 0; i < CELLS; i++)
            csv_empty(c);
        return;
    }
    if (f->mode >= 0)
        snprintf(mode, sizeof mode, "%04o", (unsigned)f->mode);
    csv_bytes(c, f->container);
    csv_bytes(c, f->owner);
    if (f->owner_id >= 0)
        csv_int(c, f->owner_id);
    else
        csv_empty(c);
    csv_text(c, mode);
    csv_time(c, f->modified_s);
    csv_int(c, f->private_keys <= INT64_MAX ? (int64_t)f->private_keys : INT64_MAX);
}

static void put_observation(struct export_run *run, const struct model_observation *o) {
    struct csv *c = &run->csv;
    char ip[IP_TEXT_MAX];
    csv_bytes(c, o->scan);
    csv_bytes(c, o->target);
    csv_text(c, model_kind_name(o->kind));
    csv_bytes(c, o->host);
    csv_text(c, ip_write(&o->ip, ip));
    if (o->kind == MODEL_KIND_TLS)
        csv_int(c, o->port);
    else
        csv_empty(c);
    csv_bytes(c, o->path);
    csv_text(c, o->kind == MODEL_KIND_TLS ? model_protocol_name(o->protocol) : NULL);
    csv_bytes(c, o->sni);
    csv_text(c, model_asked_name(o->asked));
    csv_text(c, model_outcome_name(o->outcome));
    csv_text(c, model_stage_name(o->stage));
    if (o->has_alert)
        csv_int(c, o->alert);
    else
        csv_empty(c);
    csv_bytes(c, o->detail);
    csv_int(c, (int64_t)o->duration_ms);
    csv_bytes(c, o->tls.version);
    csv_bytes(c, o->tls.cipher_suite);
    csv_bytes(c, o->tls.group);
    csv_bytes(c, o->tls.alpn);
    put_chain(c, &run->spare, o);
    put_file(c, o);
}

static bool visit(void *context, const uint8_t *agent, int64_t stored_ms,
                  const struct model_observation *o) {
    struct export_run *run = context;
    struct inventory_agent a;
    struct fault ignored;
    arena_reset(&run->arena);
    csv_time(&run->csv, o->time_s);
    csv_time(&run->csv, stored_ms / 1000);
    if (inventory_agent_get(run->inv, agent, &run->arena, &a, &ignored) == ERR_OK)
        csv_bytes(&run->csv, a.name);
    else
        csv_hex(&run->csv, bytes_of(agent, INVENTORY_ID_SIZE));
    put_observation(run, o);
    return row_end(run);
}

enum err export_csv_observations(struct export_run *run, struct fault *f) {
    put_names(&run->csv, observation_columns);
    return inventory_observations(run->inv, visit, run, f);
}
