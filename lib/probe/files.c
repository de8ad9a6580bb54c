/* The plan's paths: files, folders, and the system's stores of certificates. See probe.h.
 *
 * One target after the other, in byte order; a target within another's folder is looked
 * at on its own, and left out there. Each file with certificates is an endpoint with
 * one face, told as it is met. When the walk over a target has come to its end, what was known
 * below it and not met is looked for by its name: only what is not there is gone.
 */
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "base/walk.h"
#include "crypto/crypto.h"
#include "probe/inner.h"
#include "x509/container.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 10 << 20,
    CHECK_ARENA_MAX = 2 * FILE_BYTES_MAX + (1 << 20),
    ROUNDS_MAX = 1000000, /* of the empty password on one PKCS#12 file: half a second */
};

struct files {
    struct run *run;
    struct walk *walk;
    const struct model_target **targets; /* paths, by their keys */
    size_t targets_n;
    const struct model_target *target; /* under way */
    bool *met;                         /* of plan->known_paths */
    struct buf content, shown, detail;
    struct arena arena;              /* to look whether something is a certificate */
    struct model_sha256 *chain;      /* MODEL_CHAIN_MAX of them */
    int64_t names_user, names_group; /* whose names these are */
    bool has_names;
    char user[OS_NAME_MAX], group[OS_NAME_MAX];

    /* Of the file, or store, under way. */
    struct bytes path; /* as told */
    enum model_kind kind;
    int64_t begin_s;
    uint64_t begin_ms;
    struct model_file_facts facts;
    bool has_facts;
    size_t chain_n, certificates;
    const struct probe_certificate *leaf;
    struct fault fault; /* the first of its objects */
    bool is_out_of_memory;
};

/* ---- telling ---- */

