/* The faces of one address, where all are wanted. See inner.h.
 *
 * A queue of views, looked at one after the other: first as an ordinary client would
 * (the base); then without a name, for other kinds of key, a few times the same for the
 * nodes behind a load balancer (and as an old client, which may be shown something else),
 * and by the names that the certificates found here and
 * the address's own name (PTR) teach. A certificate that is new at this address brings
 * the views for its name's other kinds of key, and its names; one that is known brings
 * nothing: so the queue ends where no new certificate appears, or at FACES_MAX.
 */
#include "probe/inner.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 * 1024, CERT_MAX = 8 << 20 };

struct site *site_open(struct place *place, const struct ip *ip, struct bytes sni) {
    struct site *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->place = place;
    s->ip = *ip;
    s->views[s->views_n++] = (struct view){.sni = sni, .asked = MODEL_ASKED_ANY};
    arena_init(&s->names, NAMES_MAX);
    return s;
}

void site_close(struct site *s) {
    if (!s)
        return;
    check_clear(&s->check);
    arena_clear(&s->names);
    free(s);
}

bool site_next(struct site *s, struct view *out) {
    if (s->next == s->views_n)
        return false;
    *out = s->views[s->next++];
    return true;
}

/* list: n hashes behind each other. */
static bool has(const uint8_t *list, size_t n, const uint8_t *sha256) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(list + i * SHA256_SIZE, sha256, SHA256_SIZE) == 0)
            return true;
    return false;
}

bool site_has_shown(const struct site *s, const uint8_t sha256[SHA256_SIZE]) {
    return has(s->base[0], s->base_n, sha256);
}

static void add_view(struct site *s, struct bytes sni, enum model_asked asked, unsigned look) {
    for (size_t i = 0; i < s->views_n; i++)
        if (s->views[i].asked == asked && s->views[i].look == look &&
            bytes_equal(s->views[i].sni, sni))
            return;
    if (s->views_n == FACES_MAX) {
        s->left_out++;
        return;
    }
    struct bytes kept = sni.n > 0 ? arena_copy(&s->names, sni) : sni;
    if (sni.n == 0 || kept.p)
        s->views[s->views_n++] = (struct view){kept, asked, look};
}

/* Names are asked for only where the user left that to us, and excluded ones never. */
static void add_name(struct site *s, struct bytes text) {
    const struct probe_plan *plan = s->place->run->plan;
    struct buf name;
    buf_init(&name, MODEL_NAME_MAX + 1);
    bool may = plan->sni.n == 0 && s->shape != TLS_SHAPE_OLD &&
               model_name_read(text, &name, NULL) == ERR_OK;
    if (may && plan->exclusions)
        may = !model_excluded(plan->exclusions, buf_bytes(&name), &s->ip,
                              s->place->shown.endpoint.port);
    if (may)
        add_view(s, buf_bytes(&name), MODEL_ASKED_ANY, 0);
    buf_clear(&name);
}

void site_learn_name(struct site *s, struct bytes name) {
    add_name(s, name);
}

void site_learn_old(struct site *s, struct bytes sni) {
    add_view(s, sni, MODEL_ASKED_ANY, LOOK_OLD);
}

static enum model_asked kind_of(const struct x509_key *key) {
    struct bytes algorithm = bytes_text(key->algorithm);
    if (bytes_starts(algorithm, "RSA"))
        return MODEL_ASKED_RSA;
    if (bytes_is(algorithm, "EC"))
        return MODEL_ASKED_ECDSA;
    return bytes_starts(algorithm, "ML-DSA") ? MODEL_ASKED_ML_DSA : MODEL_ASKED_ANY;
}

static void add_kinds(struct site *s, struct bytes sni, enum model_asked had, bool is_13) {
    static const enum model_asked kinds[] = {MODEL_ASKED_RSA, MODEL_ASKED_ECDSA,
                                             MODEL_ASKED_ML_DSA};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i] != had && (kinds[i] != MODEL_ASKED_ML_DSA || is_13))
            add_view(s, sni, kinds[i], 0);
}

/* The server can be spoken to: what an ordinary client did not see may be there. */
static bool is_tls(enum model_outcome o) {
    switch (o) {
    case MODEL_OK:
    case MODEL_BAD_CERTIFICATE:
    case MODEL_NO_CERTIFICATE:
    case MODEL_TLS_ALERT:
    case MODEL_TLS_ERROR:
        return true;
    default:
        return false;
    }
}

/* A service of that name may have several nodes; one that was named by its address is one. */
static void add_looks(struct site *s, struct bytes sni) {
    bool is_service =
        s->place->shown.endpoint.ip.size == 0 && s->place->run->plan->connect.size == 0;
    for (unsigned look = 1; is_service && look < LOOKS_MAX; look++)
        add_view(s, sni, MODEL_ASKED_ANY, look);
}

static void learn_base(struct site *s, const struct face *face, enum model_outcome outcome) {
    s->shape = face->shape;
    s->talk = talk_again(&face->talk);
    s->talk.is_found = s->talk.is_found || s->talk.is_guess; /* that is settled */
    s->talk.is_guess = false;
    if (is_tls(outcome) && s->place->run->plan->sni.n == 0)
        add_view(s, (struct bytes){0}, MODEL_ASKED_ANY, 0);
}

static void learn_certificate(struct site *s, const struct face *face, struct bytes der,
                              bool is_13) {
    struct arena a;
    struct x509_cert cert;
    arena_init(&a, CERT_MAX);
    bool is_read = x509_cert_read(&a, der, &cert, NULL) == ERR_OK;
    if (face->view.asked == MODEL_ASKED_ANY)
        add_kinds(s, face->view.sni, is_read ? kind_of(&cert.key) : MODEL_ASKED_ANY,
                  is_13 && s->shape == TLS_SHAPE_FULL);
    if (face->is_base)
        add_looks(s, face->view.sni);
    for (size_t i = 0; is_read && i < cert.alt.dns.n; i++)
        add_name(s, cert.alt.dns.items[i]);
    arena_clear(&a);
}

void site_learn(struct site *s, const struct face *face, enum model_outcome outcome,
                const struct tls_result *result, const uint8_t *leaf) {
    if (face->is_base)
        learn_base(s, face, outcome);
    bool is_look = face->is_base || face->view.look > 0;
    if (leaf && is_look && !site_has_shown(s, leaf) && s->base_n <= LOOK_OLD)
        memcpy(s->base[s->base_n++], leaf, SHA256_SIZE);
    if (!leaf || has(s->leaves[0], s->leaves_n, leaf))
        return;
    if (s->leaves_n < FACES_MAX)
        memcpy(s->leaves[s->leaves_n++], leaf, SHA256_SIZE);
    learn_certificate(s, face, result->chain[0], result->version == TLS_1_3);
}
