/* clm-export --verify and --prove: what the Merkle tree of the log (RFC 9162) shows. A proof
 * is one JSON object (export/proof.h); a checkpoint (export/checkpoint.h) of an earlier day
 * says what the log must still begin with.
 */
#include "applets/clm-export/parts.h"

#include "base/file.h"
#include "base/text.h"
#include "export/checkpoint.h"
#include "export/proof.h"

#include <string.h>

enum { LEAVES_MAX = 1 << 28 };

/* What is looked for while the log is read. */
struct proof_search {
    const struct env *env;
    const struct export_options *options;
    bool is_size;
    uint64_t old_size;
    uint8_t sha256[SHA256_SIZE];
    struct store_tree old;
    struct checkpoint told;  /* all zeros where none is given */
    struct store_tree begin; /* of as many entries as that has */
    bool is_found;
    uint64_t entry;
    struct buf canonical;
    struct buf leaves;
};

static enum err go_on(const struct env *env) {
    if (env->stop == NULL || *env->stop == 0)
        return ERR_OK;
    return *env->stop == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED;
}

/* ---- A checkpoint ---- */

/* The key of a file, or as it stands; by itself that beside the store. */
static enum err read_key(const char *path, const char *given, struct checkpoint_key *out,
                         struct fault *f) {
    struct arena a;
    struct buf text;
    enum err code = ERR_OK;
    arena_init(&a, 1 << 16);
    buf_init(&text, CHECKPOINT_NOTE_MAX);
    const char *file = given != NULL ? given : path_join(&a, path, EXPORT_LOG_KEY);
    if (file == NULL)
        code = fault_set(f, ERR_MEMORY, "key of the log", "%s", path);
    else if (given != NULL && strchr(given, '+') != NULL && !file_exists(given))
        buf_text(&text, given);
    else
        code = file_read(file, &text, f);
    if (code == ERR_OK)
        code = checkpoint_key_read(buf_bytes(&text), out, f);
    buf_clear(&text);
    arena_clear(&a);
    return code;
}

/* All zeros where none is given. */
static enum err read_checkpoint(const char *path, const struct export_options *o,
                                struct checkpoint *out, struct fault *f) {
    struct checkpoint_key key;
    struct buf note;
    *out = (struct checkpoint){0};
    if (o->checkpoint == NULL)
        return ERR_OK;
    enum err code = read_key(path, o->log_key, &key, f);
    if (code != ERR_OK)
        return code;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    code = file_read(o->checkpoint, &note, f);
    if (code == ERR_OK)
        code = checkpoint_read(buf_bytes(&note), &key, out, f);
    buf_clear(&note);
    return code;
}

/* ---- Verify ---- */

/* What is looked at while the log is read. */
struct verifying {
    const struct env *env;
    struct store_tree begin; /* of as many entries as the checkpoint has */
    struct checkpoint told;
    bool has_checkpoint;
};

static enum err verify_entry(void *context, const struct store_entry *e, const uint8_t leaf[32]) {
    struct verifying *v = context;
    (void)e;
    if (v->begin.size < v->told.size)
        store_tree_add(&v->begin, leaf);
    return go_on(v->env);
}

static bool tree_is(const struct store_tree *tree, const struct checkpoint *told) {
    uint8_t root[STORE_HASH_SIZE];
    store_tree_root(tree, root);
    return tree->size == told->size && memcmp(root, told->root, sizeof root) == 0;
}

static void tell_checkpoint(struct env *env, const char *applet, const struct verifying *v,
                            const struct store_account *account, enum err *worst) {
    if (!v->has_checkpoint || !account->is_whole || tree_is(&v->begin, &v->told))
        return;
    *worst = ERR_DAMAGED;
    if (v->begin.size < v->told.size)
        fprintf(env->err, "%s: the checkpoint has %llu entries, the store only %llu\n", applet,
                (unsigned long long)v->told.size, (unsigned long long)v->begin.size);
    else
        fprintf(env->err, "%s: the first %llu entries are not those of the checkpoint\n", applet,
                (unsigned long long)v->told.size);
}

