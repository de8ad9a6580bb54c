/* The run: what is begun when, and the accounts. See probe.h.
 *
 * pump() begins faces while there are places, credit and endpoints. It is called
 * when a face is gone, when names are answered and ten times a second. The run is
 * over when the source is drained, or the scan ended early, and no face is left;
 * then the timers are closed and the loop runs out.
 */
#include "base/os.h"
#include "probe/inner.h"

#include <stdlib.h>
#include <string.h>

enum { FILES_SPARE = 64 }; /* descriptors for all that is no connection of ours */

enum {
    TICK_MS = 100,
    LOOKUPS_MAX = 128,
    BURST_MS = 50,
    WAITING_FACTOR = 2,
    FACTS_MAX = 1 << 20,
    RATE_MAX = 1000000000
};

struct probe_limits probe_limits_default(void) {
    return (struct probe_limits){.parallel = 1000,
                                 .per_host = 4,
                                 .rate = 500,
                                 .timeout_ms = 5000,
                                 .deadline_ms = UINT64_MAX,
                                 .handshake_max = TLS_HANDSHAKE_MAX};
}

enum err probe_count(const struct probe_plan *plan, uint64_t *endpoints, struct fault *f) {
    *endpoints = 0;
    for (size_t i = 0; i < plan->targets_n; i++) {
        struct model_count count;
        if (model_target_count(&plan->targets[i], &plan->default_ports, plan->exclusions, &count) ||
            *endpoints + count.endpoints < *endpoints)
            return fault_set(f, ERR_LIMIT, "targets", "more endpoints than can be counted");
        *endpoints += count.endpoints;
    }
    return ERR_OK;
}

/* ---- places ---- */

static struct place *place_make(struct run *r, const struct model_endpoint *e,
                                const struct model_target *target) {
    struct place *p = calloc(1, sizeof *p + e->host.n + 1);
    if (!p)
        return NULL;
    p->run = r;
    p->shown.endpoint = *e;
    p->shown.target = target;
    memcpy(p->host, e->host.p, e->host.n);
    p->shown.endpoint.host = bytes_of(p->host, e->host.n);
    if (r->plan->protocol != MODEL_PROTOCOL_NONE)
        p->shown.endpoint.protocol = r->plan->protocol;
    return p;
}

/* No further face of it will come. */
static void place_close(struct place *p) {
    struct run *r = p->run;
    enum model_outcome state = p->has_state ? p->state : MODEL_NOT_REACHED;
    model_account_add(&r->states, state);
    r->endpoints_done++;
    if (r->watch->endpoint)
        r->watch->endpoint(r->watch->context, &p->shown, state);
    free(p);
}

static void place_drop_face(struct place *p) {
    if (--p->faces_open == 0)
        place_close(p);
}

/* ---- faces ---- */

/* The name that an ordinary client would send. */
static struct bytes sni_of(const struct place *p) {
    const struct probe_endpoint *e = &p->shown;
    if (p->run->plan->sni.n > 0)
        return p->run->plan->sni;
    if (e->target->sni.n > 0)
        return e->target->sni;
    return e->endpoint.ip.size == 0 ? e->endpoint.host : (struct bytes){0};
}

static struct face *face_make(struct place *p, const struct ip *ip) {
    struct face *face = calloc(1, sizeof *face);
    if (!face)
        return NULL;
    face->run = p->run;
    face->place = p;
    face->view.sni = sni_of(p);
    if (ip)
        face->ip = *ip;
    face->shape = TLS_SHAPE_FULL;
    face->talk.protocol = p->shown.endpoint.protocol;
    return face;
}

/* One more of the address's faces, begun as its base was answered. */
static struct face *face_make_next(struct site *s, const struct view *view) {
    struct face *face = face_make(s->place, &s->ip);
    if (!face)
        return NULL;
    face->site = s;
    face->view = *view;
    face->is_base = s->next == 1;
    if (!face->is_base) {
        face->shape = s->shape;
        face->talk = s->talk;
    }
    return face;
}

static void make_ready(struct run *r, struct face *face) {
    face->next = NULL;
    if (r->ready_last)
        r->ready_last->next = face;
    else
        r->ready_first = face;
    r->ready_last = face;
}

