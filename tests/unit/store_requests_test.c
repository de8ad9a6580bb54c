/* store/inventory: requests, revocations, services, agents' work; payloads and a new start. */
#include "shop.h"

#include "base/text.h"
#include "store/inventory/record.h"
#include "store/inventory/requests.h"

enum { DAY = 86400 };

static void shop_start_with_agent(struct shop *s) {
    struct inventory_enrolment e = {.name = bytes_text("web1"), .spki = bytes_text("key 1")};
    struct fault f;
    shop_start(s);
    assert_int_equal(inventory_agent_enrol(s->inv, &e, s->agent, NULL, NULL, &f), ERR_OK);
}

static struct bytes subject_of(struct shop *s, const char *cn) {
    struct x509_attribute name = {OID_COMMON_NAME, cn};
    struct buf out;
    buf_init(&out, 1000);
    x509_name_write(&out, &name, 1);
    struct bytes copy = arena_copy(&s->arena, buf_bytes(&out));
    buf_clear(&out);
    return copy;
}

static struct bytes make_csr(struct shop *s, const char *dns) {
    static const uint8_t ip[] = {192, 0, 2, 7};
    struct bytes names[] = {bytes_text(dns)}, addresses[] = {bytes_of(ip, sizeof ip)};
    struct x509_template t = {
        .subject = subject_of(s, dns), .dns = {names,     1},
              .ip = {addresses, 1}
    };
    struct buf out;
    struct fault f;
    buf_init(&out, 5000);
    assert_int_equal(x509_request_write(&s->place.env, &t, s->key, &out, &f), ERR_OK);
    struct bytes copy = arena_copy(&s->arena, buf_bytes(&out));
    buf_clear(&out);
    return copy;
}

/* A greater serial ends as many days later. */
static struct bytes make_cert(struct shop *s, const char *dns, uint8_t serial, bool self) {
    struct bytes names[] = {bytes_text(dns)};
    uint8_t number[] = {0x01, 0x0a, 0xbc, serial};
    struct x509_template t = {
        .serial = bytes_of(number, sizeof number),
        .issuer = subject_of(s, self ? dns : "Test CA 7"),
        .subject = subject_of(s, dns),
        .not_before = 1767225600 - 30 * DAY,
        .not_after = 1767225600 + (59 + serial) * DAY,
        .spki = buf_bytes(&s->spki),
        .path_len = -1,
        .dns = {names, 1},
    };
    struct buf out;
    struct fault f;
    buf_init(&out, 5000);
    assert_int_equal(x509_cert_write(&s->place.env, &t, s->key, &out, &f), ERR_OK);
    struct bytes copy = arena_copy(&s->arena, buf_bytes(&out));
    buf_clear(&out);
    return copy;
}

static struct inventory_audit act_of(const char *verb) {
    return (struct inventory_audit){.actor = bytes_text("user:alex"), .verb = bytes_text(verb)};
}

static const uint8_t *id_number(struct shop *s, uint8_t n) {
    uint8_t *id = arena_alloc(&s->arena, INVENTORY_ID_SIZE);
    assert_non_null(id);
    id[0] = 0xa0;
    id[15] = n;
    return id;
}

static enum err ask(struct shop *s, uint8_t n, struct bytes csr, const uint8_t *replaces) {
    struct fault f;
    struct inventory_audit act = act_of("request.create");
    struct inventory_asked asked = {.id = id_number(s, n),
                                    .agent = s->agent,
                                    .profile = bytes_text("server"),
                                    .replaces = replaces,
                                    .csr = csr};
    return inventory_request_add(s->inv, &asked, &act, &f);
}

static enum err decide(struct shop *s, uint8_t n, bool approved, const char *reason) {
    struct fault f;
    struct inventory_audit act = act_of("request.decide");
    return inventory_request_decide(s->inv, id_number(s, n), approved, bytes_text("user:alex"),
                                    bytes_text(reason), &act, &f);
}

