/* Files of a certificate. See install.h. */
#include "applets/ers/install.h"
#include "applets/ers/password.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "x509/container.h"
#include "x509/x509.h"

#include <stdlib.h>
#include <string.h>

enum {
    PEM_MAX = 4 << 20,
    MODE_KEY = 0600,
    MODE_PUBLIC = 0644,
    MODE_FOLDER = 0755,
    BEFORE_MAX = 1000,
    CHAIN_MAX = 32,
    PASSWORD_OCTETS = 24, /* 192 bits, 32 characters */
};

enum part { PART_CERT, PART_CHAIN, PART_FULLCHAIN, PART_KEY, PART_PKCS12, PARTS };
static const char *const names[PARTS] = {"cert.pem", "chain.pem", "fullchain.pem", "key.pem",
                                         "cert.p12"};
static const char password_name[] = "cert.p12.password";
static const char before_prefix[] = "before-";

static bool is_pkcs12(const struct request *r) {
    return strcmp(r->format, "pkcs12") == 0;
}

static size_t parts_of(const struct request *r) {
    return is_pkcs12(r) ? PARTS : PART_PKCS12;
}

/* ---- places ---- */

static const char *in(const struct agent *a, const char *dir, const char *name) {
    return path_join(a->arena, dir, name);
}

static const char *versions_of(const struct agent *a, const struct request *r) {
    return in(a, r->out, ".versions");
}

static const char *version_of(const struct agent *a, const struct request *r, const char *id) {
    return in(a, versions_of(a, r), id);
}

/* What `.current` says; NULL: nothing yet. */
static const char *current_of(const struct agent *a, const struct request *r) {
    const char *path = in(a, r->out, ".current");
    struct buf text;
    if (os_has_links) {
        const char *target = file_link_read(a->arena, path);
        return target ? path_base(target) : NULL;
    }
    buf_init(&text, 256);
    bool known = file_exists(path) && file_read(path, &text, NULL) == ERR_OK;
    const char *id = known ? arena_cstr(a->arena, bytes_trim(buf_bytes(&text))) : NULL;
    buf_clear(&text);
    return id;
}

/* ---- what is written how ---- */

struct access {
    int key_mode;
    bool has_owner;
    struct os_owner owner;
};

static enum err read_access(const struct request *r, struct access *out, struct fault *f) {
    *out = (struct access){.key_mode = MODE_KEY, .has_owner = r->owner != NULL};
    long mode = r->mode ? strtol(r->mode, NULL, 8) : MODE_KEY;
    if (mode > 0 && mode <= 0777)
        out->key_mode = (int)mode;
    return r->owner ? os_owner_find(r->owner, &out->owner, f) : ERR_OK;
}

static enum err write_part(const char *path, struct bytes text, enum part part,
                           const struct access *access, struct fault *f) {
    bool is_secret = part == PART_KEY || part == PART_PKCS12;
    return file_replace_as(path, text, is_secret ? access->key_mode : MODE_PUBLIC,
                           access->has_owner ? &access->owner : NULL, f);
}

/* ---- the key ---- */

enum err install_key(const struct agent *a, const struct request *r, struct signing_key **out,
                     struct fault *f) {
    return x509_key_file_read(in(a, version_of(a, r, r->id), names[PART_KEY]), out, f);
}

bool install_has_key(const struct agent *a, const struct request *r) {
    return file_exists(in(a, version_of(a, r, r->id), names[PART_KEY]));
}

/* Does the name lead through `.current`? Any other link is somebody else's. */
static enum err check_name(const struct agent *a, const struct request *r, const char *name,
                           bool *is_ours, struct fault *f) {
    const char *path = in(a, r->out, name), *target = file_link_read(a->arena, path);
    *is_ours = target && strcmp(target, in(a, ".current", name)) == 0;
    if (target && !*is_ours)
        return fault_set(f, ERR_EXISTS, "link", "%s leads to %s: choose another folder", path,
                         target);
    return ERR_OK;
}