static struct face *take_ready(struct run *r) {
    struct face *face = r->ready_first;
    if (face) {
        r->ready_first = face->next;
        if (!r->ready_first)
            r->ready_last = NULL;
    }
    return face;
}

/* Into the list of those under way, counted as tried. */
static void begin(struct run *r, struct face *face) {
    r->faces.total += face->view.look == 0; /* else when it is told */
    r->active_n++;
    face->before = NULL;
    face->behind = r->active;
    if (r->active)
        r->active->before = face;
    r->active = face;
}

static void pump(struct run *r);
static void drop_unbegun(struct run *r);
static void site_go_on(struct run *r, struct site *s);

/* The face has no more to do with its endpoint. */
static void part(struct run *r, struct face *face) {
    struct place *p = face->place;
    struct site *s = face->site;
    face->place = NULL;
    face->site = NULL;
    face->is_base = false;
    if (s)
        site_go_on(r, s);
    else
        place_drop_face(p);
}

void run_face_told(struct run *r, struct face *face, enum model_outcome outcome) {
    struct place *p = face->place;
    r->faces.total += face->view.look > 0;
    model_account_add(&r->faces, outcome);
    p->state = p->has_state ? model_outcome_best(p->state, outcome) : outcome;
    p->has_state = true;
    part(r, face);
}

void run_face_hidden(struct run *r, struct face *face) {
    part(r, face);
}

void run_face_gone(struct run *r, struct face *face) {
    if (face->host) {
        struct face *heir = hosts_give(&r->hosts, face);
        if (heir)
            make_ready(r, heir);
    }
    if (face->before)
        face->before->behind = face->behind;
    else
        r->active = face->behind;
    if (face->behind)
        face->behind->before = face->before;
    r->active_n--;
    if (r->ended)
        drop_unbegun(r); /* the heir, and those behind it */
    pump(r);
}

/* A face whose outcome is known without a connection. */
static void tell_without(struct place *p, const struct ip *ip, enum model_outcome outcome,
                         const char *detail) {
    struct finding f = {outcome, MODEL_STAGE_RESOLVE, -1, detail};
    struct face *face = face_make(p, ip);
    if (!face) {
        place_drop_face(p); /* not_reached, unless another face says more */
        return;
    }
    begin(p->run, face);
    face_tell_only(face, &f);
}

/* Ready, or waiting for its host. False: no memory, also where face is NULL. */
static bool queue(struct run *r, struct face *face) {
    bool go = false;
    if (!face || !hosts_take(&r->hosts, face, &go)) {
        free(face);
        return false;
    }
    if (go)
        make_ready(r, face);
    return true;
}

/* ---- sites ---- */

static void site_end(struct run *r, struct site *s) {
    struct place *p = s->place;
    struct ip ip = s->ip;
    uint64_t left_out = s->left_out;
    char detail[80];
    site_close(s);
    if (left_out > 0 && !r->ended) {
        snprintf(detail, sizeof detail, "%llu more names or kinds of key: %d faces an address",
                 (unsigned long long)left_out, FACES_MAX);
        p->faces_open++;
        tell_without(p, &ip, MODEL_LIMIT, detail);
    }
    place_drop_face(p);
}

static void on_own_name(void *context, const struct net_answer *answer) {
    struct site *s = context;
    struct run *r = s->place->run;
    r->looking_up--;
    if (answer->name && !r->ended)
        step_say(r, &s->place->shown, &s->ip, "the address says that it is %s", answer->name);
    if (answer->name && !r->ended)
        site_learn_name(s, bytes_text(answer->name));
    site_go_on(r, s);
    pump(r);
}

/* Asked for last, and only of what has shown a certificate. */
static bool ask_own_name(struct run *r, struct site *s) {
    if (s->is_ptr_asked || s->leaves_n == 0 || r->plan->sni.n > 0)
        return false;
    s->is_ptr_asked = true;
    r->looking_up++;
    if (net_resolve_address(r->resolver, &s->ip, on_own_name, s) == ERR_OK)
        return true;
    r->looking_up--;
    return false;
}

