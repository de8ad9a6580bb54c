/* One request on its way: asked for, waited for, installed, reported. See requests.h.
 *
 *   pending    POST /requests with its id: the server makes one of it, or goes on with it
 *   issued     checked; files in place, reload, then "installed"; the outcome is told
 *   refused    its key goes; the reason stays
 *
 * The reload command fails: the files before are put back and it runs once more with them,
 * so that what it has stopped is there again. The request is then "failed": whoever
 * renews by hand or by the clock (not `ers sync`, every ten minutes) tries it again.
 *
 * Crashes: before the files are turned the same is done again. Behind it the entry is still
 * pending, so the files are written once more, with no effect, and the reload runs again.
 */
#include "applets/ers/ers.h"
#include "applets/ers/install.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "x509/x509.h"

#include <string.h>

enum {
    CSR_MAX = 1 << 20,
    CHAIN_MAX = 1 << 20,
    ANSWER_MAX = 16 << 20,
    ANSWER_TOKENS = 100000,
    RELOAD_MS = 120000,
    SAID_MAX = 2 * PROCESS_OUTPUT_MAX,
    DETAIL_MAX = 4000,
    SHOWN_MAX = 120,
    PATH_SIZE = 128,
    COMMON_NAME_MAX = 64, /* RFC 5280, A.1: ub-common-name */
};

struct advance {
    const struct agent *a;
    struct agent_session *session;
    struct requests *all;
    struct request *r;
    struct signing_key *key;
    struct buf answer, cert, chain; /* the last two as PEM */
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

/* The same names and key give the same bytes: signatures of both kinds are deterministic. */
static enum err write_csr(struct advance *w, struct buf *pem, struct fault *f) {
    struct x509_template t = {0};
    struct arena *a = w->a->arena;
    struct buf der, subject;
    buf_init(&der, CSR_MAX);
    buf_init(&subject, CSR_MAX);
    enum err err = names_of(a, w->r->dns, false, &t.dns, f);
    if (!err)
        err = names_of(a, w->r->ip, true, &t.ip, f);
    const char *first = !err && t.dns.n > 0 ? arena_cstr(a, t.dns.items[0]) : NULL;
    if (first && t.dns.items[0].n <= COMMON_NAME_MAX) { /* a longer one goes without */
        const struct x509_attribute cn = {OID_COMMON_NAME, first};
        x509_name_write(&subject, &cn, 1);
        t.subject = buf_bytes(&subject);
    }
    if (!err)
        err = x509_request_write(w->a->env, &t, w->key, &der, f);
    if (!err)
        pem_write(pem, "CERTIFICATE REQUEST", buf_bytes(&der));
    buf_clear(&der);
    buf_clear(&subject);
    return err;
}

static enum err call(struct advance *w, const char *path, struct bytes body, struct fault *f) {
    struct agent_request request = {
        .method = "POST", .path = path, .body = body, .content_type = "application/json"};
    enum err err = agent_session_call(w->session, &request, &w->answer, f);
    if (err)
        return err;
    struct bytes text = arena_copy(w->a->arena, buf_bytes(&w->answer));
    if (json_read(w->a->arena, text, ANSWER_TOKENS, &w->v, NULL))
        return fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    return ERR_OK;
}

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
        err = call(w, "/api/v1/requests", buf_bytes(&body), f);
    buf_clear(&csr);
    buf_clear(&body);
    return err;
}

/* ---- what came back ---- */

static enum err refuse_answer(struct fault *f, const char *why) {
    return fault_set(f, ERR_CONFLICT, "server", "what it issued is not used: %s", why);
}

/* The certificates of a text, written anew: nothing but them gets into the files. */
static size_t read_certs(struct arena *a, const char *text, struct buf *pem,
                         struct x509_cert *first, struct fault *f) {
    struct cur c = cur_open(bytes_text(text));
    struct pem_object object;
    struct x509_cert cert;
    struct buf der;
    size_t n = 0;
    buf_init(&der, X509_DER_MAX);
    while (pem_next(&c, &der, &object)) {
        struct bytes copy = arena_copy(a, object.der);
        if (object.kind != PEM_CERTIFICATE || x509_cert_read(a, copy, n ? &cert : first, f)) {
            n = 0;
            break;
        }
        pem_write(pem, "CERTIFICATE", copy);
        n++;
    }
    buf_clear(&der);
    return pem->err ? 0 : n;
}

