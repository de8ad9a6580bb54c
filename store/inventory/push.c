/* Pushes: checked item by item, written as one batch. See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCAN_BYTES = 1 << 20,     /* of observations in one entry */
    PUSH_BYTES_MAX = 60 << 20 /* of payloads */
};

/* Payloads lie behind each other in `bytes`; entries are made of them at the end,
 * since the buffer moves while it grows. */
struct writing {
    struct inventory *inv;
    const struct inventory_push *push;
    struct arena *a; /* the caller's */
    struct inventory_result *result;
    struct inventory_rejection *rejections;
    struct buf bytes;
    struct part {
        uint16_t type;
        size_t from, n;
    } * parts;
    size_t parts_n;
    uint8_t (*here)[SHA256_SIZE]; /* certificates of this push, sorted when all are in */
    size_t here_n;
    struct arena scratch;
    struct buf scan; /* observations of the entry that is being made */
    uint32_t scan_n;
    struct change *change;
    const struct model_ids *ids; /* of the observations */
    bool *is_good;               /* likewise: stored */
    enum err err;
};

static void reject(struct writing *w, bool is_certificate, size_t index, enum err code,
                   const char *what) {
    w->rejections[w->result->rejections_n++] =
        (struct inventory_rejection){is_certificate, index, code, what};
}

static void part_end(struct writing *w, uint16_t type, size_t from) {
    w->parts[w->parts_n++] = (struct part){type, from, w->bytes.n - from};
    if (w->bytes.err != ERR_OK)
        w->err = w->bytes.err;
}

static int compare_sha256(const void *a, const void *b) {
    return memcmp(a, b, SHA256_SIZE);
}

/* ---- Certificates ---- */

static void take_certificate(struct writing *w, size_t i, const uint8_t sha256[SHA256_SIZE]) {
    struct x509_cert cert;
    struct fault ignored;
    struct record_certificate r = {.agent = bytes_of(w->push->agent, INVENTORY_ID_SIZE),
                                   .der = w->push->certificates[i].der,
                                   .self_signed = X509_UNKNOWN};
    size_t from = w->bytes.n;
    arena_reset(&w->scratch);
    enum err code = x509_cert_read(&w->scratch, r.der, &cert, &ignored);
    if (code == ERR_MEMORY) {
        w->err = code;
        return;
    }
    if (code == ERR_OK)
        r.self_signed = x509_cert_self_signed(&cert);
    else
        w->result->certificates_bad++;
    record_certificate_write(&r, &w->bytes);
    part_end(w, RECORD_CERTIFICATE, from);
    memcpy(w->here[w->here_n++], sha256, SHA256_SIZE);
    w->result->certificates_new++;
}

static void check_hashes(struct writing *w, uint8_t (*hashes)[SHA256_SIZE], bool *is_good) {
    for (size_t i = 0; i < w->push->certificates_n; i++) {
        const struct inventory_der *d = &w->push->certificates[i];
        is_good[i] = false;
        if (d->der.n == 0 || d->der.n > X509_DER_MAX) {
            reject(w, true, i, ERR_LIMIT, "certificate");
            continue;
        }
        hash_of(HASH_SHA256, d->der, hashes[i]);
        is_good[i] = d->sha256.n == 0 || bytes_equal(d->sha256, bytes_of(hashes[i], SHA256_SIZE));
        if (!is_good[i])
            reject(w, true, i, ERR_CONFLICT, "sha256");
    }
}

