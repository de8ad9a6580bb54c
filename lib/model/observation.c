/* Observations: the tables of their words, the JSON writer and reader. See observation.h. */
#include "model/observation.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/json_member.h"
#include "model/name.h"

#include <stdio.h>

/* Ranks: a chain is best, then an answer that speaks of TLS, then one of the network,
 * then silence; what was not looked at is worst, since it says nothing. */
static const struct model_outcome_row outcomes[MODEL_OUTCOME_COUNT] = {
    [MODEL_OK] = {"ok",              "ok",              0,  true },
    [MODEL_REFUSED] = {"refused",         "refused",         8,  true },
    [MODEL_TIMEOUT] = {"timeout",         "timed out",       11, true },
    [MODEL_UNREACHABLE] = {"unreachable",     "unreachable",     12, true },
    [MODEL_RESET] = {"reset",           "reset",           9,  true },
    [MODEL_CLOSED] = {"closed",          "closed",          10, true },
    [MODEL_DNS_ERROR] = {"dns_error",       "name not found",  13, true },
    [MODEL_NOT_TLS] = {"not_tls",         "not TLS",         7,  true },
    [MODEL_NOT_OFFERED] = {"not_offered",     "TLS not offered", 6,  true },
    [MODEL_TLS_ALERT] = {"tls_alert",       "TLS alert",       4,  true },
    [MODEL_TLS_ERROR] = {"tls_error",       "TLS error",       5,  true },
    [MODEL_UNSUPPORTED] = {"unsupported",     "unsupported",     3,  true },
    [MODEL_NO_CERTIFICATE] = {"no_certificate",  "no certificate",  2,  true },
    [MODEL_BAD_CERTIFICATE] = {"bad_certificate", "bad certificate", 1,  true },
    [MODEL_LIMIT] = {"limit",           "limit",           14, false},
    [MODEL_EXCLUDED] = {"excluded",        "excluded",        16, false},
    [MODEL_NOT_REACHED] = {"not_reached",     "not reached",     17, false},
    [MODEL_LOCAL] = {"local",           "local fault",     15, false},
};

static const char *const stages[MODEL_STAGE_COUNT] = {
    [MODEL_STAGE_RESOLVE] = "resolve",         [MODEL_STAGE_CONNECT] = "connect",
    [MODEL_STAGE_DIALOGUE] = "dialogue",       [MODEL_STAGE_HELLO] = "hello",
    [MODEL_STAGE_CERTIFICATE] = "certificate", [MODEL_STAGE_DONE] = "done",
};

const struct model_outcome_row *model_outcome_row(enum model_outcome o) {
    return &outcomes[(unsigned)o < MODEL_OUTCOME_COUNT ? o : MODEL_LOCAL];
}

const char *model_outcome_name(enum model_outcome o) {
    return model_outcome_row(o)->name;
}

bool model_outcome_read(struct bytes name, enum model_outcome *out) {
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++) {
        if (bytes_is(name, outcomes[i].name)) {
            *out = (enum model_outcome)i;
            return true;
        }
    }
    return false;
}

enum model_outcome model_outcome_best(enum model_outcome a, enum model_outcome b) {
    return model_outcome_row(a)->rank <= model_outcome_row(b)->rank ? a : b;
}

const char *model_stage_name(enum model_stage s) {
    return stages[(unsigned)s < MODEL_STAGE_COUNT ? s : MODEL_STAGE_RESOLVE];
}

bool model_stage_read(struct bytes name, enum model_stage *out) {
    for (unsigned i = 0; i < MODEL_STAGE_COUNT; i++) {
        if (bytes_is(name, stages[i])) {
            *out = (enum model_stage)i;
            return true;
        }
    }
    return false;
}

/* Writer. */

static void put_text(struct json *j, const char *key, struct bytes text) {
    if (text.n == 0)
        json_null(j, key);
    else
        json_bytes(j, key, text);
}

static void put_count(struct json *j, const char *key, uint64_t n) {
    json_int(j, key, (int64_t)(n <= INT64_MAX ? n : INT64_MAX));
}

