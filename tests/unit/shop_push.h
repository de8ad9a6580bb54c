/* What the tests of store/inventory share to push: certificates, agents, observations. */
#ifndef TESTS_UNIT_SHOP_PUSH_H
#define TESTS_UNIT_SHOP_PUSH_H

#include "shop.h"

enum { DAY = 86400 };

/* A certificate for one DNS name ("" none), that ends so many days after 2026-01-01. */
static inline struct bytes make_cert(struct shop *s, const char *cn, const char *dns, int64_t days,
                                     uint8_t serial, bool self) {
    struct buf name, issuer, out;
    struct fault f;
    struct x509_attribute subject[] =
        {
            {OID_COMMON_NAME, cn}
    },
                          other[] = {{OID_COMMON_NAME, "Test CA 7"}};
    struct bytes names[] = {bytes_text(dns)};
    uint8_t number[] = {0x01, 0x0a, 0xbc, serial};
    buf_init(&name, 1000);
    buf_init(&issuer, 1000);
    buf_init(&out, 5000);
    x509_name_write(&name, subject, cn[0] != '\0');
    x509_name_write(&issuer, other, 1);
    struct x509_template t = {
        .serial = bytes_of(number, sizeof number),
        .issuer = self ? buf_bytes(&name) : buf_bytes(&issuer),
        .subject = buf_bytes(&name),
        .not_before = 1767225600 - 30 * DAY,
        .not_after = 1767225600 + days * DAY,
        .spki = buf_bytes(&s->spki),
        .path_len = -1,
        .dns = {names, dns[0] != '\0'}
    };
    assert_int_equal(x509_cert_write(&s->place.env, &t, s->key, &out, &f), ERR_OK);
    struct bytes copy = arena_copy(&s->arena, buf_bytes(&out));
    buf_clear(&name);
    buf_clear(&issuer);
    buf_clear(&out);
    return copy;
}

static inline void enrol(struct shop *s, const char *name, const char *network, const char *key,
                         uint8_t id[INVENTORY_ID_SIZE]) {
    struct fault f;
    struct inventory_enrolment e = {.name = bytes_text(name),
                                    .network = bytes_text(network),
                                    .spki = bytes_text(key),
                                    .system = bytes_text("Linux 6.1"),
                                    .version = bytes_text("0.1")};
    assert_int_equal(inventory_agent_enrol(s->inv, &e, id, NULL, NULL, &f), ERR_OK);
}

/* An observation of host:port with a chain of the certificates named by their DER. */
static inline struct model_observation look(struct shop *s, const char *ip, uint16_t port,
                                            const struct bytes *chain, size_t n) {
    struct model_sha256 *hashes = arena_array(&s->arena, n + 1, sizeof *hashes);
    struct model_observation o = {.scan = bytes_text("scan-1"),
                                  .target = bytes_text(ip),
                                  .kind = MODEL_KIND_TLS,
                                  .port = port,
                                  .protocol = MODEL_TLS,
                                  .time_s = s->now_ms / 1000,
                                  .outcome = n > 0 ? MODEL_OK : MODEL_REFUSED,
                                  .stage = n > 0 ? MODEL_STAGE_DONE : MODEL_STAGE_CONNECT,
                                  .duration_ms = 12,
                                  .has_tls = n > 0,
                                  .tls = {.version = bytes_text("TLSv1.3")},
                                  .chain = hashes,
                                  .chain_n = n};
    assert_true(ip_read(bytes_text(ip), &o.ip));
    for (size_t i = 0; i < n; i++)
        hash_of(HASH_SHA256, chain[i], hashes[i].bytes);
    return o;
}

struct pushed {
    enum err code;
    struct inventory_result result;
    struct fault fault;
};

static inline struct pushed push(struct shop *s, const uint8_t *agent, const char *batch,
                                 const struct bytes *ders, size_t ders_n,
                                 const struct model_observation *o, size_t o_n, bool complete) {
    struct pushed p = {.code = ERR_OK};
    struct inventory_der *list = arena_array(&s->arena, ders_n + 1, sizeof *list);
    for (size_t i = 0; i < ders_n; i++)
        list[i].der = ders[i];
    struct inventory_push push = {.agent = agent,
                                  .batch = bytes_text(batch),
                                  .certificates = list,
                                  .certificates_n = ders_n,
                                  .observations = o,
                                  .observations_n = o_n,
                                  .complete = complete};
    p.code = inventory_push(s->inv, &push, &s->arena, &p.result, NULL, NULL, &p.fault);
    return p;
}

#endif