static bool is_for(const struct signing_key *key, const struct x509_cert *cert) {
    struct buf spki;
    buf_init(&spki, CSR_MAX);
    signing_key_spki(key, &spki);
    bool same = !spki.err && bytes_equal(buf_bytes(&spki), cert->spki);
    buf_clear(&spki);
    return same;
}

/* It is for our key, its issuer has signed it, and it has not ended. */
static enum err read_issued(struct advance *w, struct x509_cert *cert, struct fault *f) {
    struct x509_cert issuer;
    const char *pem = text_of(w, "certificate"), *chain = text_of(w, "chain");
    if (!pem || read_certs(w->a->arena, pem, &w->cert, cert, f) != 1)
        return refuse_answer(f, "it is no certificate that can be read");
    size_t n = chain ? read_certs(w->a->arena, chain, &w->chain, &issuer, f) : 0;
    if (chain && chain[0] && n == 0)
        return refuse_answer(f, "its chain cannot be read");
    if (!is_for(w->key, cert))
        return refuse_answer(f, "it is for another key");
    if (n > 0 && x509_cert_signed_by(cert, &issuer) == ERR_CREDENTIALS)
        return refuse_answer(f, "its chain is another's");
    if (!cert->has_not_before || !cert->has_not_after || cert->not_after <= env_now_s(w->a->env))
        return refuse_answer(f, "it has ended");
    return ERR_OK;
}

/* ---- outcomes ---- */

static enum err send_outcome(struct advance *w, struct fault *f) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/api/v1/requests/%.32s/outcome", w->r->outcome_id);
    enum err err = call(w, path, bytes_text(w->r->outcome), f);
    if (err && err != ERR_NOT_FOUND && err != ERR_FORMAT) /* of these two nothing more will come */
        return err;
    w->r->outcome = w->r->outcome_id = NULL;
    return ERR_OK;
}

/* Kept in the entry until the server has it. */
static void note_outcome(struct advance *w, bool installed, const int *exit_status,
                         struct bytes said) {
    struct buf body;
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
    w->r->outcome = arena_cstr(w->a->arena, buf_bytes(&body));
    w->r->outcome_id = w->r->outcome ? w->r->id : NULL;
    buf_clear(&body);
}

/* The entry is durable with its outcome, then the server is told. */
static enum err settle(struct advance *w, struct fault *f) {
    struct fault late;
    enum err err = requests_write(w->a, w->all, f);
    if (err || !w->r->outcome)
        return err;
    return send_outcome(w, &late) ? ERR_OK : requests_write(w->a, w->all, f);
}

bool requests_have_outcomes(const struct requests *all) {
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].outcome && all->items[i].outcome_id)
            return true;
    return false;
}

enum err requests_report(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct fault *f) {
    struct advance w = {.a = a, .session = session, .all = all};
    struct fault ignored;
    size_t told = 0;
    buf_init(&w.answer, ANSWER_MAX);
    for (size_t i = 0; i < all->n; i++) {
        w.r = &all->items[i];
        if (w.r->outcome && w.r->outcome_id)
            told += send_outcome(&w, &ignored) == ERR_OK;
    }
    buf_clear(&w.answer);
    return told > 0 ? requests_write(a, all, f) : ERR_OK;
}

/* ---- installing ---- */

/* ERR_OK where there is nothing to run. */
static enum err reload(struct advance *w, int *status, struct buf *said, struct fault *f) {
    *status = 0;
    if (!w->r->reload || !w->r->reload[0])
        return ERR_OK;
    enum err err = process_run(w->r->reload, RELOAD_MS, status, said, f);
    if (!err && *status != 0) {
        struct bytes text = bytes_trim(buf_bytes(said));
        text = bytes_part(text, text.n > SHOWN_MAX ? text.n - SHOWN_MAX : 0, text.n);
        err = fault_set(f, ERR_FAILED, "reload", "%.80s: exit %d: %.*s", w->r->reload, *status,
                        (int)text.n, text.n ? (const char *)text.p : "");
    }
    return err;
}

/* *f says why, and goes on saying it. */
static void put_back(struct advance *w, const char *before, struct buf *said,
                     const struct fault *why) {
    struct fault undo;
    struct buf again;
    int status;
    char text[2 * FAULT_DETAIL_MAX];
    buf_init(&again, SAID_MAX);
    if (why->code == ERR_TIMEOUT)
        buf_printf(said, "\n%s", fault_text(why, text, sizeof text));
    enum err err = install_undo(w->a, w->r, before, &undo);
    if (!err && before)
        err = reload(w, &status, &again, &undo);
    if (!before)
        buf_text(said, "\nthere were no files before: the new ones stay");
    else if (err)
        buf_printf(said, "\nand with the files before: %s", fault_text(&undo, text, sizeof text));
    buf_clear(&again);
}