static void tell_harms(struct env *env, const char *applet, const struct store_reader *r,
                       const struct store_account *account, enum err *worst) {
    const struct store_harm *h;
    struct buf text;
    buf_init(&text, 1000);
    for (size_t i = 0; (h = store_reader_harm(r, i)) != NULL; i++) {
        buf_reset(&text);
        store_harm_text(h, &text);
        fprintf(env->err, "%s: %s%s\n", applet, store_harm_code(h) == ERR_OK ? "warning: " : "",
                buf_cstr(&text));
        if (store_harm_code(h) != ERR_OK && *worst != ERR_DAMAGED)
            *worst = store_harm_code(h);
    }
    if (account->wrong_heads > 0) {
        fprintf(env->err, "%s: %s: the entries before it are not those that it names\n", applet,
                account->wrong_head);
        *worst = ERR_DAMAGED;
    }
    buf_clear(&text);
}

static void print_account(struct env *env, const struct opt_common *common,
                          const struct store_account *account, const struct verifying *v,
                          enum err worst) {
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1], dropped[64] = "";
    store_tree_root(&account->tree, root);
    hex_write(hex, bytes_of(root, sizeof root));
    if (account->dropped > 0)
        snprintf(dropped, sizeof dropped, ", %llu of them dropped: by their hashes",
                 (unsigned long long)account->dropped);
    if (common->json)
        fprintf(
            env->out,
            "{\"entries\":%llu,\"dropped\":%llu,\"root\":\"%s\",\"whole\":%s,\"code\":\"%s\"}\n",
            (unsigned long long)account->tree.size, (unsigned long long)account->dropped, hex,
            account->is_whole ? "true" : "false", err_row(worst)->name);
    else
        fprintf(env->out, "entries  %llu%s\nroot     %s\n%s%s\n",
                (unsigned long long)account->tree.size, dropped,
                account->is_whole ? hex : "not known, entries are missing",
                worst == ERR_OK ? "sound" : "damaged",
                worst == ERR_OK && v->has_checkpoint ? ", and begins with what the checkpoint has"
                                                     : "");
}

int export_verify(struct env *env, const struct opt_common *common, const char *path,
                  const struct export_options *o) {
    struct store_reader *r = NULL;
    struct store_account account;
    struct verifying v = {.env = env, .has_checkpoint = o->checkpoint != NULL};
    struct fault f = {.code = ERR_OK};
    enum err worst = ERR_OK, code = read_checkpoint(path, o, &v.told, &f);
    if (code == ERR_OK)
        code = store_reader_open(path, &r, &f);
    if (code == ERR_OK)
        code = store_reader_account(r, INT64_MAX, verify_entry, &v, &account, &f);
    if (code == ERR_OK) {
        tell_harms(env, common->applet, r, &account, &worst);
        tell_checkpoint(env, common->applet, &v, &account, &worst);
        print_account(env, common, &account, &v, worst);
    }
    store_reader_close(r);
    return code == ERR_OK ? err_row(worst)->exit_status : opt_fail(env, common, &f);
}

/* ---- Prove ---- */

static bool is_wanted(const struct proof_search *p, const struct store_entry *e) {
    struct bytes der;
    uint8_t sha256[SHA256_SIZE];
    if (p->is_size || p->is_found || !inventory_entry_der(e, &der))
        return false;
    hash_of(HASH_SHA256, der, sha256);
    return memcmp(sha256, p->sha256, sizeof sha256) == 0;
}

static enum err see(void *context, const struct store_entry *e, const uint8_t leaf[32]) {
    struct proof_search *p = context;
    enum err stopped = go_on(p->env);
    if (stopped != ERR_OK)
        return stopped;
    if (is_wanted(p, e)) {
        p->is_found = true;
        p->entry = e->number;
        store_entry_write(e, &p->canonical);
    }
    if (p->is_size && e->number < p->old_size) {
        store_tree_add(&p->old, leaf);
        p->is_found = p->old.size == p->old_size;
    }
    if (p->begin.size < p->told.size)
        store_tree_add(&p->begin, leaf);
    buf_put(&p->leaves, bytes_of(leaf, 32));
    return p->leaves.err != ERR_OK ? p->leaves.err : p->canonical.err;
}

/* A fingerprint as people have it (colons, blanks, upper case), or a size. */
static enum err read_wanted(struct proof_search *p, const char *text, struct fault *f) {
    char digits[2 * SHA256_SIZE];
    size_t n = 0;
    bool is_decimal = text[0] != '\0';
    for (const char *c = text; *c != '\0'; c++) {
        is_decimal = is_decimal && *c >= '0' && *c <= '9';
        if (*c == ':' || *c == ' ')
            continue;
        if (n == sizeof digits)
            return fault_set(f, ERR_USAGE, "--prove", "more than a SHA-256");
        digits[n++] = ascii_lower(*c);
    }
    if (n == sizeof digits && hex_read(bytes_of(digits, n), p->sha256, SHA256_SIZE))
        return ERR_OK;
    if (!is_decimal || n > 18)
        return fault_set(f, ERR_USAGE, "--prove", "%s is neither a SHA-256 nor a size", text);
    p->is_size = true;
    for (size_t i = 0; i < n; i++)
        p->old_size = p->old_size * 10 + (uint64_t)(digits[i] - '0');
    return p->old_size > 0 ? ERR_OK : fault_set(f, ERR_USAGE, "--prove", "a size of 1 or more");
}

