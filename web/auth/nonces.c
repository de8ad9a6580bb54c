/* Nonces of signed requests, so that none is taken twice. See auth.h.
 *
 * A signature is good while `created` is within AUTH_CLOCK_S of our clock, so a
 * nonce must be known for twice that time. Two generations hold them: every
 * WINDOW_S the younger becomes the older, and the older is forgotten.
 *
 * DATA/nonces keeps them over a restart. Records of 24 bytes:
 *
 *   offset size
 *   0      8    when it was seen, seconds since 1970, big-endian
 *   8      16   the first half of SHA-256 over keyid and nonce
 *
 * A torn record at the end is ignored. The file is written but not synced: what a
 * crash of the machine takes along could be replayed, and a replayed push is
 * still the same batch, stored once. That is not worth a sync for each request.
 */
#include "web/auth/auth_private.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_S = 2 * AUTH_CLOCK_S, RECORD_SIZE = 24, SLOTS_FIRST = 1024 };

static bool is_free(const struct nonce_row *row) {
    static const struct nonce_row zero;
    return memcmp(row, &zero, sizeof zero) == 0;
}

/* Where the id stands or belongs. The set is never full. */
static size_t slot_of(const struct nonce_set *set, const struct nonce_row *id) {
    struct cur c = cur_open(bytes_of(id->id, sizeof id->id));
    size_t i = (size_t)cur_u64(&c) & (set->slots - 1);
    while (!is_free(&set->rows[i]) && memcmp(&set->rows[i], id, sizeof *id) != 0)
        i = (i + 1) & (set->slots - 1);
    return i;
}

static bool has(const struct nonce_set *set, const struct nonce_row *id) {
    return set->slots > 0 && !is_free(&set->rows[slot_of(set, id)]);
}

static bool grow(struct nonce_set *set) {
    if (set->n * 2 < set->slots)
        return true;
    struct nonce_set larger = {.n = set->n, .slots = set->slots ? set->slots * 2 : SLOTS_FIRST};
    larger.rows = calloc(larger.slots, sizeof *larger.rows);
    if (!larger.rows)
        return false;
    for (size_t i = 0; i < set->slots; i++) {
        if (!is_free(&set->rows[i]))
            larger.rows[slot_of(&larger, &set->rows[i])] = set->rows[i];
    }
    free(set->rows);
    *set = larger;
    return true;
}

static bool put(struct nonce_set *set, const struct nonce_row *id) {
    if (set->n >= NONCES_MAX || !grow(set))
        return false;
    size_t i = slot_of(set, id);
    if (is_free(&set->rows[i]))
        set->n++;
    set->rows[i] = *id;
    return true;
}

static void record_write(struct buf *out, int64_t time_s, const struct nonce_row *id) {
    buf_u64(out, (uint64_t)time_s);
    buf_put(out, bytes_of(id->id, sizeof id->id));
}

/* The file from the sets: those of `before` count as seen now, which only keeps
 * them longer. */
static enum err rewrite(struct auth *a, struct fault *f) {
    struct nonces *n = &a->nonces;
    struct buf out;
    buf_init(&out, (size_t)2 * NONCES_MAX * RECORD_SIZE);
    const struct nonce_set *sets[] = {&n->before, &n->now};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < sets[s]->slots; i++) {
            if (!is_free(&sets[s]->rows[i]))
                record_write(&out, env_now_s(a->env), &sets[s]->rows[i]);
        }
    }
    enum err code = out.err;
    if (code == ERR_OK)
        code = file_truncate(&n->file, 0, f);
    n->file_size = 0;
    if (code == ERR_OK && out.n > 0)
        code = file_write_at(&n->file, 0, buf_bytes(&out), f);
    if (code == ERR_OK)
        n->file_size = out.n;
    buf_clear(&out);
    return code;
}

static enum err read_records(struct auth *a, struct bytes text, struct fault *f) {
    struct cur c = cur_open(text);
    while (c.rest.n >= RECORD_SIZE) {
        int64_t time_s = (int64_t)cur_u64(&c);
        struct bytes id = cur_take(&c, sizeof(struct nonce_row));
        struct nonce_row row;
        memcpy(row.id, id.p, sizeof row.id);
        if (time_s >= env_now_s(a->env) - WINDOW_S && !is_free(&row) && !put(&a->nonces.now, &row))
            return fault_set(f, ERR_MEMORY, "nonces", "too many");
    }
    return ERR_OK;
}

enum err nonces_load(struct auth *a, const char *path, struct fault *f) {
    if (!path)
        return fault_set(f, ERR_MEMORY, "nonces", "path");
    struct buf text;
    buf_init(&text, (size_t)2 * NONCES_MAX * RECORD_SIZE + RECORD_SIZE);
    enum err code = ERR_OK;
    if (file_exists(path))
        code = file_read(path, &text, f);
    if (code == ERR_OK)
        code = read_records(a, buf_bytes(&text), f);
    buf_clear(&text);
    a->nonces.since_s = env_now_s(a->env);
    if (code == ERR_OK)
        code = file_open(&a->nonces.file, path, FILE_APPEND, f);
    if (code == ERR_OK)
        code = rewrite(a, f);
    return code;
}

void nonces_close(struct auth *a) {
    free(a->nonces.now.rows);
    free(a->nonces.before.rows);
    if (a->nonces.file.fd >= 0)
        file_close(&a->nonces.file);
}

static enum err rotate(struct auth *a, struct fault *f) {
    struct nonces *n = &a->nonces;
    int64_t now_s = env_now_s(a->env);
    if (now_s < n->since_s) /* the clock was set back: else nothing were forgotten for long */
        n->since_s = now_s;
    if (now_s - n->since_s < WINDOW_S)
        return ERR_OK;
    free(n->before.rows);
    n->before = n->now;
    if (now_s - n->since_s >= 2 * WINDOW_S) { /* nobody came for so long */
        free(n->before.rows);
        n->before = (struct nonce_set){0};
    }
    n->now = (struct nonce_set){0};
    n->since_s = now_s;
    return rewrite(a, f);
}

static enum err append(struct auth *a, const struct nonce_row *id, struct fault *f) {
    struct nonces *n = &a->nonces;
    struct buf out;
    buf_init(&out, RECORD_SIZE);
    record_write(&out, env_now_s(a->env), id);
    enum err code = out.err;
    if (code == ERR_OK)
        code = file_write_at(&n->file, n->file_size, buf_bytes(&out), f);
    if (code == ERR_OK)
        n->file_size += out.n;
    buf_clear(&out);
    return code;
}

static enum err add(struct auth *a, const struct nonce_row *id, struct fault *f) {
    struct nonces *n = &a->nonces;
    enum err code = rotate(a, f);
    if (code != ERR_OK)
        return code;
    if (has(&n->now, id) || has(&n->before, id))
        return fault_set(f, ERR_CREDENTIALS, "nonce", "this request was sent before: sign it anew");
    if (!put(&n->now, id))
        return fault_set(f, ERR_BUSY, "nonce", "too many requests within %d s", WINDOW_S);
    return append(a, id, f);
}

enum err nonces_add(struct auth *a, const uint8_t keyid[AUTH_KEYID_SIZE], struct bytes nonce,
                    struct fault *f) {
    struct hash_run run;
    uint8_t digest[SHA256_SIZE];
    struct nonce_row id;
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_of(keyid, AUTH_KEYID_SIZE));
    hash_add(&run, nonce);
    hash_peek(&run, digest);
    memcpy(id.id, digest, sizeof id.id);
    mutex_lock(a->state);
    enum err code = add(a, &id, f);
    mutex_unlock(a->state);
    return code;
}
