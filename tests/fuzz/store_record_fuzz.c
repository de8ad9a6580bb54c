/* store/inventory: payloads of foreign bytes. What is read is written the same, and
 * a state that applies any sequence of entries stays one that can be asked. */
#include "base/os.h"
#include "store/inventory/private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static void same(struct buf *out, struct bytes in) {
    demand(out->err == ERR_OK && bytes_equal(buf_bytes(out), in));
    buf_reset(out);
}

/* Types 8 to 17. */
static void round_trip_requests(struct bytes in, struct buf *out) {
    struct record_request q;
    struct record_decision d;
    struct record_issued i;
    struct record_revoked r;
    struct record_outcome o;
    struct record_service s;
    struct record_work w;
    uint64_t number;
    if (record_request_read(in, &q)) {
        record_request_write(&q, out);
        same(out, in);
    }
    if (record_decision_read(in, &d)) {
        record_decision_write(&d, out);
        same(out, in);
    }
    if (record_issued_read(in, &i)) {
        record_issued_write(&i, out);
        same(out, in);
    }
    if (record_revoked_read(in, &r)) {
        record_revoked_write(&r, out);
        same(out, in);
    }
    if (record_outcome_read(in, &o)) {
        record_outcome_write(&o, out);
        same(out, in);
    }
    if (record_service_read(in, &s)) {
        record_service_write(&s, out);
        same(out, in);
    }
    for (unsigned type = RECORD_TARGETS; type <= RECORD_RESCAN_DONE; type++)
        if (record_work_read((enum record_type)type, in, &w)) {
            record_work_write((enum record_type)type, &w, out);
            same(out, in);
        }
    struct record_compaction compaction;
    if (record_compaction_read(in, &compaction)) {
        record_compaction_write(&compaction, out);
        demand(bytes_equal(buf_bytes(out), in));
        buf_reset(out);
    }
    if (record_crl_read(in, &number)) {
        record_crl_write(number, out);
        same(out, in);
    }
}

static void round_trip(struct arena *a, struct bytes in) {
    struct record_certificate c;
    struct record_agent g;
    struct record_scan s;
    struct record_audit t;
    struct model_observation o;
    struct buf out;
    buf_init(&out, 1 << 20);
    if (record_certificate_read(in, &c)) {
        record_certificate_write(&c, &out);
        same(&out, in);
    }
    for (unsigned type = RECORD_AGENT_ENROLLED; type <= RECORD_AGENT_REKEYED; type++)
        if (record_agent_read((enum record_type)type, in, &g)) {
            record_agent_write((enum record_type)type, &g, &out);
            same(&out, in);
        }
    if (record_scan_read(in, &s)) {
        record_scan_write(&s, &out);
        same(&out, in);
    }
    struct record_confirmation f;
    if (record_confirmation_read(in, &f)) {
        struct model_confirmed *items = calloc((size_t)f.n + 1, sizeof *items);
        demand(items != NULL);
        record_confirmation_items(&f, items);
        record_confirmation_write(&f, items, &out);
        same(&out, in);
        free(items);
    }
    if (record_audit_read(in, &t)) {
        record_audit_write(&t, &out);
        same(&out, in);
    }
    round_trip_requests(in, &out);
    if (record_observation_read(a, in, &o)) {
        record_observation_write(&o, &out);
        same(&out, in);
    }
    buf_clear(&out);
}

static void ask(struct state *s, struct arena *a) {
    static const char *const texts[] = {"A1 or 3a:91:7c:02 or chain:x or tls<1.2 or tag:x",
                                        "A1 or tls<1.2 or ip:10.0.0.0/8 or owner:x",
                                        "A1 or issued<-7d", "A1 or seen>now"};
    static const enum query_rows kinds[] = {QUERY_CERTIFICATES, QUERY_ENDPOINTS, QUERY_REQUESTS,
                                            QUERY_AGENTS};
    struct where w[4];
    for (size_t i = 0; i < 4; i++) {
        const struct query *q;
        struct query_error e;
        struct bytes text = bytes_text(texts[i]);
        demand(query_parse(a, text, kinds[i], 1, &q, &e) == ERR_OK);
        where_open(&w[i], s, q);
    }
    demand(order_update(&s->certs_by_end) == ERR_OK && order_update(&s->certs_by_name) == ERR_OK);
    demand(order_update(&s->endpoints_by_name) == ERR_OK);
    for (uint32_t i = 0; i < s->certs.n; i++) {
        struct inventory_cert c;
        inventory_copy_cert(s, i, a, &c);
        (void)where_cert(&w[0], i);
        demand(order_place(&s->certs_by_name, i) < s->certs.n);
    }
    for (uint32_t i = 0; i < s->endpoints.n; i++) {
        struct inventory_endpoint e;
        inventory_copy_endpoint(s, i, a, &e);
        (void)where_endpoint(&w[1], i);
        demand(order_place(&s->endpoints_by_name, i) < s->endpoints.n);
    }
    for (uint32_t i = 0; i < s->agents.n; i++) {
        struct inventory_agent g;
        inventory_copy_agent(s, i, a, &g);
        (void)where_agent(&w[3], i);
    }
    demand(order_update(&s->requests_by_first) == ERR_OK && s->pending <= s->requests.n);
    for (uint32_t i = 0; i < s->requests.n; i++) {
        struct inventory_request r;
        inventory_copy_request(s, i, a, &r);
        (void)where_request(&w[2], i);
    }
    for (size_t i = 0; i < 4; i++)
        where_close(&w[i]);
}

/* The input as canonical bytes of entries. */
static void apply(struct arena *a, struct bytes in) {
    struct env env = env_system(NULL);
    struct state *s = malloc(sizeof *s);
    struct cur c = cur_open(in);
    struct store_entry e = {.number = 0};
    demand(s != NULL);
    state_init(s, &env);
    for (; store_entry_take(&c, &e); e.number++)
        demand(state_apply(s, &e) == ERR_OK);
    ask(s, a);
    state_clear(s);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    if (size > 1 << 17)
        return 0;
    arena_init(&a, (size_t)64 << 20);
    round_trip(&a, bytes_of(data, size));
    apply(&a, bytes_of(data, size));
    arena_clear(&a);
    return 0;
}
