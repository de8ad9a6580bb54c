/* Is what was installed served? See requests.h. */
#include "applets/ers/requests.h"
#include "applets/ers/scan.h"
#include "base/text.h"
#include "base/thread.h"

#include <string.h>

struct served {
    bool has_old;
    uint8_t old[SHA256_SIZE], now[SHA256_SIZE];
    size_t old_n, now_n, other_n;
    struct buf where; /* that serve the old one */
};

static void found(void *context, const struct scan_row *row) {
    struct served *s = context;
    if (!row->has_certificate)
        return;
    bool is_old = s->has_old && memcmp(row->sha256, s->old, SHA256_SIZE) == 0;
    bool is_now = memcmp(row->sha256, s->now, SHA256_SIZE) == 0;
    s->old_n += is_old;
    s->now_n += is_now;
    s->other_n += !is_old && !is_now;
    if (is_old) {
        buf_text(&s->where, s->where.n > 0 ? ", " : "");
        text_escape(&s->where, row->shown);
    }
}

static bool add(const struct agent *a, struct opt_list *list, size_t cap, struct bytes word) {
    if (list->n == cap || (list->items[list->n] = arena_cstr(a->arena, word)) == NULL)
        return false;
    list->n++;
    return true;
}

/* "HOST:PORT PROTOCOL" of the last scan, and the names of the request. */
static bool wanted_of(const struct agent *a, const struct request *r, const struct served *s,
                      struct opt_list *out) {
    struct last last = {0};
    struct cur dns = cur_open(bytes_text(r->dns)), ip = cur_open(bytes_text(r->ip));
    if (s->has_old && last_read(a->arena, a->last, &last, NULL))
        last = (struct last){0};
    size_t cap = last.n + 2 * REQUEST_NAMES_MAX;
    bool fits = true;
    *out = (struct opt_list){.items = arena_array(a->arena, cap, sizeof *out->items)};
    if (!out->items)
        return false;
    for (size_t i = 0; i < last.n && fits; i++) {
        struct cur key = cur_open(last.rows[i].key);
        if (last.rows[i].has_certificate && memcmp(last.rows[i].sha256, s->old, SHA256_SIZE) == 0)
            fits = add(a, out, cap, cur_until(&key, ' '));
    }
    while (dns.rest.n > 0 && fits)
        fits = add(a, out, cap, cur_until(&dns, ','));
    while (ip.rest.n > 0 && fits)
        fits = add(a, out, cap, cur_until(&ip, ','));
    return fits;
}

/* In steps, so that a signal ends it soon. */
static bool pause_ms(const struct env *env, uint64_t ms) {
    enum { STEP_MS = 50 };
    uint64_t end = env->tick_ms(env->context) + ms;
    while (env->tick_ms(env->context) < end && !(env->stop && *env->stop))
        thread_sleep_ms(STEP_MS);
    return !(env->stop && *env->stop);
}

bool request_look(const struct agent *a, const struct request *r, const char *old_sha256) {
    static const unsigned waits_ms[] = {300, 1500, 4000};
    struct served s = {0};
    struct scan_look look = {.found = found, .context = &s};
    s.has_old = old_sha256 && hex_read(bytes_text(old_sha256), s.old, sizeof s.old);
    if (!r->sha256 || !hex_read(bytes_text(r->sha256), s.now, sizeof s.now) ||
        !wanted_of(a, r, &s, &look.wanted))
        return true;
    buf_init(&s.where, 4096);
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        if (!pause_ms(a->env, waits_ms[i]))
            break;
        s.old_n = s.now_n = s.other_n = 0;
        buf_reset(&s.where);
        scan_look(a->env, a->common, &look);
        bool is_done = s.old_n == 0 && (s.now_n > 0 || s.other_n == 0);
        if (is_done || look.covered == 0)
            break;
    }
    if (s.old_n > 0)
        fprintf(a->env->err,
                "ers %s: the old certificate of %s is still served at %s: does the service read "
                "the new one?\n",
                a->common->command, r->out, buf_cstr(&s.where));
    buf_clear(&s.where);
    return s.old_n == 0;
}
