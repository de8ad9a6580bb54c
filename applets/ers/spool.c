/* The spool's files. See spool.h; sending is in deliver.c. */
#include "applets/ers/spool.h"

#include "applets/ers/spool_files.h"
#include "base/file.h"
#include "base/text.h"
#include "base/zip.h"
#include "x509/x509.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL = 6, BUFFER_MAX = 32 << 20, LINE_ARENA_MAX = 4 << 20 };

bool spool_id(const struct env *env, char out[SPOOL_ID_TEXT]) {
    uint64_t now_ms = (uint64_t)env->now_ms(env->context) & UINT64_C(0xffffffffffff);
    uint8_t random[10];
    if (!env->random(env->context, random, sizeof random))
        return false;
    snprintf(out, SPOOL_ID_TEXT, "%012llx", (unsigned long long)now_ms);
    hex_write(out + 12, bytes_of(random, sizeof random));
    return true;
}

/* ---- the folder ---- */

static bool is_id(const char *name) {
    size_t n = 0;
    while (ascii_is_digit((uint8_t)name[n]) || (name[n] >= 'a' && name[n] <= 'f'))
        n++;
    return n == SPOOL_ID_TEXT - 1 && name[n] == '\0';
}

struct listing {
    struct arena *arena;
    struct spool_names *out;
    size_t cap;
};

static bool visit(void *context, const char *name, bool is_dir) {
    struct listing *l = context;
    if (is_dir || !is_id(name))
        return true;
    if (l->out->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        const char **more = arena_array(l->arena, cap, sizeof *more);
        if (!more)
            return false;
        for (size_t i = 0; i < l->out->n; i++)
            more[i] = l->out->items[i];
        l->out->items = more;
        l->cap = cap;
    }
    l->out->items[l->out->n] = arena_cstr(l->arena, bytes_text(name));
    return l->out->items[l->out->n++] != NULL;
}

enum err spool_list(struct arena *a, const char *folder, struct spool_names *out, struct fault *f) {
    struct listing l = {.arena = a, .out = out};
    *out = (struct spool_names){0};
    enum err err = dir_list(folder, visit, &l, f);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return !err && a->err ? fault_set(f, a->err, "spool", "%s", folder) : err;
}

enum err spool_read(const char *folder, const char *name, struct buf *text, struct fault *f) {
    struct arena a;
    struct buf packed;
    arena_init(&a, 64 * 1024);
    buf_init(&packed, SPOOL_MAX);
    const char *path = path_join(&a, folder, name);
    enum err err =
        path ? file_read(path, &packed, f) : fault_set(f, ERR_MEMORY, "spool", "%s", name);
    if (!err && (err = gzip_unpack(buf_bytes(&packed), text)) != ERR_OK)
        err = fault_set(f, err == ERR_FORMAT ? ERR_DAMAGED : err, "spool", "%s", path);
    buf_clear(&packed);
    arena_clear(&a);
    return err;
}

enum err spool_write(const char *folder, const char *name, struct bytes text, struct fault *f) {
    struct arena a;
    struct buf packed;
    arena_init(&a, 64 * 1024);
    buf_init(&packed, SPOOL_MAX);
    const char *path = path_join(&a, folder, name);
    enum err err = path ? gzip_pack(text, LEVEL, &packed) : ERR_MEMORY;
    err = err ? fault_set(f, err, "spool", "%s", name)
              : file_replace(path, buf_bytes(&packed), 0600, f);
    buf_clear(&packed);
    arena_clear(&a);
    return err;
}

enum err spool_remove(const char *folder, const char *name, struct fault *f) {
    struct arena a;
    arena_init(&a, 64 * 1024);
    const char *path = path_join(&a, folder, name);
    enum err err = path ? file_remove(path, f) : fault_set(f, ERR_MEMORY, "spool", "%s", name);
    arena_clear(&a);
    return err;
}

static uint64_t size_of(const char *folder, const char *name) {
    struct arena a;
    struct file file;
    uint64_t size = 0;
    arena_init(&a, 64 * 1024);
    const char *path = path_join(&a, folder, name);
    if (path && file_open(&file, path, FILE_READ, NULL) == ERR_OK) {
        if (file_size(&file, &size, NULL))
            size = 0;
        file_close(&file);
    }
    arena_clear(&a);
    return size;
}

int64_t spool_id_time_s(const char *name) {
    uint8_t ms[6];
    uint64_t value = 0;
    if (!hex_read(bytes_of(name, 12), ms, sizeof ms))
        return 0;
    for (size_t i = 0; i < sizeof ms; i++)
        value = value << 8 | ms[i];
    return (int64_t)(value / 1000);
}