static enum err check_names(const struct agent *a, const struct request *r, struct fault *f) {
    enum err err = ERR_OK;
    bool ignored;
    for (size_t i = 0; i < parts_of(r) && !err; i++)
        err = check_name(a, r, names[i], &ignored, f);
    return err;
}

enum err install_begin(const struct agent *a, const struct request *r,
                       const struct signing_key *key, struct fault *f) {
    struct access access;
    const char *probe = in(a, r->out, ".probe"), *dir = version_of(a, r, r->id);
    enum err err = read_access(r, &access, f);
    if (!err)
        err = dir_make(r->out, MODE_FOLDER, f);
    if (!err)
        err = check_names(a, r, f);
    if (!err) /* the folder itself: links are made in it later */
        err = file_replace(probe, bytes_text(""), MODE_KEY, f);
    if (!err)
        err = file_remove(probe, f);
    if (!err)
        err = dir_make_as(versions_of(a, r), MODE_FOLDER, f);
    if (!err)
        err = dir_make_as(dir, MODE_FOLDER, f);
    return err ? err : x509_key_file_write(in(a, dir, names[PART_KEY]), key, f);
}

/* ---- a version ---- */

static enum err put_key(const struct agent *a, const struct request *r, struct buf *out,
                        struct fault *f) {
    struct signing_key *key = NULL;
    enum err err = install_key(a, r, &key, f);
    if (!err)
        err = x509_key_text_write(key, out, f);
    signing_key_close(key);
    return err;
}

/* That of --password-file, else the one beside the file, which is made once and stays: the
 * service's configuration knows it. */
static enum err read_password(const struct agent *a, const struct request *r,
                              const struct access *access, struct buf *out, struct fault *f) {
    const char *path = in(a, r->out, password_name);
    uint8_t octets[PASSWORD_OCTETS];
    if (r->password_file || file_exists(path))
        return password_read(r->password_file ? r->password_file : path, out, f);
    if (!a->env->random(a->env->context, octets, sizeof octets))
        return fault_set(f, ERR_FAILED, "password", "%s", "the system gives no random octets");
    base64url_put(out, bytes_of(octets, sizeof octets));
    size_t n = out->n;
    buf_u8(out, '\n');
    enum err err = write_part(path, buf_bytes(out), PART_KEY, access, f);
    buf_cut(out, n);
    crypto_wipe(octets, sizeof octets);
    return err;
}

/* Of a text that was checked: certificates and nothing else. */
static size_t read_chain(const struct agent *a, struct bytes pem, struct bytes out[CHAIN_MAX]) {
    struct cur c = cur_open(pem);
    struct pem_object object;
    struct buf der;
    size_t n = 0;
    buf_init(&der, X509_DER_MAX);
    while (n < CHAIN_MAX && pem_next(&c, &der, &object))
        out[n++] = arena_copy(a->arena, object.der);
    buf_clear(&der);
    return n;
}

static enum err put_pkcs12(const struct agent *a, const struct request *r,
                           const struct access *access, struct bytes full, struct buf *out,
                           struct fault *f) {
    struct signing_key *key = NULL;
    struct buf password;
    struct bytes chain[CHAIN_MAX];
    struct cur name = cur_open(bytes_text(r->dns[0] ? r->dns : r->ip));
    struct x509_pkcs12 p = {
        .name = cur_until(&name, ','), .chain = chain, .chain_n = read_chain(a, full, chain)};
    crypto_buf_init(&password, PASSWORD_FILE_MAX);
    enum err err = p.chain_n == 0 ? fault_set(f, ERR_FORMAT, "certificate", "%s", r->out) : ERR_OK;
    if (!err)
        err = read_password(a, r, access, &password, f);
    if (!err)
        err = install_key(a, r, &key, f);
    p.key = key;
    p.password = buf_bytes(&password);
    if (!err)
        err = x509_pkcs12_write(a->env, &p, out, f);
    signing_key_close(key);
    buf_clear(&password);
    return err;
}

