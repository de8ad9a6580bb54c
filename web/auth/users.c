/* Users and their passwords. See auth.h.
 *
 * DATA/users is text, mode 0600, a line a user, lines that begin with # ignored:
 *
 *   name:role:verifier:state
 *
 * name as auth_user_name_valid; role admin or viewer; verifier an Argon2id PHC
 * string, or "-" while no password was set; state active or disabled. Names are
 * there once. Anything else is damage and named by its line: a user who vanished
 * without a word would be worse than a server that does not start.
 */
#include "web/auth/auth_private.h"

#include <stdlib.h>
#include <string.h>

static const char header[] = "# users of clm-server: name:role:verifier:state\n";

/* The place of a name, or where it belongs. */
static size_t place_of(const struct user_list *list, struct bytes name, bool *found) {
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(bytes_text(list->rows[middle].user.name), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static struct user_row *find(const struct user_list *list, struct bytes name) {
    bool found;
    size_t i = place_of(list, name, &found);
    return found ? &list->rows[i] : NULL;
}

static uint64_t stamp_of(const char *verifier) {
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, bytes_text(verifier), digest);
    struct cur c = cur_open(bytes_of(digest, sizeof digest));
    return cur_u64(&c);
}

static bool row_read(struct bytes line, struct user_row *row) {
    struct cur c = cur_open(line);
    struct bytes name = cur_until(&c, ':'), role = cur_until(&c, ':');
    struct bytes verifier = cur_until(&c, ':'), state = c.rest;
    *row = (struct user_row){0};
    if (!auth_user_name_valid(name) || !auth_role_read(role, &row->user.role) || verifier.n == 0)
        return false;
    row->user.has_password = !bytes_is(verifier, "-");
    row->user.is_disabled = bytes_is(state, "disabled");
    if (!row->user.is_disabled && !bytes_is(state, "active"))
        return false;
    if (memchr(verifier.p, '\0', verifier.n))
        return false;
    if (row->user.has_password && !text_copy(row->verifier, sizeof row->verifier, verifier))
        return false;
    row->user.stamp = row->user.has_password ? stamp_of(row->verifier) : 0;
    return text_copy(row->user.name, sizeof row->user.name, name);
}

static void insert(struct user_list *list, size_t at, const struct user_row *row) {
    memmove(&list->rows[at + 1], &list->rows[at], (list->n - at) * sizeof *row);
    list->rows[at] = *row;
    list->n++;
}

static size_t lines_in(struct bytes text) {
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

enum err users_read(struct bytes text, struct user_list *out, struct fault *f) {
    size_t most = lines_in(text);
    if (most > USERS_MAX + 64)
        return fault_set(f, ERR_LIMIT, "users", "more than %d users", USERS_MAX);
    struct user_list list = {calloc(most, sizeof *list.rows), 0};
    if (!list.rows)
        return fault_set(f, ERR_MEMORY, "users", "%zu lines", most);
    struct cur c = cur_open(text);
    for (size_t number = 1; c.rest.n > 0; number++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        struct user_row row;
        bool found = false;
        size_t at = 0;
        if (row_read(line, &row))
            at = place_of(&list, bytes_text(row.user.name), &found);
        else
            found = true;
        if (found) {
            free(list.rows);
            return fault_set(f, ERR_DAMAGED, "users", "line %zu", number);
        }
        insert(&list, at, &row);
    }
    *out = list;
    return ERR_OK;
}

void users_write(const struct user_list *list, struct buf *out) {
    buf_text(out, header);
    for (size_t i = 0; i < list->n; i++) {
        const struct user_row *r = &list->rows[i];
        buf_printf(out, "%s:%s:%s:%s\n", r->user.name, auth_role_name(r->user.role),
                   r->user.has_password ? r->verifier : "-",
                   r->user.is_disabled ? "disabled" : "active");
    }
}

enum err users_load(struct auth *a, struct fault *f) {
    struct buf text;
    buf_init(&text, AUTH_FILE_MAX);
    enum err code = ERR_OK;
    if (file_exists(a->users_path))
        code = file_read(a->users_path, &text, f);
    if (code == ERR_OK)
        code = users_read(buf_bytes(&text), &a->users, f);
    buf_clear(&text);
    return code;
}

/* A change works on a copy: what could not be written never was. */
static enum err copy_list(const struct auth *a, struct user_list *copy, struct fault *f) {
    if (a->users.n >= USERS_MAX)
        return fault_set(f, ERR_LIMIT, "users", "more than %d users", USERS_MAX);
    copy->rows = calloc(a->users.n + 1, sizeof *copy->rows);
    if (!copy->rows)
        return fault_set(f, ERR_MEMORY, "users", "copy");
    if (a->users.n > 0)
        memcpy(copy->rows, a->users.rows, a->users.n * sizeof *copy->rows);
    copy->n = a->users.n;
    return ERR_OK;
}

static void free_list(struct user_list *list) {
    if (list->rows)
        crypto_wipe(list->rows, list->n * sizeof *list->rows);
    free(list->rows);
}

/* Takes the copy: in place of the list, or freed. */
static enum err commit(struct auth *a, struct user_list *copy, struct fault *f) {
    struct buf text;
    buf_init(&text, AUTH_FILE_MAX);
    users_write(copy, &text);
    enum err code = text.err;
    if (code != ERR_OK)
        code = fault_set(f, code, "users", "too large");
    else
        code = file_replace(a->users_path, buf_bytes(&text), 0600, f);
    if (code == ERR_OK) {
        mutex_lock(a->state);
        struct user_list old = a->users;
        a->users = *copy;
        *copy = old;
        mutex_unlock(a->state);
    }
    free_list(copy);
    buf_clear(&text);
    return code;
}

bool auth_user_at(struct auth *a, size_t i, struct auth_user *out) {
    mutex_lock(a->state);
    bool there = i < a->users.n;
    if (there)
        *out = a->users.rows[i].user;
    mutex_unlock(a->state);
    return there;
}

bool auth_user_find(struct auth *a, struct bytes name, struct auth_user *out) {
    mutex_lock(a->state);
    const struct user_row *row = find(&a->users, name);
    if (row)
        *out = row->user;
    mutex_unlock(a->state);
    return row != NULL;
}

enum err auth_user_add(struct auth *a, struct bytes name, enum auth_role role, struct fault *f) {
    if (!auth_user_name_valid(name))
        return fault_set(f, ERR_USAGE, "name", "1 to %d letters, digits and . _ @ - are allowed",
                         AUTH_USER_MAX);
    struct user_row row = {.user = {.role = role}};
    if (!text_copy(row.user.name, sizeof row.user.name, name))
        return fault_set(f, ERR_USAGE, "name", "too long");
    mutex_lock(a->change);
    struct user_list copy = {NULL, 0};
    bool found;
    size_t at = place_of(&a->users, name, &found);
    enum err code = ERR_OK;
    if (found)
        code = fault_set(f, ERR_EXISTS, "name", "user %s", row.user.name);
    if (code == ERR_OK)
        code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        insert(&copy, at, &row);
        code = commit(a, &copy, f);
    }
    mutex_unlock(a->change);
    return code;
}

static bool is_last_admin(const struct user_list *list, const struct user_row *row) {
    if (row->user.role != AUTH_ADMIN || row->user.is_disabled || !row->user.has_password)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        const struct auth_user *u = &list->rows[i].user;
        if (u->role == AUTH_ADMIN && !u->is_disabled && u->has_password && &list->rows[i] != row)
            return false;
    }
    return true;
}