static void put_tls(struct json *j, const struct model_observation *o) {
    if (!o->has_tls) {
        json_null(j, "tls");
        return;
    }
    json_object(j, "tls");
    put_text(j, "version", bytes_part(o->tls.version, 0, MODEL_TLS_TEXT_MAX));
    put_text(j, "cipher_suite", bytes_part(o->tls.cipher_suite, 0, MODEL_TLS_TEXT_MAX));
    put_text(j, "group", bytes_part(o->tls.group, 0, MODEL_TLS_TEXT_MAX));
    put_text(j, "alpn", bytes_part(o->tls.alpn, 0, MODEL_TLS_TEXT_MAX));
    json_bool(j, "ocsp_stapled", o->tls.ocsp_stapled);
    json_int(j, "scts", o->tls.scts);
    json_bool(j, "client_certificate", o->tls.client_certificate);
    json_array(j, "client_ca_names");
    for (size_t i = 0; i < o->tls.client_cas_n && i < MODEL_CLIENT_CAS_MAX; i++)
        json_bytes(j, NULL, bytes_part(o->tls.client_cas[i], 0, MODEL_TLS_TEXT_MAX));
    json_end(j, ']');
    put_text(j, "old_version", bytes_part(o->tls.old_version, 0, MODEL_TLS_TEXT_MAX));
    put_text(j, "hybrid_group", bytes_part(o->tls.hybrid_group, 0, MODEL_TLS_TEXT_MAX));
    json_end(j, '}');
}

static void put_place(struct json *j, const struct model_observation *o) {
    char ip[IP_TEXT_MAX];
    bool is_tls = o->kind == MODEL_KIND_TLS;
    json_text(j, "kind", model_kind_name(o->kind));
    put_text(j, "host", o->host);
    json_text(j, "ip", o->ip.size > 0 ? ip_write(&o->ip, ip) : NULL);
    if (is_tls)
        json_int(j, "port", o->port);
    else
        json_null(j, "port");
    put_text(j, "path", o->path);
    json_text(j, "protocol", is_tls ? model_protocol_name(o->protocol) : NULL);
    put_text(j, "sni", o->sni);
    json_text(j, "asked", model_asked_name(o->asked));
}

void model_observation_json(struct json *j, const char *key, const struct model_observation *o) {
    json_object(j, key);
    json_text(j, "type", "observation");
    json_bytes(j, "scan", o->scan);
    json_bytes(j, "target", o->target);
    put_place(j, o);
    json_time(j, "time", o->time_s);
    json_text(j, "outcome", model_outcome_name(o->outcome));
    json_text(j, "stage", model_stage_name(o->stage));
    if (o->has_alert)
        json_int(j, "alert", o->alert);
    else
        json_null(j, "alert");
    put_text(j, "detail", bytes_part(o->detail, 0, MODEL_DETAIL_MAX));
    put_count(j, "duration_ms", o->duration_ms);
    if (o->has_connect_ms)
        put_count(j, "connect_ms", o->connect_ms);
    else
        json_null(j, "connect_ms");
    put_count(j, "bytes", o->bytes);
    put_tls(j, o);
    if (o->has_file)
        model_file_facts_json(j, "file", &o->file);
    json_array(j, "chain");
    for (size_t i = 0; i < o->chain_n; i++)
        json_hex(j, NULL, bytes_of(o->chain[i].bytes, sizeof o->chain[i].bytes));
    json_end(j, ']');
    json_end(j, '}');
}

/* Reader. */

/* A malformed byte is written as U+FFFD, three bytes: what was written must be readable. */
enum { WIDENED = 3 };

static const char *const known[] = {
    "type",        "scan", "target", "kind",       "host",    "ip",    "port",  "path",
    "protocol",    "sni",  "asked",  "time",       "outcome", "stage", "alert", "detail",
    "duration_ms", "tls",  "chain",  "connect_ms", "bytes",   "file",  NULL,
};
static const char *const known_tls[] = {
    "version", "cipher_suite",       "group",           "alpn",        "ocsp_stapled",
    "scts",    "client_certificate", "client_ca_names", "old_version", "hybrid_group",
    NULL,
};

