/* Enrolment tokens and one-time links. See auth.h.
 *
 * DATA/tokens is text, mode 0600, a line each, lines that begin with # ignored:
 *
 *   kind:id:hash:uses:created:end:network:names:subject
 *
 * kind agent (enrolment) or link; id eight bytes in hex; hash the SHA-256 of the
 * secret's text in hex; uses what is left, not 0; created and end in seconds since
 * 1970; network, names and subject "-" where empty. The subject is the agent to
 * re-enrol, or the link's user. Anything else is damage and named by its line.
 * Rows that have ended are dropped when the file is next written.
 */
#include "web/auth/auth_private.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "# one-time secrets of clm-server, hashed: "
                             "kind:id:hash:uses:created:end:network:names:subject\n";

static bool is_empty_mark(struct bytes text) {
    return bytes_is(text, "-");
}

static bool id_read(struct bytes text, char out[AUTH_ID_TEXT + 1]) {
    uint8_t raw[AUTH_ID_TEXT / 2];
    return hex_read(text, raw, sizeof raw) && text_copy(out, AUTH_ID_TEXT + 1, text);
}

static bool subject_read(struct bytes subject, struct token_row *row) {
    if (row->is_link)
        return auth_user_name_valid(subject) && text_copy(row->user, sizeof row->user, subject);
    if (is_empty_mark(subject))
        return true;
    return auth_agent_name_valid(subject) &&
           text_copy(row->token.for_agent, sizeof row->token.for_agent, subject);
}

static bool row_read(struct bytes line, struct token_row *row) {
    struct cur c = cur_open(line);
    struct bytes kind = cur_until(&c, ':'), id = cur_until(&c, ':'), hash = cur_until(&c, ':');
    struct bytes uses = cur_until(&c, ':'), created = cur_until(&c, ':');
    struct bytes end = cur_until(&c, ':'), network = cur_until(&c, ':');
    struct bytes names = cur_until(&c, ':'), subject = c.rest;
    uint64_t created_s = 0, end_s = 0;
    *row = (struct token_row){.is_link = bytes_is(kind, "link")};
    struct auth_token *t = &row->token;
    if (!row->is_link && !bytes_is(kind, "agent"))
        return false;
    if (!id_read(id, t->id) || !hex_read(hash, row->hash, sizeof row->hash))
        return false;
    if (!number_read(uses, UINT32_MAX, &t->uses) || t->uses == 0 ||
        !number_read(created, INT64_MAX, &created_s) || !number_read(end, INT64_MAX, &end_s))
        return false;
    t->created_s = (int64_t)created_s;
    t->end_s = (int64_t)end_s;
    if (!is_empty_mark(network) &&
        !(auth_network_valid(network) && text_copy(t->network, sizeof t->network, network)))
        return false;
    if (!is_empty_mark(names) &&
        !(auth_pattern_valid(names) && text_copy(t->names, sizeof t->names, names)))
        return false;
    return subject_read(subject, row);
}

static size_t lines_in(struct bytes text) {
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

enum err tokens_read(struct bytes text, struct token_list *out, struct fault *f) {
    size_t most = lines_in(text);
    if (most > TOKENS_MAX + 64)
        return fault_set(f, ERR_LIMIT, "tokens", "more than %d", TOKENS_MAX);
    struct token_list list = {calloc(most, sizeof *list.rows), 0};
    if (!list.rows)
        return fault_set(f, ERR_MEMORY, "tokens", "%zu lines", most);
    struct cur c = cur_open(text);
    for (size_t number = 1; c.rest.n > 0; number++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!row_read(line, &list.rows[list.n])) {
            free(list.rows);
            return fault_set(f, ERR_DAMAGED, "tokens", "line %zu", number);
        }
        list.n++;
    }
    *out = list;
    return ERR_OK;
}

static const char *or_mark(const char *text) {
    return text[0] ? text : "-";
}

