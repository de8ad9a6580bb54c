/* The state: made, cleared, certificates and agents applied. See state.h. */
#include "store/inventory/state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct state_cert *state_cert(const struct state *s, uint32_t i) {
    return rows_at(&s->certs, i);
}

struct state_sighting *state_sighting(const struct state *s, uint32_t i) {
    return rows_at(&s->sightings, i);
}

struct state_face *state_face(const struct state *s, uint32_t i) {
    return rows_at(&s->faces, i);
}

struct state_endpoint *state_endpoint(const struct state *s, uint32_t i) {
    return rows_at(&s->endpoints, i);
}

struct state_agent *state_agent(const struct state *s, uint32_t i) {
    return rows_at(&s->agents, i);
}

struct state_request *state_request(const struct state *s, uint32_t i) {
    return rows_at(&s->requests, i);
}

struct state_revocation *state_revocation(const struct state *s, uint32_t i) {
    return rows_at(&s->revocations, i);
}

struct state_service *state_service(const struct state *s, uint32_t i) {
    return rows_at(&s->services, i);
}

struct bytes state_text(const struct state *s, struct text text) {
    return texts_get(&s->texts, text);
}

enum err state_keep(struct state *s, struct bytes text, struct text *out) {
    return texts_add(&s->texts, text, 0, out);
}

static struct bytes text_part(const struct state *s, const struct state_cert *c, size_t from,
                              size_t n) {
    return bytes_part(texts_get(&s->names, c->names), from, n);
}

struct bytes state_agent_system(const struct state *s, const struct state_agent *a) {
    return state_text(s, a->said_system.n > 0 ? a->said_system : a->system);
}

struct bytes state_agent_version(const struct state *s, const struct state_agent *a) {
    return state_text(s, a->said_version.n > 0 ? a->said_version : a->version);
}

struct bytes state_cert_name(const struct state *s, const struct state_cert *c) {
    return text_part(s, c, c->name_at, c->name_n);
}

struct bytes state_cert_subject(const struct state *s, const struct state_cert *c) {
    return text_part(s, c, 0, c->subject_n);
}

struct bytes state_cert_names(const struct state *s, const struct state_cert *c) {
    return text_part(s, c, (size_t)c->subject_n + 1, c->names_n);
}

struct bytes state_cert_serial(const struct state *s, const struct state_cert *c) {
    return state_text(s, c->serial);
}

struct model_endpoint state_place(const struct state *s, const struct state_endpoint *e) {
    return (struct model_endpoint){.network = state_word_text(s, e->network),
                                   .kind = e->kind,
                                   .host = state_text(s, e->host),
                                   .ip = e->ip,
                                   .port = e->port,
                                   .path = state_text(s, e->path),
                                   .protocol = e->protocol};
}

struct bytes state_word_text(const struct state *s, uint32_t i) {
    const struct state_word *w = rows_at(&s->words, i);
    return state_text(s, w->text);
}

void state_key(const char *kind, struct bytes a, struct bytes b, uint8_t out[INVENTORY_ID_SIZE]) {
    struct hash_run run;
    uint8_t hash[SHA256_SIZE], n[8];
    for (unsigned i = 0; i < 8; i++)
        n[i] = (uint8_t)((uint64_t)a.n >> (56 - 8 * i));
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_of(kind, strlen(kind) + 1));
    hash_add(&run, bytes_of(n, 8));
    hash_add(&run, a);
    hash_add(&run, b);
    hash_peek(&run, hash);
    memcpy(out, hash, INVENTORY_ID_SIZE);
}

static uint32_t add_word(struct state *s, struct bytes text) {
    uint8_t key[INVENTORY_ID_SIZE];
    state_key("word", text, (struct bytes){NULL, 0}, key);
    uint32_t i = table_find(&s->by_word, key);
    if (i != ROWS_NONE)
        return i;
    struct state_word *w = rows_add(&s->words);
    if (w == NULL)
        return ROWS_NONE;
    memcpy(w->key, key, sizeof w->key);
    i = s->words.n - 1;
    if (state_keep(s, text, &w->text) != ERR_OK || table_add(&s->by_word, i) != ERR_OK)
        return ROWS_NONE;
    return i;
}

