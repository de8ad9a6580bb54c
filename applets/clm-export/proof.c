/* clm-export --verify and --prove: what the Merkle tree of the log (RFC 9162) shows.
 *
 * A proof is one JSON object:
 *
 *   {"type":"inclusion_proof","sha256":"of the certificate","entry":7,"tree_size":12,
 *    "root":"hex","hashes":["hex",...],"canonical":"hex"}
 *   {"type":"consistency_proof","old_size":5,"old_root":"hex","tree_size":12,
 *    "root":"hex","hashes":["hex",...]}
 *
 * `canonical` are the entry's bytes as the tree has them (store/log/entry.h): the leaf is
 * SHA-256(00 || canonical), and the certificate stands behind a head of 33 bytes. Whoever
 * has a root that was told before needs nothing else to check it, and no clm.
 */
#include "applets/clm-export/parts.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

enum { LEAVES_MAX = 1 << 28 };

/* What is looked for while the log is read. */
struct proof {
    const struct env *env;
    const struct export_options *options;
    bool is_size;
    uint64_t old_size;
    uint8_t sha256[SHA256_SIZE];
    struct store_tree old;
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

/* ---- Verify ---- */

static enum err only_read(void *context, const struct store_entry *e, const uint8_t leaf[32]) {
    (void)e;
    (void)leaf;
    return go_on(context);
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
                          const struct store_account *account, enum err worst) {
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1];
    store_tree_root(&account->tree, root);
    hex_write(hex, bytes_of(root, sizeof root));
    if (common->json)
        fprintf(env->out, "{\"entries\":%llu,\"root\":\"%s\",\"whole\":%s,\"code\":\"%s\"}\n",
                (unsigned long long)account->tree.size, hex, account->is_whole ? "true" : "false",
                err_row(worst)->name);
    else
        fprintf(env->out, "entries  %llu\nroot     %s\n%s\n",
                (unsigned long long)account->tree.size,
                account->is_whole ? hex : "not known, entries are missing",
                worst == ERR_OK ? "sound" : "damaged");
}

int export_verify(struct env *env, const struct opt_common *common, const char *path) {
    struct store_reader *r;
    struct store_account account;
    struct fault f = {.code = ERR_OK};
    enum err code = store_reader_open(path, &r, &f), worst = ERR_OK;
    if (code != ERR_OK)
        return opt_fail(env, common, &f);
    code = store_reader_account(r, INT64_MAX, only_read, env, &account, &f);
    if (code == ERR_OK) {
        tell_harms(env, common->applet, r, &account, &worst);
        print_account(env, common, &account, worst);
    }
    store_reader_close(r);
    return code == ERR_OK ? err_row(worst)->exit_status : opt_fail(env, common, &f);
}

/* ---- Prove ---- */

static bool is_wanted(const struct proof *p, const struct store_entry *e) {
    struct bytes der;
    uint8_t sha256[SHA256_SIZE];
    if (p->is_size || p->is_found || !inventory_entry_der(e, &der))
        return false;
    hash_of(HASH_SHA256, der, sha256);
    return memcmp(sha256, p->sha256, sizeof sha256) == 0;
}

static enum err see(void *context, const struct store_entry *e, const uint8_t leaf[32]) {
    struct proof *p = context;
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
    buf_put(&p->leaves, bytes_of(leaf, 32));
    return p->leaves.err != ERR_OK ? p->leaves.err : p->canonical.err;
}

/* A fingerprint as people have it (colons, blanks, upper case), or a size. */
static enum err read_wanted(struct proof *p, const char *text, struct fault *f) {
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

static struct bytes hash_bytes(const uint8_t hash[32]) {
    return bytes_of(hash, 32);
}

static void put_hashes(struct json *j, const struct proof *p, uint64_t size) {
    uint8_t hashes[STORE_PROOF_MAX][32];
    const uint8_t(*leaves)[32] = (const uint8_t(*)[32])p->leaves.p;
    size_t n = p->is_size ? store_tree_consistency(leaves, size, p->old.size, hashes)
                          : store_tree_inclusion(leaves, size, p->entry, hashes);
    json_array(j, "hashes");
    for (size_t i = 0; i < n; i++)
        json_hex(j, NULL, hash_bytes(hashes[i]));
    json_end(j, ']');
}

static void put_proof(struct buf *out, const struct proof *p, const struct store_tree *tree) {
    struct json j = json_to(out);
    uint8_t root[STORE_HASH_SIZE], old_root[STORE_HASH_SIZE];
    store_tree_root(tree, root);
    store_tree_root(&p->old, old_root);
    json_object(&j, NULL);
    json_text(&j, "type", p->is_size ? "consistency_proof" : "inclusion_proof");
    if (p->is_size) {
        json_int(&j, "old_size", (int64_t)p->old.size);
        json_hex(&j, "old_root", hash_bytes(old_root));
    } else {
        json_hex(&j, "sha256", hash_bytes(p->sha256));
        json_int(&j, "entry", (int64_t)p->entry);
    }
    json_int(&j, "tree_size", (int64_t)tree->size);
    json_hex(&j, "root", hash_bytes(root));
    put_hashes(&j, p, tree->size);
    if (!p->is_size)
        json_hex(&j, "canonical", buf_bytes(&p->canonical));
    json_end(&j, '}');
    buf_u8(out, '\n');
}

static enum err write_proof(struct env *env, const struct proof *p, const struct store_tree *tree,
                            struct fault *f) {
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

static enum err prove(struct env *env, const char *path, struct proof *p, struct fault *f) {
    struct store_reader *r;
    struct store_account account;
    enum err code = store_reader_open(path, &r, f);
    if (code != ERR_OK)
        return code;
    code = store_reader_account(r, INT64_MAX, see, p, &account, f);
    store_reader_close(r);
    if (code != ERR_OK)
        return code;
    if (!account.is_whole || account.wrong_heads > 0)
        return fault_set(f, ERR_DAMAGED, "log", "entries are missing: nothing can be proved");
    if (!p->is_found && p->is_size)
        return fault_set(f, ERR_NOT_FOUND, "--prove", "the store has %llu entries",
                         (unsigned long long)account.tree.size);
    if (!p->is_found)
        return fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
    return write_proof(env, p, &account.tree, f);
}

int export_prove(struct env *env, const struct opt_common *common, const char *path,
                 const struct export_options *o) {
    struct proof p = {.env = env, .options = o};
    struct fault f = {.code = ERR_OK};
    enum err code = read_wanted(&p, o->prove, &f);
    buf_init(&p.canonical, STORE_ENTRY_HEAD + STORE_ENTRY_MAX);
    buf_init(&p.leaves, (size_t)LEAVES_MAX * 32);
    if (code == ERR_OK)
        code = prove(env, path, &p, &f);
    buf_clear(&p.canonical);
    buf_clear(&p.leaves);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}
