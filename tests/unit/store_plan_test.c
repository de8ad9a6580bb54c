/* store/inventory/plan: whatever is found by a look-up is what a plain scan finds, for
 * queries made at random over rows made at random. */
#include "shop.h"

#include "base/text.h"
#include "store/inventory/requests.h"

enum { CERTS = 360, KEYS = 3, QUERIES = 1500, DAY = 86400, EPOCH = 1767225600 };

struct field {
    struct shop shop;
    uint8_t agents[3][INVENTORY_ID_SIZE];
    struct signing_key *keys[KEYS];
    struct buf spkis[KEYS];
    struct inventory_cert *certs; /* in the order in which they were stored */
    size_t n;
    uint64_t seed;
};

static unsigned draw(struct field *t, unsigned below) {
    t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(t->seed >> 33) % below;
}

static const char *const words[] = {"www", "mail", "db", "face", "Alpha", "beta", "x"};
static const char *const zones[] = {"example.com", "Example.NET", "corp.test"};
static const char *const issuers[] = {"Test CA 7", "Other CA", "Face CA"};
static const char *const agents[] = {"dc1-a", "dc1-b", "lab"};
static const char *const owners[] = {"Web Team", "Database", ""};

static struct bytes make_cert(struct field *t, unsigned number) {
    struct buf subject, issuer, out;
    struct fault f;
    char name[80], second[80];
    unsigned key = draw(t, KEYS), style = draw(t, 6);
    uint8_t serial[12] = {0x0f, (uint8_t)draw(t, 2),  (uint8_t)(number >> 8), (uint8_t)number,
                          0x7a, (uint8_t)draw(t, 256)};
    size_t serial_n = 2 + draw(t, 5);
    snprintf(name, sizeof name, "%s%u.%s", words[draw(t, 7)], draw(t, 40), zones[draw(t, 3)]);
    snprintf(second, sizeof second, "*.%s", zones[draw(t, 3)]);
    struct x509_attribute named[] = {
        {OID_COMMON_NAME, name}
    };
    struct x509_attribute signed_by[] = {
        {OID_COMMON_NAME, issuers[draw(t, 3)]}
    };
    struct bytes names[] = {bytes_text(name), bytes_text(second)};
    buf_init(&subject, 1000);
    buf_init(&issuer, 1000);
    buf_init(&out, 5000);
    x509_name_write(&subject, named, style != 0);
    x509_name_write(&issuer, signed_by, 1);
    struct x509_template template = {
        .serial = bytes_of(serial, serial_n),
        .issuer = style == 1 ? buf_bytes(&subject) : buf_bytes(&issuer),
        .subject = buf_bytes(&subject),
        .not_before = EPOCH - 90 * DAY,
        .not_after = EPOCH + ((int64_t)draw(t, 200) - 40) * DAY,
        .spki = buf_bytes(&t->spkis[key]),
        .path_len = -1,
        .dns = {names, style < 3 ? style : 1}
    };
    enum err code = x509_cert_write(&t->shop.place.env, &template, t->keys[key], &out, &f);
    struct bytes der = arena_copy(&t->shop.arena, buf_bytes(&out));
    if (number % 50 == 49) /* bytes that are none */
        der = arena_copy(&t->shop.arena, bytes_text(name));
    assert_int_equal(code, ERR_OK);
    buf_clear(&subject);
    buf_clear(&issuer);
    buf_clear(&out);
    return der;
}

/* One certificate that is seen at some places by some agent. */
static void push(struct field *t, unsigned number) {
    struct shop *s = &t->shop;
    struct inventory_der der = {.der = make_cert(t, number)};
    struct model_sha256 hash;
    struct model_observation o[3];
    struct inventory_result result;
    struct fault f;
    char batch[24];
    size_t n = draw(t, 4);
    hash_of(HASH_SHA256, der.der, hash.bytes);
    snprintf(batch, sizeof batch, "b%u", number);
    s->now_ms += 1000 * draw(t, 5000);
    for (size_t i = 0; i < n; i++) {
        uint8_t ip[4] = {192, 0, 2, (uint8_t)draw(t, 9)};
        o[i] = (struct model_observation){.scan = bytes_text("s"),
                                          .target = bytes_text("t"),
                                          .ip = ip_of(bytes_of(ip, 4)),
                                          .port = (uint16_t)(440 + draw(t, 8)),
                                          .protocol = MODEL_TLS,
                                          .time_s = s->now_ms / 1000,
                                          .stage = MODEL_STAGE_DONE,
                                          .chain = &hash,
                                          .chain_n = 1};
    }
    struct inventory_push p = {.agent = t->agents[draw(t, 3)],
                               .batch = bytes_text(batch),
                               .certificates = &der,
                               .certificates_n = 1,
                               .observations = o,
                               .observations_n = n,
                               .complete = draw(t, 8) == 0};
    assert_int_equal(inventory_push(s->inv, &p, &s->arena, &result, NULL, NULL, &f), ERR_OK);
}

