/* probe: runs that need no peer: what is not looked at, what refuses, early ends.
 * The accounts must sum each time. Peers are in tests/peers/scan_test.py. */
#include "test.h"

#include "probe/probe.h"

struct seen_run {
    size_t observations, endpoints;
    enum model_outcome last, state;
    struct model_observation kept;
    volatile sig_atomic_t *stop_after_first;
};

static void on_observation(void *context, const struct model_observation *o,
                           struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    struct seen_run *s = context;
    assert_non_null(endpoint);
    assert_null(leaf);
    s->observations++;
    s->last = o->outcome;
    s->kept = *o;
}

static void on_endpoint(void *context, struct probe_endpoint *endpoint, enum model_outcome state) {
    struct seen_run *s = context;
    assert_non_null(endpoint->target);
    s->endpoints++;
    s->state = state;
    if (s->stop_after_first)
        *s->stop_after_first = SIGINT;
}

struct fixture {
    struct arena arena;
    struct model_target targets[4];
    size_t n;
};

static void add(struct fixture *x, const char *word) {
    struct fault f = {0};
    assert_int_equal(model_target_read(&x->arena, bytes_text(word), MODEL_FORMS_LINE,
                                       &x->targets[x->n++], NULL, &f),
                     ERR_OK);
}

static struct model_summary run(struct fixture *x, struct probe_plan *plan,
                                const struct probe_limits *limits, struct seen_run *seen,
                                const volatile sig_atomic_t *stop, bool *complete) {
    struct env env = env_system(stop);
    struct probe_watch watch = {
        .context = seen, .observation = on_observation, .endpoint = on_endpoint};
    struct model_summary summary;
    struct fault f = {0};
    plan->targets = x->targets;
    plan->targets_n = x->n;
    plan->default_ports = model_ports_default();
    plan->scan = bytes_text("test");
    assert_int_equal(probe_run(&env, plan, limits, &watch, &summary, complete, &f), ERR_OK);
    assert_int_equal(model_summary_check(&summary, &f), ERR_OK);
    assert_int_equal(summary.endpoints.total,
                     seen->endpoints + (*complete ? 0 : summary.endpoints.total - seen->endpoints));
    return summary;
}

static void what_is_not_looked_at_is_told(void **state) {
    (void)state;
    static const struct {
        const char *word, *host;
        enum model_outcome outcome;
        enum model_stage stage;
    } cases[] = {
        {"/no/such/folder",    "",          MODEL_NO_CERTIFICATE, MODEL_STAGE_RESOLVE},
        {"cert:NO-SUCH-STORE", "",          MODEL_NO_CERTIFICATE, MODEL_STAGE_RESOLVE},
        {"127.0.0.1:24",       "",          MODEL_REFUSED,        MODEL_STAGE_CONNECT},
        {"127.0.0.1:1",        "",          MODEL_REFUSED,        MODEL_STAGE_CONNECT},
        {"localhost:1",        "localhost", MODEL_REFUSED,        MODEL_STAGE_CONNECT},
    };
    struct probe_limits limits = probe_limits_default();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture x = {.n = 0};
        struct probe_plan plan = {
            .sni = {NULL, 0}
        };
        struct seen_run seen = {0};
        bool complete;
        arena_init(&x.arena, 1 << 20);
        add(&x, cases[i].word);
        struct model_summary s = run(&x, &plan, &limits, &seen, NULL, &complete);
        assert_true(complete);
        assert_int_equal(s.endpoints.total, 1);
        assert_int_equal(seen.state, cases[i].outcome);
        assert_int_equal(seen.last, cases[i].outcome);
        assert_int_equal(seen.kept.stage, cases[i].stage);
        assert_int_equal(seen.kept.chain_n, 0);
        arena_clear(&x.arena);
    }
}

static void faces_of_a_range_sum(void **state) {
    (void)state;
    struct fixture x = {.n = 0};
    struct probe_plan plan = {
        .sni = {NULL, 0}
    };
    struct probe_limits limits = probe_limits_default();
    struct seen_run seen = {0};
    bool complete;
    arena_init(&x.arena, 1 << 20);
    add(&x, "127.77.0.0/24");
    x.targets[0].has_ports = true;
    struct fault f;
    assert_int_equal(model_ports_read(&x.arena, bytes_text("1-8"), &x.targets[0].ports, &f),
                     ERR_OK);
    limits.rate = UINT64_MAX;
    limits.parallel = 100;
    struct model_summary s = run(&x, &plan, &limits, &seen, NULL, &complete);
    assert_true(complete);
    assert_int_equal(s.endpoints.total, 256 * 8);
    assert_int_equal(s.endpoints.by_outcome[MODEL_REFUSED], 256 * 8);
    assert_int_equal(s.faces.total, 256 * 8);
    assert_int_equal(seen.observations, 256 * 8);
    arena_clear(&x.arena);
}

static void early_ends(void **state) {
    (void)state;
    struct fixture x = {.n = 0};
    struct probe_plan plan = {
        .sni = {NULL, 0}
    };
    struct probe_limits limits = probe_limits_default();
    struct seen_run seen = {0};
    bool complete;
    arena_init(&x.arena, 1 << 20);
    add(&x, "127.77.0.0/24");
    limits.deadline_ms = 0;
    struct model_summary s = run(&x, &plan, &limits, &seen, NULL, &complete);
    assert_false(complete);
    assert_int_equal(s.endpoints.total, 256 * 9);
    assert_int_equal(s.endpoints.by_outcome[MODEL_NOT_REACHED], 256 * 9);
    assert_int_equal(s.faces.total, 0);

    volatile sig_atomic_t stop = 0;
    limits = probe_limits_default();
    limits.rate = 20;
    seen = (struct seen_run){.stop_after_first = &stop};
    s = run(&x, &plan, &limits, &seen, &stop, &complete);
    assert_false(complete);
    assert_true(s.endpoints.by_outcome[MODEL_REFUSED] >= 1);
    assert_true(s.endpoints.by_outcome[MODEL_NOT_REACHED] > 256 * 8);
    arena_clear(&x.arena);
}

static void names_that_lead_to_excluded_addresses(void **state) {
    (void)state;
    struct fixture x = {.n = 0};
    struct probe_plan plan = {
        .sni = {NULL, 0}
    };
    struct probe_limits limits = probe_limits_default();
    struct seen_run seen = {0};
    bool complete;
    arena_init(&x.arena, 1 << 20);
    add(&x, "localhost:1");
    add(&x, "127.0.0.0/8");
    add(&x, "::1");
    struct model_exclusions excluded = {x.targets + 1, 2};
    x.n = 1;
    plan.exclusions = &excluded;
    struct model_summary s = run(&x, &plan, &limits, &seen, NULL, &complete);
    assert_int_equal(seen.state, MODEL_EXCLUDED);
    assert_int_equal(s.faces.total, s.faces.by_outcome[MODEL_EXCLUDED]);
    arena_clear(&x.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_looked_at_is_told),
        cmocka_unit_test(faces_of_a_range_sum),
        cmocka_unit_test(early_ends),
        cmocka_unit_test(names_that_lead_to_excluded_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
