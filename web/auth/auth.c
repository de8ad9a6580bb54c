/* Opening and closing, roles, names, secrets. See auth.h. */
#include "web/auth/auth_private.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_of_people;
} roles[] = {
    [AUTH_PUBLIC] = {"public", false},
    [AUTH_AGENT] = {"agent",  false},
    [AUTH_VIEWER] = {"viewer", true },
    [AUTH_ADMIN] = {"admin",  true },
};

const char *auth_role_name(enum auth_role role) {
    return roles[role].name;
}

bool auth_role_read(struct bytes text, enum auth_role *role) {
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (roles[i].is_of_people && bytes_is(text, roles[i].name)) {
            *role = (enum auth_role)i;
            return true;
        }
    }
    return false;
}

bool auth_role_allows(enum auth_role has, enum auth_role needs) {
    if (needs == AUTH_PUBLIC)
        return true;
    if (has == AUTH_AGENT || needs == AUTH_AGENT)
        return has == needs;
    return has >= needs;
}

/* The first is no mark but "*": "-" alone stands for nothing in the files. */
static bool made_of(struct bytes text, const char *marks, size_t max) {
    if (text.n == 0 || text.n > max || (!ascii_is_alnum(text.p[0]) && text.p[0] != '*'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_alnum(text.p[i]) && (text.p[i] == 0 || !strchr(marks, text.p[i])))
            return false;
    }
    return true;
}

bool auth_user_name_valid(struct bytes name) {
    return made_of(name, "._@-", AUTH_USER_MAX);
}

bool auth_agent_name_valid(struct bytes name) {
    return made_of(name, "._-", AUTH_AGENT_MAX);
}

bool auth_pattern_valid(struct bytes pattern) {
    return made_of(pattern, "._-*", AUTH_AGENT_MAX);
}

bool auth_network_valid(struct bytes network) {
    return made_of(network, "._-", AUTH_NETWORK_MAX);
}

/* Goes back to the last star only, so that the time is bounded by the product
 * of the lengths whatever the pattern. */
bool auth_pattern_matches(struct bytes pattern, struct bytes name) {
    size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.n &&
                   ascii_lower((char)pattern.p[p]) == ascii_lower((char)name.p[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

void secret_hash(struct bytes text, uint8_t hash[SHA256_SIZE]) {
    hash_of(HASH_SHA256, text, hash);
}

enum err secret_make(struct auth *a, char text[AUTH_SECRET_TEXT + 1], uint8_t hash[SHA256_SIZE],
                     struct fault *f) {
    uint8_t random[32];
    if (!a->env->random(a->env->context, random, sizeof random))
        return fault_set(f, ERR_FAILED, "random", "the system gives no random bytes");
    struct buf out;
    crypto_buf_init(&out, AUTH_SECRET_TEXT + 1);
    base64url_put(&out, bytes_of(random, sizeof random));
    enum err code = out.err;
    if (code == ERR_OK) {
        memcpy(text, buf_cstr(&out), AUTH_SECRET_TEXT + 1);
        secret_hash(buf_bytes(&out), hash);
    } else {
        code = fault_set(f, code, "secret", "no memory");
    }
    crypto_wipe(random, sizeof random);
    buf_clear(&out);
    return code;
}

bool text_copy(char *out, size_t size, struct bytes in) {
    if (in.n >= size)
        return false;
    if (in.n > 0)
        memcpy(out, in.p, in.n);
    out[in.n] = '\0';
    return true;
}

static enum err make_parts(struct auth *a, const char *data_dir, struct fault *f) {
    a->change = mutex_open();
    a->state = mutex_open();
    a->sessions = calloc(SESSIONS_MAX, sizeof a->sessions[0]);
    a->attempts = calloc(ATTEMPTS_SLOTS, sizeof a->attempts[0]);
    a->users_path = path_join(&a->arena, data_dir, "users");
    a->tokens_path = path_join(&a->arena, data_dir, "tokens");
    if (!a->change || !a->state || !a->sessions || !a->attempts || !a->users_path ||
        !a->tokens_path)
        return fault_set(f, ERR_MEMORY, "auth", "%s", data_dir);
    if (!a->env->random(a->env->context, a->attempts_key, sizeof a->attempts_key))
        return fault_set(f, ERR_FAILED, "random", "the system gives no random bytes");
    return ERR_OK;
}

enum err auth_open(const struct env *env, const char *data_dir, struct auth **out,
                   struct fault *f) {
    struct auth *a = calloc(1, sizeof *a);
    if (!a)
        return fault_set(f, ERR_MEMORY, "auth", "%s", data_dir);
    a->env = env;
    a->nonces.file.fd = -1;
    arena_init(&a->arena, 64 * 1024);
    enum err code = make_parts(a, data_dir, f);
    if (code == ERR_OK)
        code = users_load(a, f);
    if (code == ERR_OK)
        code = tokens_load(a, f);
    if (code == ERR_OK)
        code = nonces_load(a, path_join(&a->arena, data_dir, "nonces"), f);
    if (code != ERR_OK) {
        auth_close(a);
        return code;
    }
    *out = a;
    return ERR_OK;
}

void auth_close(struct auth *a) {
    if (!a)
        return;
    nonces_close(a);
    free(a->users.rows);
    free(a->tokens.rows);
    free(a->sessions);
    free(a->attempts);
    if (a->change)
        mutex_close(a->change);
    if (a->state)
        mutex_close(a->state);
    arena_clear(&a->arena);
    free(a);
}