/* A third of the certificates' services have an owner, tags, or both. */
static void say_services(struct field *t) {
    static const struct bytes tags[] = {
        {(const uint8_t *)"prod", 4},
        {(const uint8_t *)"edge", 4}
    };
    struct fault f;
    for (size_t i = 0; i < t->n; i += 3) {
        struct inventory_service v = {
            .owner = bytes_text(owners[draw(t, 3)]), .tags = tags, .tags_n = draw(t, 3)};
        memcpy(v.id, t->certs[i].service, sizeof v.id);
        assert_int_equal(inventory_service_set(t->shop.inv, &v, NULL, &f), ERR_OK);
    }
}

/* One by one as in the list. */
static void look_up(struct field *t) {
    struct arena a;
    arena_init(&a, 16u << 20);
    for (size_t i = 0; i < t->n; i++) {
        struct inventory_cert c;
        struct fault f;
        const struct inventory_cert *want = &t->certs[i];
        uint8_t other[SHA256_SIZE];
        assert_int_equal(inventory_cert_row(t->shop.inv, want->sha256, &a, &c, &f), ERR_OK);
        assert_memory_equal(c.sha256, want->sha256, SHA256_SIZE);
        assert_true(bytes_equal(c.name, want->name) && bytes_equal(c.names, want->names));
        assert_true(bytes_equal(c.serial, want->serial) && c.entry == want->entry);
        memcpy(other, want->sha256, sizeof other);
        other[9] ^= 1;
        assert_int_equal(inventory_cert_row(t->shop.inv, other, &a, &c, &f), ERR_NOT_FOUND);
    }
    arena_clear(&a);
}

static void read_certs(struct field *t) {
    struct inventory_query q = {.sort = INVENTORY_BY_FIRST, .limit = INVENTORY_PAGE_MAX};
    struct inventory_page page;
    struct fault f;
    assert_int_equal(inventory_certs(t->shop.inv, &q, &t->shop.arena, &t->certs, &t->n, &page, &f),
                     ERR_OK);
    assert_int_equal(page.next.n, 0);
}

static void field_start(struct field *t) {
    struct fault f;
    memset(t, 0, sizeof *t);
    t->seed = 20260101;
    shop_start(&t->shop);
    for (size_t i = 0; i < 3; i++) {
        struct inventory_enrolment e = {.name = bytes_text(agents[i]),
                                        .spki = bytes_text(agents[i])};
        assert_int_equal(inventory_agent_enrol(t->shop.inv, &e, t->agents[i], NULL, NULL, &f),
                         ERR_OK);
    }
    for (size_t i = 0; i < KEYS; i++) {
        buf_init(&t->spkis[i], 1000);
        assert_int_equal(signing_key_make(&t->shop.place.env, KEY_EC_P256, 0, &t->keys[i], &f),
                         ERR_OK);
        signing_key_spki(t->keys[i], &t->spkis[i]);
    }
}

static void field_end(struct field *t) {
    for (size_t i = 0; i < KEYS; i++) {
        buf_clear(&t->spkis[i]);
        signing_key_close(t->keys[i]);
    }
    shop_end(&t->shop);
}

/* ---- Queries ---- */

static void put_hex(struct field *t, struct buf *out, struct bytes raw) {
    size_t from = draw(t, 8) == 0 && raw.n > 0 && raw.p[0] == 0;
    hex_put(out, bytes_part(raw, from, raw.n));
    if (draw(t, 6) == 0)
        buf_text(out, "*");
}

static void put_text(struct field *t, struct buf *out, struct bytes text) {
    size_t from = text.n > 0 ? draw(t, (unsigned)text.n) : 0;
    size_t n = 1 + draw(t, 12);
    struct bytes part = draw(t, 3) == 0 ? text : bytes_part(text, from, n);
    buf_text(out, part.n > 0 ? "\"" : "\"x");
    for (size_t i = 0; i < part.n; i++) {
        uint8_t c = part.p[i] == '\n' || part.p[i] == '"' || part.p[i] == '\\' ? 'x' : part.p[i];
        buf_u8(out, draw(t, 4) == 0 ? (uint8_t)ascii_lower((char)c) : c);
    }
    buf_text(out, "\"");
}

