/* store/inventory: pushes, agents, lists, details; the same after a new start. */
#include "shop_push.h"

#include "base/text.h"
#include "base/thread.h"
#include "store/inventory/inventory.h"
#include "store/inventory/requests.h"
#include "store/inventory/record.h"

static struct inventory_cert_detail get_cert(struct shop *s, struct bytes der) {
    uint8_t sha256[SHA256_SIZE];
    struct inventory_cert_detail d;
    struct fault f;
    hash_of(HASH_SHA256, der, sha256);
    assert_int_equal(inventory_cert_get(s->inv, sha256, &s->arena, &d, &f), ERR_OK);
    assert_true(bytes_equal(d.der, der));
    return d;
}

static struct inventory_counts counts(struct shop *s) {
    struct inventory_counts c;
    inventory_count(s->inv, s->now_ms, 26 * 3600 * 1000, &c);
    return c;
}

/* ---- */

static void a_push_is_stored_once(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a.example.com", "a.example.com", 60, 1, false);
    struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1);
    struct pushed p = push(&s, agent, "batch-1", &der, 1, &o, 1, true);
    assert_int_equal(p.code, ERR_OK);
    assert_int_equal(p.result.certificates_new, 1);
    assert_int_equal(p.result.observations, 1);
    for (unsigned turn = 0; turn < 2; turn++, shop_again(&s)) {
        struct inventory_counts c = counts(&s);
        assert_int_equal(c.certificates, 1);
        assert_int_equal(c.endpoints, 1);
        assert_int_equal(c.endpoints_ok, 1);
        assert_int_equal(c.agents, 1);
        assert_int_equal(c.entries, 3);
        assert_int_equal(c.skipped, 0);
        p = push(&s, agent, "batch-1", &der, 1, &o, 1, true);
        assert_int_equal(p.code, ERR_OK);
        assert_true(p.result.repeated);
        struct inventory_cert_detail d = get_cert(&s, der);
        assert_text(d.cert.name, "a.example.com");
        assert_text(d.cert.subject, "CN=a.example.com");
        assert_text(d.cert.issuer, "CN=Test CA 7");
        assert_text(d.cert.names, "a.example.com");
        assert_text(d.cert.key, "EC P-256");
        assert_int_equal(d.cert.not_after_s, 1767225600 + 60 * DAY);
        assert_int_equal(d.cert.served, 1);
        assert_int_equal(d.sightings_n, 1);
        assert_text(d.sightings[0].agent_name, "dc1");
        assert_text(d.sightings[0].face.endpoint.host, "192.0.2.1");
        assert_int_equal(d.sightings[0].face.endpoint.port, 443);
        assert_true(d.sightings[0].served);
        assert_int_equal(d.cert.self_signed, X509_NO);
    }
    /* The same certificate in another batch adds no entry for it: one confirms, one ends the batch.
     */
    p = push(&s, agent, "batch-2", &der, 1, &o, 1, true);
    assert_int_equal(p.result.certificates_known, 1);
    assert_int_equal(counts(&s).entries, 5);
    shop_end(&s);
}

/* All that a face told comes back; an endpoint shows what an ordinary client sees. */
static void facts_are_kept_and_the_plain_face_speaks(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    uint8_t agent[INVENTORY_ID_SIZE];
    static const struct bytes cas[] = {
        {(const uint8_t *)"CN=A",  4},
        {(const uint8_t *)"CN=BC", 5}
    };
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes ders[] = {make_cert(&s, "a.example.com", "a.example.com", 60, 1, false),
                           make_cert(&s, "other.example.com", "other.example.com", 60, 2, false)};
    struct model_observation o[3];
    for (size_t i = 0; i < 3; i++) {
        o[i] = look(&s, "192.0.2.1", 443, &ders[i == 0 ? 0 : 1], 1);
        o[i].host = bytes_text("a.example.com");
        o[i].sni = bytes_text(i == 2 ? "" : "a.example.com");
        o[i].asked = i == 1 ? MODEL_ASKED_ECDSA : MODEL_ASKED_ANY;
    }
    o[0].has_connect_ms = true;
    o[0].connect_ms = 3;
    o[0].bytes = 4711;
    o[0].tls = (struct model_tls_facts){.version = bytes_text("TLSv1.3"),
                                        .ocsp_stapled = true,
                                        .client_certificate = true,
                                        .scts = 2,
                                        .client_cas = cas,
                                        .client_cas_n = 2,
                                        .old_version = bytes_text("none"),
                                        .hybrid_group = bytes_text("X25519MLKEM768")};
    assert_int_equal(push(&s, agent, "b", ders, 2, o, 3, true).code, ERR_OK);
    for (unsigned turn = 0; turn < 2; turn++, shop_again(&s)) {
        struct inventory_cert_detail d = get_cert(&s, ders[0]);
        struct inventory_endpoint_detail e;
        assert_int_equal(inventory_endpoint_get(s.inv, d.sightings[0].endpoint, &s.arena, &e, &f),
                         ERR_OK);
        assert_int_equal(e.faces_n, 3);
        assert_text(e.endpoint.leaf_name, "a.example.com");
        const struct model_observation *got = NULL;
        for (size_t i = 0; i < e.faces_n; i++)
            if (e.faces[i].last.sni.n > 0 && e.faces[i].last.asked == MODEL_ASKED_ANY)
                got = &e.faces[i].last;
        assert_non_null(got);
        assert_true(got->has_connect_ms && got->tls.ocsp_stapled && got->tls.client_certificate);
        assert_int_equal(got->connect_ms, 3);
        assert_int_equal(got->bytes, 4711);
        assert_int_equal(got->tls.scts, 2);
        assert_int_equal(got->tls.client_cas_n, 2);
        assert_text(got->tls.client_cas[1], "CN=BC");
        assert_text(got->tls.old_version, "none");
        assert_text(got->tls.hybrid_group, "X25519MLKEM768");
    }
    shop_end(&s);
}