/* The next face of the address is queued, or it is through. */
static void site_go_on(struct run *r, struct site *s) {
    struct view view;
    if (!r->ended && site_next(s, &view)) {
        if (!queue(r, face_make_next(s, &view)))
            site_end(r, s);
    } else if (r->ended || !ask_own_name(r, s)) {
        site_end(r, s);
    }
}

/* Ranges are looked at once an address; what somebody named is looked at from all sides,
 * but for MySQL: it counts each handshake that ends early, and after a hundred of them
 * refuses our host for its real clients too. */
static bool is_full(const struct place *p) {
    enum probe_faces faces = p->run->plan->faces;
    return faces == PROBE_FACES_FULL ||
           (faces == PROBE_FACES_BY_TARGET && p->shown.target->kind == MODEL_TARGET_NAME &&
            p->shown.endpoint.protocol != MODEL_MYSQL);
}

/* A face of the place at this address: ready, waiting for its host, or told. */
static void admit(struct place *p, const struct ip *ip) {
    struct run *r = p->run;
    const struct model_endpoint *e = &p->shown.endpoint;
    bool is_asked_for = e->ip.size > 0 && r->plan->connect.size == 0; /* unfolding has seen to it */
    if (!is_asked_for && r->plan->exclusions &&
        model_excluded(r->plan->exclusions, e->host, ip, e->port)) {
        tell_without(p, ip, MODEL_EXCLUDED, "it leads to an excluded address");
        return;
    }
    if (is_full(p)) {
        struct site *s = site_open(p, ip, sni_of(p));
        if (s)
            site_go_on(r, s);
        else
            place_drop_face(p);
        return;
    }
    if (!queue(r, face_make(p, ip)))
        place_drop_face(p);
}

/* ---- names ---- */

static void say_answer(struct place *p, const struct net_answer *answer) {
    struct buf list;
    if (!p->run->watch->step)
        return;
    buf_init(&list, 64 * 1024);
    for (size_t i = 0; i < answer->n; i++) {
        char text[IP_TEXT_MAX];
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", ip_write(&answer->addresses[i], text));
    }
    step_say(p->run, &p->shown, NULL, "look-up of %s: %s", p->host,
             answer->n > 0 ? buf_cstr(&list) : answer->text);
    buf_clear(&list);
}

static void on_answer(void *context, const struct net_answer *answer) {
    struct place *p = context;
    struct run *r = p->run;
    r->looking_up--;
    if (r->ended) {
        place_close(p);
        return;
    }
    say_answer(p, answer);
    p->faces_open = answer->n > 0 ? answer->n : 1;
    if (answer->n == 0)
        tell_without(p, NULL, MODEL_DNS_ERROR, answer->text);
    /* The place may close with its last face: count down on our own. */
    for (size_t i = 0, n = answer->n; i < n; i++) {
        struct ip ip = ip_unmapped(&answer->addresses[i]);
        admit(p, &ip);
    }
    pump(r);
}

static void take_endpoint(struct run *r, const struct model_endpoint *e,
                          const struct model_target *target) {
    struct place *p = place_make(r, e, target);
    r->unfolded++;
    if (!p) {
        model_account_add(&r->states, MODEL_NOT_REACHED);
        r->endpoints_done++;
        return;
    }
    p->faces_open = 1;
    if (r->plan->connect.size > 0) {
        admit(p, &r->plan->connect);
    } else if (e->ip.size > 0) {
        admit(p, &e->ip);
    } else {
        r->looking_up++;
        if (net_resolve(r->resolver, p->shown.endpoint.host, on_answer, p)) {
            r->looking_up--;
            place_drop_face(p);
        }
    }
}

/* ---- pace ---- */

/* Credit for one more face; else the timer is set for when there will be. */
static bool may_begin(struct run *r) {
    if (r->limits.rate == UINT64_MAX)
        return true;
    uint64_t now = net_loop_now_ms(r->loop);
    int64_t rate = (int64_t)r->limits.rate, most = rate * BURST_MS;
    r->credit += (int64_t)(now - r->credit_ms) * rate;
    r->credit_ms = now;
    if (most < 1000)
        most = 1000;
    if (r->credit > most)
        r->credit = most;
    if (r->credit >= 1000) {
        r->credit -= 1000;
        return true;
    }
    net_timer_start(r->rate_timer, (uint64_t)((1000 - r->credit) / rate) + 1, 0);
    return false;
}

