/* Sessions of people, and the limit on log-in attempts. See auth.h.
 *
 * Both live in memory: a restart ends all sessions, which costs a log-in and
 * needs no secret on the disk.
 */
#include "web/auth/auth_private.h"

#include "base/ip.h"

#include <string.h>

enum {
    IDLE_MS = 60 * 60 * 1000,
    WHOLE_MS = 12 * 60 * 60 * 1000,
    FREE_PER_USER = 5,     /* failures before it costs time */
    FREE_PER_ADDRESS = 50, /* an office behind one address */
    DELAY_FIRST_MS = 5 * 1000,
    DELAY_MOST_MS = 15 * 60 * 1000,
    FORGET_MS = 60 * 60 * 1000,
};

static uint64_t tick(const struct auth *a) {
    return a->env->tick_ms(a->env->context);
}

static bool is_over(const struct session_row *s, uint64_t now_ms) {
    return now_ms - s->seen_ms > IDLE_MS || now_ms - s->begun_ms > WHOLE_MS;
}

static void drop(struct auth *a, size_t i) {
    a->sessions[i] = a->sessions[--a->sessions_n];
    crypto_wipe(&a->sessions[a->sessions_n], sizeof a->sessions[0]);
}

/* Of those of a user (NULL: of all), the one idle longest goes where they are `most`. */
static void drop_idle(struct auth *a, const char *user, size_t most) {
    size_t oldest = SIZE_MAX, n = 0;
    for (size_t i = 0; i < a->sessions_n; i++) {
        if (user && strcmp(a->sessions[i].user, user) != 0)
            continue;
        n++;
        if (oldest == SIZE_MAX || a->sessions[i].seen_ms < a->sessions[oldest].seen_ms)
            oldest = i;
    }
    if (n >= most)
        drop(a, oldest);
}

/* For one more of this user: those that are over go, and what is too many. */
static void make_room(struct auth *a, const char *user, uint64_t now_ms) {
    for (size_t i = a->sessions_n; i-- > 0;) {
        if (is_over(&a->sessions[i], now_ms))
            drop(a, i);
    }
    drop_idle(a, user, SESSIONS_PER_USER);
    drop_idle(a, NULL, SESSIONS_MAX);
}

enum err auth_session_begin(struct auth *a, const struct auth_user *user,
                            char secret[AUTH_SECRET_TEXT + 1], struct fault *f) {
    struct session_row row = {.stamp = user->stamp};
    if (!text_copy(row.user, sizeof row.user, bytes_text(user->name)))
        return fault_set(f, ERR_USAGE, "user", "too long");
    enum err code = secret_make(a, secret, row.hash, f);
    if (code != ERR_OK)
        return code;
    row.begun_ms = row.seen_ms = tick(a);
    mutex_lock(a->state);
    make_room(a, row.user, row.seen_ms);
    a->sessions[a->sessions_n++] = row;
    mutex_unlock(a->state);
    return ERR_OK;
}

/* SIZE_MAX: none. Called with `state` held. */
static size_t find(const struct auth *a, struct bytes secret) {
    uint8_t hash[SHA256_SIZE];
    secret_hash(secret, hash);
    for (size_t i = 0; i < a->sessions_n; i++) {
        if (crypto_equal(a->sessions[i].hash, hash, sizeof hash))
            return i;
    }
    return SIZE_MAX;
}

bool auth_session_find(struct auth *a, struct bytes secret, struct auth_user *out) {
    if (secret.n != AUTH_SECRET_TEXT)
        return false;
    char user[AUTH_USER_MAX + 1] = "";
    uint64_t now_ms = tick(a), stamp = 0;
    mutex_lock(a->state);
    size_t i = find(a, secret);
    if (i != SIZE_MAX && is_over(&a->sessions[i], now_ms)) {
        drop(a, i);
        i = SIZE_MAX;
    }
    if (i != SIZE_MAX) {
        a->sessions[i].seen_ms = now_ms;
        memcpy(user, a->sessions[i].user, sizeof user);
        stamp = a->sessions[i].stamp;
    }
    mutex_unlock(a->state);
    return i != SIZE_MAX && auth_user_find(a, bytes_text(user), out) && !out->is_disabled &&
           out->stamp == stamp;
}