static enum err write_version(const struct agent *a, const struct request *r, struct bytes cert,
                              struct bytes chain, struct fault *f) {
    bool is_combined = strcmp(r->format, "combined") == 0;
    const char *dir = version_of(a, r, r->id);
    struct access access;
    struct buf key, full, pkcs12;
    crypto_buf_init(&key, PEM_MAX);
    buf_init(&full, PEM_MAX);
    buf_init(&pkcs12, PEM_MAX);
    buf_put(&full, cert);
    buf_put(&full, chain);
    enum err err = read_access(r, &access, f);
    if (!err)
        err = put_key(a, r, &key, f);
    if (!err && is_combined)
        buf_put(&key, buf_bytes(&full));
    if (!err && is_pkcs12(r))
        err = put_pkcs12(a, r, &access, buf_bytes(&full), &pkcs12, f);
    if (!err && (key.err || full.err))
        err = fault_set(f, ERR_LIMIT, "certificate", "%s", r->out);
    const struct bytes texts[PARTS] = {cert, chain, buf_bytes(&full), buf_bytes(&key),
                                       buf_bytes(&pkcs12)};
    for (size_t i = 0; i < parts_of(r) && !err; i++)
        err = write_part(in(a, dir, names[i]), texts[i], (enum part)i, &access, f);
    buf_clear(&key);
    buf_clear(&full);
    buf_clear(&pkcs12);
    return err;
}

/* ---- turning ---- */

/* The files of a version over those of the folder. Those that are the same already stay. */
static enum err copy_out(const struct agent *a, const struct request *r, const char *id,
                         struct fault *f) {
    struct access access;
    struct buf text, there;
    enum err err = read_access(r, &access, f);
    crypto_buf_init(&text, PEM_MAX);
    crypto_buf_init(&there, PEM_MAX);
    for (size_t i = 0; i < PARTS && !err; i++) {
        const char *from = in(a, version_of(a, r, id), names[i]), *to = in(a, r->out, names[i]);
        buf_reset(&text);
        buf_reset(&there);
        if (!file_exists(from)) /* taken over, and there was none */
            continue;
        err = file_read(from, &text, f);
        bool is_same = !err && file_exists(to) && file_read(to, &there, NULL) == ERR_OK &&
                       bytes_equal(buf_bytes(&text), buf_bytes(&there));
        if (!err && !is_same)
            err = write_part(to, buf_bytes(&text), (enum part)i, &access, f);
    }
    buf_clear(&text);
    buf_clear(&there);
    return err;
}

static enum err turn_to(const struct agent *a, const struct request *r, const char *id,
                        struct fault *f) {
    const char *current = in(a, r->out, ".current");
    if (os_has_links)
        return file_link(in(a, ".versions", id), current, f);
    enum err err = file_replace(current, bytes_text(id), MODE_PUBLIC, f);
    return err ? err : copy_out(a, r, id, f);
}

/* A new folder for what lay there before; NULL: too many. */
static const char *new_before(const struct agent *a, const struct request *r) {
    char name[32];
    for (unsigned n = 1; n < BEFORE_MAX; n++) {
        snprintf(name, sizeof name, "%s%u", before_prefix, n);
        if (!file_exists(version_of(a, r, name)))
            return arena_cstr(a->arena, bytes_text(name));
    }
    return NULL;
}

/* Turns `.current` to the very files that the names show now. */
static enum err take_over(const struct agent *a, const struct request *r, struct fault *f) {
    const char *id = new_before(a, r);
    if (!id)
        return fault_set(f, ERR_LIMIT, "folder", "%s", versions_of(a, r));
    const char *dir = version_of(a, r, id);
    enum err err = dir_make_as(dir, MODE_FOLDER, f);
    for (size_t i = 0; i < parts_of(r) && !err; i++) {
        const char *path = in(a, r->out, names[i]);
        if (file_link_read(a->arena, path))
            path = in(a, in(a, r->out, ".current"), names[i]);
        if (file_exists(path))
            err = file_name_again(path, in(a, dir, names[i]), f);
    }
    return err ? err : turn_to(a, r, id, f);
}