static void put_term(struct field *t, struct buf *out) {
    const struct inventory_cert *c = &t->certs[draw(t, (unsigned)t->n)];
    static const char *const ops[] = {":", "="}, *const spans[] = {"<", "<=", ">", ">="};
    switch (draw(t, 16)) {
    case 0:
        buf_printf(out, "sha256:");
        put_hex(t, out, bytes_of(c->sha256, SHA256_SIZE));
        break;
    case 1:
        buf_text(out, "spki:");
        put_hex(t, out, bytes_of(c->spki_sha256, SHA256_SIZE));
        break;
    case 2:
        buf_text(out, "serial:00");
        put_hex(t, out, c->serial);
        break;
    case 3:
        buf_printf(out, "issuer%s", ops[draw(t, 2)]);
        put_text(t, out, c->issuer);
        break;
    case 4:
        buf_printf(out, "agent:%s", draw(t, 2) ? "dc1*" : agents[draw(t, 3)]);
        break;
    case 5:
        buf_printf(out, "owner:%s", draw(t, 2) ? "none" : draw(t, 2) ? "\"web team\"" : "data*");
        break;
    case 6:
        buf_printf(out, "tag:%s", draw(t, 3) ? "prod" : draw(t, 2) ? "none" : "e*");
        break;
    case 7:
        buf_text(out, "service:");
        hex_put(out, bytes_of(c->service, INVENTORY_ID_SIZE));
        break;
    case 8:
    case 9:
        buf_printf(out, "expires%s%ud", spans[draw(t, 4)], draw(t, 150));
        break;
    case 10:
        buf_printf(out, "subject%s", ops[draw(t, 2)]);
        put_text(t, out, c->subject);
        break;
    case 11:
        buf_printf(out, "san%s", ops[draw(t, 2)]);
        put_text(t, out, c->names);
        break;
    case 12:
        buf_printf(out, "san:%s*%s", words[draw(t, 7)], draw(t, 2) ? ".com" : "test");
        break;
    case 13:
        buf_printf(out, "port:%u", 440 + draw(t, 8));
        break;
    case 14:
        hex_put(out, bytes_part(bytes_of(c->sha256, 32), draw(t, 2), 3 + draw(t, 2) * 29));
        break;
    default:
        put_text(t, out, draw(t, 2) ? c->name : c->issuer);
        break;
    }
}

static void put_query(struct field *t, struct buf *out, unsigned depth) {
    unsigned parts = 1 + draw(t, 3);
    for (unsigned i = 0; i < parts; i++) {
        if (i > 0)
            buf_text(out, draw(t, 3) ? " " : " or ");
        if (draw(t, 6) == 0)
            buf_text(out, "not ");
        if (depth > 0 && draw(t, 4) == 0) {
            buf_text(out, "(");
            put_query(t, out, depth - 1);
            buf_text(out, ")");
        } else {
            put_term(t, out);
        }
    }
}

/* ---- Both ways ---- */

static size_t number_of(const struct field *t, const uint8_t sha256[SHA256_SIZE]) {
    for (size_t i = 0; i < t->n; i++)
        if (memcmp(t->certs[i].sha256, sha256, SHA256_SIZE) == 0)
            return i;
    fail_msg("a row that is not stored");
    return 0;
}

static bool is_of_agent(const struct field *t, const struct inventory_query *q, size_t i) {
    char text[80] = "agent:";
    struct arena a;
    arena_init(&a, 1 << 16);
    hex_write(text + 6, bytes_of(q->agent, INVENTORY_ID_SIZE));
    bool holds = inventory_cert_holds(t->shop.inv, query_of(&a, text, QUERY_CERTIFICATES, EPOCH),
                                      t->certs[i].sha256);
    arena_clear(&a);
    return holds;
}

static bool is_wanted(const struct field *t, const struct inventory_query *q, size_t i) {
    const struct inventory_cert *c = &t->certs[i];
    if (q->has_ends &&
        (!c->has_not_after || c->not_after_s < q->ends_from_s || c->not_after_s >= q->ends_to_s))
        return false;
    if (q->agent != NULL && !is_of_agent(t, q, i))
        return false;
    return q->where == NULL || inventory_cert_holds(t->shop.inv, q->where, c->sha256);
}

static int64_t end_of(const struct inventory_cert *c) {
    return c->has_not_after ? c->not_after_s : INT64_MAX;
}