static enum err make_hashes(const struct proof_search *s, uint64_t size,
                            uint8_t hashes[STORE_PROOF_MAX][32], size_t *n) {
    void *leaves = s->leaves.p;
    return s->is_size
               ? store_tree_consistency(store_tree_of_leaves, leaves, size, s->old.size, hashes, n)
               : store_tree_inclusion(store_tree_of_leaves, leaves, size, s->entry, hashes, n);
}

static void put_proof(struct buf *out, const struct proof_search *s,
                      const struct store_tree *tree) {
    uint8_t hashes[STORE_PROOF_MAX][32];
    struct json j = json_to(out);
    struct proof p = {.size = tree->size,
                      .hashes = hashes[0],
                      .is_inclusion = !s->is_size,
                      .entry = s->entry,
                      .canonical = buf_bytes(&s->canonical),
                      .old_size = s->old.size};
    if (make_hashes(s, tree->size, hashes, &p.hashes_n) != ERR_OK)
        out->err = ERR_FAILED;
    store_tree_root(tree, p.root);
    store_tree_root(&s->old, p.old_root);
    memcpy(p.sha256, s->sha256, sizeof p.sha256);
    json_object(&j, NULL);
    proof_json(&j, &p);
    json_end(&j, '}');
    buf_u8(out, '\n');
}

static enum err write_proof(struct env *env, const struct proof_search *p,
                            const struct store_tree *tree, struct fault *f) {
    struct export_stream out;
    enum err code = export_stream_open(&out, env, p->options->out);
    if (code == ERR_OK) {
        put_proof(&out.chunk, p, tree);
        code = export_stream_close(&out);
    }
    if (code != ERR_OK)
        *f = out.fault;
    return code;
}

/* The tree that the proof is about: the checkpoint's, else all of it. */
static enum err choose_tree(const struct proof_search *p, const struct store_account *account,
                            const struct store_tree **out, struct fault *f) {
    *out = &account->tree;
    if (p->options->checkpoint == NULL)
        return ERR_OK;
    *out = &p->begin;
    return tree_is(&p->begin, &p->told)
               ? ERR_OK
               : fault_set(f, ERR_CONFLICT, "checkpoint", "is not of the begin of this store");
}

static enum err prove(struct env *env, const char *path, struct proof_search *p, struct fault *f) {
    struct store_reader *r;
    struct store_account account;
    const struct store_tree *tree;
    enum err code = store_reader_open(path, &r, f);
    if (code != ERR_OK)
        return code;
    code = store_reader_account(r, INT64_MAX, see, p, &account, f);
    store_reader_close(r);
    if (code != ERR_OK)
        return code;
    if (!account.is_whole || account.wrong_heads > 0)
        return fault_set(f, ERR_DAMAGED, "log", "entries are missing: nothing can be proved");
    code = choose_tree(p, &account, &tree, f);
    if (code != ERR_OK)
        return code;
    if (p->is_size ? p->old_size > tree->size : p->is_found && p->entry >= tree->size)
        p->is_found = false;
    if (!p->is_found && p->is_size)
        return fault_set(f, ERR_NOT_FOUND, "--prove", "there are %llu entries",
                         (unsigned long long)tree->size);
    if (!p->is_found)
        return fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
    return write_proof(env, p, tree, f);
}

int export_prove(struct env *env, const struct opt_common *common, const char *path,
                 const struct export_options *o) {
    struct proof_search p = {.env = env, .options = o};
    struct fault f = {.code = ERR_OK};
    enum err code = read_wanted(&p, o->prove, &f);
    if (code == ERR_OK)
        code = read_checkpoint(path, o, &p.told, &f);
    buf_init(&p.canonical, STORE_ENTRY_HEAD + STORE_ENTRY_MAX);
    buf_init(&p.leaves, (size_t)LEAVES_MAX * 32);
    if (code == ERR_OK)
        code = prove(env, path, &p, &f);
    buf_clear(&p.canonical);
    buf_clear(&p.leaves);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}