static void read_place(struct member *m, struct model_observation *o) {
    struct bytes kind = member_text(m, "kind", 16),
                 protocol = member_text_or_null(m, "protocol", 32);
    struct bytes ip = member_text_or_null(m, "ip", IP_TEXT_MAX);
    struct bytes asked = member_text(m, "asked", 16);
    o->host = member_text_or_null(m, "host", MODEL_NAME_MAX);
    o->path = member_text_or_null(m, "path", MODEL_PATH_MAX);
    o->sni = member_text_or_null(m, "sni", MODEL_NAME_MAX);
    o->port = (uint16_t)member_number_or_null(m, "port", 65535, NULL);
    member_demand(m, "kind", model_kind_read(kind, &o->kind));
    member_demand(m, "asked", model_asked_read(asked, &o->asked));
    member_demand(m, "ip", ip.n == 0 || ip_read(ip, &o->ip));
    o->ip = ip_unmapped(&o->ip);
    member_demand(m, "protocol",
                  protocol.n == 0 || (model_protocol_read(protocol, &o->protocol) &&
                                      o->protocol != MODEL_PROTOCOL_NONE));
    member_demand(m, "host", o->host.n == 0 || model_name_is_canonical(o->host));
    member_demand(m, "sni", o->sni.n == 0 || model_name_is_canonical(o->sni));
    member_demand(m, "path", utf8_valid(o->path));
}

/* What each kind of place must have, and must not. */
static void check_place(struct member *m, const struct model_observation *o) {
    bool is_tls = o->kind == MODEL_KIND_TLS;
    member_demand(m, "port", is_tls == (o->port != 0));
    member_demand(m, "protocol", is_tls == (o->protocol != MODEL_PROTOCOL_NONE));
    member_demand(m, "path", is_tls == (o->path.n == 0));
    member_demand(m, "host", is_tls ? o->host.n > 0 || o->ip.size > 0 : o->host.n == 0);
    member_demand(m, "ip", is_tls || o->ip.size == 0);
    member_demand(m, "sni", is_tls || o->sni.n == 0);
}