void auth_session_end(struct auth *a, struct bytes secret) {
    mutex_lock(a->state);
    size_t i = find(a, secret);
    if (i != SIZE_MAX)
        drop(a, i);
    mutex_unlock(a->state);
}

void sessions_end_of(struct auth *a, struct bytes user) {
    mutex_lock(a->state);
    for (size_t i = a->sessions_n; i-- > 0;) {
        if (bytes_equal(bytes_text(a->sessions[i].user), user))
            drop(a, i);
    }
    mutex_unlock(a->state);
}

/* An IPv6 host has a /64 to itself: its addresses count as one. */
static struct bytes address_of(const struct ip *ip, struct bytes text) {
    return ip->size == 16 ? bytes_of(ip->bytes, 8) : text;
}

/* Never 0, so that 0 can mean a free slot. */
static uint64_t attempt_key(const struct auth *a, struct bytes user, struct bytes address) {
    struct hash_run run;
    struct ip ip = {.size = 0};
    uint8_t digest[SHA256_SIZE], separator = 0;
    if (!ip_read(address, &ip))
        ip.size = 0;
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_of(a->attempts_key, sizeof a->attempts_key));
    hash_add(&run, user);
    hash_add(&run, bytes_of(&separator, 1));
    hash_add(&run, address_of(&ip, address));
    hash_peek(&run, digest);
    struct cur c = cur_open(bytes_of(digest, sizeof digest));
    uint64_t key = cur_u64(&c);
    return key ? key : 1;
}

/* The slot of a key among the eight that it may lie in; where it is new, the
 * free one or the one untouched longest. Called with `state` held. */
static struct attempt_slot *slot_of(struct auth *a, uint64_t key, uint64_t now_ms) {
    struct attempt_slot *best = NULL;
    for (size_t i = 0; i < 8; i++) {
        struct attempt_slot *s = &a->attempts[(key + i) & (ATTEMPTS_SLOTS - 1)];
        if (s->key && now_ms - s->last_ms > FORGET_MS)
            *s = (struct attempt_slot){0};
        if (s->key == key)
            return s;
        if (!best || (best->key && (!s->key || s->last_ms < best->last_ms)))
            best = s;
    }
    *best = (struct attempt_slot){.key = key, .last_ms = now_ms};
    return best;
}

static uint64_t wait_of(const struct attempt_slot *s, uint64_t free_tries, uint64_t now_ms) {
    if (s->failed < free_tries)
        return 0;
    uint64_t doublings = s->failed - free_tries;
    uint64_t delay = doublings > 8 ? DELAY_MOST_MS : (uint64_t)DELAY_FIRST_MS << doublings;
    if (delay > DELAY_MOST_MS)
        delay = DELAY_MOST_MS;
    uint64_t passed = now_ms - s->last_ms;
    return passed >= delay ? 0 : delay - passed;
}

uint64_t auth_attempt(struct auth *a, struct bytes user, struct bytes address) {
    uint64_t now_ms = tick(a);
    mutex_lock(a->state);
    struct attempt_slot *of_user = slot_of(a, attempt_key(a, user, address), now_ms);
    uint64_t wait_ms = wait_of(of_user, FREE_PER_USER, now_ms);
    if (wait_ms == 0) {
        of_user->failed++;
        of_user->last_ms = now_ms;
        struct attempt_slot *of_address =
            slot_of(a, attempt_key(a, bytes_text(""), address), now_ms);
        wait_ms = wait_of(of_address, FREE_PER_ADDRESS, now_ms);
        if (wait_ms == 0) {
            of_address->failed++;
            of_address->last_ms = now_ms;
        }
    }
    mutex_unlock(a->state);
    return wait_ms;
}

void auth_attempt_good(struct auth *a, struct bytes user, struct bytes address) {
    uint64_t now_ms = tick(a);
    mutex_lock(a->state);
    slot_of(a, attempt_key(a, user, address), now_ms)->failed = 0;
    struct attempt_slot *of_address = slot_of(a, attempt_key(a, bytes_text(""), address), now_ms);
    if (of_address->failed > 0)
        of_address->failed--;
    mutex_unlock(a->state);
}