enum err spool_measure(const struct agent *agent, struct spool_totals *out, struct fault *f) {
    struct arena a;
    struct spool_names names;
    *out = (struct spool_totals){0};
    arena_init(&a, 16 << 20);
    enum err err = spool_list(&a, agent->spool, &names, f);
    for (size_t i = 0; !err && i < names.n; i++)
        out->bytes += size_of(agent->spool, names.items[i]);
    if (!err && names.n > 0) {
        out->batches = names.n;
        out->oldest_s = spool_id_time_s(names.items[0]);
    }
    arena_clear(&a);
    return err;
}

/* ---- writing ---- */

enum err spool_writer_open(struct spool_writer *w, const struct agent *agent, struct fault *f) {
    *w = (struct spool_writer){.agent = agent};
    buf_init(&w->certificates, BUFFER_MAX);
    buf_init(&w->observations, BUFFER_MAX);
    enum err err = agent_state_make(agent, f);
    return err ? err : dir_make(agent->spool, 0700, f);
}

void spool_writer_clear(struct spool_writer *w) {
    buf_clear(&w->certificates);
    buf_clear(&w->observations);
}

static void fail(struct spool_writer *w, enum err err) {
    if (!w->err)
        w->err = err;
}

static void write_batch(struct spool_writer *w) {
    char id[SPOOL_ID_TEXT];
    if (!w->err && (w->certificates.err || w->observations.err))
        fail(w, fault_set(&w->fault, ERR_LIMIT, "spool", "%s", w->agent->spool));
    if (!w->err && !spool_id(w->agent->env, id))
        fail(w, fault_set(&w->fault, ERR_FAILED, "random bytes", "%s", ""));
    if (w->err)
        return;
    buf_put(&w->certificates, buf_bytes(&w->observations));
    enum err err = w->certificates.err
                       ? fault_set(&w->fault, w->certificates.err, "spool", "%s", "")
                       : spool_write(w->agent->spool, id, buf_bytes(&w->certificates), &w->fault);
    fail(w, err);
    if (err)
        return;
    if (w->batches++ == 0)
        memcpy(w->first, id, sizeof id);
    buf_reset(&w->certificates);
    buf_reset(&w->observations);
}

static void write_if_full(struct spool_writer *w) {
    if (w->certificates.n + w->observations.n >= SPOOL_BATCH_BYTES)
        write_batch(w);
}

void spool_certificate(struct spool_writer *w, const uint8_t sha256[SHA256_SIZE],
                       struct bytes der) {
    struct buf pem;
    if (w->err)
        return;
    buf_init(&pem, 2 * X509_DER_MAX);
    pem_write(&pem, "CERTIFICATE", der);
    struct json j = json_to(&w->certificates);
    json_object(&j, NULL);
    json_text(&j, "type", "certificate");
    json_hex(&j, "sha256", bytes_of(sha256, SHA256_SIZE));
    json_bytes(&j, "pem", buf_bytes(&pem));
    json_end(&j, '}');
    buf_text(&w->certificates, "\n");
    if (pem.err)
        fail(w, fault_set(&w->fault, pem.err, "spool", "a certificate"));
    buf_clear(&pem);
}

/* Batches end behind an observation, so that a certificate is never in a later
 * batch than the first observation that names it. */
void spool_observation(struct spool_writer *w, const struct model_observation *o) {
    if (w->err)
        return;
    struct json j = json_to(&w->observations);
    model_observation_json(&j, NULL, o);
    buf_text(&w->observations, "\n");
    write_if_full(w);
}

/* ---- what has become needless ---- */

/* Faces of newer observations, as ids in open addressing. */
struct faces {
    uint8_t (*slots)[MODEL_ID_SIZE];
    bool *used;
    size_t cap, n;
};

/* True where it was there before; false also where there is no memory for more. */
static bool faces_add(struct faces *s, const uint8_t id[MODEL_ID_SIZE]) {
    if (s->n * 2 >= s->cap) {
        struct faces more = {.cap = s->cap ? s->cap * 2 : 1024};
        more.slots = calloc(more.cap, MODEL_ID_SIZE);
        more.used = calloc(more.cap, sizeof *more.used);
        if (!more.slots || !more.used) {
            free(more.slots);
            free(more.used);
            return false;
        }
        for (size_t i = 0; i < s->cap; i++)
            if (s->used[i])
                faces_add(&more, s->slots[i]);
        free(s->slots);
        free(s->used);
        *s = more;
    }
    uint64_t at;
    memcpy(&at, id, sizeof at);
    for (at &= s->cap - 1; s->used[at]; at = (at + 1) & (s->cap - 1))
        if (memcmp(s->slots[at], id, MODEL_ID_SIZE) == 0)
            return true;
    memcpy(s->slots[at], id, MODEL_ID_SIZE);
    s->used[at] = true;
    s->n++;
    return false;
}