static void read_client_cas(struct member *m, struct model_observation *o) {
    struct json_value v = json_get(m->object, "client_ca_names");
    size_t n = json_type_of(v) == JSON_ARRAY ? json_count(v) : 0;
    member_demand(m, "client_ca_names", n <= MODEL_CLIENT_CAS_MAX);
    if (m->err != ERR_OK || n == 0)
        return;
    struct bytes *names = arena_array(m->arena, n, sizeof *names);
    if (names == NULL) {
        member_fail(m, m->arena->err, "client_ca_names");
        return;
    }
    struct json_value item = json_first(v);
    for (size_t i = 0; i < n; i++, item = json_next(item))
        member_demand(m, "client_ca_names",
                      json_string(item, m->arena, &names[i]) &&
                          names[i].n <= WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.client_cas = names;
    o->tls.client_cas_n = n;
}

static void read_tls(struct member *m, struct model_observation *o) {
    struct member tls;
    o->has_tls = member_object_or_null(m, "tls", &tls);
    if (!o->has_tls)
        return;
    o->tls.version = member_text_or_null(&tls, "version", WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.cipher_suite = member_text_or_null(&tls, "cipher_suite", WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.group = member_text_or_null(&tls, "group", WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.alpn = member_text_or_null(&tls, "alpn", WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.ocsp_stapled = member_bool_or_false(&tls, "ocsp_stapled");
    o->tls.client_certificate = member_bool_or_false(&tls, "client_certificate");
    o->tls.scts = (uint16_t)member_number_or_null(&tls, "scts", UINT16_MAX, NULL);
    read_client_cas(&tls, o);
    o->tls.old_version = member_text_or_null(&tls, "old_version", WIDENED * MODEL_TLS_TEXT_MAX);
    o->tls.hybrid_group = member_text_or_null(&tls, "hybrid_group", WIDENED * MODEL_TLS_TEXT_MAX);
    o->unknown_n += member_unknown(&tls, known_tls);
    member_join(m, &tls);
}

static void read_file(struct member *m, struct model_observation *o) {
    struct member file;
    o->has_file = member_object_or_null(m, "file", &file);
    if (!o->has_file)
        return;
    o->unknown_n += model_file_facts_read(&file, &o->file);
    member_join(m, &file);
    member_demand(m, "file", o->kind == MODEL_KIND_FILE);
}

static void read_chain(struct member *m, struct model_observation *o) {
    struct json_value v = json_get(m->object, "chain");
    size_t n = json_type_of(v) == JSON_ARRAY ? json_count(v) : SIZE_MAX;
    member_demand(m, "chain", n <= MODEL_CHAIN_MAX);
    if (m->err != ERR_OK || n == 0)
        return;
    struct model_sha256 *chain = arena_array(m->arena, n, sizeof *chain);
    if (chain == NULL) {
        member_fail(m, m->arena->err, "chain");
        return;
    }
    struct json_value item = json_first(v);
    for (size_t i = 0; i < n; i++, item = json_next(item)) {
        struct bytes hex = {NULL, 0};
        bool good = json_string(item, m->arena, &hex) && hex_read(hex, chain[i].bytes, 32);
        member_demand(m, "chain", good);
    }
    o->chain = chain;
    o->chain_n = n;
}

static void read_result(struct member *m, struct model_observation *o) {
    struct bytes outcome = member_text(m, "outcome", 32), stage = member_text(m, "stage", 32);
    o->time_s = member_time(m, "time");
    o->alert = (uint8_t)member_number_or_null(m, "alert", 255, &o->has_alert);
    o->detail = member_text_or_null(m, "detail", WIDENED * MODEL_DETAIL_MAX);
    o->duration_ms = member_number(m, "duration_ms", INT64_MAX);
    o->connect_ms = member_number_or_null(m, "connect_ms", INT64_MAX, &o->has_connect_ms);
    o->bytes = member_number_or_null(m, "bytes", INT64_MAX, NULL);
    member_demand(m, "outcome", model_outcome_read(outcome, &o->outcome));
    member_demand(m, "stage", model_stage_read(stage, &o->stage));
    read_tls(m, o);
    read_file(m, o);
    read_chain(m, o);
    member_demand(m, "chain", o->outcome != MODEL_OK || o->chain_n > 0);
    member_demand(m, "chain", o->outcome != MODEL_NO_CERTIFICATE || o->chain_n == 0);
}

enum err model_observation_read(struct arena *a, struct json_value v, struct model_observation *out,
                                struct fault *f) {
    struct member m = member_open(a, v, "observation", f);
    struct model_observation o = {.port = 0};
    o.scan = member_text(&m, "scan", MODEL_SCAN_ID_MAX);
    o.target = member_text(&m, "target", MODEL_PATH_MAX);
    read_place(&m, &o);
    check_place(&m, &o);
    read_result(&m, &o);
    o.unknown_n += member_unknown(&m, known);
    if (m.err == ERR_OK)
        *out = o;
    return m.err;
}

struct model_face model_observation_face(const struct model_observation *o, struct bytes network,
                                         char ip_text[IP_TEXT_MAX]) {
    struct model_face face = {.ip = ip_unmapped(&o->ip), .sni = o->sni, .asked = o->asked};
    struct model_endpoint *e = &face.endpoint;
    *e = (struct model_endpoint){.network = network, .kind = o->kind, .host = o->host};
    e->port = o->port;
    e->path = o->path;
    e->protocol = o->protocol;
    if (o->kind == MODEL_KIND_TLS && o->host.n == 0) {
        e->ip = face.ip;
        e->host = bytes_text(ip_write(&e->ip, ip_text));
    }
    return face;
}
