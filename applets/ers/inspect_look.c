/* Endpoints and stores, as inputs of `ers inspect`: one look, and the chain as it is served.
 * See inspect.h. An endpoint that cannot be looked at, or shows no certificate, is an input
 * that could not be read. */
#include "applets/ers/inspect.h"
#include "base/os.h"
#include "base/text.h"
#include "probe/probe.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_ARENA_MAX = 256 << 20, CHAINS_KEPT = 64 };

static const char store_prefix[] = "cert:";

/* A certificate's bytes, kept until its chain is shown. */
struct kept {
    uint8_t sha256[X509_SHA256_SIZE];
    struct bytes der;
};

struct look {
    struct inspect *in;
    struct arena arena;
    struct kept *kept;
    size_t kept_n, kept_cap;
    struct model_sha256 before[MODEL_CHAIN_MAX]; /* the chain that was shown last */
    size_t before_n;
    struct buf text;
    enum err err;
};

/* ---- endpoints ---- */

static bool read_target(struct arena *a, const char *word, struct model_target *out) {
    enum { FORMS = MODEL_FORM_NAME | MODEL_FORM_ADDRESS | MODEL_FORM_PORT };
    return model_target_read(a, bytes_text(word), FORMS, out, NULL, NULL) == ERR_OK &&
           out->has_ports;
}

bool inspect_is_place(struct inspect *in, const char *word) {
    struct model_target t;
    arena_reset(&in->arena);
    return read_target(&in->arena, word, &t) ||
           (os_has_stores && model_path_is_store(bytes_text(word)));
}

static void on_certificate(void *context, const struct probe_certificate *known,
                           const struct x509_cert *cert, struct bytes der, const struct fault *f) {
    struct look *l = context;
    (void)cert;
    (void)f;
    if (l->kept_n == l->kept_cap) {
        size_t cap = l->kept_cap ? l->kept_cap * 2 : CHAINS_KEPT;
        struct kept *more = realloc(l->kept, cap * sizeof *more);
        if (more == NULL) {
            l->err = ERR_MEMORY;
            return;
        }
        l->kept = more;
        l->kept_cap = cap;
    }
    struct kept *k = &l->kept[l->kept_n];
    memcpy(k->sha256, known->sha256, sizeof k->sha256);
    k->der = arena_copy(&l->arena, der);
    if (k->der.p == NULL)
        l->err = l->arena.err;
    else
        l->kept_n++;
}

static struct bytes der_of(const struct look *l, const uint8_t sha256[X509_SHA256_SIZE]) {
    for (size_t i = 0; i < l->kept_n; i++)
        if (memcmp(l->kept[i].sha256, sha256, X509_SHA256_SIZE) == 0)
            return l->kept[i].der;
    return (struct bytes){NULL, 0};
}

static bool is_shown_already(const struct look *l, const struct model_observation *o) {
    return l->before_n == o->chain_n && o->chain_n > 0 &&
           memcmp(l->before, o->chain, o->chain_n * sizeof *o->chain) == 0;
}

/* "note: 192.0.2.7 by TLSv1.3, TLS_AES_128_GCM_SHA256: 2 certificates" */
static void note_face(struct look *l, const struct model_observation *o) {
    char ip[IP_TEXT_MAX];
    buf_reset(&l->text);
    buf_printf(&l->text, "%s", ip_write(&o->ip, ip));
    if (o->has_tls && o->tls.version.n > 0) {
        buf_text(&l->text, " by ");
        buf_put(&l->text, o->tls.version);
    }
    if (o->has_tls && o->tls.cipher_suite.n > 0) {
        buf_text(&l->text, ", ");
        buf_put(&l->text, o->tls.cipher_suite);
    }
    buf_printf(&l->text, ": %zu certificate%s%s", o->chain_n, o->chain_n == 1 ? "" : "s",
               is_shown_already(l, o) ? ", the same" : "");
    inspect_note(l->in, buf_cstr(&l->text));
}

static void show_chain(struct look *l, const struct model_observation *o) {
    struct bytes der[X509_CHAIN_MAX];
    if (is_shown_already(l, o))
        return;
    l->in->from.position = 0;
    for (size_t i = 0; i < o->chain_n && !inspect_is_stopped(l->in); i++) {
        struct bytes one = der_of(l, o->chain[i].bytes);
        inspect_show(l->in, one, false);
        if (i < X509_CHAIN_MAX)
            der[i] = one;
    }
    inspect_chain(l->in, der, o->chain_n < X509_CHAIN_MAX ? o->chain_n : X509_CHAIN_MAX);
    l->before_n = o->chain_n < MODEL_CHAIN_MAX ? o->chain_n : MODEL_CHAIN_MAX;
    memcpy(l->before, o->chain, l->before_n * sizeof *o->chain);
}

