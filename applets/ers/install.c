/* Files of a certificate. See install.h. */
#include "applets/ers/install.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PEM_MAX = 4 << 20, MODE_KEY = 0600, MODE_PUBLIC = 0644, MODE_FOLDER = 0755 };

static const char *in(const struct agent *a, const char *dir, const char *name) {
    return path_join(a->arena, dir, name);
}

enum err install_check(const struct agent *a, const char *out, struct fault *f) {
    const char *probe = in(a, out, ".clm-probe");
    enum err err = dir_make(out, MODE_FOLDER, f);
    if (!err)
        err = file_replace(probe, bytes_text(""), MODE_KEY, f);
    return err ? err : file_remove(probe, f);
}

static int key_mode(const struct request *r) {
    char *end;
    long mode = r->mode ? strtol(r->mode, &end, 8) : MODE_KEY;
    return mode > 0 && mode <= 0777 ? (int)mode : MODE_KEY;
}

struct part {
    const char *name;
    int mode;
    bool is_secret;
    struct buf text;
};
enum { PARTS = 4 };

static void wipe_parts(struct part *parts) {
    for (size_t i = 0; i < PARTS; i++) {
        if (parts[i].text.p)
            crypto_wipe(parts[i].text.p, parts[i].text.cap);
        buf_clear(&parts[i].text);
    }
}

/* `combined`: key.pem has the certificates too, as some services want it. */
static enum err fill_parts(const struct agent *a, const struct request *r, struct bytes pem,
                           struct bytes chain, struct part *parts, struct fault *f) {
    for (size_t i = 0; i < PARTS; i++)
        buf_init(&parts[i].text, PEM_MAX);
    enum err err = file_read(request_key_file(a, r), &parts[0].text, f);
    if (strcmp(r->format, "combined") == 0) {
        buf_put(&parts[0].text, pem);
        buf_put(&parts[0].text, chain);
    }
    buf_put(&parts[1].text, pem);
    buf_put(&parts[2].text, chain);
    buf_put(&parts[3].text, pem);
    buf_put(&parts[3].text, chain);
    for (size_t i = 0; i < PARTS && !err; i++)
        if (parts[i].text.err)
            err = fault_set(f, parts[i].text.err, "certificate", "%s", parts[i].name);
    return err;
}

static enum err write_parts(const struct agent *a, const struct request *r, const char *dir,
                            struct part *parts, struct fault *f) {
    enum err err = dir_make(dir, MODE_FOLDER, f);
    for (size_t i = 0; i < PARTS && !err; i++) {
        const char *path = in(a, dir, parts[i].name);
        err = file_replace(path, buf_bytes(&parts[i].text), parts[i].mode, f);
        if (!err && parts[i].is_secret && r->owner)
            err = os_file_give(path, r->owner, f);
    }
    return err;
}

/* The names that services know; made once, they never change again. */
static enum err make_names(const struct agent *a, const char *out, const struct part *parts,
                           struct fault *f) {
    enum err err = ERR_OK;
    for (size_t i = 0; i < PARTS && !err; i++)
        err = os_link_replace(in(a, ".current", parts[i].name), in(a, out, parts[i].name), f);
    return err ? err : os_dir_sync(out, f);
}

static const char *current_version(const struct agent *a, const char *out) {
    struct buf text;
    struct fault ignored;
    buf_init(&text, 256);
    bool known = file_read(in(a, out, ".current/version"), &text, &ignored) == ERR_OK;
    const char *version = known ? arena_cstr(a->arena, bytes_trim(buf_bytes(&text))) : NULL;
    buf_clear(&text);
    return version;
}

static enum err turn_to(const struct agent *a, const char *out, const char *version,
                        struct fault *f) {
    enum err err = os_link_replace(in(a, ".versions", version), in(a, out, ".current"), f);
    return err ? err : os_dir_sync(out, f);
}

enum err install_set(const struct agent *a, const struct request *r, struct bytes pem,
                     struct bytes chain, const char **before, struct fault *f) {
    struct part parts[PARTS] = {
        {.name = "key.pem", .mode = key_mode(r), .is_secret = true},
        {.name = "cert.pem",                 .mode = MODE_PUBLIC                  },
        {.name = "chain.pem",                 .mode = MODE_PUBLIC},
        {.name = "fullchain.pem",                 .mode = MODE_PUBLIC              },
    };
    const char *dir = in(a, in(a, r->out, ".versions"), r->id);
    *before = current_version(a, r->out);
    enum err err = fill_parts(a, r, pem, chain, parts, f);
    if (!err)
        err = write_parts(a, r, dir, parts, f);
    if (!err)
        err = file_replace(in(a, dir, "version"), bytes_text(r->id), MODE_PUBLIC, f);
    if (!err)
        err = turn_to(a, r->out, r->id, f);
    if (!err)
        err = make_names(a, r->out, parts, f);
    if (err == ERR_UNSUPPORTED) /* no links here: the files themselves, the key first */
        err = write_parts(a, r, r->out, parts, f);
    wipe_parts(parts);
    return err;
}

struct prune {
    const struct agent *a;
    const char *versions, *current, *before;
};

static bool prune_version(void *context, const char *name, bool is_dir) {
    static const char *const names[] = {"key.pem", "cert.pem", "chain.pem", "fullchain.pem",
                                        "version"};
    const struct prune *p = context;
    struct fault ignored;
    const char *dir = in(p->a, p->versions, name);
    if (!is_dir || strcmp(name, p->current) == 0 || (p->before && strcmp(name, p->before) == 0))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)!file_remove(in(p->a, dir, names[i]), &ignored);
    (void)!dir_remove(dir, &ignored);
    return true;
}

void install_prune(const struct agent *a, const struct request *r, const char *before) {
    struct fault ignored;
    struct prune p = {a, in(a, r->out, ".versions"), r->id, before};
    (void)!dir_list(p.versions, prune_version, &p, &ignored);
}

enum err install_undo(const struct agent *a, const struct request *r, const char *before,
                      struct fault *f) {
    return before ? turn_to(a, r->out, before, f) : ERR_OK;
}
