/* Payloads as bytes. See record.h. */
#include "store/inventory/record.h"

#include <string.h>

enum { FLAG_ALERT = 1, FLAG_TLS = 2, FLAG_FURTHER = 4, FLAG_FILE = 8, MODE_MAX = 07777 };

static void put_name(struct buf *out, const char *name) {
    buf_vec(out, 1, bytes_text(name));
}

/* Two's complement without a conversion that the language leaves open. */
static int64_t signed_of(uint64_t v) {
    return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

void record_certificate_write(const struct record_certificate *r, struct buf *out) {
    buf_put(out, r->agent);
    buf_u8(out, (uint8_t)r->self_signed);
    buf_put(out, r->der);
}

bool record_certificate_read(struct bytes payload, struct record_certificate *out) {
    struct cur c = cur_open(payload);
    out->agent = cur_take(&c, INVENTORY_ID_SIZE);
    uint8_t self_signed = cur_u8(&c);
    out->self_signed = (enum x509_answer)self_signed;
    out->der = cur_take(&c, c.rest.n);
    return cur_end(&c) && self_signed <= X509_UNKNOWN && out->der.n > 0;
}

void record_agent_write(enum record_type type, const struct record_agent *r, struct buf *out) {
    buf_put(out, r->id);
    if (type == RECORD_AGENT_ENROLLED || type == RECORD_AGENT_RENAMED)
        buf_vec(out, 1, r->name);
    if (type == RECORD_AGENT_ENROLLED) {
        buf_vec(out, 1, r->network);
        buf_vec(out, 1, r->system);
        buf_vec(out, 1, r->version);
    }
    if (type == RECORD_AGENT_DISABLED)
        buf_u8(out, r->disabled);
    if (type == RECORD_AGENT_ENROLLED || type == RECORD_AGENT_REKEYED)
        buf_vec(out, 2, r->spki);
}

bool record_agent_read(enum record_type type, struct bytes payload, struct record_agent *out) {
    struct cur c = cur_open(payload);
    memset(out, 0, sizeof *out);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    if (type == RECORD_AGENT_ENROLLED || type == RECORD_AGENT_RENAMED)
        out->name = cur_vec8(&c);
    if (type == RECORD_AGENT_ENROLLED) {
        out->network = cur_vec8(&c);
        out->system = cur_vec8(&c);
        out->version = cur_vec8(&c);
    }
    if (type == RECORD_AGENT_DISABLED) {
        uint8_t disabled = cur_u8(&c);
        out->disabled = disabled == 1;
        if (disabled > 1)
            cur_refuse(&c);
    }
    if (type == RECORD_AGENT_ENROLLED || type == RECORD_AGENT_REKEYED)
        out->spki = cur_vec16(&c);
    return cur_end(&c);
}

void record_scan_write(const struct record_scan *r, struct buf *out) {
    buf_put(out, r->agent);
    buf_vec(out, 1, r->batch);
    buf_u8(out, r->complete ? RECORD_SCAN_COMPLETE : 0);
    buf_vec(out, 3, r->summary);
    buf_u32(out, r->n);
    buf_put(out, r->observations);
}

bool record_scan_read(struct bytes payload, struct record_scan *out) {
    struct cur c = cur_open(payload);
    out->agent = cur_take(&c, INVENTORY_ID_SIZE);
    out->batch = cur_vec8(&c);
    uint8_t flags = cur_u8(&c);
    out->complete = (flags & RECORD_SCAN_COMPLETE) != 0;
    out->summary = cur_vec24(&c);
    out->n = cur_u32(&c);
    out->observations = c.rest;
    for (uint32_t i = 0; i < out->n && !c.bad; i++)
        cur_vec24(&c);
    return cur_end(&c) && flags <= RECORD_SCAN_COMPLETE;
}

/* Files, and observations of the first agents, have none. */
static bool has_further(const struct model_observation *o) {
    const struct model_tls_facts *t = &o->tls;
    return o->has_connect_ms || o->bytes > 0 || t->ocsp_stapled || t->client_certificate ||
           t->scts > 0 || t->client_cas_n > 0 || t->old_version.n > 0 || t->hybrid_group.n > 0;
}

static void put_further(struct buf *out, const struct model_observation *o) {
    const struct model_tls_facts *t = &o->tls;
    buf_u8(out, (uint8_t)((o->has_connect_ms ? 1 : 0) | (t->ocsp_stapled ? 2 : 0) |
                          (t->client_certificate ? 4 : 0)));
    buf_u64(out, o->connect_ms);
    buf_u64(out, o->bytes);
    buf_u16(out, t->scts);
    buf_vec(out, 1, t->old_version);
    buf_vec(out, 1, t->hybrid_group);
    size_t mark = buf_open_vec(out, 2);
    for (size_t i = 0; i < t->client_cas_n; i++)
        buf_vec(out, 2, t->client_cas[i]);
    buf_close_vec(out, mark, 2);
}

static void put_file(struct buf *out, const struct model_file_facts *facts) {
    buf_vec(out, 1, facts->container);
    buf_vec(out, 1, facts->owner);
    buf_vec(out, 1, facts->group);
    buf_u64(out, (uint64_t)facts->owner_id);
    buf_u64(out, (uint64_t)facts->group_id);
    buf_u64(out, (uint64_t)(int64_t)facts->mode);
    buf_u64(out, (uint64_t)facts->modified_s);
    buf_u64(out, facts->size_bytes);
    buf_u64(out, facts->private_keys);
}

void record_observation_write(const struct model_observation *o, struct buf *out) {
    buf_vec(out, 1, o->scan);
    buf_vec(out, 2, o->target);
    put_name(out, model_kind_name(o->kind));
    buf_vec(out, 2, o->host);
    buf_vec(out, 1, bytes_of(o->ip.bytes, o->ip.size));
    buf_u16(out, o->port);
    buf_vec(out, 2, o->path);
    put_name(out, model_protocol_name(o->protocol));
    buf_vec(out, 2, o->sni);
    put_name(out, model_asked_name(o->asked));
    buf_u64(out, (uint64_t)o->time_s);
    put_name(out, model_outcome_name(o->outcome));
    put_name(out, model_stage_name(o->stage));
    bool further = has_further(o);
    buf_u8(out, (uint8_t)((o->has_alert ? FLAG_ALERT : 0) | (o->has_tls ? FLAG_TLS : 0) |
                          (further ? FLAG_FURTHER : 0) | (o->has_file ? FLAG_FILE : 0)));
    if (o->has_alert)
        buf_u8(out, o->alert);
    buf_u64(out, o->duration_ms);
    buf_vec(out, 2, o->detail);
    if (o->has_tls) {
        buf_vec(out, 1, o->tls.version);
        buf_vec(out, 1, o->tls.cipher_suite);
        buf_vec(out, 1, o->tls.group);
        buf_vec(out, 1, o->tls.alpn);
    }
    if (further)
        put_further(out, o);
    if (o->has_file)
        put_file(out, &o->file);
    buf_u16(out, (uint16_t)o->chain_n);
    for (size_t i = 0; i < o->chain_n; i++)
        buf_put(out, bytes_of(o->chain[i].bytes, SHA256_SIZE));
    if (o->chain_n > MODEL_CHAIN_MAX && out->err == ERR_OK)
        out->err = ERR_LIMIT;
}

/* A name that the table does not have is refused: the entry is of another version. */
static void take_names(struct cur *c, struct model_observation *o, unsigned part) {
    bool known = true;
    if (part == 0)
        known = model_kind_read(cur_vec8(c), &o->kind);
    else if (part == 1)
        known = model_protocol_read(cur_vec8(c), &o->protocol);
    else if (part == 2)
        known = model_asked_read(cur_vec8(c), &o->asked);
    else
        known = model_outcome_read(cur_vec8(c), &o->outcome) &&
                model_stage_read(cur_vec8(c), &o->stage);
    if (!known)
        cur_refuse(c);
}

static void take_further(struct arena *a, struct cur *c, struct model_observation *o) {
    struct model_tls_facts *t = &o->tls;
    uint8_t flags = cur_u8(c);
    o->has_connect_ms = (flags & 1) != 0;
    t->ocsp_stapled = (flags & 2) != 0;
    t->client_certificate = (flags & 4) != 0;
    o->connect_ms = cur_u64(c);
    o->bytes = cur_u64(c);
    t->scts = cur_u16(c);
    t->old_version = cur_vec8(c);
    t->hybrid_group = cur_vec8(c);
    struct cur list = cur_open(cur_vec16(c));
    struct bytes *names =
        list.rest.n > 0 ? arena_array(a, MODEL_CLIENT_CAS_MAX, sizeof *names) : NULL;
    while (names != NULL && list.rest.n > 0 && !list.bad && t->client_cas_n < MODEL_CLIENT_CAS_MAX)
        names[t->client_cas_n++] = cur_vec16(&list);
    t->client_cas = names;
    if (!cur_end(&list) || flags > 7)
        cur_refuse(c);
}

static void take_file(struct cur *c, struct model_file_facts *facts) {
    facts->container = cur_vec8(c);
    facts->owner = cur_vec8(c);
    facts->group = cur_vec8(c);
    facts->owner_id = signed_of(cur_u64(c));
    facts->group_id = signed_of(cur_u64(c));
    int64_t mode = signed_of(cur_u64(c));
    facts->mode = (int)mode;
    facts->modified_s = signed_of(cur_u64(c));
    facts->size_bytes = cur_u64(c);
    facts->private_keys = cur_u64(c);
    if (mode < -1 || mode > MODE_MAX)
        cur_refuse(c);
}

static void take_facts(struct arena *a, struct cur *c, struct model_observation *o) {
    uint8_t flags = cur_u8(c);
    o->has_alert = (flags & FLAG_ALERT) != 0;
    o->has_tls = (flags & FLAG_TLS) != 0;
    o->has_file = (flags & FLAG_FILE) != 0;
    if (flags > (FLAG_ALERT | FLAG_TLS | FLAG_FURTHER | FLAG_FILE))
        cur_refuse(c);
    if (o->has_alert)
        o->alert = cur_u8(c);
    o->duration_ms = cur_u64(c);
    o->detail = cur_vec16(c);
    if (o->has_tls) {
        o->tls.version = cur_vec8(c);
        o->tls.cipher_suite = cur_vec8(c);
        o->tls.group = cur_vec8(c);
        o->tls.alpn = cur_vec8(c);
    }
    if ((flags & FLAG_FURTHER) != 0)
        take_further(a, c, o);
    if (o->has_file)
        take_file(c, &o->file);
}

bool record_observation_read(struct arena *a, struct bytes in, struct model_observation *out) {
    struct cur c = cur_open(in);
    memset(out, 0, sizeof *out);
    out->scan = cur_vec8(&c);
    out->target = cur_vec16(&c);
    take_names(&c, out, 0);
    out->host = cur_vec16(&c);
    struct bytes ip = cur_vec8(&c);
    out->ip = ip_of(ip);
    if (ip.n != out->ip.size)
        cur_refuse(&c);
    out->port = cur_u16(&c);
    out->path = cur_vec16(&c);
    take_names(&c, out, 1);
    out->sni = cur_vec16(&c);
    take_names(&c, out, 2);
    out->time_s = signed_of(cur_u64(&c));
    take_names(&c, out, 3);
    take_facts(a, &c, out);
    size_t n = cur_u16(&c);
    struct bytes chain = cur_take(&c, n * SHA256_SIZE);
    if (!cur_end(&c) || n > MODEL_CHAIN_MAX)
        return false;
    struct model_sha256 *copy = n > 0 ? arena_array(a, n, sizeof *copy) : NULL;
    if (n > 0 && copy == NULL)
        return false;
    if (n > 0)
        memcpy(copy, chain.p, chain.n);
    out->chain = copy;
    out->chain_n = n;
    return true;
}

void record_audit_write(const struct record_audit *r, struct buf *out) {
    buf_vec(out, 1, r->actor);
    buf_vec(out, 1, r->verb);
    buf_vec(out, 1, r->object);
    buf_vec(out, 2, r->detail);
}

bool record_audit_read(struct bytes payload, struct record_audit *out) {
    struct cur c = cur_open(payload);
    out->actor = cur_vec8(&c);
    out->verb = cur_vec8(&c);
    out->object = cur_vec8(&c);
    out->detail = cur_vec16(&c);
    return cur_end(&c);
}