static enum err issue(struct shop *s, uint8_t n, struct bytes cert, struct bytes issuer) {
    struct fault f;
    struct inventory_audit act = act_of("request.issue");
    return inventory_request_issue(s->inv, id_number(s, n), cert, &issuer, 1, &act, &f);
}

static struct inventory_request_detail get(struct shop *s, uint8_t n) {
    struct inventory_request_detail d;
    struct fault f;
    assert_int_equal(inventory_request_get(s->inv, id_number(s, n), &s->arena, &d, &f), ERR_OK);
    return d;
}

static void sha256_of(struct bytes der, uint8_t out[SHA256_SIZE]) {
    hash_of(HASH_SHA256, der, out);
}

static void push_seen_at(struct shop *s, const char *ip, struct bytes der, const char *batch) {
    struct model_sha256 hash;
    struct fault f;
    struct inventory_result result;
    struct inventory_der cert = {.der = der};
    sha256_of(der, hash.bytes);
    struct model_observation o = {.scan = bytes_text("scan-1"),
                                  .target = bytes_text(ip),
                                  .kind = MODEL_KIND_TLS,
                                  .port = 443,
                                  .protocol = MODEL_TLS,
                                  .time_s = s->now_ms / 1000,
                                  .outcome = MODEL_OK,
                                  .stage = MODEL_STAGE_DONE,
                                  .chain = &hash,
                                  .chain_n = 1};
    assert_true(ip_read(bytes_text(ip), &o.ip));
    struct inventory_push push = {.agent = s->agent,
                                  .batch = bytes_text(batch),
                                  .certificates = &cert,
                                  .certificates_n = 1,
                                  .observations = &o,
                                  .observations_n = 1};
    assert_int_equal(inventory_push(s->inv, &push, &s->arena, &result, NULL, NULL, &f), ERR_OK);
    assert_int_equal(result.observations, 1);
    s->now_ms += 1000;
}

static void push_seen(struct shop *s, struct bytes der, const char *batch) {
    push_seen_at(s, "192.0.2.7", der, batch);
}

static struct inventory_cert cert_of(struct shop *s, struct bytes der) {
    uint8_t sha256[SHA256_SIZE];
    struct inventory_cert_detail d;
    struct fault f;
    sha256_of(der, sha256);
    assert_int_equal(inventory_cert_get(s->inv, sha256, &s->arena, &d, &f), ERR_OK);
    return d.cert;
}

/* ---- Payloads ---- */

typedef bool reads(struct bytes payload);

/* The whole is read, no prefix of it is. */
static void check_prefixes(const struct buf *b, reads *read) {
    assert_int_equal(b->err, ERR_OK);
    for (size_t n = 0; n < b->n; n++)
        assert_false(read(bytes_part(buf_bytes(b), 0, n)));
    assert_true(read(buf_bytes(b)));
}

#define READS(name, type, call)                                                                    \
    static bool name(struct bytes payload) {                                                       \
        type r;                                                                                    \
        return call;                                                                               \
    }
READS(reads_request, struct record_request, record_request_read(payload, &r))
READS(reads_decision, struct record_decision, record_decision_read(payload, &r))
READS(reads_issued, struct record_issued, record_issued_read(payload, &r))
READS(reads_revoked, struct record_revoked, record_revoked_read(payload, &r))
READS(reads_outcome, struct record_outcome, record_outcome_read(payload, &r))
READS(reads_service, struct record_service, record_service_read(payload, &r))
READS(reads_targets, struct record_work, record_work_read(RECORD_TARGETS, payload, &r))
READS(reads_rescan, struct record_work, record_work_read(RECORD_RESCAN, payload, &r))
READS(reads_done, struct record_work, record_work_read(RECORD_RESCAN_DONE, payload, &r))
READS(reads_crl, uint64_t, record_crl_read(payload, &r))
READS(reads_compaction, struct record_compaction, record_compaction_read(payload, &r))

