/* The way from a leaf upwards, for display. See path.h.
 *
 * A depth-first search over "is issued by": names are compared first, then the signature
 * is checked, once for each pair. Every way that cannot go on is compared with the best
 * so far. It is bounded by the signatures and by the steps that it may take, since cross
 * certificates can be made so that the ways are without number.
 */
#include "x509/path.h"

#include <string.h>

enum { SIGNATURES_MAX = 64, STEPS_MAX = 2000 };

enum link { LINK_NEW, LINK_NO, LINK_YES, LINK_UNCHECKED };

struct way {
    size_t at[X509_CHAIN_MAX], n;
    const struct x509_cert *root; /* at hand, where it ends; NULL: none */
    bool complete, in_time, checked;
};

struct search {
    const struct x509_cert *certs;
    size_t n;
    const struct x509_trust *trust;
    int64_t now_s;
    uint8_t links[X509_CHAIN_MAX][X509_CHAIN_MAX]; /* enum link: the first issued by the second */
    bool on_way[X509_CHAIN_MAX];
    unsigned signatures_left, steps_left;
    struct way now, best;
};

static enum link check_link(struct search *s, const struct x509_cert *cert,
                            const struct x509_cert *issuer) {
    if (cert->issuer.n <= 2 || !bytes_equal(cert->issuer, issuer->subject) ||
        s->signatures_left == 0)
        return LINK_NO;
    s->signatures_left--;
    switch (x509_cert_signed_by(cert, issuer)) {
    case ERR_OK:
        return LINK_YES;
    case ERR_UNSUPPORTED:
        return LINK_UNCHECKED;
    default:
        return LINK_NO;
    }
}

static enum link link_of(struct search *s, size_t cert, size_t issuer) {
    uint8_t *link = &s->links[cert][issuer];
    if (*link == LINK_NEW)
        *link = (uint8_t)check_link(s, &s->certs[cert], &s->certs[issuer]);
    return (enum link) * link;
}

static bool is_in_time(const struct search *s, const struct x509_cert *cert) {
    return cert->has_not_before && cert->has_not_after && s->now_s >= cert->not_before &&
           s->now_s <= cert->not_after;
}

/* The certificate is a root at hand, or one of those has issued it. */
static enum link reaches_root(struct search *s, const struct x509_cert *cert,
                              const struct x509_cert **which) {
    enum link found = LINK_NO;
    for (size_t i = 0; s->trust != NULL && i < s->trust->roots_n && found != LINK_YES; i++) {
        const struct x509_cert *root = &s->trust->roots[i];
        bool same = bytes_equal(root->der, cert->der);
        enum link link = same                  ? LINK_YES
                         : is_in_time(s, root) ? check_link(s, cert, root)
                                               : LINK_NO;
        if (link == LINK_NO)
            continue;
        found = link;
        *which = root;
    }
    return found;
}

static bool is_better(const struct way *a, const struct way *b) {
    if ((a->root == NULL) != (b->root == NULL))
        return a->root != NULL;
    if (a->complete != b->complete)
        return a->complete;
    if (a->in_time != b->in_time)
        return a->in_time;
    if (a->checked != b->checked)
        return a->checked;
    return a->complete ? a->n < b->n : a->n > b->n;
}

static void end_here(struct search *s, bool is_root) {
    const struct x509_cert *last = &s->certs[s->now.at[s->now.n - 1]];
    struct way found = s->now;
    enum link link = reaches_root(s, last, &found.root);
    found.complete = is_root || link != LINK_NO;
    found.checked = found.checked && link != LINK_UNCHECKED;
    if (s->best.n == 0 || is_better(&found, &s->best))
        s->best = found;
}

static void climb(struct search *s, size_t at) {
    struct way before = s->now;
    if (s->steps_left == 0)
        return;
    s->steps_left--;
    s->on_way[at] = true;
    s->now.at[s->now.n++] = at;
    s->now.in_time = s->now.in_time && is_in_time(s, &s->certs[at]);
    enum link self = s->certs[at].self_issued ? link_of(s, at, at) : LINK_NO;
    if (self == LINK_UNCHECKED)
        s->now.checked = false;
    end_here(s, self != LINK_NO);
    for (size_t i = 1; i < s->n && self == LINK_NO; i++) {
        enum link link = s->on_way[i] ? LINK_NO : link_of(s, at, i);
        bool checked = s->now.checked;
        if (link == LINK_NO)
            continue;
        s->now.checked = checked && link == LINK_YES;
        climb(s, i);
        s->now.checked = checked;
    }
    s->now = before;
    s->on_way[at] = false;
}

/* ---- What is beside the way ---- */

static bool is_twice(const struct search *s, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (bytes_equal(s->certs[i].der, s->certs[at].der))
            return true;
    return false;
}

static bool has_key_of(const struct x509_cert *cert, const struct x509_cert *other) {
    return bytes_equal(other->subject, cert->subject) && bytes_equal(other->spki, cert->spki);
}

static bool is_cross(const struct search *s, size_t at) {
    for (size_t i = 0; i < s->best.n; i++)
        if (has_key_of(&s->certs[at], &s->certs[s->best.at[i]]))
            return true;
    return s->best.root != NULL && has_key_of(&s->certs[at], s->best.root);
}

static bool is_on_way(const struct search *s, size_t at) {
    for (size_t i = 0; i < s->best.n; i++)
        if (s->best.at[i] == at)
            return true;
    return false;
}

/* Signed by its own key, or at least said to be, and the end of the way or above it. */
static bool is_root(struct search *s, size_t at) {
    size_t last = s->best.at[s->best.n - 1];
    return at > 0 && s->certs[at].self_issued && link_of(s, at, at) != LINK_NO &&
           link_of(s, last, at) != LINK_NO;
}

static enum x509_role role_of(struct search *s, size_t at) {
    bool on_way = is_on_way(s, at);
    if (!on_way && is_twice(s, at))
        return X509_ROLE_TWICE;
    if (is_root(s, at))
        return X509_ROLE_ROOT;
    if (on_way)
        return X509_ROLE_PATH;
    return is_cross(s, at) ? X509_ROLE_CROSS : X509_ROLE_UNRELATED;
}

void x509_path_find(const struct x509_cert *certs, size_t n, const struct x509_trust *trust,
                    int64_t now_s, struct x509_path *out) {
    struct search s = {
        .certs = certs,
        .n = n < X509_CHAIN_MAX ? n : X509_CHAIN_MAX,
        .trust = trust,
        .now_s = now_s,
        .signatures_left = SIGNATURES_MAX,
        .steps_left = STEPS_MAX,
        .now = {.in_time = true, .checked = true}
    };
    *out = (struct x509_path){.is_ordered = true};
    if (s.n == 0)
        return;
    climb(&s, 0);
    memcpy(out->at, s.best.at, sizeof out->at);
    out->n = s.best.n;
    out->is_complete = s.best.complete;
    out->is_checked = s.best.checked;
    out->is_in_time = s.best.in_time;
    out->trusted = trust == NULL ? X509_UNKNOWN : s.best.root != NULL ? X509_YES : X509_NO;
    for (size_t i = 1; i < out->n; i++)
        out->is_ordered = out->is_ordered && out->at[i] > out->at[i - 1];
    for (size_t i = 0; i < s.n; i++)
        out->role[i] = role_of(&s, i);
}