static void items_are_rejected_singly(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE], wrong[SHA256_SIZE] = {1};
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes good = make_cert(&s, "g.example.com", "g.example.com", 60, 1, false);
    struct bytes unknown = make_cert(&s, "u.example.com", "u.example.com", 60, 2, false);
    struct bytes bad = bytes_text("0\x03no certificate");
    struct inventory_der ders[] = {
        {.der = good         },
        {.der = bad          },
        {{wrong, SHA256_SIZE}, unknown},
        {.der = {NULL, 0}                   },
        {.der = good}
    };
    struct model_observation o[] = {
        look(&s, "192.0.2.1", 443, &good, 1), look(&s, "192.0.2.2", 443, &unknown, 1),
        look(&s, "192.0.2.3", 443, NULL, 0), look(&s, "192.0.2.4", 443, &bad, 1)};
    o[3].outcome = MODEL_BAD_CERTIFICATE;
    struct inventory_push push = {.agent = agent,
                                  .batch = bytes_text("b"),
                                  .certificates = ders,
                                  .certificates_n = 5,
                                  .observations = o,
                                  .observations_n = 4};
    struct inventory_result r;
    struct fault f;
    assert_int_equal(inventory_push(s.inv, &push, &s.arena, &r, NULL, NULL, &f), ERR_OK);
    assert_int_equal(r.certificates_new, 2);
    assert_int_equal(r.certificates_bad, 1);
    assert_int_equal(r.certificates_known, 1);
    assert_int_equal(r.observations, 3);
    assert_int_equal(r.rejections_n, 3);
    assert_int_equal(r.rejections[0].index, 2);
    assert_int_equal(r.rejections[0].code, ERR_CONFLICT);
    assert_int_equal(r.rejections[1].index, 3);
    assert_int_equal(r.rejections[1].code, ERR_LIMIT);
    assert_false(r.rejections[2].is_certificate);
    assert_int_equal(r.rejections[2].index, 1);
    assert_int_equal(r.rejections[2].code, ERR_NOT_FOUND);
    struct inventory_cert_detail d = get_cert(&s, bad); /* kept as bytes */
    assert_true(d.cert.bad);
    assert_false(d.cert.has_not_after);
    assert_true(bytes_starts(d.cert.name, "bad certificate "));
    assert_int_equal(counts(&s).bad, 1);
    assert_int_equal(counts(&s).endpoints, 3);
    assert_int_equal(counts(&s).endpoints_ok, 1);

    struct inventory_push none = {.agent = wrong, .batch = bytes_text("c")};
    assert_int_equal(inventory_push(s.inv, &none, &s.arena, &r, NULL, NULL, &f), ERR_NOT_FOUND);
    assert_int_equal(inventory_agent_disable(s.inv, agent, true, NULL, NULL, &f), ERR_OK);
    none.agent = agent;
    assert_int_equal(inventory_push(s.inv, &none, &s.arena, &r, NULL, NULL, &f), ERR_PERMISSION);
    none.batch.n = 0;
    assert_int_equal(inventory_push(s.inv, &none, &s.arena, &r, NULL, NULL, &f), ERR_USAGE);
    shop_end(&s);
}

/* 10.0.0.5 at two networks is two endpoints; within one it is one; loopback is
 * the agent's own. */