void tokens_write(const struct token_list *list, struct buf *out) {
    buf_text(out, header);
    for (size_t i = 0; i < list->n; i++) {
        const struct token_row *r = &list->rows[i];
        buf_printf(out, "%s:%s:", r->is_link ? "link" : "agent", r->token.id);
        hex_put(out, bytes_of(r->hash, sizeof r->hash));
        buf_printf(out, ":%" PRIu64 ":%" PRId64 ":%" PRId64 ":%s:%s:%s\n", r->token.uses,
                   r->token.created_s, r->token.end_s, or_mark(r->token.network),
                   or_mark(r->token.names), r->is_link ? r->user : or_mark(r->token.for_agent));
    }
}

enum err tokens_load(struct auth *a, struct fault *f) {
    struct buf text;
    buf_init(&text, AUTH_FILE_MAX);
    enum err code = ERR_OK;
    if (file_exists(a->tokens_path))
        code = file_read(a->tokens_path, &text, f);
    if (code == ERR_OK)
        code = tokens_read(buf_bytes(&text), &a->tokens, f);
    buf_clear(&text);
    return code;
}

static bool is_over(const struct auth *a, const struct token_row *row) {
    return row->token.uses == 0 || row->token.end_s <= env_now_s(a->env);
}

/* Room for one more; rows that are over stay behind. */
static enum err copy_list(const struct auth *a, struct token_list *copy, struct fault *f) {
    copy->n = 0;
    copy->rows = calloc(a->tokens.n + 1, sizeof *copy->rows);
    if (!copy->rows)
        return fault_set(f, ERR_MEMORY, "tokens", "copy");
    for (size_t i = 0; i < a->tokens.n; i++) {
        if (!is_over(a, &a->tokens.rows[i]))
            copy->rows[copy->n++] = a->tokens.rows[i];
    }
    return ERR_OK;
}

/* Takes the copy: in place of the list, or freed. */
static enum err commit(struct auth *a, struct token_list *copy, struct fault *f) {
    struct buf text;
    buf_init(&text, AUTH_FILE_MAX);
    tokens_write(copy, &text);
    enum err code = text.err;
    if (code != ERR_OK)
        code = fault_set(f, code, "tokens", "too many");
    else
        code = file_replace(a->tokens_path, buf_bytes(&text), 0600, f);
    if (code == ERR_OK) {
        mutex_lock(a->state);
        struct token_list old = a->tokens;
        a->tokens = *copy;
        *copy = old;
        mutex_unlock(a->state);
    }
    free(copy->rows);
    buf_clear(&text);
    return code;
}

static void remove_at(struct token_list *list, size_t i) {
    memmove(&list->rows[i], &list->rows[i + 1], (list->n - i - 1) * sizeof list->rows[0]);
    list->n--;
}

static void remove_links(struct token_list *list, struct bytes user) {
    for (size_t i = list->n; i-- > 0;) {
        if (list->rows[i].is_link && bytes_equal(bytes_text(list->rows[i].user), user))
            remove_at(list, i);
    }
}

/* The row of a secret that can still be used; SIZE_MAX: none. */
static size_t find(const struct auth *a, const struct token_list *list, bool is_link,
                   struct bytes secret) {
    uint8_t hash[SHA256_SIZE];
    if (secret.n != AUTH_SECRET_TEXT)
        return SIZE_MAX;
    secret_hash(secret, hash);
    for (size_t i = 0; i < list->n; i++) {
        const struct token_row *r = &list->rows[i];
        if (r->is_link == is_link && crypto_equal(r->hash, hash, sizeof hash) && !is_over(a, r))
            return i;
    }
    return SIZE_MAX;
}

static enum err id_make(struct auth *a, char out[AUTH_ID_TEXT + 1], struct fault *f) {
    uint8_t raw[AUTH_ID_TEXT / 2];
    if (!a->env->random(a->env->context, raw, sizeof raw))
        return fault_set(f, ERR_FAILED, "random", "the system gives no random bytes");
    hex_write(out, bytes_of(raw, sizeof raw));
    return ERR_OK;
}

