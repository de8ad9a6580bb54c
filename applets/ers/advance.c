/* One request on its way: asked for, waited for, installed, reported. See requests.h.
 *
 *   pending    POST /requests with its id (the server answers the same id the same way)
 *   issued     files in place -> reload -> outcome; only then "installed"
 *   refused    told with the reason; its key goes
 *
 * The reload fails: the files before are put back, the reload runs again with them, and
 * the outcome says so. The entry stays pending: the next call tries the same again.
 */
#include "applets/ers/ers.h"
#include "applets/ers/install.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "x509/x509.h"

#include <string.h>

enum {
    CSR_MAX = 1 << 20,
    ANSWER_MAX = 16 << 20,
    ANSWER_TOKENS = 100000,
    RELOAD_MS = 60000,
    DETAIL_MAX = 4000,
    PATH_SIZE = 128,
    COMMON_NAME_MAX = 64,
};

struct advance {
    const struct agent *a;
    struct agent_session *session;
    struct requests *all;
    struct request *r;
    struct buf answer;
    struct json_value v;
};

static const char *text_of(const struct advance *w, const char *key) {
    struct bytes text;
    return json_string(json_get(w->v, key), w->a->arena, &text) ? arena_cstr(w->a->arena, text)
                                                                : NULL;
}

/* ---- asking ---- */

static size_t count_words(const char *list) {
    size_t n = list[0] != '\0';
    for (; *list; list++)
        n += *list == ',';
    return n;
}

/* Comma separated words; addresses as octets. */
static enum err names_of(struct arena *a, const char *list, bool addresses, struct x509_names *out,
                         struct fault *f) {
    struct bytes *items = arena_array(a, count_words(list) + 1, sizeof *items);
    struct cur c = cur_open(bytes_text(list));
    *out = (struct x509_names){items, 0};
    if (!items)
        return fault_set(f, ERR_MEMORY, "names", "%s", list);
    while (c.rest.n > 0) {
        struct bytes word = cur_until(&c, ',');
        struct ip ip;
        if (addresses && !ip_read(word, &ip))
            return fault_set(f, ERR_USAGE, "address", "%.*s", (int)word.n, (const char *)word.p);
        items[out->n++] = addresses ? arena_copy(a, bytes_of(ip.bytes, ip.size)) : word;
    }
    return ERR_OK;
}

static enum err write_csr(struct advance *w, struct buf *pem, struct fault *f) {
    struct signing_key *key = NULL;
    struct x509_template t = {0};
    struct arena *a = w->a->arena;
    struct buf der, subject;
    buf_init(&der, CSR_MAX);
    buf_init(&subject, CSR_MAX);
    enum err err = names_of(a, w->r->dns, false, &t.dns, f);
    if (!err)
        err = names_of(a, w->r->ip, true, &t.ip, f);
    /* RFC 5280, A.1: ub-common-name. A longer first name goes without. */
    const char *first = !err && t.dns.n > 0 ? arena_cstr(a, t.dns.items[0]) : NULL;
    if (first && t.dns.items[0].n <= COMMON_NAME_MAX) {
        const struct x509_attribute cn = {OID_COMMON_NAME, first};
        x509_name_write(&subject, &cn, 1);
        t.subject = buf_bytes(&subject);
    }
    if (!err)
        err = x509_key_file_read(request_key_file(w->a, w->r), &key, f);
    if (!err)
        err = x509_request_write(w->a->env, &t, key, &der, f);
    if (!err)
        pem_write(pem, "CERTIFICATE REQUEST", buf_bytes(&der));
    signing_key_close(key);
    buf_clear(&der);
    buf_clear(&subject);
    return err;
}

static enum err call(struct advance *w, const char *method, const char *path, struct bytes body,
                     struct fault *f) {
    struct agent_request request = {
        .method = method, .path = path, .body = body, .content_type = "application/json"};
    enum err err = agent_session_call(w->session, &request, &w->answer, f);
    if (!err && json_read(w->a->arena, buf_bytes(&w->answer), ANSWER_TOKENS, &w->v, f))
        err = fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    return err;
}

/* The text lives in the arena: answers are read from it. */
static enum err ask(struct advance *w, struct fault *f) {
    struct buf body, csr;
    buf_init(&csr, 2 * CSR_MAX);
    buf_init(&body, 4 * CSR_MAX);
    enum err err = write_csr(w, &csr, f);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_text(&j, "id", w->r->id);
    json_bytes(&j, "csr", buf_bytes(&csr));
    if (w->r->profile)
        json_text(&j, "profile", w->r->profile);
    if (w->r->sha256)
        json_text(&j, "replaces", w->r->sha256);
    json_end(&j, '}');
    if (!err && body.err)
        err = fault_set(f, body.err, "request", "too many names");
    if (!err)
        err = call(w, "POST", "/api/v1/requests", buf_bytes(&body), f);
    buf_clear(&csr);
    buf_clear(&body);
    return err;
}

/* ---- installing ---- */

static void report(struct advance *w, bool installed, const int *exit_status, struct bytes said) {
    struct buf body;
    struct fault ignored;
    char path[PATH_SIZE];
    buf_init(&body, 64 * 1024);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_bool(&j, "installed", installed);
    if (exit_status)
        json_int(&j, "reload_exit", *exit_status);
    else
        json_null(&j, "reload_exit");
    json_bytes(&j, "detail",
               bytes_part(said, said.n > DETAIL_MAX ? said.n - DETAIL_MAX : 0, said.n));
    json_end(&j, '}');
    snprintf(path, sizeof path, "/api/v1/requests/%.32s/outcome", w->r->id);
    struct json_value kept = w->v;
    if (call(w, "POST", path, buf_bytes(&body), &ignored)) /* told again with the next attempt */
        log_line(w->a->env, LOG_WARN, "outcome_not_reported", "id=%.32s", w->r->id);
    w->v = kept;
    buf_clear(&body);
}