static void take_certificates(struct writing *w) {
    size_t n = w->push->certificates_n;
    uint8_t(*hashes)[SHA256_SIZE] = arena_array(w->a, n + 1, SHA256_SIZE);
    bool *is_good = arena_array(w->a, n + 1, sizeof *is_good);
    bool *has = arena_array(w->a, n + 1, sizeof *has);
    if (hashes == NULL || is_good == NULL || has == NULL) {
        w->err = w->a->err;
        return;
    }
    check_hashes(w, hashes, is_good);
    inventory_known(w->inv, (const uint8_t(*)[SHA256_SIZE])hashes, n, has);
    struct rows seen; /* those of this push, to find a second one */
    struct table by_hash;
    uint8_t seed[TABLE_SEED] = {0};
    (void)w->inv->env.random(w->inv->env.context, seed, sizeof seed);
    rows_init(&seen, SHA256_SIZE);
    table_init(&by_hash, &seen, 0, SHA256_SIZE, seed);
    for (size_t i = 0; i < n && w->err == ERR_OK; i++) {
        if (!is_good[i])
            continue;
        if (has[i] || table_find(&by_hash, hashes[i]) != ROWS_NONE) {
            w->result->certificates_known++;
            continue;
        }
        uint8_t *row = rows_add(&seen);
        if (row != NULL)
            memcpy(row, hashes[i], SHA256_SIZE);
        if (row == NULL || table_add(&by_hash, seen.n - 1) != ERR_OK)
            w->err = ERR_MEMORY;
        else
            take_certificate(w, i, hashes[i]);
    }
    table_clear(&by_hash);
    rows_clear(&seen);
    qsort(w->here, w->here_n, SHA256_SIZE, compare_sha256);
}

/* ---- Observations ---- */

static bool is_here(const struct writing *w, const uint8_t *sha256) {
    return w->here_n > 0 &&
           bsearch(sha256, w->here, w->here_n, SHA256_SIZE, compare_sha256) != NULL;
}

static bool chain_is_known(struct writing *w, const struct model_observation *o) {
    if (!inventory_lock(w->inv, NULL))
        return false;
    bool known = true;
    for (size_t i = 0; i < o->chain_n && known; i++)
        known = table_find(&w->inv->state.by_sha256, o->chain[i].bytes) != ROWS_NONE ||
                is_here(w, o->chain[i].bytes);
    inventory_unlock(w->inv);
    return known;
}

/* Longer ones come from nobody whose reader is ours. */
static bool texts_fit(const struct model_observation *o) {
    return o->scan.n <= MODEL_SCAN_ID_MAX && o->target.n <= MODEL_PATH_MAX &&
           o->host.n <= MODEL_NAME_MAX && o->path.n <= MODEL_PATH_MAX &&
           o->sni.n <= MODEL_NAME_MAX && o->detail.n <= MODEL_DETAIL_MAX &&
           o->chain_n <= MODEL_CHAIN_MAX && o->tls.version.n <= MODEL_TLS_TEXT_MAX &&
           o->tls.cipher_suite.n <= MODEL_TLS_TEXT_MAX && o->tls.group.n <= MODEL_TLS_TEXT_MAX &&
           o->tls.alpn.n <= MODEL_TLS_TEXT_MAX && o->tls.old_version.n <= MODEL_TLS_TEXT_MAX &&
           o->tls.hybrid_group.n <= MODEL_TLS_TEXT_MAX &&
           o->file.container.n <= MODEL_FILE_TEXT_MAX && o->file.owner.n <= MODEL_FILE_TEXT_MAX &&
           o->file.group.n <= MODEL_FILE_TEXT_MAX;
}

static void scan_end(struct writing *w, bool is_last) {
    struct buf summary;
    size_t from = w->bytes.n;
    buf_init(&summary, 1 << 16);
    if (is_last && w->push->summary != NULL) {
        struct json j = json_to(&summary);
        model_summary_json(&j, NULL, w->push->summary);
    }
    struct record_scan r = {.agent = bytes_of(w->push->agent, INVENTORY_ID_SIZE),
                            .batch = w->push->batch,
                            .summary = buf_bytes(&summary),
                            .complete = is_last && w->push->complete,
                            .n = w->scan_n,
                            .observations = buf_bytes(&w->scan)};
    if (summary.err != ERR_OK || w->scan.err != ERR_OK)
        w->err = summary.err != ERR_OK ? summary.err : w->scan.err;
    record_scan_write(&r, &w->bytes);
    part_end(w, RECORD_SCAN, from);
    buf_clear(&summary);
    buf_reset(&w->scan);
    w->scan_n = 0;
}