/* Adds a row under the change lock. */
static enum err add(struct auth *a, const struct token_row *row, struct fault *f) {
    struct token_list copy = {NULL, 0};
    mutex_lock(a->change);
    enum err code = copy_list(a, &copy, f);
    if (code == ERR_OK && row->is_link)
        remove_links(&copy, bytes_text(row->user));
    if (code == ERR_OK && copy.n >= TOKENS_MAX) {
        code = fault_set(f, ERR_LIMIT, "tokens", "more than %d at once", TOKENS_MAX);
        free(copy.rows);
    }
    if (code == ERR_OK) {
        copy.rows[copy.n++] = *row;
        code = commit(a, &copy, f);
    }
    mutex_unlock(a->change);
    return code;
}

enum err auth_link_make(struct auth *a, struct bytes user, int64_t valid_s,
                        char secret[AUTH_SECRET_TEXT + 1], struct fault *f) {
    struct token_row row = {.is_link = true, .token = {.uses = 1}};
    struct auth_user who;
    if (!auth_user_find(a, user, &who))
        return fault_set(f, ERR_NOT_FOUND, "user", "none of that name");
    if (who.is_disabled)
        return fault_set(f, ERR_CONFLICT, "user", "%s is disabled", who.name);
    memcpy(row.user, who.name, sizeof row.user);
    row.token.created_s = env_now_s(a->env);
    row.token.end_s = row.token.created_s + valid_s;
    enum err code = id_make(a, row.token.id, f);
    if (code == ERR_OK)
        code = secret_make(a, secret, row.hash, f);
    if (code == ERR_OK)
        code = add(a, &row, f);
    return code;
}

/* Takes the link out of the list; its user into `user`. */
static enum err link_spend(struct auth *a, struct bytes secret, char user[AUTH_USER_MAX + 1],
                           struct fault *f) {
    struct token_list copy = {NULL, 0};
    mutex_lock(a->change);
    enum err code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        size_t i = find(a, &copy, true, secret);
        if (i == SIZE_MAX) {
            free(copy.rows);
            code =
                fault_set(f, ERR_CREDENTIALS, "link", "unknown, used or ended: ask for a new one");
        } else {
            memcpy(user, copy.rows[i].user, AUTH_USER_MAX + 1);
            remove_at(&copy, i);
            code = commit(a, &copy, f);
        }
    }
    mutex_unlock(a->change);
    return code;
}

enum err auth_link_take(struct auth *a, struct bytes secret, struct bytes password,
                        struct auth_user *out, struct fault *f) {
    char user[AUTH_USER_MAX + 1];
    enum err code = password_check(password, f);
    if (code == ERR_OK)
        code = link_spend(a, secret, user, f);
    if (code == ERR_OK)
        code = auth_user_set_password(a, bytes_text(user), password, f);
    if (code == ERR_OK && (!auth_user_find(a, bytes_text(user), out) || out->is_disabled))
        code = fault_set(f, ERR_CREDENTIALS, "link", "its user was disabled");
    return code;
}

enum err links_end_of(struct auth *a, struct bytes user, struct fault *f) {
    struct token_list copy = {NULL, 0};
    mutex_lock(a->change);
    enum err code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        remove_links(&copy, user);
        code = commit(a, &copy, f);
    }
    mutex_unlock(a->change);
    return code;
}

static enum err token_check(const struct auth *a, const struct auth_token *t, struct fault *f) {
    if (t->uses < 1 || t->uses > 1000000)
        return fault_set(f, ERR_USAGE, "uses", "1 to 1000000 are allowed");
    if (t->end_s <= env_now_s(a->env))
        return fault_set(f, ERR_USAGE, "end", "lies in the past");
    if (t->network[0] && !auth_network_valid(bytes_text(t->network)))
        return fault_set(f, ERR_USAGE, "network", "letters, digits and . _ - are allowed");
    if (!auth_pattern_valid(bytes_text(t->names)))
        return fault_set(f, ERR_USAGE, "names", "letters, digits and . _ - * are allowed");
    if (t->for_agent[0] && !auth_agent_name_valid(bytes_text(t->for_agent)))
        return fault_set(f, ERR_USAGE, "for", "letters, digits and . _ - are allowed");
    return ERR_OK;
}