static void note_installed(struct advance *w, const struct x509_cert *cert) {
    uint8_t hash[SHA256_SIZE];
    char *text = arena_alloc(w->a->arena, 2 * SHA256_SIZE + 1);
    x509_cert_sha256(cert, hash);
    if (text)
        hex_write(text, bytes_of(hash, sizeof hash));
    w->r->sha256 = text;
    w->r->version = w->r->id;
    w->r->not_before_s = cert->not_before;
    w->r->not_after_s = cert->not_after;
    w->r->state = "installed";
}

/* What went wrong on the way is told as an outcome, too. */
static enum err fail(struct advance *w, const int *status, struct bytes said, struct fault *f) {
    struct fault why = *f, ignored;
    char text[2 * FAULT_DETAIL_MAX];
    w->r->state = "failed";
    note_outcome(w, false, status,
                 said.n > 0 ? said : bytes_text(fault_text(&why, text, sizeof text)));
    if (settle(w, &ignored)) {
        /* the first reason is the one to tell */
    }
    *f = why;
    return why.code;
}

static enum err install(struct advance *w, struct fault *f) {
    struct x509_cert cert;
    const char *before = NULL;
    struct buf said;
    int status = 0;
    enum err err = read_issued(w, &cert, f);
    if (!err)
        err = install_set(w->a, w->r, buf_bytes(&w->cert), buf_bytes(&w->chain), &before, f);
    if (err)
        return fail(w, NULL, (struct bytes){0}, f);
    buf_init(&said, SAID_MAX + 4 * FAULT_DETAIL_MAX);
    err = reload(w, &status, &said, f);
    if (err) {
        put_back(w, before, &said, f);
        err = fail(w, &status, buf_bytes(&said), f);
    } else {
        note_installed(w, &cert);
        note_outcome(w, true, w->r->reload ? &status : NULL, buf_bytes(&said));
        err = settle(w, f);
        install_prune(w->a, w->r);
    }
    buf_clear(&said);
    return err;
}

/* ---- the way ---- */

static enum err note_refused(struct advance *w, const char *reason, struct fault *f) {
    w->r->state = "refused";
    w->r->reason = reason && reason[0] ? reason : "no reason given";
    enum err err = requests_write(w->a, w->all, f);
    if (!err)
        install_drop(w->a, w->r);
    return err ? err : fault_set(f, ERR_PERMISSION, "request refused", "%s", w->r->reason);
}

/* Behind "status 403: not allowed: ", which says nothing to a person here. */
static const char *reason_in(const struct advance *w, const struct fault *f) {
    struct bytes text = bytes_text(f->detail);
    struct cur c = cur_open(text);
    cur_until(&c, ':');
    cur_until(&c, ':');
    return arena_cstr(w->a->arena, bytes_trim(c.rest.n > 0 ? c.rest : text));
}

static enum err advance(struct advance *w, struct fault *f) {
    enum err err = install_key(w->a, w->r, &w->key, f);
    if (!err)
        err = ask(w, f);
    /* 403 is the profile's refusal; an agent that was disabled gets it for all it asks. */
    if (err && agent_session_status(w->session) == 403 &&
        !strstr(f->detail, "disabled at the server"))
        return note_refused(w, reason_in(w, f), f);
    if (err)
        return err;
    const char *state = text_of(w, "state"), *reason = text_of(w, "reason");
    if (!state)
        return fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    if (strcmp(state, "issued") == 0)
        return install(w, f);
    if (strcmp(state, "revoked") == 0)
        return note_refused(w, reason ? reason : "revoked at the server", f);
    return strcmp(state, "refused") == 0 ? note_refused(w, reason, f) : ERR_OK;
}

enum err request_advance(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct request *entry, struct fault *f) {
    struct advance w = {.a = a, .session = session, .all = all, .r = entry};
    buf_init(&w.answer, ANSWER_MAX);
    buf_init(&w.cert, CHAIN_MAX);
    buf_init(&w.chain, CHAIN_MAX);
    enum err err = install_settle(a, entry, f);
    if (!err)
        err = advance(&w, f);
    signing_key_close(w.key);
    buf_clear(&w.answer);
    buf_clear(&w.cert);
    buf_clear(&w.chain);
    return err;
}