/* Texts chosen to share a place are only found more slowly. */
static uint32_t *recent_word(struct state *s, struct bytes text) {
    enum { PRIME = 16777619 };
    uint32_t hash = (uint32_t)text.n;
    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ text.p[i]) * PRIME;
    return &s->recent[hash >> 16 & 63];
}

uint32_t state_word(struct state *s, struct bytes text) {
    uint32_t *recent = recent_word(s, text);
    if (*recent != 0 && bytes_equal(state_word_text(s, *recent - 1), text))
        return *recent - 1;
    uint32_t i = add_word(s, text);
    *recent = i != ROWS_NONE ? i + 1 : 0;
    return i;
}

/* ---- Orders ---- */

static int by_number(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

static int by_text(struct bytes a, struct bytes b) {
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        uint8_t x = (uint8_t)ascii_lower((char)a.p[i]), y = (uint8_t)ascii_lower((char)b.p[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

/* Those without an end come last. */
static int compare_end(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    const struct state_cert *x = state_cert(s, a), *y = state_cert(s, b);
    int64_t end_x = x->has_not_after ? x->not_after_s : INT64_MAX;
    int64_t end_y = y->has_not_after ? y->not_after_s : INT64_MAX;
    int c = by_number(end_x, end_y);
    return c != 0 ? c : memcmp(x->sha256, y->sha256, SHA256_SIZE);
}

static int compare_name(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    const struct state_cert *x = state_cert(s, a), *y = state_cert(s, b);
    int c = by_text(state_cert_name(s, x), state_cert_name(s, y));
    return c != 0 ? c : memcmp(x->sha256, y->sha256, SHA256_SIZE);
}

static int compare_first(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    const struct state_cert *x = state_cert(s, a), *y = state_cert(s, b);
    int c = by_number(x->first_ms, y->first_ms);
    return c != 0 ? c : memcmp(x->sha256, y->sha256, SHA256_SIZE);
}

static int compare_place(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    const struct state_endpoint *x = state_endpoint(s, a), *y = state_endpoint(s, b);
    int c = x->ip.size != 0 && y->ip.size != 0 ? ip_compare(&x->ip, &y->ip)
                                               : by_number(x->ip.size != 0, y->ip.size != 0);
    if (c == 0)
        c = by_text(state_text(s, x->host), state_text(s, y->host));
    if (c == 0)
        c = by_text(state_text(s, x->path), state_text(s, y->path));
    if (c == 0)
        c = by_number(x->port, y->port);
    return c != 0 ? c : memcmp(x->id, y->id, INVENTORY_ID_SIZE);
}

static int compare_endpoint_first(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    const struct state_endpoint *x = state_endpoint(s, a), *y = state_endpoint(s, b);
    int c = by_number(x->first_ms, y->first_ms);
    return c != 0 ? c : memcmp(x->id, y->id, INVENTORY_ID_SIZE);
}

/* Entries of a log are in the order in which they came. */
static int compare_row(const void *context, uint32_t a, uint32_t b) {
    (void)context;
    return by_number(a, b);
}

static int compare_issuer(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    int c = by_number(state_cert(s, a)->issuer, state_cert(s, b)->issuer);
    return c != 0 ? c : by_number(a, b);
}

static int compare_spki(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    int c = memcmp(state_cert(s, a)->spki_sha256, state_cert(s, b)->spki_sha256, SHA256_SIZE);
    return c != 0 ? c : by_number(a, b);
}

struct bytes state_serial_number(struct bytes serial) {
    enum { COMPARED = 256 }; /* lib/query looks at no more */
    size_t zeros = 0;
    serial = bytes_part(serial, 0, COMPARED);
    while (zeros < serial.n && serial.p[zeros] == 0)
        zeros++;
    return bytes_part(serial, zeros, serial.n);
}

static struct bytes number_of(const struct state *s, uint32_t row) {
    return state_serial_number(state_cert_serial(s, state_cert(s, row)));
}

static int compare_serial(const void *context, uint32_t a, uint32_t b) {
    int c = bytes_compare(number_of(context, a), number_of(context, b));
    return c != 0 ? c : by_number(a, b);
}

/* ---- Keys of orders ---- */

static uint64_t key_of_number(int64_t n) {
    return (uint64_t)n ^ (uint64_t)1 << 63;
}

/* The first bytes, as those of a text are compared. */
static uint64_t key_of_bytes(struct bytes b, bool is_text) {
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++) {
        uint8_t c = i < b.n ? b.p[i] : 0;
        key = key << 8 | (is_text ? (uint8_t)ascii_lower((char)c) : c);
    }
    return key;
}

static uint64_t key_end(const void *context, uint32_t row) {
    const struct state_cert *c = state_cert(context, row);
    return key_of_number(c->has_not_after ? c->not_after_s : INT64_MAX);
}

static uint64_t key_name(const void *context, uint32_t row) {
    return key_of_bytes(state_cert_name(context, state_cert(context, row)), true);
}

static uint64_t key_first(const void *context, uint32_t row) {
    return key_of_number(state_cert(context, row)->first_ms);
}

static uint64_t key_issuer(const void *context, uint32_t row) {
    return (uint64_t)state_cert(context, row)->issuer << 32 | row;
}

static uint64_t key_spki(const void *context, uint32_t row) {
    return key_of_bytes(bytes_of(state_cert(context, row)->spki_sha256, SHA256_SIZE), false);
}

static uint64_t key_serial(const void *context, uint32_t row) {
    return key_of_bytes(number_of(context, row), false);
}

/* Addresses are compared with each other, else what has one comes later. */
static uint64_t key_place(const void *context, uint32_t row) {
    return state_endpoint(context, row)->ip.size != 0;
}

static uint64_t key_endpoint_first(const void *context, uint32_t row) {
    return key_of_number(state_endpoint(context, row)->first_ms);
}

static uint64_t key_row(const void *context, uint32_t row) {
    (void)context;
    return row;
}

/* ---- Made and cleared ---- */

void state_init(struct state *s, const struct env *env) {
    memset(s, 0, sizeof *s);
    /* Without randomness look-ups may be slowed down, no more. */
    (void)env->random(env->context, s->seed, sizeof s->seed);
    state_init_seeded(s);
}

void state_init_seeded(struct state *s) {
    const uint8_t *seed = s->seed;
    rows_init(&s->certs, sizeof(struct state_cert));
    rows_init(&s->words, sizeof(struct state_word));
    rows_init(&s->sightings, sizeof(struct state_sighting));
    rows_init(&s->faces, sizeof(struct state_face));
    rows_init(&s->endpoints, sizeof(struct state_endpoint));
    rows_init(&s->agents, sizeof(struct state_agent));
    rows_init(&s->requests, sizeof(struct state_request));
    rows_init(&s->revocations, sizeof(struct state_revocation));
    rows_init(&s->services, sizeof(struct state_service));
    table_init(&s->by_sha256, &s->certs, offsetof(struct state_cert, sha256), SHA256_SIZE, seed);
    table_init(&s->by_names, &s->certs, offsetof(struct state_cert, names_key), 16, seed);
    table_init(&s->by_word, &s->words, offsetof(struct state_word, key), 16, seed);
    table_init(&s->by_face, &s->faces, offsetof(struct state_face, id), 16, seed);
    table_init(&s->by_endpoint, &s->endpoints, offsetof(struct state_endpoint, id), 16, seed);
    table_init(&s->by_agent, &s->agents, offsetof(struct state_agent, id), 16, seed);
    table_init(&s->by_key, &s->agents, offsetof(struct state_agent, key_id), SHA256_SIZE, seed);
    table_init(&s->by_name, &s->agents, offsetof(struct state_agent, name_key), 16, seed);
    table_init(&s->by_request, &s->requests, offsetof(struct state_request, id), 16, seed);
    table_init(&s->by_service, &s->services, offsetof(struct state_service, id), 16, seed);
    table_init(&s->by_line, &s->certs, offsetof(struct state_cert, service), 16, seed);
    order_init(&s->certs_by_end, &s->certs, compare_end, key_end, s);
    order_init(&s->certs_by_name, &s->certs, compare_name, key_name, s);
    order_init(&s->certs_by_first, &s->certs, compare_first, key_first, s);
    order_init(&s->endpoints_by_name, &s->endpoints, compare_place, key_place, s);
    order_init(&s->endpoints_by_first, &s->endpoints, compare_endpoint_first, key_endpoint_first,
               s);
    order_init(&s->requests_by_first, &s->requests, compare_row, key_row, s);
    order_init(&s->certs_by_issuer, &s->certs, compare_issuer, key_issuer, s);
    order_init(&s->certs_by_spki, &s->certs, compare_spki, key_spki, s);
    order_init(&s->certs_by_serial, &s->certs, compare_serial, key_serial, s);
    texts_init(&s->texts);
    texts_init(&s->names);
    arena_init(&s->scratch, (size_t)64 << 20);
    state_maker_init(&s->maker);
    memset(s->recent, 0, sizeof s->recent);
}

struct state_parts state_parts(struct state *s) {
    /* clang-format off */
    return (struct state_parts){
        .rows = {&s->certs, &s->words, &s->sightings, &s->faces, &s->endpoints, &s->agents,
                 &s->requests, &s->revocations, &s->services},
        .tables = {&s->by_sha256, &s->by_names, &s->by_word, &s->by_face, &s->by_endpoint,
                   &s->by_agent, &s->by_key, &s->by_name, &s->by_request, &s->by_service,
                   &s->by_line},
        .orders = {&s->certs_by_end, &s->certs_by_name, &s->certs_by_first, &s->endpoints_by_name,
                   &s->endpoints_by_first, &s->requests_by_first, &s->certs_by_issuer,
                   &s->certs_by_spki, &s->certs_by_serial},
    };
    /* clang-format on */
}

void state_clear(struct state *s) {
    struct state_parts parts = state_parts(s);
    for (size_t i = 0; i < STATE_TABLES; i++)
        table_clear(parts.tables[i]);
    for (size_t i = 0; i < STATE_ORDERS; i++)
        order_clear(parts.orders[i]);
    for (size_t i = 0; i < STATE_ROWS; i++)
        rows_clear(parts.rows[i]);
    texts_clear(&s->texts);
    texts_clear(&s->names);
    arena_clear(&s->scratch);
    state_maker_clear(&s->maker);
}

/* ---- Certificates ---- */

/* See "Services" in state.h. */
static enum err find_line(struct state *s, struct state_cert *c, uint32_t i) {
    static const uint8_t none[INVENTORY_ID_SIZE] = {0};
    uint32_t earlier = ROWS_NONE;
    if (memcmp(c->names_key, none, sizeof none) != 0)
        earlier = table_find(&s->by_names, c->names_key);
    if (earlier != ROWS_NONE) {
        struct state_cert *first = state_cert(s, earlier);
        memcpy(c->service, first->service, INVENTORY_ID_SIZE);
        c->in_line = first->in_line = true;
        c->next_in_line = first->next_in_line;
        first->next_in_line = i;
        return ERR_OK;
    }
    static const char label[] = "clm service 1";
    uint8_t text[sizeof label + SHA256_SIZE], hash[SHA256_SIZE];
    memcpy(text, label, sizeof label);
    memcpy(text + sizeof label, c->sha256, SHA256_SIZE);
    hash_of(HASH_SHA256, bytes_of(text, sizeof text), hash);
    memcpy(c->service, hash, INVENTORY_ID_SIZE);
    c->next_in_line = i;
    enum err code = table_add(&s->by_line, i);
    if (code != ERR_OK || memcmp(c->names_key, none, sizeof none) == 0)
        return code;
    return table_add(&s->by_names, i);
}

static void count_words(struct state *s, const struct state_cert *c) {
    size_t serial_n = state_cert_serial(s, c).n;
    struct state_word *issuer = rows_at(&s->words, c->issuer), *key = rows_at(&s->words, c->key);
    issuer->issued++;
    key->keyed++;
    if (serial_n > s->serial_max)
        s->serial_max = serial_n;
}

static enum err add_certificate(struct state *s, const struct store_entry *e,
                                const struct state_made *made) {
    struct state_cert row;
    enum err code = state_keep_cert(s, made, &row);
    struct state_cert *c = code == ERR_OK ? rows_add(&s->certs) : NULL;
    if (c == NULL)
        return code == ERR_OK ? ERR_MEMORY : code;
    *c = row;
    c->entry = e->number;
    c->first_ms = c->last_ms = e->time_ms;
    c->first_agent = table_find(&s->by_agent, made->agent.p);
    c->sightings = c->request = c->revocation = ROWS_NONE;
    s->bad += c->bad;
    count_words(s, c);
    code = table_add(&s->by_sha256, s->certs.n - 1);
    return code == ERR_OK ? find_line(s, c, s->certs.n - 1) : code;
}

/* Two agents may have sent it at the same time. */
static bool is_known(const struct state *s, const uint8_t sha256[SHA256_SIZE]) {
    return table_find(&s->by_sha256, sha256) != ROWS_NONE;
}

static enum err apply_certificate(struct state *s, const struct store_entry *e) {
    struct record_certificate r;
    struct state_made made;
    if (!record_certificate_read(e->payload, &r)) {
        s->skipped++;
        return ERR_OK;
    }
    enum err code = state_make_cert(&s->maker, &r, &made);
    if (code != ERR_OK || is_known(s, made.cert.sha256))
        return code;
    return add_certificate(s, e, &made);
}

enum err state_apply_made(struct state *s, const struct store_entry *e,
                          const struct state_made *made) {
    s->entries++;
    s->work++;
    carriers_begin(s->carriers);
    return is_known(s, made->cert.sha256) ? ERR_OK : add_certificate(s, e, made);
}

void state_fetch_made(const struct state *s, const struct state_made *made) {
    table_fetch(&s->by_sha256, made->cert.sha256);
    table_fetch(&s->by_names, made->cert.names_key);
}

/* ---- Agents ---- */

static enum err set_name(struct state *s, uint32_t i, struct bytes name) {
    struct state_agent *a = state_agent(s, i);
    table_remove(&s->by_name, i);
    state_key("agent name", name, (struct bytes){NULL, 0}, a->name_key);
    enum err code = state_keep(s, name, &a->name);
    return code == ERR_OK ? table_add(&s->by_name, i) : code;
}

static enum err set_key(struct state *s, uint32_t i, struct bytes spki) {
    struct state_agent *a = state_agent(s, i);
    table_remove(&s->by_key, i);
    hash_of(HASH_SHA256, spki, a->key_id);
    enum err code = state_keep(s, spki, &a->spki);
    return code == ERR_OK ? table_add(&s->by_key, i) : code;
}

static enum err enrol(struct state *s, const struct record_agent *r, int64_t time_ms) {
    struct state_agent *a = rows_add(&s->agents);
    if (a == NULL)
        return ERR_MEMORY;
    uint32_t i = s->agents.n - 1;
    memcpy(a->id, r->id.p, INVENTORY_ID_SIZE);
    a->enrolled_ms = time_ms;
    a->requests = a->sightings = ROWS_NONE;
    enum err code = table_add(&s->by_agent, i);
    if (code == ERR_OK)
        code = set_name(s, i, r->name);
    if (code == ERR_OK)
        code = set_key(s, i, r->spki);
    if (code == ERR_OK)
        code = state_keep(s, r->network, &a->network);
    if (code == ERR_OK)
        code = state_keep(s, r->system, &a->system);
    return code == ERR_OK ? state_keep(s, r->version, &a->version) : code;
}

/* For readers of a damaged log: what an agent saw is shown although the entry that
 * says its name and network is gone. */
static enum err enrol_lost(struct state *s, struct bytes id, int64_t time_ms, uint32_t *out) {
    carriers_keep_entry(s->carriers);
    char name[2 * INVENTORY_ID_SIZE + 6] = "lost ";
    hex_write(name + 5, id);
    struct record_agent r = {
        .id = id, .name = bytes_text(name), .network = bytes_text("default"), .spki = id};
    enum err code = enrol(s, &r, time_ms);
    *out = s->agents.n - 1;
    return code;
}

static enum err apply_agent(struct state *s, const struct store_entry *e) {
    struct record_agent r;
    if (!record_agent_read((enum record_type)e->type, e->payload, &r)) {
        s->skipped++;
        return ERR_OK;
    }
    uint32_t i = table_find(&s->by_agent, r.id.p);
    if (e->type == RECORD_AGENT_ENROLLED)
        return i == ROWS_NONE ? enrol(s, &r, e->time_ms) : ERR_OK;
    if (i == ROWS_NONE) { /* its enrolment was in a part that is damaged */
        s->skipped++;
        return ERR_OK;
    }
    if (e->type == RECORD_AGENT_RENAMED)
        return set_name(s, i, r.name);
    if (e->type == RECORD_AGENT_REKEYED)
        return set_key(s, i, r.spki);
    state_agent(s, i)->disabled = r.disabled;
    return ERR_OK;
}

bool state_has_batch(const struct state *s, const struct state_agent *a,
                     const uint8_t key[INVENTORY_ID_SIZE]) {
    const uint8_t *kept = state_text(s, a->batches).p;
    for (size_t i = 0; i < a->batches_n; i++)
        if (memcmp(kept + i * INVENTORY_ID_SIZE, key, INVENTORY_ID_SIZE) == 0)
            return true;
    return false;
}

/* A ring that grows to its full size once an agent has sent that much. */
static enum err keep_batch(struct state *s, struct state_agent *a,
                           const uint8_t key[INVENTORY_ID_SIZE]) {
    const size_t size = INVENTORY_ID_SIZE;
    if (state_has_batch(s, a, key))
        return ERR_OK;
    if (a->batches_n < INVENTORY_BATCHES_KEPT && a->batches_n * size == a->batches.n) {
        size_t room = a->batches_n == 0 ? size : 2 * a->batches.n;
        struct bytes old = state_text(s, a->batches);
        enum err code = texts_add(&s->texts, old, room, &a->batches);
        if (code != ERR_OK)
            return code;
        a->batches.n = (uint32_t)room;
    }
    if (a->batches_n < INVENTORY_BATCHES_KEPT)
        a->batches_n++;
    memcpy(texts_at(&s->texts, a->batches) + a->batches_next * size, key, size);
    a->batches_next = (a->batches_next + 1) % INVENTORY_BATCHES_KEPT;
    return ERR_OK;
}

static enum err apply_scan(struct state *s, const struct store_entry *e) {
    struct record_scan r;
    uint8_t key[INVENTORY_ID_SIZE];
    if (!record_scan_read(e->payload, &r)) {
        s->skipped++;
        return ERR_OK;
    }
    uint32_t i = table_find(&s->by_agent, r.agent.p);
    enum err code = i == ROWS_NONE ? enrol_lost(s, r.agent, e->time_ms, &i) : ERR_OK;
    if (code != ERR_OK)
        return code;
    state_key("batch", r.agent, r.batch, key);
    code = keep_batch(s, state_agent(s, i), key);
    if (code == ERR_OK)
        code = state_apply_scan(s, &r, e->time_ms);
    return code;
}

static enum err apply_confirmation(struct state *s, const struct store_entry *e) {
    struct record_confirmation r;
    if (record_confirmation_read(e->payload, &r))
        return state_apply_confirmation(s, &r, e->time_ms);
    s->skipped++;
    return ERR_OK;
}

/* What stays of it is of the same kind. */
static enum err apply_dropped(struct state *s, const struct store_entry *e) {
    struct store_entry rest = *e;
    rest.payload = e->rest;
    if (e->rest.n == 0 || e->version != RECORD_VERSION)
        return ERR_OK;
    if (e->type == RECORD_SCAN)
        return apply_scan(s, &rest);
    return e->type == RECORD_CONFIRMATION ? apply_confirmation(s, &rest) : ERR_OK;
}

enum err state_apply(struct state *s, const struct store_entry *e) {
    enum err code = ERR_OK;
    uint64_t skipped = s->skipped;
    s->entries++;
    s->work++;
    carriers_begin(s->carriers);
    arena_reset(&s->scratch);
    if (e->is_dropped)
        return apply_dropped(s, e);
    switch (e->version == RECORD_VERSION ? e->type : 0) {
    case RECORD_CERTIFICATE:
        code = apply_certificate(s, e);
        break;
    case RECORD_AGENT_ENROLLED:
    case RECORD_AGENT_RENAMED:
    case RECORD_AGENT_DISABLED:
    case RECORD_AGENT_REKEYED:
        code = apply_agent(s, e);
        break;
    case RECORD_SCAN:
        code = apply_scan(s, e);
        break;
    case RECORD_CONFIRMATION:
        code = apply_confirmation(s, e);
        break;
    case RECORD_AUDIT:
    case RECORD_COMPACTION:
        break;
    case RECORD_REQUEST:
    case RECORD_DECISION:
    case RECORD_ISSUED:
    case RECORD_REVOKED:
    case RECORD_OUTCOME:
    case RECORD_SERVICE:
    case RECORD_TARGETS:
    case RECORD_RESCAN:
    case RECORD_RESCAN_DONE:
    case RECORD_CRL:
        code = state_apply_request(s, e);
        break;
    default:
        s->skipped++;
        break;
    }
    if (s->skipped != skipped)
        carriers_keep_entry(s->carriers);
    return code;
}