void run_charge(struct run *r) {
    if (r->limits.rate != UINT64_MAX)
        r->credit -= 1000;
}

static bool has_endpoint(struct run *r) {
    struct model_endpoint e;
    const struct model_target *target;
    if (r->drained || r->looking_up >= LOOKUPS_MAX ||
        r->hosts.waiting >= r->limits.parallel * WAITING_FACTOR)
        return false;
    if (!source_next(&r->source, &e, &target)) {
        r->drained = true;
        return false;
    }
    if (r->plan->is_done && r->plan->is_done(r->plan->done_context, &e))
        r->endpoints--;
    else
        take_endpoint(r, &e, target);
    return true;
}

static void stop_if_over(struct run *r) {
    if ((r->drained || r->ended) && r->active_n == 0 && r->looking_up == 0 && !r->ready_first &&
        r->hosts.waiting == 0 && r->tick) {
        net_timer_close(r->tick);
        net_timer_close(r->rate_timer);
        r->tick = r->rate_timer = NULL;
    }
}

static void pump(struct run *r) {
    if (r->pumping)
        return;
    r->pumping = true;
    while (!r->ended && r->active_n < r->limits.parallel) {
        if (!r->ready_first) {
            if (!has_endpoint(r))
                break;
            continue;
        }
        if (!may_begin(r))
            break;
        struct face *face = take_ready(r);
        begin(r, face);
        face_start(face);
    }
    r->pumping = false;
    stop_if_over(r);
}

/* ---- the early end ---- */

/* Faces that were not begun: their endpoints were not reached. */
static void drop_unbegun(struct run *r) {
    for (struct face *face; (face = take_ready(r)) != NULL;) {
        struct face *heir = hosts_give(&r->hosts, face);
        if (heir)
            make_ready(r, heir);
        part(r, face);
        free(face);
    }
}

static void end_now(struct run *r) {
    r->ended = true;
    r->pumping = true; /* nothing begins any more */
    drop_unbegun(r);
    for (struct face *face = r->active, *behind; face; face = behind) {
        behind = face->behind;
        face_end(face);
    }
    drop_unbegun(r);
    net_resolver_close(r->resolver);
    r->resolver = NULL;
    r->pumping = false;
    stop_if_over(r);
}

static struct probe_progress progress_of(const struct run *r) {
    return (struct probe_progress){
        .elapsed_ms = net_loop_now_ms(r->loop) - r->start_ms,
        .endpoints = r->endpoints,
        .endpoints_done = r->endpoints_done,
        .faces = r->faces.total,
        .certificates = r->seen.n,
        .in_flight = r->active_n,
    };
}

void run_tell(struct run *r, const struct model_observation *o, struct probe_endpoint *endpoint,
              const struct probe_certificate *leaf) {
    r->endpoints++;
    r->unfolded++;
    r->endpoints_done++;
    r->faces.total++;
    model_account_add(&r->faces, o->outcome);
    model_account_add(&r->states, o->outcome);
    if (r->watch->observation)
        r->watch->observation(r->watch->context, o, endpoint, leaf);
    if (r->watch->endpoint)
        r->watch->endpoint(r->watch->context, endpoint, o->outcome);
}

bool run_goes_on(struct run *r) {
    struct probe_progress progress = progress_of(r);
    uint64_t now = r->env->tick_ms(r->env->context);
    progress.elapsed_ms = now - r->begin_ms;
    if (r->watch->tick && now >= r->shown_ms + TICK_MS) {
        r->shown_ms = now;
        r->watch->tick(r->watch->context, &progress);
    }
    return !(r->env->stop && *r->env->stop) && progress.elapsed_ms < r->limits.deadline_ms;
}

static void on_tick(void *context) {
    struct run *r = context;
    struct probe_progress progress = progress_of(r);
    if (r->watch->tick)
        r->watch->tick(r->watch->context, &progress);
    bool stop = r->env->stop && *r->env->stop;
    if (!r->ended && (stop || progress.elapsed_ms >= r->limits.deadline_ms))
        end_now(r);
    else
        pump(r);
}

static void on_rate(void *context) {
    pump(context);
}