/* Whether the line is an observation of a face that a newer one was of. */
static bool is_superseded(struct faces *faces, struct arena *a, const struct agent *agent,
                          struct bytes line) {
    struct json_value v;
    struct bytes type;
    struct model_observation o;
    char ip[IP_TEXT_MAX];
    struct model_ids ids;

    arena_reset(a);
    if (json_read(a, line, MODEL_OBSERVATION_TOKENS, &v, NULL) ||
        !json_string(json_get(v, "type"), a, &type) || !bytes_is(type, "observation") ||
        model_observation_read(a, v, &o, NULL))
        return false;
    struct model_face face = model_observation_face(&o, (struct bytes){0}, ip);
    model_face_ids(&face, bytes_text(agent->config.agent), &ids);
    return faces_add(faces, ids.face);
}

/* Rewrites a batch without its superseded lines, or removes it when no observation
 * is left. Its own faces are added on the way; one scan has each of them once. */
static enum err thin_out(const struct agent *agent, const char *name, struct faces *faces,
                         bool is_kept_whole, struct fault *f) {
    struct arena a;
    struct buf text, kept;
    uint64_t gone = 0, left = 0;
    arena_init(&a, LINE_ARENA_MAX);
    buf_init(&text, SPOOL_MAX);
    buf_init(&kept, SPOOL_MAX);
    enum err err = spool_read(agent->spool, name, &text, f);
    struct cur c = cur_open(buf_bytes(&text));
    while (!err && c.rest.n > 0) {
        struct bytes line = cur_until(&c, '\n');
        bool is_observation = bytes_starts(line, "{\"type\":\"observation\"");
        if (is_observation && is_superseded(faces, &a, agent, line)) {
            gone++;
            continue;
        }
        left += is_observation;
        buf_put(&kept, line);
        buf_text(&kept, "\n");
    }
    if (!err && gone > 0 && !is_kept_whole)
        err = left > 0 ? spool_write(agent->spool, name, buf_bytes(&kept), f)
                       : spool_remove(agent->spool, name, f);
    buf_clear(&text);
    buf_clear(&kept);
    arena_clear(&a);
    return err;
}

/* Batches of this scan stand as they are; older ones lose what this scan saw anew. */
static enum err drop_superseded(struct spool_writer *w, const struct spool_names *names,
                                struct fault *f) {
    struct faces faces = {0};
    enum err err = ERR_OK;
    bool has_older = w->batches > 0 && names->n > 0 && strcmp(names->items[0], w->first) < 0;
    for (size_t i = names->n; has_older && !err && i > 0; i--) {
        const char *name = names->items[i - 1];
        err = thin_out(w->agent, name, &faces, strcmp(name, w->first) >= 0, f);
        if (err == ERR_DAMAGED)
            err = ERR_OK; /* told when it is sent */
    }
    free(faces.slots);
    free(faces.used);
    return err;
}

static enum err keep_to_size(const struct agent *agent, const struct spool_names *names,
                             uint64_t *dropped, struct fault *f) {
    uint64_t all = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < names->n; i++)
        all += size_of(agent->spool, names->items[i]);
    for (size_t i = 0; i < names->n && all > SPOOL_MAX && !err; i++) {
        struct buf text;
        buf_init(&text, SPOOL_MAX);
        if (spool_read(agent->spool, names->items[i], &text, NULL) == ERR_OK) {
            struct cur c = cur_open(buf_bytes(&text));
            while (c.rest.n > 0)
                *dropped += bytes_starts(cur_until(&c, '\n'), "{\"type\":\"observation\"");
        }
        buf_clear(&text);
        all -= size_of(agent->spool, names->items[i]);
        err = spool_remove(agent->spool, names->items[i], f);
    }
    return err;
}

enum err spool_finish(struct spool_writer *w, struct bytes summary_json, uint64_t *dropped,
                      struct fault *f) {
    struct arena a;
    struct spool_names names;
    *dropped = 0;
    buf_put(&w->observations, summary_json);
    buf_text(&w->observations, "\n");
    write_batch(w);
    if (w->err) {
        if (f)
            *f = w->fault;
        return w->err;
    }
    arena_init(&a, 16 << 20);
    enum err err = spool_list(&a, w->agent->spool, &names, f);
    if (!err)
        err = drop_superseded(w, &names, f);
    if (!err)
        err = keep_to_size(w->agent, &names, dropped, f);
    arena_clear(&a);
    return err;
}