static void identities(void **state) {
    (void)state;
    struct shop s;
    uint8_t a[INVENTORY_ID_SIZE], b[INVENTORY_ID_SIZE], c[INVENTORY_ID_SIZE];
    shop_start(&s);
    enrol(&s, "a", "north", "key a", a);
    enrol(&s, "b", "south", "key b", b);
    enrol(&s, "c", "south", "key c", c);
    struct bytes one = make_cert(&s, "one", "", 60, 1, true),
                 two = make_cert(&s, "two", "", 60, 2, true);
    struct model_observation private = look(&s, "10.0.0.5", 443, &one, 1);
    struct model_observation loop = look(&s, "127.0.0.1", 8443, &one, 1);
    struct model_observation other = look(&s, "127.0.0.1", 8443, &two, 1);
    struct model_observation as[] = {private, loop}, bs[] = {private, other},
                             cs[] = {private, loop};
    assert_int_equal(push(&s, a, "1", &one, 1, as, 2, true).code, ERR_OK);
    assert_int_equal(push(&s, b, "1", &two, 1, bs, 2, true).code, ERR_OK);
    assert_int_equal(push(&s, c, "1", NULL, 0, cs, 2, true).code, ERR_OK);
    shop_again(&s);
    assert_int_equal(counts(&s).endpoints, 5); /* two private ones, three loopbacks */
    struct inventory_cert_detail d = get_cert(&s, one);
    assert_int_equal(d.cert.places, 4);
    assert_int_equal(d.cert.self_signed, X509_YES);
    struct inventory_query q = {.agent = b};
    struct inventory_endpoint *rows;
    struct inventory_page page;
    struct fault f;
    size_t n;
    assert_int_equal(inventory_endpoints(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(n, 1); /* the private one was seen by c after it */
    assert_text(rows[0].place.host, "127.0.0.1");
    assert_text(rows[0].leaf_name, "two");
    shop_end(&s);
}

static void served_in_the_last_three_passes(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    char batch[16];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes old = make_cert(&s, "w.example.com", "w.example.com", 6, 1, false);
    struct bytes now = make_cert(&s, "w.example.com", "w.example.com", 90, 2, false);
    struct bytes gone = make_cert(&s, "x.example.com", "x.example.com", 90, 3, false);
    struct bytes all[] = {old, now, gone};
    struct model_observation o[] = {look(&s, "192.0.2.1", 443, &old, 1),
                                    look(&s, "192.0.2.2", 443, &gone, 1)};
    assert_int_equal(push(&s, agent, "first", all, 3, o, 2, true).code, ERR_OK);
    for (unsigned pass = 2; pass <= 5;
         pass++) { /* replaced at one, no longer watched at the other */
        s.now_ms += 3600 * 1000;
        o[0] = look(&s, "192.0.2.1", 443, &now, 1);
        snprintf(batch, sizeof batch, "pass-%u", pass);
        assert_int_equal(push(&s, agent, batch, NULL, 0, o, 1, pass != 5).code, ERR_OK);
        bool is_served = pass < 4; /* the look that is no complete pass changes nothing */
        assert_int_equal(get_cert(&s, old).cert.served, is_served);
        assert_int_equal(get_cert(&s, gone).cert.served, is_served);
        assert_int_equal(get_cert(&s, now).cert.served, 1);
    }
    shop_again(&s);
    struct inventory_cert_detail d = get_cert(&s, old);
    assert_int_equal(d.sightings[0].first_ms, 1767225600000);
    assert_int_equal(d.sightings[0].last_ms, 1767225600000);
    d = get_cert(&s, now);
    assert_int_equal(d.sightings[0].first_ms, 1767225600000 + 3600 * 1000);
    assert_int_equal(d.sightings[0].last_ms, s.now_ms);
    struct inventory_endpoint_detail e;
    struct fault f;
    assert_int_equal(inventory_endpoint_get(s.inv, d.sightings[0].endpoint, &s.arena, &e, &f),
                     ERR_OK);
    assert_int_equal(e.faces_n, 1);
    assert_int_equal(e.sightings_n, 2);
    assert_true(e.sightings[0].served);
    assert_false(e.sightings[1].served);
    assert_int_equal(e.faces[0].last.chain_n, 1);
    assert_text(e.faces[0].last.tls.version, "TLSv1.3");
    assert_int_equal(e.faces[0].last.duration_ms, 12);
    assert_true(e.endpoint.has_leaf);
    assert_memory_equal(e.endpoint.leaf, d.cert.sha256, SHA256_SIZE);
    struct inventory_query q = {.served_only = true};
    struct inventory_cert *rows;
    struct inventory_page page;
    size_t n;
    assert_int_equal(inventory_certs(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(page.total, 1);
    shop_end(&s);
}

/* Pushed within its own second and again in later ones, as a scan of an agent that sees
 * what it saw does: each repetition is as new as the first, so the place goes on serving. */
static void the_same_observation_repeated_is_as_new(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    char batch[16];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "w.example.com", "w.example.com", 90, 1, false);
    struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1);
    s.now_ms += 700;
    for (unsigned pass = 1; pass <= INVENTORY_PASSES_SERVED + 2; pass++) {
        snprintf(batch, sizeof batch, "pass-%u", pass);
        assert_int_equal(push(&s, agent, batch, &der, 1, &o, 1, true).code, ERR_OK);
        assert_int_equal(get_cert(&s, der).cert.served, 1);
        s.now_ms += 1000;
    }
    shop_again(&s);
    assert_int_equal(get_cert(&s, der).cert.served, 1);
    shop_end(&s);
}

static struct model_observation file_look(const char *path, enum model_outcome outcome) {
    struct model_observation o = {.scan = bytes_text("scan-1"),
                                  .target = bytes_text("/etc/ssl"),
                                  .kind = MODEL_KIND_FILE,
                                  .path = bytes_text(path),
                                  .outcome = outcome,
                                  .time_s = 1767225600};
    return o;
}

/* Files: where nobody could look nothing is gone, and what vanished is after three passes. */
static void files_that_cannot_be_read_are_not_gone(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    char batch[16];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes locked = make_cert(&s, "l.example.com", "l.example.com", 90, 1, false);
    struct bytes vanished = make_cert(&s, "v.example.com", "v.example.com", 90, 2, false);
    struct bytes ders[] = {locked, vanished};
    struct model_observation like = look(&s, "192.0.2.1", 443, &locked, 1),
                             other = look(&s, "192.0.2.1", 443, &vanished, 1);
    struct model_observation o[] = {file_look("/etc/ssl/l.pem", MODEL_OK),
                                    file_look("/etc/ssl/v.pem", MODEL_OK)};
    o[0].chain = like.chain;
    o[1].chain = other.chain;
    o[0].chain_n = o[1].chain_n = 1;
    o[0].has_file = true;
    o[0].file = (struct model_file_facts){.container = bytes_text("pem"),
                                          .owner = bytes_text("root"),
                                          .group_id = -1,
                                          .mode = 0640,
                                          .modified_s = 1767225599,
                                          .size_bytes = 1000,
                                          .private_keys = 1};
    assert_int_equal(push(&s, agent, "first", ders, 2, o, 2, true).code, ERR_OK);
    for (unsigned pass = 2; pass <= 6; pass++) {
        s.now_ms += 3600 * 1000;
        o[0] = file_look("/etc/ssl/l.pem", MODEL_LOCAL);
        o[1] = file_look("/etc/ssl/v.pem", MODEL_NO_CERTIFICATE);
        o[0].time_s = o[1].time_s = s.now_ms / 1000;
        snprintf(batch, sizeof batch, "pass-%u", pass);
        assert_int_equal(push(&s, agent, batch, NULL, 0, o, 2, true).code, ERR_OK);
        assert_int_equal(get_cert(&s, locked).cert.served, 1);
        assert_int_equal(get_cert(&s, vanished).cert.served, pass < 4);
    }
    shop_again(&s);
    struct inventory_cert_detail d = get_cert(&s, locked);
    struct inventory_endpoint_detail e;
    struct fault f;
    assert_int_equal(d.cert.served, 1);
    assert_int_equal(inventory_endpoint_get(s.inv, d.sightings[0].endpoint, &s.arena, &e, &f),
                     ERR_OK);
    assert_int_equal(e.endpoint.outcome, MODEL_OK);
    const struct model_file_facts *facts = &e.faces[0].last.file;
    assert_true(e.faces[0].last.has_file);
    assert_text(facts->container, "pem");
    assert_text(facts->owner, "root");
    assert_int_equal(facts->group.n, 0);
    assert_int_equal(facts->group_id, -1);
    assert_int_equal(facts->mode, 0640);
    assert_int_equal(facts->modified_s, 1767225599);
    assert_int_equal(facts->size_bytes, 1000);
    assert_int_equal(facts->private_keys, 1);
    shop_end(&s);
}

/* A name that moves to another address has moved; one line of certificates. */
static void services_and_moves(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes first = make_cert(&s, "w.example.com", "W.example.com", 6, 1, false);
    struct bytes renewed = make_cert(&s, "renewed", "w.example.com", 90, 2, false);
    struct bytes self = make_cert(&s, "w.example.com", "w.example.com", 90, 3, true);
    struct bytes replaced = make_cert(&s, "other", "other.example.com", 90, 4, false);
    struct bytes apart = make_cert(&s, "apart", "apart.example.com", 90, 5, false);
    struct bytes nameless = make_cert(&s, "n", "", 90, 6, false),
                 nameless2 = make_cert(&s, "n", "", 90, 7, false);
    struct bytes all[] = {first, renewed, self, replaced, apart, nameless, nameless2};
    struct model_observation o = look(&s, "192.0.2.1", 443, &first, 1);
    o.host = o.target = bytes_text("w.example.com");
    assert_int_equal(push(&s, agent, "1", all, 7, &o, 1, true).code, ERR_OK);
    s.now_ms += 1000;
    o = look(&s, "192.0.2.1", 443, &replaced, 1);
    o.host = o.target = bytes_text("w.example.com");
    assert_int_equal(push(&s, agent, "2", NULL, 0, &o, 1, true).code, ERR_OK);
    s.now_ms += 1000;
    struct model_observation moved = look(&s, "192.0.2.9", 443, &apart, 1);
    moved.host = moved.target = bytes_text("w.example.com");
    assert_int_equal(push(&s, agent, "3", NULL, 0, &moved, 1, true).code, ERR_OK);
    shop_again(&s);
    struct inventory_cert c = get_cert(&s, first).cert;
    assert_memory_equal(c.service, get_cert(&s, renewed).cert.service,
                        INVENTORY_ID_SIZE); /* same names */
    assert_memory_equal(c.service, get_cert(&s, replaced).cert.service,
                        INVENTORY_ID_SIZE); /* same face */
    assert_memory_not_equal(c.service, get_cert(&s, self).cert.service,
                            INVENTORY_ID_SIZE); /* other kind */
    assert_memory_not_equal(c.service, get_cert(&s, apart).cert.service,
                            INVENTORY_ID_SIZE); /* other face */
    assert_memory_not_equal(get_cert(&s, nameless).cert.service,
                            get_cert(&s, nameless2).cert.service, INVENTORY_ID_SIZE);
    assert_int_equal(counts(&s).endpoints, 1);
    struct inventory_query q = {.limit = 1};
    struct inventory_endpoint *rows;
    struct inventory_page page;
    struct fault f;
    size_t n;
    assert_int_equal(inventory_endpoints(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(rows[0].faces, 2);
    assert_text(rows[0].leaf_name, "apart"); /* the new address decides */
    shop_end(&s);
}

static void agents_change(void **state) {
    (void)state;
    struct shop s;
    uint8_t a[INVENTORY_ID_SIZE], b[INVENTORY_ID_SIZE], none[INVENTORY_ID_SIZE] = {0},
                                                        key[SHA256_SIZE];
    struct inventory_agent agent;
    struct fault f;
    shop_start(&s);
    enrol(&s, "a", "", "key a", a);
    enrol(&s, "b", "dmz", "key b", b);
    struct inventory_enrolment e = {.name = bytes_text("a"), .spki = bytes_text("key c")};
    uint8_t id[INVENTORY_ID_SIZE];
    assert_int_equal(inventory_agent_enrol(s.inv, &e, id, NULL, NULL, &f), ERR_EXISTS);
    e = (struct inventory_enrolment){.name = bytes_text("c"), .spki = bytes_text("key a")};
    assert_int_equal(inventory_agent_enrol(s.inv, &e, id, NULL, NULL, &f), ERR_EXISTS);
    e = (struct inventory_enrolment){.name = bytes_text(""), .spki = bytes_text("key c")};
    assert_int_equal(inventory_agent_enrol(s.inv, &e, id, NULL, NULL, &f), ERR_USAGE);
    assert_int_equal(inventory_agent_rename(s.inv, a, bytes_text("b"), NULL, NULL, &f), ERR_EXISTS);
    assert_int_equal(inventory_agent_rename(s.inv, a, bytes_text("a"), NULL, NULL, &f), ERR_OK);
    assert_int_equal(inventory_agent_rename(s.inv, a, bytes_text("alpha"), NULL, NULL, &f), ERR_OK);
    assert_int_equal(inventory_agent_rename(s.inv, none, bytes_text("x"), NULL, NULL, &f),
                     ERR_NOT_FOUND);
    assert_int_equal(inventory_agent_rekey(s.inv, a, bytes_text("key b"), NULL, NULL, &f),
                     ERR_EXISTS);
    assert_int_equal(inventory_agent_rekey(s.inv, a, bytes_text("key a2"), NULL, NULL, &f), ERR_OK);
    assert_int_equal(inventory_agent_disable(s.inv, b, true, NULL, NULL, &f), ERR_OK);
    s.now_ms += 5000;
    inventory_agent_touch(s.inv, a, s.now_ms, bytes_text("Linux 6.6"), bytes_text("0.2"));
    assert_int_equal(inventory_agent_get(s.inv, a, &s.arena, &agent, &f), ERR_OK);
    assert_int_equal(agent.seen_ms, s.now_ms);
    assert_text(agent.system, "Linux 6.6");
    for (unsigned turn = 0; turn < 2; turn++, shop_again(&s)) {
        hash_of(HASH_SHA256, bytes_text("key a"), key);
        assert_int_equal(inventory_agent_by_key(s.inv, key, &s.arena, &agent, &f), ERR_NOT_FOUND);
        hash_of(HASH_SHA256, bytes_text("key a2"), key);
        assert_int_equal(inventory_agent_by_key(s.inv, key, &s.arena, &agent, &f), ERR_OK);
        assert_memory_equal(agent.id, a, INVENTORY_ID_SIZE);
        assert_text(agent.name, "alpha");
        assert_text(agent.network, "default");
        assert_text(agent.spki, "key a2");
        assert_int_equal(inventory_agent_by_name(s.inv, bytes_text("a"), &s.arena, &agent, &f),
                         ERR_NOT_FOUND);
        assert_int_equal(inventory_agent_by_name(s.inv, bytes_text("b"), &s.arena, &agent, &f),
                         ERR_OK);
        assert_true(agent.disabled);
        assert_text(agent.network, "dmz");
        assert_int_equal(counts(&s).disabled, 1);
    }
    enrol(&s, "a", "", "key d", id); /* the name is free again */
    s.now_ms += (int64_t)27 * 3600 * 1000;
    assert_int_equal(counts(&s).quiet, 2);
    struct inventory_audit act = {.actor = bytes_text("user:alex"),
                                  .verb = bytes_text("agent.rename"),
                                  .object = bytes_text("agent:a")};
    assert_int_equal(inventory_audit(s.inv, &act, NULL, NULL, &f), ERR_OK);
    act.verb.n = 0;
    assert_int_equal(inventory_audit(s.inv, &act, NULL, NULL, &f), ERR_USAGE);
    struct inventory_query q = {.where = query_of(&s.arena, "ALP", QUERY_AGENTS, 0)};
    struct inventory_agent *rows;
    struct inventory_page page;
    size_t n;
    assert_int_equal(inventory_agents(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(n, 1);
    shop_end(&s);
}

/* Walks all pages; returns how many rows came and checks their order. */
static size_t walk(struct shop *s, struct inventory_query q,
                   int (*compare)(const struct inventory_cert *, const struct inventory_cert *)) {
    size_t rows_n = 0;
    struct inventory_cert last;
    for (;;) {
        struct inventory_cert *rows;
        struct inventory_page page;
        struct fault f;
        size_t n;
        assert_int_equal(inventory_certs(s->inv, &q, &s->arena, &rows, &n, &page, &f), ERR_OK);
        for (size_t i = 0; i < n; i++, rows_n++) {
            if (rows_n > 0)
                assert_true((compare(&last, &rows[i]) < 0) != q.descending);
            last = rows[i];
        }
        if (page.next.n == 0) {
            assert_int_equal(page.total, rows_n);
            return rows_n;
        }
        assert_int_equal(n, q.limit);
        q.cursor = page.next;
    }
}

static int by_end(const struct inventory_cert *a, const struct inventory_cert *b) {
    if (a->not_after_s != b->not_after_s)
        return a->not_after_s < b->not_after_s ? -1 : 1;
    return memcmp(a->sha256, b->sha256, SHA256_SIZE);
}

static int by_name(const struct inventory_cert *a, const struct inventory_cert *b) {
    int c = bytes_compare(a->name, b->name);
    return c != 0 ? c : memcmp(a->sha256, b->sha256, SHA256_SIZE);
}

static int by_first(const struct inventory_cert *a, const struct inventory_cert *b) {
    if (a->first_seen_ms != b->first_seen_ms)
        return a->first_seen_ms < b->first_seen_ms ? -1 : 1;
    return memcmp(a->sha256, b->sha256, SHA256_SIZE);
}

static void lists_are_paged(void **state) {
    (void)state;
    enum { N = 60 };
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct bytes ders[N];
    char name[64];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "host-%02u.example.com", i * 37 % N);
        ders[i] = make_cert(&s, name, i % 2 ? name : "", i * 7 % 20, (uint8_t)i, false);
        snprintf(name, sizeof name, "b%u", i);
        s.now_ms += 1000 * (i % 3);
        struct model_observation o = look(&s, "192.0.2.1", (uint16_t)(1000 + i), &ders[i], 1);
        assert_int_equal(push(&s, agent, name, &ders[i], 1, &o, 1, false).code, ERR_OK);
        if (i == N / 2) { /* a list in between makes the orders, to be merged later */
            struct inventory_query q = {.limit = 7};
            assert_int_equal(walk(&s, q, by_end), N / 2 + 1);
        }
    }
    static int (*const orders[])(const struct inventory_cert *,
                                 const struct inventory_cert *) = {by_end, by_name, by_first};
    for (unsigned sort = 0; sort < 3; sort++)
        for (unsigned limit = 1; limit < N + 2; limit += 6) {
            struct inventory_query q = {
                .sort = (enum inventory_sort)sort, .limit = limit, .descending = limit % 4 > 1};
            assert_int_equal(walk(&s, q, orders[sort]), N);
            q.where = query_of(&s.arena, "HOST-1", QUERY_CERTIFICATES, 0);
            assert_int_equal(walk(&s, q, orders[sort]), 10);
        }
    static const struct {
        const char *text;
        size_t n;
    } searches[] = {
        {"example",                           N },
        {" ost-07.Exam ",                     1 },
        {"\"test ca 7\"",                     N },
        {"nothing",                           0 },
        {"010abc05",                          1 },
        {"1:0A:BC:05",                        1 },
        {"\"00 01 0a bc 05\"",                1 },
        {"10abc",                             N },
        {"\"CN=host-2\"",                     10},
        {"subject:CN=host-2 not san:host-21", 9 },
        {"key:ec is:ca",                      0 },
        {"seen<2020 or version:3",            N },
    };
    for (size_t i = 0; i < COUNT_OF(searches); i++) {
        struct inventory_query q = {
            .where = query_of(&s.arena, searches[i].text, QUERY_CERTIFICATES, 0), .limit = 9};
        assert_int_equal(walk(&s, q, by_end), searches[i].n);
    }
    struct inventory_cert_detail d = get_cert(&s, ders[3]);
    char hex[65];
    hex_write(hex, bytes_of(d.cert.sha256, 32));
    struct inventory_query q = {.where = query_of(&s.arena, hex, QUERY_CERTIFICATES, 0),
                                .limit = 5};
    assert_int_equal(walk(&s, q, by_end), 1);
    q = (struct inventory_query){.has_ends = true,
                                 .ends_from_s = 1767225600 + 5 * DAY,
                                 .ends_to_s = 1767225600 + 7 * DAY,
                                 .limit = 4};
    assert_int_equal(walk(&s, q, by_end), 6);
    struct inventory_counts c = counts(&s);
    assert_int_equal(c.expired + c.ending, N);

    struct inventory_cert *rows;
    struct inventory_page page, end;
    struct fault f;
    size_t n;
    q = (struct inventory_query){.limit = 5};
    assert_int_equal(inventory_certs(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
    static const char *const bad[] = {"x", "1ca", "1c0a0000",
                                      "1e0a00000000000000000000000000000000"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        q.cursor = bytes_text(bad[i]);
        assert_int_equal(inventory_certs(s.inv, &q, &s.arena, &rows, &n, &end, &f), ERR_USAGE);
    }
    q.cursor = page.next;
    q.sort = INVENTORY_BY_NAME; /* of another order */
    assert_int_equal(inventory_certs(s.inv, &q, &s.arena, &rows, &n, &end, &f), ERR_USAGE);
    q.sort = INVENTORY_BY_END; /* good after a new start too, and while rows come in */
    struct bytes late = make_cert(&s, "late", "", 0, 99, false);
    assert_int_equal(push(&s, agent, "late", &late, 1, NULL, 0, false).code, ERR_OK);
    shop_again(&s);
    assert_int_equal(inventory_certs(s.inv, &q, &s.arena, &rows, &n, &end, &f), ERR_OK);
    assert_int_equal(end.total, N + 1);
    struct inventory_endpoint *places;
    size_t seen = 0;
    for (q = (struct inventory_query){.limit = 7};; q.cursor = page.next) {
        assert_int_equal(inventory_endpoints(s.inv, &q, &s.arena, &places, &n, &page, &f), ERR_OK);
        for (size_t i = 0; i < n; i++, seen++)
            assert_int_equal(places[i].place.port, 1000 + seen);
        if (page.next.n == 0)
            break;
    }
    assert_int_equal(seen, N);
    shop_end(&s);
}

static void what_is_known(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE], hashes[3][SHA256_SIZE];
    bool has[3];
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes a = make_cert(&s, "a", "", 1, 1, false), b = make_cert(&s, "b", "", 1, 2, false);
    hash_of(HASH_SHA256, a, hashes[0]);
    hash_of(HASH_SHA256, b, hashes[1]);
    memcpy(hashes[2], hashes[0], SHA256_SIZE);
    assert_int_equal(push(&s, agent, "1", &a, 1, NULL, 0, false).code, ERR_OK);
    inventory_known(s.inv, (const uint8_t(*)[SHA256_SIZE])hashes, 3, has);
    assert_true(has[0] && !has[1] && has[2]);
    shop_end(&s);
}

/* Types and versions that are not known are kept and passed over. */
static void later_entries_are_skipped(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct store_log *log;
    struct fault f;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    inventory_close(s.inv);
    struct store_entry e[] = {
        {.type = 4711,               .version = 1, .payload = bytes_text("later")},
        {.type = RECORD_SCAN,        .version = 2, .payload = bytes_text("later")},
        {.type = RECORD_CERTIFICATE, .version = 1, .payload = bytes_text("short")}
    };
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, NULL, &log, NULL, &f), ERR_OK);
    assert_int_equal(store_log_append(log, e, 3, NULL, &f), ERR_OK);
    store_log_close(log);
    shop_open(&s);
    assert_int_equal(counts(&s).skipped, 3);
    assert_int_equal(counts(&s).entries, 4);
    assert_int_equal(counts(&s).agents, 1);
    shop_end(&s);
}

struct tally {
    size_t harms, observations;
};

static void count_harm(void *context, const struct store_harm *harm) {
    struct tally *t = context;
    (void)harm;
    t->harms++;
}

static bool count_observation(void *context, const uint8_t *agent, int64_t stored_ms,
                              const struct model_observation *o) {
    struct tally *t = context;
    assert_non_null(agent);
    assert_true(stored_ms > 0 && o->port == 443);
    t->observations++;
    return true;
}

static void reading_beside_a_server(void **state) {
    (void)state;
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct tally t = {0, 0};
    struct inventory *inv;
    struct fault f;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1);
    assert_int_equal(push(&s, agent, "1", &der, 1, &o, 1, true).code, ERR_OK);
    assert_int_equal(push(&s, agent, "2", NULL, 0, &o, 1, true).code, ERR_OK);
    assert_int_equal(inventory_read(s.place.dir, &s.place.env, INT64_MAX, count_harm, &t, &inv, &f),
                     ERR_OK);
    struct inventory_cert_detail here = get_cert(&s, der), there;
    assert_int_equal(inventory_cert_get(inv, here.cert.sha256, &s.arena, &there, &f), ERR_OK);
    assert_true(bytes_equal(here.der, there.der));
    assert_int_equal(inventory_observations(inv, count_observation, &t, &f), ERR_OK);
    assert_int_equal(t.observations, 2);
    assert_int_equal(t.harms, 0);
    assert_int_equal(inventory_agent_disable(inv, agent, true, NULL, NULL, &f), ERR_PERMISSION);
    inventory_close(inv);
    shop_end(&s);
}

/* ---- Many at once ---- */

enum { PUSHERS = 6, PUSHES = 25 };

struct pusher {
    struct inventory *inv;
    const uint8_t *agent;
    unsigned id;
    struct bytes ders[PUSHES];
    unsigned stored, repeated, busy, failed;
};

/* Every batch is pushed by two threads: it must be stored once. */
static void pusher_run(void *argument) {
    struct pusher *p = argument;
    struct arena a;
    arena_init(&a, 16u << 20);
    for (unsigned i = 0; i < PUSHES; i++) {
        char name[32];
        struct fault f;
        struct inventory_result r;
        struct inventory_der der = {.der = p->ders[i]};
        struct model_sha256 hash;
        hash_of(HASH_SHA256, der.der, hash.bytes);
        struct model_observation o = {.target = bytes_text("t"),
                                      .port = (uint16_t)(1000 + i),
                                      .protocol = MODEL_TLS,
                                      .time_s = 1767225600,
                                      .stage = MODEL_STAGE_DONE,
                                      .chain = &hash,
                                      .chain_n = 1};
        (void)ip_read(bytes_text("192.0.2.9"), &o.ip);
        snprintf(name, sizeof name, "%u-%u", p->id / 2, i);
        struct inventory_push push = {.agent = p->agent,
                                      .batch = bytes_text(name),
                                      .certificates = &der,
                                      .certificates_n = 1,
                                      .observations = &o,
                                      .observations_n = 1};
        arena_reset(&a);
        enum err code = inventory_push(p->inv, &push, &a, &r, NULL, NULL, &f);
        p->busy += code == ERR_BUSY;
        p->failed += code != ERR_OK && code != ERR_BUSY;
        p->repeated += code == ERR_OK && r.repeated;
        p->stored += code == ERR_OK && !r.repeated;
    }
    arena_clear(&a);
}

static void asker_run(void *argument) {
    struct pusher *p = argument;
    struct arena a;
    arena_init(&a, 16u << 20);
    for (unsigned i = 0; i < 200; i++) {
        arena_reset(&a);
        struct inventory_query q = {.sort = (enum inventory_sort)(i % 3),
                                    .where =
                                        query_of(&a, i % 2 ? "m1" : "", QUERY_CERTIFICATES, 0)};
        struct inventory_cert *rows;
        struct inventory_endpoint *places;
        struct inventory_page page;
        struct inventory_counts c;
        struct fault f;
        size_t n;
        p->failed += inventory_certs(p->inv, &q, &a, &rows, &n, &page, &f) != ERR_OK;
        q.where = query_of(&a, i % 2 ? "m1" : "", QUERY_ENDPOINTS, 0);
        p->failed += inventory_endpoints(p->inv, &q, &a, &places, &n, &page, &f) != ERR_OK;
        inventory_count(p->inv, 1767225600000, 1000, &c);
        inventory_agent_touch(p->inv, p->agent, i, bytes_text(i % 2 ? "x" : "y"), bytes_text("1"));
    }
    arena_clear(&a);
}

static void many_push_and_ask(void **state) {
    (void)state;
    static struct pusher pushers[PUSHERS], asker;
    struct thread *threads[PUSHERS + 1];
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    unsigned stored = 0, other = 0;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    for (unsigned t = 0; t < PUSHERS; t++) {
        pushers[t] = (struct pusher){.inv = s.inv, .agent = agent, .id = t};
        for (unsigned i = 0; i < PUSHES; i++) {
            char name[32];
            snprintf(name, sizeof name, "m%u-%u", t / 2, i);
            pushers[t].ders[i] = t % 2 ? pushers[t - 1].ders[i]
                                       : make_cert(&s, name, name, 9, (uint8_t)(t * 40 + i), false);
        }
    }
    asker = (struct pusher){.inv = s.inv, .agent = agent};
    for (unsigned t = 0; t < PUSHERS; t++)
        threads[t] = thread_start(pusher_run, &pushers[t]);
    threads[PUSHERS] = thread_start(asker_run, &asker);
    for (unsigned t = 0; t <= PUSHERS; t++)
        thread_join(threads[t]);
    assert_int_equal(asker.failed, 0);
    for (unsigned t = 0; t < PUSHERS; t++) {
        assert_int_equal(pushers[t].failed, 0);
        stored += pushers[t].stored;
        other += pushers[t].repeated + pushers[t].busy;
    }
    assert_int_equal(stored, PUSHERS / 2 * PUSHES);
    assert_int_equal(other, PUSHERS / 2 * PUSHES);
    for (unsigned turn = 0; turn < 2; turn++, shop_again(&s)) {
        assert_int_equal(counts(&s).certificates, PUSHERS / 2 * PUSHES);
        assert_int_equal(counts(&s).endpoints, PUSHES);
    }
    shop_end(&s);
}

/* ---- Kinds, services, a moment of the past ---- */

static uint64_t count_of(const struct inventory_groups *g, const char *text) {
    for (size_t i = 0; i < g->n; i++)
        if (bytes_is(g->rows[i].text, text))
            return g->rows[i].certificates;
    return 0;
}

static struct inventory_groups group(struct shop *s, const char *where, enum inventory_group by,
                                     size_t limit) {
    struct inventory_groups g;
    struct fault f;
    const struct query *q = query_of(&s->arena, where, QUERY_CERTIFICATES, s->now_ms / 1000);
    assert_int_equal(
        inventory_certs_group(s->inv, q, by, s->now_ms / 1000, limit, &s->arena, &g, &f), ERR_OK);
    return g;
}

static void counted_by_kind(void **state) {
    (void)state;
    struct shop s;
    uint8_t one[INVENTORY_ID_SIZE], two[INVENTORY_ID_SIZE];
    static const int64_t ends[] = {-1, 0, 5, 8, 400};
    struct bytes ders[5];
    struct model_observation o[6];
    shop_start(&s);
    s.now_ms += 1000; /* a Thursday, one second past midnight */
    enrol(&s, "one", "", "key one", one);
    enrol(&s, "two", "", "key two", two);
    for (uint8_t i = 0; i < 5; i++) {
        ders[i] = make_cert(&s, "a", "", ends[i], i, i == 4);
        o[i] = look(&s, "192.0.2.1", (uint16_t)(1000 + i), &ders[i], 1);
    }
    o[5] = look(&s, "192.0.2.9", 9, &ders[2], 1);
    assert_int_equal(push(&s, one, "b1", ders, 5, o, 5, true).code, ERR_OK);
    assert_int_equal(push(&s, two, "b2", NULL, 0, &o[5], 1, true).code, ERR_OK);

    struct inventory_groups g = group(&s, "", INVENTORY_PER_WEEK, 0);
    assert_int_equal(g.n, INVENTORY_WEEKS + 2);
    assert_int_equal(g.total, 5);
    assert_int_equal(g.rows[0].certificates, 2); /* ended: a day ago, a second ago */
    assert_int_equal(g.rows[1].from_s, s.now_ms / 1000);
    assert_int_equal(g.rows[1].to_s, 1767225600 + 4 * DAY); /* Monday, 2026-01-05 */
    assert_int_equal(g.rows[2].certificates, 2);            /* the 6th and the 9th */
    assert_int_equal(g.rows[INVENTORY_WEEKS + 1].certificates, 1);
    for (size_t i = 1; i < g.n; i++)
        assert_int_equal(g.rows[i].from_s, g.rows[i - 1].to_s);

    g = group(&s, "not is:expired", INVENTORY_PER_ISSUER, 10);
    assert_int_equal(g.total, 3);
    assert_int_equal(g.kinds, 2);
    assert_text(g.rows[0].text, "CN=Test CA 7");
    assert_int_equal(g.rows[0].certificates, 2);
    g = group(&s, "", INVENTORY_PER_KEY, 10);
    assert_int_equal(count_of(&g, "EC P-256"), 5);
    g = group(&s, "", INVENTORY_PER_AGENT, 10);
    assert_int_equal(count_of(&g, "one"), 5);
    assert_int_equal(count_of(&g, "two"), 1);
    g = group(&s, "", INVENTORY_PER_AGENT, 1);
    assert_true(g.n == 1 && g.kinds == 2);
    shop_end(&s);
}

static bool visit_service(void *context, const struct inventory_service *service) {
    uint64_t *n = context;
    n[0]++;
    n[1] += service->certificates;
    return true;
}

static bool visit_act(void *context, const struct inventory_audit *act) {
    (void)act;
    (*(uint64_t *)context)++;
    return true;
}

static void no_harm(void *context, const struct store_harm *harm) {
    (void)context;
    (void)harm;
    fail();
}

/* Three moments, a second apart: an agent, a certificate, another one and an act. */
static void read_as_of_a_moment(void **state) {
    (void)state;
    static const struct {
        int64_t until_ms;
        uint64_t certificates, services, acts;
        int64_t last_ms;
    } moments[] = {
        {0,             0, 0, 0, 0            },
        {1767225600000, 0, 0, 0, 1767225600000},
        {1767225601000, 1, 1, 0, 1767225601000},
        {1767225601999, 1, 1, 0, 1767225601000},
        {1767225602000, 2, 2, 1, 1767225602000},
        {INT64_MAX,     2, 2, 1, 1767225602000},
    };
    struct shop s;
    struct fault f;
    uint8_t agent[INVENTORY_ID_SIZE], sha256[SHA256_SIZE];
    struct inventory_audit act = {.actor = bytes_text("local"), .verb = bytes_text("v")};
    shop_start(&s);
    enrol(&s, "one", "", "key one", agent);
    struct bytes ders[] = {make_cert(&s, "a", "a.example.com", 5, 1, false),
                           make_cert(&s, "b", "b.example.com", 5, 2, false)};
    hash_of(HASH_SHA256, ders[0], sha256);
    for (size_t i = 0; i < 2; i++) {
        s.now_ms += 1000;
        struct model_observation o = look(&s, "192.0.2.1", (uint16_t)(1 + i), &ders[i], 1);
        assert_int_equal(push(&s, agent, i ? "b" : "a", &ders[i], 1, &o, 1, true).code, ERR_OK);
    }
    assert_int_equal(inventory_audit(s.inv, &act, NULL, NULL, &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        struct inventory *inv;
        struct inventory_counts c;
        uint64_t services[2] = {0}, acts = 0;
        assert_int_equal(
            inventory_read(s.place.dir, &s.place.env, moments[i].until_ms, no_harm, NULL, &inv, &f),
            ERR_OK);
        inventory_count(inv, s.now_ms, 1000, &c);
        assert_int_equal(c.certificates, moments[i].certificates);
        assert_int_equal(inventory_last_ms(inv), moments[i].last_ms);
        assert_int_equal(inventory_services(inv, NULL, visit_service, services, &f), ERR_OK);
        assert_int_equal(services[0], moments[i].services);
        assert_int_equal(services[1], moments[i].certificates);
        assert_int_equal(inventory_audits(inv, visit_act, &acts, &f), ERR_OK);
        assert_int_equal(acts, moments[i].acts);
        const struct query *q = query_of(&s.arena, "san:a.example.com", QUERY_CERTIFICATES, 0);
        assert_int_equal(inventory_cert_holds(inv, q, sha256), moments[i].certificates > 0);
        inventory_close(inv);
    }
    shop_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_stored_once),
        cmocka_unit_test(facts_are_kept_and_the_plain_face_speaks),
        cmocka_unit_test(items_are_rejected_singly),
        cmocka_unit_test(identities),
        cmocka_unit_test(served_in_the_last_three_passes),
        cmocka_unit_test(the_same_observation_repeated_is_as_new),
        cmocka_unit_test(files_that_cannot_be_read_are_not_gone),
        cmocka_unit_test(services_and_moves),
        cmocka_unit_test(agents_change),
        cmocka_unit_test(lists_are_paged),
        cmocka_unit_test(what_is_known),
        cmocka_unit_test(later_entries_are_skipped),
        cmocka_unit_test(reading_beside_a_server),
        cmocka_unit_test(many_push_and_ask),
        cmocka_unit_test(counted_by_kind),
        cmocka_unit_test(read_as_of_a_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