/* Those that can be stored; the others are rejected. */
static void check_observations(struct writing *w) {
    for (size_t i = 0; i < w->push->observations_n; i++) {
        const struct model_observation *o = &w->push->observations[i];
        w->is_good[i] = false;
        if (!texts_fit(o))
            reject(w, false, i, ERR_LIMIT, "observation");
        else if (!chain_is_known(w, o))
            reject(w, false, i, ERR_NOT_FOUND, "chain");
        else
            w->is_good[i] = true;
    }
}

static void take_observation(struct writing *w, const struct model_observation *o) {
    size_t mark = buf_open_vec(&w->scan, 3);
    record_observation_write(o, &w->scan);
    buf_close_vec(&w->scan, mark, 3);
    w->scan_n++;
    if (w->scan.n >= SCAN_BYTES)
        scan_end(w, false);
}

static void take_observations(struct writing *w) {
    size_t n = w->push->observations_n, from = w->bytes.n, confirmed = 0;
    bool *is_confirmed = arena_array(w->a, n + 1, sizeof *is_confirmed);
    w->is_good = arena_array(w->a, n + 1, sizeof *w->is_good);
    w->ids = inventory_push_ids(w->inv, w->push, w->a);
    if (w->is_good == NULL || is_confirmed == NULL || w->ids == NULL) {
        w->err = ERR_MEMORY;
        return;
    }
    check_observations(w);
    w->err = inventory_confirm(w->inv, w->change, w->push, w->ids, w->is_good, is_confirmed, w->a,
                               &w->bytes, &confirmed);
    if (w->err == ERR_OK && confirmed > 0)
        part_end(w, RECORD_CONFIRMATION, from);
    for (size_t i = 0; i < n && w->err == ERR_OK; i++) {
        w->result->observations += w->is_good[i];
        if (w->is_good[i] && !is_confirmed[i])
            take_observation(w, &w->push->observations[i]);
    }
    if (w->err == ERR_OK)
        scan_end(w, true); /* also an empty one: it holds the batch's id */
}

/* ---- The batch ---- */

static enum err check_agent(struct inventory *inv, const struct inventory_push *push,
                            const uint8_t key[INVENTORY_ID_SIZE], bool *repeated, struct fault *f) {
    enum err code = ERR_OK;
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_agent, push->agent);
    if (i == ROWS_NONE)
        code = fault_set(f, ERR_NOT_FOUND, "agent", "not enrolled");
    else if (state_agent(&inv->state, i)->disabled)
        code = fault_set(f, ERR_PERMISSION, "agent", "disabled");
    else
        *repeated = state_has_batch(&inv->state, state_agent(&inv->state, i), key);
    inventory_unlock(inv);
    return code;
}

static enum err submit(struct writing *w, struct change *c, struct fault *f) {
    struct store_entry *entries = arena_array(w->a, w->parts_n, sizeof *entries);
    if (entries == NULL) {
        change_drop(c);
        return fault_set(f, w->a->err, "push", "%zu entries", w->parts_n);
    }
    int64_t now_ms = inventory_now_ms(w->inv);
    for (size_t i = 0; i < w->parts_n; i++) {
        const struct part *p = &w->parts[i];
        entries[i] =
            (struct store_entry){.type = p->type,
                                 .version = RECORD_VERSION,
                                 .time_ms = now_ms,
                                 .payload = bytes_part(buf_bytes(&w->bytes), p->from, p->n)};
    }
    return change_submit(c, entries, w->parts_n, f);
}