static int compare_bytes(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void mark_met(struct files *x) {
    const struct probe_plan *plan = x->run->plan;
    if (plan->known_paths_n == 0)
        return;
    const struct bytes *known = bsearch(&x->path, plan->known_paths, plan->known_paths_n,
                                        sizeof *plan->known_paths, compare_bytes);
    if (known != NULL)
        x->met[known - plan->known_paths] = true;
}

/* A path is bytes; what is told, and kept for the next scan, is text that nothing can hide
 * in: control, bidirectional and malformed characters are escaped. */
static void begin(struct files *x, const char *path, enum model_kind kind) {
    buf_reset(&x->shown);
    buf_reset(&x->content);
    buf_reset(&x->detail);
    text_escape(&x->shown, bytes_text(path));
    x->path = bytes_part(buf_bytes(&x->shown), 0, MODEL_PATH_MAX);
    x->kind = kind;
    x->begin_s = env_now_s(x->run->env);
    x->begin_ms = x->run->env->tick_ms(x->run->env->context);
    x->has_facts = false;
    x->facts = (struct model_file_facts){.owner_id = -1, .group_id = -1, .mode = -1};
    x->chain_n = x->certificates = 0;
    x->leaf = NULL;
    x->fault = (struct fault){.code = ERR_OK};
}

static void tell(struct files *x, enum model_outcome outcome, enum model_stage stage) {
    struct run *r = x->run;
    struct probe_endpoint endpoint = {
        .endpoint = {.kind = x->kind, .path = x->path},
          .target = x->target
    };
    struct model_observation o = {
        .scan = r->plan->scan,
        .target = x->target->key,
        .kind = x->kind,
        .path = x->path,
        .asked = MODEL_ASKED_ANY,
        .time_s = x->begin_s,
        .outcome = outcome,
        .stage = stage,
        .detail = buf_bytes(&x->detail),
        .duration_ms = r->env->tick_ms(r->env->context) - x->begin_ms,
        .has_file = x->has_facts,
        .file = x->facts,
        .chain = x->chain,
        .chain_n = x->chain_n,
    };
    mark_met(x);
    run_tell(r, &o, &endpoint, x->leaf);
}

static void say(struct files *x, const char *text) {
    buf_printf(&x->detail, "%s%s", x->detail.n > 0 ? "; " : "", text);
}

/* The fault without the path, which stands beside it. */
static void say_fault(struct files *x, const struct fault *f) {
    char text[2 * FAULT_DETAIL_MAX];
    struct fault shown = *f;
    struct bytes detail = bytes_text(f->detail);
    if (detail.n >= x->path.n && bytes_equal(bytes_part(detail, 0, x->path.n), x->path)) {
        size_t from = x->path.n + (detail.n > x->path.n + 2 ? 2 : 0); /* ": " behind it */
        memmove(shown.detail, shown.detail + from, detail.n - from + 1);
    }
    say(x, fault_text(&shown, text, sizeof text));
}

/* ---- certificates ---- */

static bool parses(struct files *x, struct bytes der) {
    struct x509_cert cert;
    arena_reset(&x->arena);
    return x509_cert_read(&x->arena, der, &cert, NULL) == ERR_OK;
}

static bool keep_certificate(struct files *x, struct bytes der) {
    uint8_t sha256[SHA256_SIZE];
    x->certificates++;
    if (x->chain_n == MODEL_CHAIN_MAX)
        return true;
    hash_of(HASH_SHA256, der, sha256);
    const struct probe_certificate *c = seen_add(&x->run->seen, der, sha256, x->run->watch);
    if (c == NULL) {
        x->is_out_of_memory = true;
        return false;
    }
    memcpy(x->chain[x->chain_n].bytes, sha256, sizeof sha256);
    if (x->chain_n++ == 0)
        x->leaf = c;
    if (!c->readable && x->fault.code == ERR_OK)
        fault_set(&x->fault, ERR_FORMAT, "a certificate does not parse", "%s", "");
    return true;
}

/* Much is a SEQUENCE and no certificate: plain DER has to parse. */
static bool on_certificate(void *context, const struct x509_container_entry *entry) {
    struct files *x = context;
    if (entry->type == X509_CONTAINER_DER && !parses(x, entry->der))
        return true;
    return keep_certificate(x, entry->der);
}

static void on_fault(void *context, const struct fault *f) {
    struct files *x = context;
    if (x->fault.code == ERR_OK)
        x->fault = *f;
}

/* ---- one file ---- */

static void keep_facts(struct files *x, const char *path, const struct walk_facts *facts) {
    struct os_owner owner = {facts->user_id, facts->group_id};
    bool is_known = os_has_owners && x->has_names && x->names_user == owner.user &&
                    x->names_group == owner.group;
    if (!is_known)
        os_owner_names(path, &owner, x->user, x->group);
    x->has_names = true;
    x->names_user = owner.user;
    x->names_group = owner.group;
    x->has_facts = true;
    x->facts.owner = bytes_text(x->user);
    x->facts.group = bytes_text(x->group);
    x->facts.owner_id = os_has_owners ? owner.user : -1;
    x->facts.group_id = os_has_owners ? owner.group : -1;
    x->facts.mode = os_has_owners ? (int)facts->mode : -1;
    x->facts.modified_s = facts->modified_s;
    x->facts.size_bytes = facts->size_bytes;
}

static bool has_open_key(const struct files *x) {
    return x->facts.private_keys > 0 && model_file_is_open(&x->facts);
}

static void say_of_key(struct files *x) {
    if (has_open_key(x))
        buf_printf(&x->detail, "%sa private key that everybody may read (mode %04o)",
                   x->detail.n > 0 ? "; " : "", (unsigned)x->facts.mode);
}

static void tell_chain(struct files *x) {
    if (x->certificates > x->chain_n)
        buf_printf(&x->detail, "only the first %zu of %zu certificates are kept", x->chain_n,
                   x->certificates);
    if (x->fault.code != ERR_OK)
        say_fault(x, &x->fault);
    say_of_key(x);
    tell(x, x->leaf->readable ? MODEL_OK : MODEL_BAD_CERTIFICATE,
         x->fault.code == ERR_OK ? MODEL_STAGE_DONE : MODEL_STAGE_CERTIFICATE);
}

/* A file without any certificate: silent, unless there is something to say about it. */
static void tell_none(struct files *x, const struct x509_container_account *account,
                      bool is_named) {
    bool is_locked = x->fault.code == ERR_PASSWORD;
    bool is_broken =
        x->fault.code != ERR_OK && x509_container_is_meant(account->type, buf_bytes(&x->content));
    if (!is_named && !is_locked && !is_broken && !has_open_key(x))
        return;
    if (is_locked || is_broken)
        say_fault(x, &x->fault);
    else if (!has_open_key(x))
        say(x, "there is no certificate in it");
    say_of_key(x);
    tell(x,
         is_locked   ? MODEL_UNSUPPORTED
         : is_broken ? MODEL_BAD_CERTIFICATE
                     : MODEL_NO_CERTIFICATE,
         is_broken || is_locked ? MODEL_STAGE_CERTIFICATE : MODEL_STAGE_DONE);
}

/* Too large: told where it begins as one of ours does. */
static bool looks_like_ours(struct bytes content) {
    return pem_is(content) || bytes_starts(content, "\x30\x83") ||
           bytes_starts(content, "\x30\x84") || bytes_starts(content, "\x30\x80");
}

static void read_content(struct files *x, bool is_named) {
    struct x509_container_reader reader = {
        .context = x, .certificate = on_certificate, .fault = on_fault, .rounds_max = ROUNDS_MAX};
    struct x509_container_account account;
    x509_container_read(buf_bytes(&x->content), &reader, &account);
    const char *container = x509_container_name(account.type);
    x->facts.container = container ? bytes_text(container) : (struct bytes){0};
    x->facts.private_keys = account.private_keys;
    if (x->chain_n > 0)
        tell_chain(x);
    else
        tell_none(x, &account, is_named);
}

static void look_at_file(struct files *x, const char *path, bool is_named) {
    struct walk_facts facts = {0};
    struct fault f = {.code = ERR_OK};
    begin(x, path, MODEL_KIND_FILE);
    enum err e = walk_read(path, &x->content, &facts, &f);
    if (e == ERR_OK || e == ERR_LIMIT)
        keep_facts(x, path, &facts);
    if (e == ERR_OK) {
        read_content(x, is_named);
    } else if (e == ERR_LIMIT) {
        say(x, "too large to be looked at (more than 10 MB)");
        if (is_named || looks_like_ours(buf_bytes(&x->content)))
            tell(x, MODEL_LIMIT, MODEL_STAGE_RESOLVE);
    } else if (e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED) { /* between a look and the next */
        say(x, e == ERR_NOT_FOUND ? "it is not there" : "it is no file");
        if (is_named)
            tell(x, MODEL_NO_CERTIFICATE, MODEL_STAGE_RESOLVE);
    } else {
        say_fault(x, &f);
        tell(x, MODEL_LOCAL, MODEL_STAGE_RESOLVE);
    }
    if (x->content.n > 0) /* there may have been a key in it */
        crypto_wipe(x->content.p, x->content.n);
    buf_reset(&x->content);
}

static void tell_left(struct files *x, const char *path, enum model_outcome outcome,
                      const char *why) {
    begin(x, path, MODEL_KIND_FILE);
    say(x, why);
    tell(x, outcome, MODEL_STAGE_RESOLVE);
}

static void tell_fault(struct files *x, const char *path, enum model_outcome outcome,
                       const struct fault *f) {
    begin(x, path, MODEL_KIND_FILE);
    say_fault(x, f);
    tell(x, outcome, MODEL_STAGE_RESOLVE);
}

/* ---- folders ---- */

static bool is_excluded(const struct files *x, struct bytes path) {
    const struct model_exclusions *e = x->run->plan->exclusions;
    return e != NULL && model_excluded_path(e, path);
}

static int compare_key(const void *key, const void *target) {
    const struct model_target *t = *(const struct model_target *const *)target;
    return bytes_compare(*(const struct bytes *)key, t->key);
}

/* Another target has its own look at it. */
static bool is_of_another(const struct files *x, struct bytes path) {
    return !bytes_equal(path, x->target->key) &&
           bsearch(&path, x->targets, x->targets_n, sizeof(*x->targets), compare_key) != NULL;
}

static bool may_enter(void *context, const char *path) {
    struct files *x = context;
    return !is_excluded(x, bytes_text(path)) && !is_of_another(x, bytes_text(path));
}

static bool on_item(void *context, const struct walk_item *item) {
    struct files *x = context;
    struct bytes path = bytes_text(item->path);
    bool is_named = bytes_equal(path, x->target->key);
    if (is_excluded(x, path) || is_of_another(x, path))
        return run_goes_on(x->run);
    switch (item->what) {
    case WALK_FILE:
        if (!walk_is_index_link(item))
            look_at_file(x, item->path, is_named);
        break;
    case WALK_SPECIAL:
        if (is_named)
            tell_left(x, item->path, MODEL_NO_CERTIFICATE, walk_what_text(item->what));
        break;
    case WALK_ELSEWHERE:
        if (!item->is_link)
            tell_left(x, item->path, MODEL_LIMIT, walk_what_text(item->what));
        break;
    case WALK_LIMIT:
        tell_fault(x, item->path, MODEL_LIMIT, item->fault);
        break;
    case WALK_FAILED:
        tell_fault(x, item->path, MODEL_LOCAL, item->fault);
        break;
    default: /* links to nothing, and folders that were read */
        break;
    }
    return !x->is_out_of_memory && run_goes_on(x->run);
}

/* Does it lie below a target within this one, which has its own look at it? */
static bool is_below_another(const struct files *x, struct bytes path) {
    for (size_t i = 0; i < x->targets_n; i++) {
        const struct model_exclusions below = {x->targets[i], 1};
        if (x->targets[i]->key.n > x->target->key.n && model_excluded_path(&below, path))
            return true;
    }
    return false;
}

/* What was known below the target, and was not met. */
static void tell_missing(struct files *x) {
    const struct probe_plan *plan = x->run->plan;
    const struct model_exclusions below = {x->target, 1};
    for (size_t i = 0; i < plan->known_paths_n && run_goes_on(x->run); i++) {
        struct fault f = {.code = ERR_OK};
        struct bytes known = plan->known_paths[i];
        if (x->met[i] || !model_excluded_path(&below, known) || is_excluded(x, known) ||
            is_below_another(x, known))
            continue;
        arena_reset(&x->arena);
        const char *path = arena_cstr(&x->arena, known);
        enum err e = path != NULL ? walk_find(path, &f) : ERR_MEMORY;
        if (e == ERR_NOT_FOUND)
            tell_left(x, path, MODEL_NO_CERTIFICATE, "it is no longer there");
        else if (e == ERR_OK)
            look_at_file(x, path, true);
        else if (path != NULL)
            tell_fault(x, path, MODEL_LOCAL, &f);
    }
}

/* ---- stores ---- */

/* A user's store shows the computer's too: each certificate is in it once. */
static bool is_in_chain(const struct files *x, struct bytes der) {
    uint8_t sha256[SHA256_SIZE];
    hash_of(HASH_SHA256, der, sha256);
    for (size_t i = 0; i < x->chain_n; i++)
        if (memcmp(x->chain[i].bytes, sha256, sizeof sha256) == 0)
            return true;
    return false;
}

static bool on_store(void *context, struct bytes der, bool has_key) {
    struct files *x = context;
    if (is_in_chain(x, der))
        return true;
    x->facts.private_keys += has_key;
    return keep_certificate(x, der);
}

static void look_at_store(struct files *x, const char *key) {
    struct fault f = {.code = ERR_OK};
    begin(x, key, MODEL_KIND_STORE);
    enum err e = os_store_read(key + sizeof "cert:" - 1, on_store, x, &f);
    if (e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED || (e == ERR_OK && x->chain_n == 0)) {
        say(x, e == ERR_OK ? "there is no certificate in it" : "there is no such store");
        tell(x, MODEL_NO_CERTIFICATE, e == ERR_OK ? MODEL_STAGE_DONE : MODEL_STAGE_RESOLVE);
    } else if (e != ERR_OK) {
        say_fault(x, &f);
        tell(x, MODEL_LOCAL, MODEL_STAGE_RESOLVE);
    } else {
        if (x->facts.private_keys > 0)
            buf_printf(&x->detail, "%llu with a private key",
                       (unsigned long long)x->facts.private_keys);
        tell_chain(x);
    }
}

/* ---- targets ---- */

/* The count of one that each path had before it was looked at is replaced by what was told. */
static void run_target(struct files *x, const char *key) {
    struct fault f = {.code = ERR_OK};
    if (model_path_is_store(x->target->key)) {
        look_at_store(x, key);
        x->run->endpoints--;
        return;
    }
    enum err e = walk_run(x->walk, key, on_item, x, &f);
    if (e == ERR_INTERRUPTED || e == ERR_MEMORY)
        return; /* not reached, the rest of it */
    if (e == ERR_NOT_FOUND)
        tell_left(x, key, MODEL_NO_CERTIFICATE, "there is no file and no folder of this name");
    else if (e != ERR_OK)
        tell_fault(x, key, MODEL_LOCAL, &f);
    tell_missing(x);
    if (run_goes_on(x->run))
        x->run->endpoints--;
}

static int compare_targets(const void *a, const void *b) {
    const struct model_target *x = *(const struct model_target *const *)a;
    const struct model_target *y = *(const struct model_target *const *)b;
    return bytes_compare(x->key, y->key);
}

static bool set_up(struct files *x) {
    const struct probe_plan *plan = x->run->plan;
    struct walk_limits limits = walk_limits_default();
    limits.may_enter = may_enter;
    limits.context = x;
    buf_init(&x->content, FILE_BYTES_MAX);
    buf_init(&x->shown, 8 * MODEL_PATH_MAX);
    buf_init(&x->detail, MODEL_DETAIL_MAX);
    arena_init(&x->arena, CHECK_ARENA_MAX);
    x->targets = calloc(plan->targets_n + 1, sizeof(*x->targets));
    x->met = calloc(plan->known_paths_n + 1, sizeof *x->met);
    x->chain = calloc(MODEL_CHAIN_MAX, sizeof *x->chain);
    if (x->targets == NULL || x->met == NULL || x->chain == NULL ||
        buf_reserve(&x->content, FILE_BYTES_MAX) == NULL || /* at once: no copies are left behind */
        walk_open(&limits, &x->walk, NULL) != ERR_OK)
        return false;
    for (size_t i = 0; i < plan->targets_n; i++)
        if (plan->targets[i].kind == MODEL_TARGET_PATH && !is_excluded(x, plan->targets[i].key))
            x->targets[x->targets_n++] = &plan->targets[i];
    qsort(x->targets, x->targets_n, sizeof(*x->targets), compare_targets);
    return true;
}

static void tear_down(struct files *x) {
    walk_close(x->walk);
    buf_clear(&x->content);
    buf_clear(&x->shown);
    buf_clear(&x->detail);
    arena_clear(&x->arena);
    free(x->targets);
    free(x->met);
    free(x->chain);
}

static bool has_paths(const struct probe_plan *plan) {
    for (size_t i = 0; i < plan->targets_n; i++)
        if (plan->targets[i].kind == MODEL_TARGET_PATH)
            return true;
    return false;
}

void files_run(struct run *r) {
    struct files x = {.run = r};
    struct arena keys;
    if (!has_paths(r->plan))
        return;
    arena_init(&keys, SIZE_MAX / 2);
    if (set_up(&x)) /* else none of them is reached, and so they are told */
        for (size_t i = 0; i < x.targets_n && !x.is_out_of_memory && run_goes_on(r); i++) {
            x.target = x.targets[i];
            arena_reset(&keys);
            const char *key = arena_cstr(&keys, x.target->key);
            if (key != NULL)
                run_target(&x, key);
        }
    arena_clear(&keys);
    tear_down(&x);
}