/* ---- begin and end of it all ---- */

/* One call of the system serves many hellos. */
static bool take_random(void *context, uint8_t *out, size_t n) {
    struct run *r = context;
    if (n > sizeof r->random)
        return r->env->random(r->env->context, out, n);
    if (n > r->random_left) {
        if (!r->env->random(r->env->context, r->random, sizeof r->random))
            return false;
        r->random_left = sizeof r->random;
    }
    memcpy(out, r->random + sizeof r->random - r->random_left, n);
    r->random_left -= n;
    return true;
}

/* As many as are wanted, and as this process may have open. */
static uint64_t parallel_allowed(uint64_t wanted) {
    uint64_t files = os_raise_file_limit();
    uint64_t most = files > 2 * FILES_SPARE ? files - FILES_SPARE : FILES_SPARE;
    wanted = wanted > 0 ? wanted : 1;
    return wanted < most ? wanted : most;
}

static enum err set_up(struct run *r, struct fault *f) {
    enum err err = probe_count(r->plan, &r->endpoints, f);
    if (!err && (err = tls_keys_make(r->env, &r->keys)) != ERR_OK)
        err = fault_set(f, err, "key pairs of the scan", "%s", "");
    if (!err && (err = source_open(&r->source, r->env, r->plan)) != ERR_OK)
        err = fault_set(f, err, "targets", "%s", "");
    if (!err)
        err = net_loop_open(r->env, &r->loop, f);
    if (!err)
        err = net_resolver_open(r->loop, r->limits.timeout_ms, &r->resolver, f);
    if (err)
        return err;
    r->tick = net_timer_open(r->loop, on_tick, r);
    r->rate_timer = net_timer_open(r->loop, on_rate, r);
    if (!r->tick || !r->rate_timer)
        return fault_set(f, ERR_MEMORY, "scan", "%s", "");
    return ERR_OK;
}

static void tear_down(struct run *r) {
    net_timer_close(r->tick);
    net_timer_close(r->rate_timer);
    net_resolver_close(r->resolver);
    net_loop_close(r->loop);
    source_close(&r->source);
    hosts_clear(&r->hosts);
    seen_clear(&r->seen);
    arena_clear(&r->facts);
    tls_keys_clear(&r->keys);
}

static enum err sum_up(struct run *r, struct model_summary *out, struct fault *f) {
    uint64_t not_begun = r->endpoints - r->unfolded;
    r->states.total = r->endpoints;
    r->states.by_outcome[MODEL_NOT_REACHED] += not_begun;
    *out = (struct model_summary){
        .scan = r->plan->scan,
        .time_s = env_now_s(r->env),
        .duration_ms = net_loop_now_ms(r->loop) - r->start_ms,
        .targets = r->plan->targets_n,
        .certificates = r->seen.n,
        .faces = r->faces,
        .endpoints = r->states,
    };
    return model_summary_check(out, f);
}

enum err probe_run(const struct env *env, const struct probe_plan *plan,
                   const struct probe_limits *limits, const struct probe_watch *watch,
                   struct model_summary *out, bool *complete, struct fault *f) {
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return fault_set(f, ERR_MEMORY, "scan", "%s", "");
    r->env = env;
    r->hello_env = (struct env){.random = take_random, .context = r};
    r->plan = plan;
    r->limits = *limits;
    r->limits.parallel = parallel_allowed(limits->parallel);
    if (r->limits.rate > RATE_MAX)
        r->limits.rate = UINT64_MAX;
    r->watch = watch;
    hosts_init(&r->hosts, limits->per_host);
    seen_init(&r->seen);
    arena_init(&r->facts, FACTS_MAX);
    enum err err = set_up(r, f);
    if (!err) {
        r->start_ms = r->credit_ms = net_loop_now_ms(r->loop);
        r->begin_ms = r->shown_ms = env->tick_ms(env->context);
        files_run(r);
        net_timer_start(r->tick, 0, TICK_MS);
        net_loop_run(r->loop);
        err = sum_up(r, out, f);
        *complete = !r->ended && r->states.by_outcome[MODEL_NOT_REACHED] == 0;
    }
    tear_down(r);
    free(r);
    return err;
}