/* ERR_OK where there is nothing to run. */
static enum err reload(struct advance *w, int *status, struct buf *said, struct fault *f) {
    *status = 0;
    if (!w->r->reload || !w->r->reload[0])
        return ERR_OK;
    enum err err = process_run(w->r->reload, RELOAD_MS, status, said, f);
    if (!err && *status != 0) {
        struct bytes text = bytes_trim(buf_bytes(said));
        size_t from = text.n > 120 ? text.n - 120 : 0;
        err = fault_set(f, ERR_FAILED, "reload", "%s: exit %d: %.*s", w->r->reload, *status,
                        (int)(text.n - from), text.n ? (const char *)text.p + from : "");
    }
    return err;
}

static enum err note_installed(struct advance *w, struct bytes pem, struct fault *f) {
    struct x509_cert cert;
    struct buf der;
    struct pem_object object;
    uint8_t hash[SHA256_SIZE];
    char *text = arena_alloc(w->a->arena, 2 * SHA256_SIZE + 1);
    struct cur c = cur_open(pem);
    buf_init(&der, CSR_MAX);
    bool there = text && pem_next(&c, &der, &object) && object.kind == PEM_CERTIFICATE;
    struct bytes copy = there ? arena_copy(w->a->arena, object.der) : (struct bytes){NULL, 0};
    buf_clear(&der);
    if (!there || x509_cert_read(w->a->arena, copy, &cert, f))
        return fault_set(f, ERR_NETWORK, "server", "it sent no certificate that can be read");
    hash_of(HASH_SHA256, copy, hash);
    hex_write(text, bytes_of(hash, sizeof hash));
    w->r->sha256 = text;
    w->r->not_before_s = cert.not_before;
    w->r->not_after_s = cert.not_after;
    return ERR_OK;
}

static enum err put_back(struct advance *w, const char *before, struct bytes said, int status,
                         struct fault *f) {
    struct fault why = *f, undo;
    struct buf again;
    int ignored;
    buf_init(&again, 2 * PROCESS_OUTPUT_MAX);
    if (install_undo(w->a, w->r, before, &undo) == ERR_OK && before)
        (void)!reload(w, &ignored, &again, &undo);
    buf_clear(&again);
    report(w, false, &status, said);
    *f = why;
    return why.code;
}

static enum err install(struct advance *w, struct fault *f) {
    const char *pem = text_of(w, "certificate"), *chain = text_of(w, "chain"), *before = NULL;
    const char *old_sha256 = w->r->sha256;
    int64_t old_begin = w->r->not_before_s, old_end = w->r->not_after_s;
    struct buf said;
    int status = 0;
    if (!pem || !chain)
        return fault_set(f, ERR_NETWORK, "server", "it says issued and sends no certificate");
    buf_init(&said, 2 * PROCESS_OUTPUT_MAX);
    enum err err = note_installed(w, bytes_text(pem), f);
    if (!err)
        err = install_set(w->a, w->r, bytes_text(pem), bytes_text(chain), &before, f);
    if (!err) {
        err = reload(w, &status, &said, f);
        if (err)
            err = put_back(w, before, buf_bytes(&said), status, f);
    }
    if (err) {
        w->r->sha256 = old_sha256;
        w->r->not_before_s = old_begin;
        w->r->not_after_s = old_end;
    } else {
        w->r->state = "installed";
        err = requests_write(w->a, w->all, f);
        if (!err) {
            install_prune(w->a, w->r, before);
            err = file_remove(request_key_file(w->a, w->r), f);
        }
        report(w, true, w->r->reload ? &status : NULL, buf_bytes(&said));
    }
    buf_clear(&said);
    return err;
}

static enum err note_refused(struct advance *w, const char *reason, struct fault *f) {
    w->r->state = "refused";
    w->r->reason = reason ? reason : "no reason given";
    enum err err = requests_write(w->a, w->all, f);
    if (!err)
        err = file_remove(request_key_file(w->a, w->r), f);
    return err ? err : fault_set(f, ERR_PERMISSION, "request refused", "%s", w->r->reason);
}

static enum err advance(struct advance *w, struct fault *f) {
    enum err err = ask(w, f);
    if (err == ERR_PERMISSION) { /* outside of every profile: no use in asking again */
        const char *reason = arena_cstr(w->a->arena, bytes_text(f->detail));
        return note_refused(w, reason, f);
    }
    if (err)
        return err;
    const char *state = text_of(w, "state");
    if (state && (strcmp(state, "issued") == 0 || strcmp(state, "revoked") == 0))
        return install(w, f);
    if (state && strcmp(state, "refused") == 0)
        return note_refused(w, text_of(w, "reason"), f);
    return ERR_OK;
}

enum err request_advance(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct request *entry, struct fault *f) {
    struct advance w = {.a = a, .session = session, .all = all, .r = entry};
    buf_init(&w.answer, ANSWER_MAX);
    enum err err = advance(&w, f);
    buf_clear(&w.answer);
    return err;
}

/* A scan of what is configured, so that the server sees the new certificate served. */
void request_look(const struct agent *a) {
    struct opt_common common = *a->common;
    void *options = arena_alloc(a->arena, ers_scan.size + 1);
    if (!options || !(file_exists(a->places.targets) || file_exists(a->places.remote)))
        return;
    if (ers_scan.defaults)
        ers_scan.defaults(options);
    common.words = (struct opt_list){NULL, 0};
    common.quiet = true;
    common.json = false;
    ers_scan.run(a->env, options, &common);
}