static void payloads_are_as_described(void **state) {
    (void)state;
    static const uint8_t raw[64] = {0xfe, 0xed};
    struct bytes id = bytes_of(raw, 16), other = bytes_of(raw + 16, 16), hash = bytes_of(raw, 32);
    struct buf b;
    buf_init(&b, 1 << 16);

    record_request_write(
        &(struct record_request){id, other, bytes_text("web"), hash, bytes_text("CSR")}, &b);
    check_prefixes(&b, reads_request);
    assert_int_equal(b.n, 16 + 16 + 1 + 3 + 1 + 32 + 3 + 3);
    assert_int_equal(b.p[32], 3); /* vec8 profile */
    buf_reset(&b);

    record_decision_write(&(struct record_decision){id, bytes_text("me"), bytes_text("no"), false},
                          &b);
    check_prefixes(&b, reads_decision);
    assert_int_equal(b.p[16], 2);
    b.p[16] = 3;
    assert_false(reads_decision(buf_bytes(&b)));
    buf_reset(&b);

    record_issued_write(&(struct record_issued){id, hash, bytes_of(raw, 64)}, &b);
    check_prefixes(&b, reads_issued);
    assert_int_equal(b.p[48], 2);
    buf_reset(&b);

    record_revoked_write(&(struct record_revoked){hash, bytes_text("me"), bytes_text("superseded")},
                         &b);
    check_prefixes(&b, reads_revoked);
    buf_reset(&b);

    struct record_outcome o = {id, bytes_text("out"), true, true, -2}, back;
    record_outcome_write(&o, &b);
    check_prefixes(&b, reads_outcome);
    assert_true(record_outcome_read(buf_bytes(&b), &back));
    assert_true(back.installed && back.has_exit && back.reload_exit == -2);
    b.p[16] = 7; /* flags that nobody knows */
    assert_false(reads_outcome(buf_bytes(&b)));
    buf_reset(&b);

    struct record_service v = {id, bytes_text("Team"), bytes_text("\x01x\x02yz"), bytes_text("n")};
    record_service_write(&v, &b);
    check_prefixes(&b, reads_service);
    assert_int_equal(b.p[16 + 2 + 4], 2); /* tags */
    buf_reset(&b);

    record_work_write(RECORD_TARGETS, &(struct record_work){.agent = id, .targets = other}, &b);
    check_prefixes(&b, reads_targets);
    buf_reset(&b);
    record_work_write(RECORD_RESCAN, &(struct record_work){id, other, bytes_of("\0\2ab", 4)}, &b);
    check_prefixes(&b, reads_rescan);
    buf_reset(&b);
    record_work_write(RECORD_RESCAN_DONE, &(struct record_work){.agent = id, .id = other}, &b);
    check_prefixes(&b, reads_done);
    buf_reset(&b);
    record_crl_write(7, &b);
    check_prefixes(&b, reads_crl);
    buf_reset(&b);
    record_compaction_write(&(struct record_compaction){77, 1767225600000}, &b);
    check_prefixes(&b, reads_compaction);
    buf_clear(&b);
}

/* ---- Requests ---- */