/* The names that services know; made once. */
static enum err make_links(const struct agent *a, const struct request *r, struct fault *f) {
    bool is_ours[PARTS], has_files = false;
    enum err err = ERR_OK;
    for (size_t i = 0; i < parts_of(r) && !err; i++) {
        err = check_name(a, r, names[i], &is_ours[i], f);
        has_files = has_files || (!is_ours[i] && file_exists(in(a, r->out, names[i])));
    }
    if (!err && has_files)
        err = take_over(a, r, f);
    for (size_t i = 0; i < parts_of(r) && !err && os_has_links; i++)
        if (!is_ours[i])
            err = file_link(in(a, ".current", names[i]), in(a, r->out, names[i]), f);
    return err;
}

static bool has_version(const struct agent *a, const struct request *r, const char *id) {
    return id && file_exists(version_of(a, r, id));
}

enum err install_set(const struct agent *a, const struct request *r, struct bytes cert,
                     struct bytes chain, const char **before, struct fault *f) {
    bool has_names = !os_has_links && current_of(a, r); /* else those of a file system */
    *before = NULL;
    enum err err = write_version(a, r, cert, chain, f);
    if (!err && !has_names)
        err = make_links(a, r, f);
    const char *current = err ? NULL : current_of(a, r);
    if (has_version(a, r, current) && strcmp(current, r->id) != 0)
        *before = current;
    else if (has_version(a, r, r->version) && strcmp(r->version, r->id) != 0)
        *before = r->version; /* a crash lay behind the turn */
    return err ? err : turn_to(a, r, r->id, f);
}

enum err install_undo(const struct agent *a, const struct request *r, const char *before,
                      struct fault *f) {
    return before ? turn_to(a, r, before, f) : ERR_OK;
}

enum err install_settle(const struct agent *a, const struct request *r, struct fault *f) {
    const char *current = os_has_links ? NULL : current_of(a, r);
    return current ? copy_out(a, r, current, f) : ERR_OK;
}

bool install_has(const struct agent *a, const struct request *r, const char *sha256) {
    struct buf text, der;
    uint8_t hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1] = "";
    buf_init(&text, PEM_MAX);
    buf_init(&der, X509_DER_MAX);
    if (file_read(in(a, r->out, names[PART_CERT]), &text, NULL) == ERR_OK &&
        pem_find(buf_bytes(&text), "CERTIFICATE", &der)) {
        hash_of(HASH_SHA256, buf_bytes(&der), hash);
        hex_write(hex, bytes_of(hash, sizeof hash));
    }
    buf_clear(&text);
    buf_clear(&der);
    for (size_t i = PART_KEY; i < parts_of(r); i++)
        if (!file_exists(in(a, r->out, names[i])))
            return false;
    return sha256 && strcmp(hex, sha256) == 0;
}

/* ---- tidying ---- */

static void drop_version(const struct agent *a, const struct request *r, const char *id) {
    struct fault ignored;
    const char *dir = version_of(a, r, id);
    for (size_t i = 0; i < PARTS; i++)
        (void)!file_remove(in(a, dir, names[i]), &ignored);
    (void)!dir_remove(dir, &ignored);
}

struct prune {
    const struct agent *a;
    const struct request *r;
    const char *current;
};

static bool prune_version(void *context, const char *name, bool is_dir) {
    const struct prune *p = context;
    bool stays = !is_dir || strcmp(name, p->r->id) == 0 || strcmp(name, p->current) == 0 ||
                 bytes_starts(bytes_text(name), before_prefix);
    if (!stays)
        drop_version(p->a, p->r, arena_cstr(p->a->arena, bytes_text(name)));
    return true;
}

void install_prune(const struct agent *a, const struct request *r) {
    struct fault ignored;
    struct prune p = {a, r, current_of(a, r)};
    if (p.current)
        (void)!dir_list(versions_of(a, r), prune_version, &p, &ignored);
}

void install_drop(const struct agent *a, const struct request *r) {
    const char *current = current_of(a, r);
    if (!current || strcmp(current, r->id) != 0)
        drop_version(a, r, r->id);
}