/* The numbers of the faces that were stored; not told where there is no memory for it. */
static void tell_faces(struct writing *w) {
    size_t n = w->push->observations_n;
    uint32_t *faces = arena_array(w->a, n + 1, sizeof *faces);
    if (faces == NULL || !inventory_lock(w->inv, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        faces[i] =
            w->is_good[i] ? table_find(&w->inv->state.by_face, w->ids[i].face) : INVENTORY_NO_FACE;
    inventory_unlock(w->inv);
    w->result->faces = faces;
}

static enum err write_push(struct writing *w, struct change *c, struct fault *f) {
    const struct inventory_push *p = w->push;
    size_t scans = 3 + p->observations_n; /* at most, whatever their size */
    w->rejections =
        arena_array(w->a, p->certificates_n + p->observations_n + 1, sizeof *w->rejections);
    w->parts = arena_array(w->a, p->certificates_n + scans, sizeof *w->parts);
    w->here = arena_array(w->a, p->certificates_n + 1, SHA256_SIZE);
    if (w->rejections == NULL || w->parts == NULL || w->here == NULL) {
        change_drop(c);
        return fault_set(f, w->a->err, "push", "%zu items", p->certificates_n + p->observations_n);
    }
    w->result->rejections = w->rejections;
    take_certificates(w);
    if (w->err == ERR_OK)
        take_observations(w);
    if (w->err != ERR_OK) {
        change_drop(c);
        return fault_set(f, w->err, "push", "%zu bytes", w->bytes.n);
    }
    return submit(w, c, f);
}

static enum err check_size(const struct inventory_push *p, struct fault *f) {
    if (p->batch.n == 0 || p->batch.n > INVENTORY_BATCH_MAX)
        return fault_set(f, ERR_USAGE, "batch", "1 to %d bytes", INVENTORY_BATCH_MAX);
    if (p->certificates_n > INVENTORY_PUSH_MAX || p->observations_n > INVENTORY_PUSH_MAX)
        return fault_set(f, ERR_LIMIT, "push", "at most %d of each", INVENTORY_PUSH_MAX);
    return ERR_OK;
}

enum err inventory_push(struct inventory *inv, const struct inventory_push *push, struct arena *a,
                        struct inventory_result *result, inventory_done *done, void *context,
                        struct fault *f) {
    uint8_t key[INVENTORY_ID_SIZE];
    memset(result, 0, sizeof *result);
    enum err code = check_size(push, f);
    if (code != ERR_OK)
        return code;
    struct change *c = change_begin(inv, done, context, f);
    if (c == NULL)
        return f->code;
    state_key("batch", bytes_of(push->agent, INVENTORY_ID_SIZE), push->batch, key);
    if (!change_key(c, key))
        code = fault_set(f, ERR_BUSY, "batch", "is just being stored");
    if (code == ERR_OK)
        code = check_agent(inv, push, key, &result->repeated, f);
    if (code != ERR_OK || result->repeated) {
        change_drop(c);
        return code;
    }
    inventory_agent_touch(inv, push->agent, inventory_now_ms(inv), (struct bytes){NULL, 0},
                          (struct bytes){NULL, 0});
    struct writing w = {.inv = inv, .push = push, .a = a, .result = result, .change = c};
    buf_init(&w.bytes, PUSH_BYTES_MAX);
    buf_init(&w.scan, SCAN_BYTES + RECORD_OBSERVATION_MAX);
    arena_init(&w.scratch, (size_t)64 << 20);
    code = write_push(&w, c, f);
    if (code == ERR_OK && done == NULL)
        tell_faces(&w);
    buf_clear(&w.bytes);
    buf_clear(&w.scan);
    arena_clear(&w.scratch);
    return code;
}

void inventory_known(struct inventory *inv, const uint8_t (*sha256)[SHA256_SIZE], size_t n,
                     bool *has) {
    bool is_good = inventory_lock(inv, NULL);
    for (size_t i = 0; i < n; i++)
        has[i] = is_good && table_find(&inv->state.by_sha256, sha256[i]) != ROWS_NONE;
    if (is_good)
        inventory_unlock(inv);
}