static enum err code_of(enum model_outcome o) {
    switch (o) {
    case MODEL_TIMEOUT:
        return ERR_TIMEOUT;
    case MODEL_DNS_ERROR:
    case MODEL_NO_CERTIFICATE:
        return ERR_NOT_FOUND;
    case MODEL_TLS_ALERT:
    case MODEL_TLS_ERROR:
    case MODEL_NOT_TLS:
    case MODEL_NOT_OFFERED:
        return ERR_TLS;
    case MODEL_UNSUPPORTED:
        return ERR_UNSUPPORTED;
    case MODEL_NOT_REACHED:
        return ERR_INTERRUPTED;
    default:
        return ERR_NETWORK;
    }
}

static void tell_failure(struct look *l, const struct model_observation *o) {
    struct fault f;
    char ip[IP_TEXT_MAX];
    buf_reset(&l->text);
    if (o->ip.size > 0 && o->host.n > 0)
        buf_printf(&l->text, "at %s%s", ip_write(&o->ip, ip), o->detail.n > 0 ? ", " : "");
    buf_put(&l->text, o->detail);
    fault_set(&f, code_of(o->outcome), model_outcome_row(o->outcome)->text, "%s",
              buf_cstr(&l->text));
    inspect_error(l->in, &f);
}

static void on_observation(void *context, const struct model_observation *o,
                           struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    struct look *l = context;
    (void)endpoint;
    (void)leaf;
    if (l->err != ERR_OK)
        return;
    if (l->in->common->json) {
        struct json j = json_to(&l->in->out);
        model_observation_json(&j, NULL, o);
        buf_u8(&l->in->out, '\n');
        inspect_line(l->in);
    } else if (o->chain_n > 0) {
        note_face(l, o);
    }
    if (o->chain_n > 0)
        show_chain(l, o);
    else
        tell_failure(l, o);
}

static enum err look(struct look *l, const struct model_target *t, struct fault *f) {
    struct probe_plan plan = {.targets = t,
                              .targets_n = 1,
                              .default_ports = model_ports_default(),
                              .faces = PROBE_FACES_QUICK,
                              .scan = bytes_text("inspect")};
    struct probe_limits limits = probe_limits_default();
    struct probe_watch watch = {
        .context = l, .certificate = on_certificate, .observation = on_observation};
    struct model_summary summary;
    bool complete;
    enum err e = probe_run(l->in->env, &plan, &limits, &watch, &summary, &complete, f);
    if (e == ERR_OK && l->err != ERR_OK)
        e = fault_set(f, l->err, "endpoint", "%s", l->in->from.input);
    return e;
}

static void inspect_endpoint(struct inspect *in, const char *word) {
    struct look *l = calloc(1, sizeof *l);
    struct arena words;
    struct model_target t;
    struct fault f;
    if (l == NULL) {
        inspect_error_text(in, ERR_MEMORY, "endpoint", word);
        return;
    }
    l->in = in;
    arena_init(&l->arena, SEEN_ARENA_MAX);
    arena_init(&words, 1 << 20);
    buf_init(&l->text, 1 << 16);
    if (read_target(&words, word, &t) && look(l, &t, &f) != ERR_OK)
        inspect_error(in, &f);
    arena_clear(&words);
    arena_clear(&l->arena);
    buf_clear(&l->text);
    free(l->kept);
    free(l);
}

/* ---- stores ---- */

static bool on_store(void *context, struct bytes der, bool has_key) {
    struct inspect *in = context;
    in->private_keys += has_key;
    inspect_show(in, der, false);
    return !inspect_is_stopped(in);
}

static void inspect_store(struct inspect *in, const char *word) {
    struct model_target t;
    struct fault f;
    struct arena words;
    arena_init(&words, 1 << 16);
    enum err e = model_target_read(&words, bytes_text(word), MODEL_FORM_PATH, &t, NULL, &f);
    const char *key = e == ERR_OK ? arena_cstr(&words, t.key) : NULL;
    if (key != NULL)
        e = os_store_read(key + strlen(store_prefix), on_store, in, &f);
    if (e != ERR_OK)
        inspect_error(in, &f);
    arena_clear(&words);
}

void inspect_place(struct inspect *in, const char *word) {
    if (os_has_stores && model_path_is_store(bytes_text(word)))
        inspect_store(in, word);
    else
        inspect_endpoint(in, word);
}