static void a_request_lives_and_is_there_after_a_start(void **state) {
    (void)state;
    struct shop s;
    shop_start_with_agent(&s);
    struct bytes csr = make_csr(&s, "www.example.com"), issuer = make_cert(&s, "ca", 9, true);
    struct bytes cert = make_cert(&s, "www.example.com", 1, false);
    uint8_t sha256[SHA256_SIZE], issuer_sha256[SHA256_SIZE];
    struct fault f;
    sha256_of(cert, sha256);
    sha256_of(issuer, issuer_sha256);

    assert_int_equal(ask(&s, 1, csr, NULL), ERR_OK);
    assert_int_equal(ask(&s, 1, csr, NULL), ERR_EXISTS);
    assert_int_equal(issue(&s, 1, cert, issuer), ERR_CONFLICT); /* nobody approved */
    shop_again(&s);
    struct inventory_request_detail d = get(&s, 1);
    assert_int_equal(d.request.state, INVENTORY_PENDING);
    assert_text(d.request.names, "www.example.com\n192.0.2.7");
    assert_text(d.request.subject, "CN=www.example.com");
    assert_text(d.request.key, "EC P-256");
    assert_text(d.request.agent_name, "web1");
    assert_true(bytes_equal(d.csr, csr));

    assert_int_equal(decide(&s, 1, true, ""), ERR_OK);
    assert_int_equal(decide(&s, 1, true, ""), ERR_CONFLICT);
    shop_again(&s); /* as after a crash between the two */
    d = get(&s, 1);
    assert_int_equal(d.request.state, INVENTORY_APPROVED);
    assert_text(d.request.decided_by, "user:alex");
    assert_int_equal(issue(&s, 1, cert, issuer), ERR_OK);
    assert_int_equal(issue(&s, 1, cert, issuer), ERR_CONFLICT);
    assert_int_equal(decide(&s, 1, false, "late"), ERR_CONFLICT);

    struct inventory_outcome o = {true, true, 3, bytes_text("nginx: no")};
    assert_int_equal(inventory_request_outcome(s.inv, id_number(&s, 1), &o, &f), ERR_OK);
    struct store_tree before = inventory_tree(s.inv);
    assert_int_equal(inventory_request_outcome(s.inv, id_number(&s, 1), &o, &f), ERR_OK);
    assert_int_equal(inventory_tree(s.inv).size, before.size); /* told twice, stored once */
    shop_again(&s);
    d = get(&s, 1);
    assert_int_equal(d.request.state, INVENTORY_ISSUED);
    assert_memory_equal(d.request.cert, sha256, SHA256_SIZE);
    assert_int_equal(d.request.chain_n, 1);
    assert_memory_equal(d.request.chain[0], issuer_sha256, SHA256_SIZE);
    assert_true(d.request.installed && d.request.has_exit && !d.request.served);
    assert_int_equal(d.request.reload_exit, 3);
    assert_text(d.outcome_detail, "nginx: no");
    assert_true(cert_of(&s, cert).not_yet_served);
    shop_end(&s);
}

static void refusals_and_limits(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_counts counts;
    shop_start_with_agent(&s);
    struct bytes csr = make_csr(&s, "a.example.com"),
                 cert = make_cert(&s, "a.example.com", 1, false);
    struct inventory_outcome o = {.installed = true};
    assert_int_equal(ask(&s, 1, csr, NULL), ERR_OK);
    assert_int_equal(inventory_request_outcome(s.inv, id_number(&s, 1), &o, &f), ERR_CONFLICT);
    assert_int_equal(decide(&s, 1, false, "use the wildcard"), ERR_OK);
    assert_int_equal(decide(&s, 1, true, ""), ERR_CONFLICT);
    assert_int_equal(issue(&s, 1, cert, cert), ERR_CONFLICT);
    assert_int_equal(decide(&s, 2, true, ""), ERR_NOT_FOUND);
    assert_int_equal(ask(&s, 3, bytes_of(NULL, 0), NULL), ERR_LIMIT);

    assert_int_equal(ask(&s, 4, csr, NULL), ERR_OK);
    assert_int_equal(decide(&s, 4, true, ""), ERR_OK);
    assert_int_equal(decide(&s, 4, false, "the profile has changed"), ERR_OK); /* not yet issued */
    for (uint8_t i = 0; i < INVENTORY_PENDING_MAX; i++)
        assert_int_equal(ask(&s, (uint8_t)(10 + i), csr, NULL), ERR_OK);
    assert_int_equal(ask(&s, 200, csr, NULL), ERR_BUSY);
    shop_again(&s);
    assert_int_equal(ask(&s, 200, csr, NULL), ERR_BUSY);
    assert_int_equal(decide(&s, 10, false, "no"), ERR_OK);
    assert_int_equal(ask(&s, 200, csr, NULL), ERR_OK);
    inventory_count(s.inv, s.now_ms, DAY * 1000, &counts);
    assert_int_equal(counts.pending, INVENTORY_PENDING_MAX);
    assert_int_equal(counts.requests, INVENTORY_PENDING_MAX + 3);
    assert_text(get(&s, 1).request.reason, "use the wildcard");
    shop_end(&s);
}

