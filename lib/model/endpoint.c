/* Endpoints, faces and their identities. See endpoint.h, which fixes the bytes. */
#include "model/endpoint.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "model/name.h"

#include <string.h>

static const char *const kinds[MODEL_KIND_COUNT] = {
    [MODEL_KIND_TLS] = "tls",
    [MODEL_KIND_FILE] = "file",
    [MODEL_KIND_STORE] = "store",
};

static const char *const askeds[MODEL_ASKED_COUNT] = {
    [MODEL_ASKED_ANY] = "any",
    [MODEL_ASKED_RSA] = "rsa",
    [MODEL_ASKED_ECDSA] = "ecdsa",
    [MODEL_ASKED_ML_DSA] = "ml-dsa",
};

/* The row with this name; n where there is none. */
static unsigned row_of(const char *const *names, unsigned n, struct bytes name) {
    unsigned i = 0;
    while (i < n && !bytes_is(name, names[i]))
        i++;
    return i;
}

const char *model_kind_name(enum model_kind k) {
    return kinds[(unsigned)k < MODEL_KIND_COUNT ? k : MODEL_KIND_TLS];
}

bool model_kind_read(struct bytes name, enum model_kind *out) {
    unsigned i = row_of(kinds, MODEL_KIND_COUNT, name);
    if (i < MODEL_KIND_COUNT)
        *out = (enum model_kind)i;
    return i < MODEL_KIND_COUNT;
}

const char *model_asked_name(enum model_asked asked) {
    return askeds[(unsigned)asked < MODEL_ASKED_COUNT ? asked : MODEL_ASKED_ANY];
}

bool model_asked_read(struct bytes name, enum model_asked *out) {
    unsigned i = row_of(askeds, MODEL_ASKED_COUNT, name);
    if (i < MODEL_ASKED_COUNT)
        *out = (enum model_asked)i;
    return i < MODEL_ASKED_COUNT;
}

bool model_endpoint_is_private(const struct model_endpoint *e) {
    if (e->kind != MODEL_KIND_TLS)
        return true;
    if (e->ip.size > 0)
        return ip_is_loopback(&e->ip) || ip_is_link_local(&e->ip);
    struct ip ip;
    if (ip_read(e->host, &ip)) /* an address that was only given as text is the same place */
        return ip_is_loopback(&ip) || ip_is_link_local(&ip);
    return model_name_is_loopback(e->host);
}

static void hash_vec(struct hash_run *h, unsigned width, struct bytes b) {
    size_t max = width == 1 ? 0xff : 0xffff;
    if (b.n > max) /* no reader of ours lets such a text in */
        b.n = max;
    uint8_t length[2] = {(uint8_t)(b.n >> 8), (uint8_t)b.n};
    hash_add(h, bytes_of(length + 2 - width, width));
    hash_add(h, b);
}

static void hash_u16(struct hash_run *h, uint16_t v) {
    uint8_t raw[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    hash_add(h, bytes_of(raw, 2));
}

static void take_id(const struct hash_run *h, uint8_t out[MODEL_ID_SIZE]) {
    uint8_t hash[SHA256_SIZE];
    hash_peek(h, hash);
    memcpy(out, hash, MODEL_ID_SIZE);
}

void model_endpoint_id(const struct model_endpoint *e, struct bytes agent_id,
                       uint8_t out[MODEL_ID_SIZE]) {
    bool is_private = model_endpoint_is_private(e), is_tls = e->kind == MODEL_KIND_TLS;
    struct bytes none = {NULL, 0};
    struct bytes network = e->network.n > 0 ? e->network : bytes_text("default");
    struct hash_run h;
    hash_begin(&h, HASH_SHA256);
    hash_add(&h, bytes_of("clm endpoint 1", sizeof "clm endpoint 1")); /* its NUL belongs to it */
    hash_add(&h, bytes_text(is_private ? "a" : "n"));
    hash_vec(&h, 2, is_private ? agent_id : network);
    hash_vec(&h, 1, bytes_text(model_kind_name(e->kind)));
    hash_vec(&h, 2, is_tls ? e->host : none);
    hash_u16(&h, is_tls ? e->port : 0);
    hash_vec(&h, 2, is_tls ? none : e->path);
    hash_vec(&h, 1, is_tls ? bytes_text(model_protocol_name(e->protocol)) : none);
    take_id(&h, out);
}

void model_face_ids(const struct model_face *face, struct bytes agent_id, struct model_ids *out) {
    struct hash_run h;
    model_endpoint_id(&face->endpoint, agent_id, out->endpoint);
    hash_begin(&h, HASH_SHA256);
    hash_add(&h, bytes_of("clm face 1", sizeof "clm face 1"));
    hash_add(&h, bytes_of(out->endpoint, MODEL_ID_SIZE));
    hash_vec(&h, 1, bytes_of(face->ip.bytes, face->ip.size));
    hash_vec(&h, 2, face->sni);
    hash_vec(&h, 1, bytes_text(model_asked_name(face->asked)));
    take_id(&h, out->face);
}

void model_endpoint_write(struct buf *out, const struct model_endpoint *e) {
    if (e->kind != MODEL_KIND_TLS) {
        buf_put(out, e->path);
        return;
    }
    bool is_v6 = bytes_find(e->host, bytes_text(":")) != SIZE_MAX;
    buf_text(out, is_v6 ? "[" : "");
    buf_put(out, e->host);
    buf_printf(out, is_v6 ? "]:%u" : ":%u", (unsigned)e->port);
}