enum err auth_token_make(struct auth *a, struct auth_token *want, char secret[AUTH_SECRET_TEXT + 1],
                         struct fault *f) {
    enum err code = token_check(a, want, f);
    if (code != ERR_OK)
        return code;
    struct token_row row = {.token = *want};
    row.token.created_s = env_now_s(a->env);
    code = id_make(a, row.token.id, f);
    if (code == ERR_OK)
        code = secret_make(a, secret, row.hash, f);
    if (code == ERR_OK)
        code = add(a, &row, f);
    if (code == ERR_OK)
        *want = row.token;
    return code;
}

bool auth_token_at(struct auth *a, size_t i, struct auth_token *out) {
    bool there = false;
    mutex_lock(a->state);
    for (size_t k = 0; k < a->tokens.n && !there; k++) {
        const struct token_row *r = &a->tokens.rows[k];
        if (r->is_link || is_over(a, r) || i-- > 0)
            continue;
        *out = r->token;
        there = true;
    }
    mutex_unlock(a->state);
    return there;
}

static enum err token_fits(const struct auth_token *t, struct bytes name, struct bytes network,
                           struct fault *f) {
    struct bytes only = bytes_text(t->for_agent);
    if (only.n > 0 ? !auth_pattern_matches(only, name)
                   : !auth_pattern_matches(bytes_text(t->names), name))
        return fault_set(f, ERR_PERMISSION, "name", "the token is for %s",
                         only.n > 0 ? t->for_agent : t->names);
    if (t->network[0] && network.n > 0 && !bytes_is(network, t->network))
        return fault_set(f, ERR_PERMISSION, "network", "the token is for %s", t->network);
    return ERR_OK;
}

/* The row of a token that is good for this agent. */
static enum err choose(const struct auth *a, const struct token_list *list, struct bytes secret,
                       struct bytes name, struct bytes network, size_t *at, struct fault *f) {
    *at = find(a, list, false, secret);
    if (*at == SIZE_MAX)
        return fault_set(f, ERR_CREDENTIALS, "token", "unknown, spent or ended");
    return token_fits(&list->rows[*at].token, name, network, f);
}

enum err auth_token_look(struct auth *a, struct bytes secret, struct bytes agent_name,
                         struct bytes network, struct auth_token *out, struct fault *f) {
    size_t i;
    mutex_lock(a->state);
    enum err code = choose(a, &a->tokens, secret, agent_name, network, &i, f);
    if (code == ERR_OK)
        *out = a->tokens.rows[i].token;
    mutex_unlock(a->state);
    return code;
}

enum err auth_token_take(struct auth *a, struct bytes secret, struct bytes agent_name,
                         struct bytes network, struct auth_token *out, struct fault *f) {
    struct token_list copy = {NULL, 0};
    size_t i;
    mutex_lock(a->change);
    enum err code = copy_list(a, &copy, f);
    if (code == ERR_OK)
        code = choose(a, &copy, secret, agent_name, network, &i, f);
    if (code == ERR_OK) {
        *out = copy.rows[i].token;
        if (--copy.rows[i].token.uses == 0)
            remove_at(&copy, i);
        code = commit(a, &copy, f);
    } else {
        free(copy.rows);
    }
    mutex_unlock(a->change);
    return code;
}

enum err auth_token_revoke(struct auth *a, struct bytes id, struct fault *f) {
    struct token_list copy = {NULL, 0};
    mutex_lock(a->change);
    enum err code = copy_list(a, &copy, f);
    if (code == ERR_OK) {
        size_t i = 0;
        while (i < copy.n && (copy.rows[i].is_link || !bytes_is(id, copy.rows[i].token.id)))
            i++;
        if (i == copy.n) {
            free(copy.rows);
            code = fault_set(f, ERR_NOT_FOUND, "token", "none of that id");
        } else {
            remove_at(&copy, i);
            code = commit(a, &copy, f);
        }
    }
    mutex_unlock(a->change);
    return code;
}