static void the_list_is_paged_and_filtered(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_request *rows;
    struct inventory_page page;
    size_t n, seen = 0;
    shop_start_with_agent(&s);
    for (uint8_t i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "h%u.example.com", (unsigned)i);
        assert_int_equal(ask(&s, i, make_csr(&s, name), NULL), ERR_OK);
    }
    assert_int_equal(decide(&s, 3, false, "no"), ERR_OK);
    struct inventory_query q = {.limit = 4};
    do {
        assert_int_equal(inventory_requests(s.inv, &q, &s.arena, &rows, &n, &page, &f), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(rows[i].id[15], seen++);
        assert_int_equal(page.total, 7);
        q.cursor = page.next;
    } while (page.next.n > 0);
    assert_int_equal(seen, 7);
    struct inventory_query refused = {.request_states = 1u << INVENTORY_REFUSED};
    assert_int_equal(inventory_requests(s.inv, &refused, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id[15], 3);
    struct inventory_query text = {.where = query_of(&s.arena, "H5.EXAMPLE", QUERY_REQUESTS, 0),
                                   .descending = true};
    assert_int_equal(inventory_requests(s.inv, &text, &s.arena, &rows, &n, &page, &f), ERR_OK);
    assert_int_equal(n, 1);
    struct inventory_query wrong = {.cursor = bytes_text("1c0a00")};
    assert_int_equal(inventory_requests(s.inv, &wrong, &s.arena, &rows, &n, &page, &f), ERR_USAGE);
    shop_end(&s);
}

/* ---- Revocation ---- */

static void revocations_make_a_list(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct x509_revoked *rows;
    struct inventory_cert_care care;
    struct inventory_audit act = act_of("certificate.revoke");
    uint8_t sha256[SHA256_SIZE];
    uint64_t revision, number;
    size_t n;
    shop_start_with_agent(&s);
    struct bytes cert = make_cert(&s, "a.example.com", 1, false);
    sha256_of(cert, sha256);
    assert_int_equal(inventory_cert_revoke(s.inv, sha256, bytes_text("user:alex"),
                                           X509_REASON_SUPERSEDED, &act, &f),
                     ERR_NOT_FOUND);
    assert_int_equal(ask(&s, 1, make_csr(&s, "a.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 1, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 1, cert, cert), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(inventory_cert_revoke(s.inv, sha256, bytes_text("user:alex"),
                                               X509_REASON_SUPERSEDED, &act, &f),
                         i == 0 ? ERR_OK : ERR_CONFLICT);
    assert_int_equal(inventory_crl_made(s.inv, 41, &f), ERR_OK);
    shop_again(&s);
    assert_int_equal(inventory_revoked(s.inv, 0, &s.arena, &rows, &n, &revision, &number, &f),
                     ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(revision, 1);
    assert_int_equal(number, 41);
    assert_int_equal(rows[0].reason, X509_REASON_SUPERSEDED);
    assert_int_equal(rows[0].revoked_s, 1767225600);
    assert_memory_equal(rows[0].serial.p, ((uint8_t[]){0x01, 0x0a, 0xbc, 1}), 4);
    assert_int_equal(inventory_revoked(s.inv, 1767225600 + 61 * DAY, &s.arena, &rows, &n, &revision,
                                       &number, &f),
                     ERR_OK);
    assert_int_equal(n, 0); /* ended long ago */
    assert_int_equal(inventory_cert_care(s.inv, sha256, &s.arena, &care, &f), ERR_OK);
    assert_true(care.is_revoked && care.has_request);
    assert_int_equal(care.request_state, INVENTORY_REVOKED);
    assert_text(care.reason, "superseded");
    assert_int_equal(get(&s, 1).request.state, INVENTORY_REVOKED);
    assert_false(cert_of(&s, cert).not_yet_served);
    shop_end(&s);
}

/* ---- Services ---- */

static void set_owner(struct shop *s, const uint8_t *id, const char *owner) {
    static const char *const words[] = {"prod", "dmz"};
    struct bytes tags[] = {bytes_text(words[0]), bytes_text(words[1])};
    struct inventory_service v = {
        .owner = bytes_text(owner), .tags = tags, .tags_n = 2, .notes = bytes_text("a\nb")};
    struct inventory_audit act = act_of("service.edit");
    struct fault f;
    memcpy(v.id, id, INVENTORY_ID_SIZE);
    assert_int_equal(inventory_service_set(s->inv, &v, &act, &f), ERR_OK);
}

/* Owner and tags stay over: the same face, the same names, a named predecessor. */
static void a_service_goes_on(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_service v;
    shop_start_with_agent(&s);
    struct bytes old = make_cert(&s, "old.example.com", 1, true);
    push_seen(&s, old, "batch 1");
    struct inventory_cert first = cert_of(&s, old);
    set_owner(&s, first.service, "Team Web");

    struct bytes next = make_cert(&s, "old.example.com", 2, false);
    assert_int_equal(ask(&s, 1, make_csr(&s, "old.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 1, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 1, next, next), ERR_OK);
    assert_text(cert_of(&s, next).owner, ""); /* another kind of issuer: not the same line yet */
    assert_true(cert_of(&s, next).not_yet_served);
    push_seen(&s, next, "batch 2"); /* at the same face */
    assert_memory_equal(cert_of(&s, next).service, first.service, INVENTORY_ID_SIZE);
    assert_text(cert_of(&s, next).owner, "Team Web");
    assert_false(cert_of(&s, next).not_yet_served);
    assert_true(get(&s, 1).request.served);

    struct bytes renewed = make_cert(&s, "old.example.com", 3, false);
    assert_int_equal(ask(&s, 2, make_csr(&s, "old.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 2, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 2, renewed, next), ERR_OK);
    assert_text(cert_of(&s, renewed).owner, "Team Web"); /* the same names, before it is served */

    struct bytes moved = make_cert(&s, "new.example.com", 4, false);
    uint8_t sha256[SHA256_SIZE];
    sha256_of(renewed, sha256);
    assert_int_equal(ask(&s, 3, make_csr(&s, "new.example.com"), sha256), ERR_OK);
    assert_int_equal(decide(&s, 3, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 3, moved, next), ERR_OK);
    shop_again(&s);
    assert_text(cert_of(&s, moved).owner, "Team Web"); /* it says what it replaces */
    assert_int_equal(inventory_service_get(s.inv, first.service, &s.arena, &v, &f), ERR_OK);
    assert_int_equal(v.certificates, 4);
    assert_int_equal(v.tags_n, 2);
    assert_text(v.tags[1], "dmz");
    assert_text(v.notes, "a\nb");
    set_owner(&s, first.service, "");
    assert_text(cert_of(&s, moved).owner, "");
    assert_int_equal(inventory_service_get(s.inv, id_number(&s, 9), &s.arena, &v, &f),
                     ERR_NOT_FOUND);
    shop_end(&s);
}

static void what_people_say_is_bounded(void **state) {
    (void)state;
    static const char *const cases[][3] = {
  /* owner, tag, the part that is wrong */
        {"a\nb", "x",   "owner"},
        {"a",    "",    "tags" },
        {"a",    "x,y", "tags" },
        {"\xff", "x",   "owner"},
    };
    struct shop s;
    struct fault f;
    shop_start_with_agent(&s);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes tag = bytes_text(cases[i][1]);
        struct inventory_service v = {.owner = bytes_text(cases[i][0]), .tags = &tag, .tags_n = 1};
        assert_int_equal(inventory_service_set(s.inv, &v, NULL, &f), ERR_USAGE);
        assert_string_equal(f.what, cases[i][2]);
    }
    shop_end(&s);
}

/* ---- What ends ---- */

/* The serials' last bytes of what counts so many days after the start, and their classes. */
static void check_ending(struct shop *s, int days, const char *want) {
    static const char letters[] = "esl"; /* expired, soon, later */
    char got[100];
    size_t n = 0;
    struct inventory_endings all;
    struct fault f;
    int64_t now_s = 1767225600 + (int64_t)days * DAY;
    struct inventory_ending_query q = {.now_s = now_s,
                                       .soon_s = now_s + 7 * DAY,
                                       .until_s = now_s + 30 * DAY,
                                       .unserved_s = now_s - 30 * DAY,
                                       .limit = 10,
                                       .places = 10};
    assert_int_equal(inventory_ending(s->inv, &q, &s->arena, &all, &f), ERR_OK);
    for (size_t i = 0; i < all.rows_n; i++) {
        const struct inventory_ending *row = &all.rows[i];
        int64_t serial = (row->cert.not_after_s - 1767225600) / DAY - 59;
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%d%c%u%s", i > 0 ? " " : "", (int)serial,
                              letters[row->kind], (unsigned)row->places_total,
                              row->is_renewed ? "r" : "");
    }
    got[n] = '\0';
    assert_string_equal(got, want);
}

static void what_is_managed_ends_too(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_audit act = act_of("certificate.revoke");
    uint8_t sha256[SHA256_SIZE];
    shop_start_with_agent(&s);
    struct bytes first = make_cert(&s, "a.example.com", 1, false);
    struct bytes second = make_cert(&s, "a.example.com", 2, false);
    struct bytes revoked = make_cert(&s, "b.example.com", 3, false);
    struct bytes elsewhere = make_cert(&s, "a.example.com", 4, false);
    assert_int_equal(ask(&s, 1, make_csr(&s, "a.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 1, true, ""), ERR_OK);
    check_ending(&s, 58, "");
    assert_int_equal(issue(&s, 1, first, first), ERR_OK);
    check_ending(&s, 29, "");
    check_ending(&s, 31, "1l0"); /* served nowhere */
    check_ending(&s, 58, "1s0");
    check_ending(&s, 61, "1e0");
    check_ending(&s, 91, ""); /* long ended */

    assert_int_equal(ask(&s, 2, make_csr(&s, "a.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 2, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 2, second, first), ERR_OK);
    check_ending(&s, 58, "2s0"); /* neither is served: the later one will be */

    assert_int_equal(ask(&s, 3, make_csr(&s, "b.example.com"), NULL), ERR_OK);
    assert_int_equal(decide(&s, 3, true, ""), ERR_OK);
    assert_int_equal(issue(&s, 3, revoked, first), ERR_OK);
    check_ending(&s, 58, "2s0 3s0");
    sha256_of(revoked, sha256);
    assert_int_equal(inventory_cert_revoke(s.inv, sha256, bytes_text("user:alex"),
                                           X509_REASON_SUPERSEDED, &act, &f),
                     ERR_OK);
    check_ending(&s, 58, "2s0");

    push_seen(&s, first, "1"); /* served, and its successor is not */
    check_ending(&s, 58, "1s1 2s0");
    check_ending(&s, 200, "1e1"); /* what is served is told for as long as it is */
    push_seen_at(&s, "192.0.2.8", elsewhere, "2");
    check_ending(
        &s, 58, "1s1r 4s1"); /* left behind where it is; the one that nobody serves is not missed */
    push_seen(&s, elsewhere, "3");
    shop_again(&s);
    check_ending(&s, 58, "4s2");
    shop_end(&s);
}

/* ---- Work ---- */

static void work_waits_for_an_agent(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_work w;
    struct inventory_audit act = act_of("agent.targets");
    struct bytes wanted[] = {bytes_text("a.example.com:443"), bytes_text("10.0.0.1")};
    uint8_t first[INVENTORY_ID_SIZE], id[INVENTORY_ID_SIZE];
    shop_start_with_agent(&s);
    assert_int_equal(inventory_work(s.inv, s.agent, &s.arena, &w, &f), ERR_OK);
    assert_true(w.targets_revision == 0 && !w.has_rescan && w.requests_n == 0);
    assert_int_equal(inventory_targets_set(s.inv, s.agent, bytes_text("a 443\n"), &act, &f),
                     ERR_OK);
    assert_int_equal(inventory_targets_set(s.inv, s.agent, bytes_text("b 443\n"), &act, &f),
                     ERR_OK);
    assert_int_equal(inventory_rescan_ask(s.inv, s.agent, NULL, 0, &act, first, &f), ERR_OK);
    assert_int_equal(inventory_rescan_ask(s.inv, s.agent, wanted, 2, &act, id, &f), ERR_OK);
    assert_int_equal(ask(&s, 1, make_csr(&s, "a.example.com"), NULL), ERR_OK);
    shop_again(&s);
    assert_int_equal(inventory_work(s.inv, s.agent, &s.arena, &w, &f), ERR_OK);
    assert_int_equal(w.targets_revision, 2);
    assert_text(w.targets, "b 443\n");
    assert_true(w.has_rescan && !w.rescan_done);
    assert_memory_equal(w.rescan, id, INVENTORY_ID_SIZE);
    assert_int_equal(w.rescan_targets_n, 2);
    assert_text(w.rescan_targets[1], "10.0.0.1");
    assert_int_equal(w.requests_n, 1);
    assert_int_equal(inventory_rescan_done(s.inv, s.agent, first, &f), ERR_NOT_FOUND);
    assert_int_equal(inventory_rescan_done(s.inv, s.agent, id, &f), ERR_OK);
    assert_int_equal(inventory_rescan_done(s.inv, s.agent, id, &f), ERR_OK);
    shop_again(&s);
    assert_int_equal(inventory_work(s.inv, s.agent, &s.arena, &w, &f), ERR_OK);
    assert_true(w.rescan_done);
    assert_int_equal(inventory_work(s.inv, id_number(&s, 1), &s.arena, &w, &f), ERR_NOT_FOUND);
    shop_end(&s);
}

/* Both entries of a change are in the log, or neither. */
static void an_act_stands_beside_its_change(void **state) {
    (void)state;
    static const uint16_t expected[] = {RECORD_AGENT_ENROLLED, RECORD_REQUEST, RECORD_AUDIT,
                                        RECORD_DECISION, RECORD_AUDIT};
    struct shop s;
    struct fault f;
    struct store_reader *reader;
    struct store_entry e;
    shop_start_with_agent(&s);
    assert_int_equal(ask(&s, 1, make_csr(&s, "a.example.com"), NULL), ERR_OK);
    char long_verb[300];
    memset(long_verb, 'x', sizeof long_verb);
    struct inventory_audit act = act_of("x");
    act.verb = bytes_of(long_verb, sizeof long_verb);
    assert_int_equal(inventory_request_decide(s.inv, id_number(&s, 1), true, bytes_text("me"),
                                              bytes_text(""), &act, &f),
                     ERR_LIMIT);
    assert_int_equal(get(&s, 1).request.state, INVENTORY_PENDING);
    assert_int_equal(decide(&s, 1, true, ""), ERR_OK);
    inventory_close(s.inv);
    assert_int_equal(store_reader_open(s.place.dir, &reader, &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(store_reader_next(reader, &e, &f), ERR_OK);
        assert_int_equal(e.type, expected[i]);
    }
    assert_int_equal(store_reader_next(reader, &e, &f), ERR_NOT_FOUND);
    store_reader_close(reader);
    assert_int_equal(inventory_open(s.place.dir, &s.place.env, &s.inv, &f), ERR_OK);
    shop_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_are_as_described),
        cmocka_unit_test(a_request_lives_and_is_there_after_a_start),
        cmocka_unit_test(refusals_and_limits),
        cmocka_unit_test(the_list_is_paged_and_filtered),
        cmocka_unit_test(revocations_make_a_list),
        cmocka_unit_test(a_service_goes_on),
        cmocka_unit_test(what_people_say_is_bounded),
        cmocka_unit_test(what_is_managed_ends_too),
        cmocka_unit_test(work_waits_for_an_agent),
        cmocka_unit_test(an_act_stands_beside_its_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