static enum err set_state(struct auth *a, struct bytes name, bool disabled, struct fault *f) {
    mutex_lock(a->change);
    struct user_list copy = {NULL, 0};
    const struct user_row *old = find(&a->users, name);
    enum err code = ERR_OK;
    if (!old)
        code = fault_set(f, ERR_NOT_FOUND, "user", "%.*s", (int)(name.n < 64 ? name.n : 64),
                         (const char *)name.p);
    else if (disabled && is_last_admin(&a->users, old))
        code = fault_set(f, ERR_CONFLICT, "user", "%s is the last active administrator",
                         old->user.name);
    if (code == ERR_OK)
        code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        find(&copy, name)->user.is_disabled = disabled;
        code = commit(a, &copy, f);
    }
    mutex_unlock(a->change);
    return code;
}

enum err auth_user_disable(struct auth *a, struct bytes name, struct fault *f) {
    enum err code = set_state(a, name, true, f);
    if (code != ERR_OK)
        return code;
    sessions_end_of(a, name);
    return links_end_of(a, name, f);
}

enum err auth_user_enable(struct auth *a, struct bytes name, struct fault *f) {
    return set_state(a, name, false, f);
}

enum err password_check(struct bytes password, struct fault *f) {
    if (password.n < AUTH_PASSWORD_MIN || password.n > AUTH_PASSWORD_MAX)
        return fault_set(f, ERR_USAGE, "password", "%d to %d bytes are allowed", AUTH_PASSWORD_MIN,
                         AUTH_PASSWORD_MAX);
    return ERR_OK;
}

static enum err set_verifier(struct auth *a, struct bytes name, const char *verifier,
                             struct fault *f) {
    mutex_lock(a->change);
    struct user_list copy = {NULL, 0};
    enum err code = ERR_OK;
    if (!find(&a->users, name))
        code = fault_set(f, ERR_NOT_FOUND, "user", "none of that name");
    if (code == ERR_OK)
        code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        struct user_row *row = find(&copy, name);
        memcpy(row->verifier, verifier, sizeof row->verifier);
        row->user.has_password = true;
        row->user.stamp = stamp_of(verifier);
        code = commit(a, &copy, f);
    }
    mutex_unlock(a->change);
    return code;
}

enum err auth_user_set_password(struct auth *a, struct bytes name, struct bytes password,
                                struct fault *f) {
    enum err code = password_check(password, f);
    if (code != ERR_OK)
        return code;
    char verifier[PASSWORD_VERIFIER_MAX] = {0};
    if (!password_verifier_make(password, verifier))
        return fault_set(f, ERR_MEMORY, "password", "Argon2id needs more memory than there is");
    code = set_verifier(a, name, verifier, f);
    crypto_wipe(verifier, sizeof verifier);
    if (code == ERR_OK)
        sessions_end_of(a, name);
    return code;
}

enum err auth_user_verify(struct auth *a, struct bytes name, struct bytes password,
                          struct auth_user *out, struct fault *f) {
    struct user_row row = {0};
    mutex_lock(a->state);
    const struct user_row *found = find(&a->users, name);
    if (found)
        row = *found;
    mutex_unlock(a->state);

    bool good = false;
    if (password.n <= AUTH_PASSWORD_MAX && row.user.has_password) {
        good = password_verify(row.verifier, password);
    } else {
        /* The same work for nothing, so that the time does not tell names. */
        char scratch[PASSWORD_VERIFIER_MAX];
        bool made = password_verifier_make(bytes_text("a password of nobody"), scratch);
        good = made && false;
        crypto_wipe(scratch, sizeof scratch);
    }
    crypto_wipe(row.verifier, sizeof row.verifier);
    if (!good || row.user.is_disabled)
        return fault_set(f, ERR_CREDENTIALS, "password", "user or password is wrong");
    *out = row.user;
    return ERR_OK;
}