/* All pages hold each row that matches once, in order, and the total is their number. */
static void compare(struct field *t, struct inventory_query *q, const char *text) {
    bool seen[CERTS + 1] = {false};
    size_t found = 0, wanted = 0;
    uint64_t total = 0;
    struct arena a;
    arena_init(&a, 32u << 20);
    for (;;) {
        struct inventory_cert *rows;
        struct inventory_page page;
        struct fault f;
        size_t n;
        assert_int_equal(inventory_certs(t->shop.inv, q, &a, &rows, &n, &page, &f), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            size_t at = number_of(t, rows[i].sha256);
            if (seen[at] || !is_wanted(t, q, at))
                fail_msg("%s: a row too many", text);
            seen[at] = true;
            found++;
            if (i > 0 && q->sort == INVENTORY_BY_END)
                assert_true(q->descending ? end_of(&rows[i]) <= end_of(&rows[i - 1])
                                          : end_of(&rows[i]) >= end_of(&rows[i - 1]));
        }
        total = page.total;
        if (page.next.n == 0)
            break;
        q->cursor = page.next;
    }
    for (size_t i = 0; i < t->n; i++)
        wanted += is_wanted(t, q, i);
    if (found != wanted || (!q->uncounted && total != wanted))
        fail_msg("%s: %zu rows, %zu told, %zu wanted", text, found, (size_t)total, wanted);
    arena_clear(&a);
}

static bool is_issuer(struct bytes text, size_t i) {
    return bytes_starts(text, "CN=") && bytes_is(bytes_part(text, 3, text.n), issuers[i]);
}

static void compare_groups(struct field *t, const struct query *where, const char *text) {
    struct arena a;
    struct fault f;
    uint64_t wanted = 0, by_issuer[3] = {0};
    arena_init(&a, 8u << 20);
    for (size_t i = 0; i < t->n; i++) {
        const struct inventory_cert *c = &t->certs[i];
        if (where != NULL && !inventory_cert_holds(t->shop.inv, where, c->sha256))
            continue;
        wanted++;
        for (size_t k = 0; k < 3; k++)
            by_issuer[k] += is_issuer(c->issuer, k);
    }
    for (unsigned by = INVENTORY_PER_WEEK; by <= INVENTORY_PER_KEY; by++) {
        struct inventory_groups g;
        uint64_t sum = 0;
        assert_int_equal(inventory_certs_group(t->shop.inv, where, (enum inventory_group)by, EPOCH,
                                               1000, &a, &g, &f),
                         ERR_OK);
        if (g.total != wanted)
            fail_msg("%s: %zu counted, %zu wanted", text, (size_t)g.total, (size_t)wanted);
        for (size_t i = 0; i < g.n; i++) {
            sum += g.rows[i].certificates;
            for (size_t k = 0; k < 3 && by == INVENTORY_PER_ISSUER; k++)
                if (is_issuer(g.rows[i].text, k))
                    assert_int_equal(g.rows[i].certificates, by_issuer[k]);
        }
        assert_true(sum <= wanted && (by == INVENTORY_PER_WEEK || sum == wanted));
    }
    arena_clear(&a);
}

static void ask(struct field *t, unsigned turns) {
    struct buf text;
    buf_init(&text, QUERY_LENGTH_MAX);
    for (unsigned i = 0; i < turns; i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        buf_reset(&text);
        put_query(t, &text, 2);
        struct inventory_query q = {.sort = (enum inventory_sort)draw(t, 3),
                                    .descending = draw(t, 2),
                                    .uncounted = draw(t, 3) == 0,
                                    .has_ends = draw(t, 6) == 0,
                                    .ends_from_s = EPOCH + (int64_t)draw(t, 30) * DAY,
                                    .ends_to_s = EPOCH + (int64_t)draw(t, 90) * DAY,
                                    .agent = draw(t, 6) ? NULL : t->agents[draw(t, 3)],
                                    .limit = 1 + draw(t, 4) * 60};
        const char *words_of = buf_cstr(&text);
        q.where = i % 20 == 19 ? NULL : query_of(&a, words_of, QUERY_CERTIFICATES, EPOCH);
        compare(t, &q, words_of);
        if (i % 10 == 9)
            compare_groups(t, q.where, words_of);
        arena_clear(&a);
    }
    buf_clear(&text);
}

static void look_ups_find_what_a_scan_finds(void **state) {
    (void)state;
    static struct field t;
    field_start(&t);
    for (unsigned i = 0; i < CERTS; i++) {
        push(&t, i);
        if (i == CERTS / 2) {
            read_certs(&t);
            say_services(&t);
        }
        if (i == CERTS / 3) { /* in part from the index file, in part from memory */
            read_certs(&t);
            ask(&t, 50);
            shop_again(&t.shop);
        }
    }
    read_certs(&t);
    ask(&t, QUERIES / 2);
    shop_again(&t.shop); /* mapped */
    read_certs(&t);
    ask(&t, QUERIES / 4);
    shop_again(&t.shop); /* rebuilt */
    read_certs(&t);
    ask(&t, QUERIES / 4);
    look_up(&t);
    field_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_ups_find_what_a_scan_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
