/* The certificates of a scan: each is hashed, read and told once. */
#include "probe/inner.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 256, SCRATCH_MAX = 8 << 20, SHOWN_NAME_MAX = 80 };

void seen_init(struct seen *s) {
    memset(s, 0, sizeof *s);
    arena_init(&s->arena, SIZE_MAX);
    arena_init(&s->scratch, SCRATCH_MAX);
}

void seen_clear(struct seen *s) {
    for (size_t i = 0; i < SEEN_RECENT; i++)
        free(s->recent[i].der);
    free(s->slots);
    arena_clear(&s->arena);
    arena_clear(&s->scratch);
}

static void keep_recent(struct recent *r, struct bytes der, const uint8_t sha256[32]) {
    if (der.n > r->cap) {
        uint8_t *more = der.n <= 4096 ? realloc(r->der, der.n) : NULL;
        if (!more)
            return;
        r->der = more;
        r->cap = der.n;
    }
    memcpy(r->der, der.p, der.n);
    r->n = der.n;
    memcpy(r->sha256, sha256, 32);
}

void seen_hash(struct seen *s, struct bytes der, bool is_leaf, uint8_t sha256[32]) {
    struct recent *r = NULL;
    if (!is_leaf) {
        /* The last byte is one of the signature: as good as a hash. */
        r = &s->recent[(der.p[der.n - 1] ^ der.n) % SEEN_RECENT];
        if (r->n > 0 && bytes_equal(der, bytes_of(r->der, r->n))) {
            memcpy(sha256, r->sha256, 32);
            return;
        }
    }
    hash_of(HASH_SHA256, der, sha256);
    if (r)
        keep_recent(r, der, sha256);
}

static struct probe_certificate **slot_of(struct probe_certificate **slots, size_t n,
                                          const uint8_t sha256[32]) {
    size_t at;
    memcpy(&at, sha256, sizeof at);
    for (at &= n - 1; slots[at] && memcmp(slots[at]->sha256, sha256, 32) != 0;)
        at = (at + 1) & (n - 1);
    return &slots[at];
}

static bool make_room(struct seen *s) {
    if ((s->n + 1) * 4 <= s->slots_n * 3)
        return true;
    size_t n = s->slots_n ? s->slots_n * 2 : SLOTS_FIRST;
    struct probe_certificate **slots = calloc(n, sizeof(struct probe_certificate *));
    if (!slots)
        return false;
    for (size_t i = 0; i < s->slots_n; i++)
        if (s->slots[i])
            *slot_of(slots, n, s->slots[i]->sha256) = s->slots[i];
    free(s->slots);
    s->slots = slots;
    s->slots_n = n;
    return true;
}

/* Foreign text: made safe to print, then cut, never within a character. */
static const char *shown_name(struct seen *s, const struct x509_cert *cert) {
    struct buf name, safe;
    buf_init(&name, 64 * 1024);
    buf_init(&safe, 256 * 1024);
    x509_cert_display_name(cert, &name);
    text_escape(&safe, buf_bytes(&name));
    size_t n = safe.n;
    if (n > SHOWN_NAME_MAX) {
        n = SHOWN_NAME_MAX;
        while (n > 0 && (safe.p[n] & 0xc0) == 0x80)
            n--;
    }
    const char *text = arena_cstr(&s->arena, bytes_of(safe.p, n));
    buf_clear(&name);
    buf_clear(&safe);
    return text ? text : "";
}

const struct probe_certificate *seen_add(struct seen *s, struct bytes der, const uint8_t sha256[32],
                                         const struct probe_watch *watch) {
    if (!make_room(s))
        return NULL;
    struct probe_certificate **slot = slot_of(s->slots, s->slots_n, sha256);
    if (*slot)
        return *slot;
    struct probe_certificate *c = arena_alloc(&s->arena, sizeof *c);
    if (!c)
        return NULL;
    memcpy(c->sha256, sha256, 32);
    c->name = "";
    struct x509_cert cert;
    struct fault fault = {0};
    arena_reset(&s->scratch);
    c->readable = x509_cert_read(&s->scratch, der, &cert, &fault) == ERR_OK;
    if (c->readable) {
        cert.known_sha256 = c->sha256;
        c->has_not_after = cert.has_not_after;
        c->not_after_s = cert.not_after;
        c->name = shown_name(s, &cert);
    }
    *slot = c;
    s->n++;
    if (watch->certificate)
        watch->certificate(watch->context, c, c->readable ? &cert : NULL, der, &fault);
    return c;
}
