/* What lists show of a certificate, taken from its DER once. See state.h. */
#include "store/inventory/state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 4 << 20 };

static void put_names(const struct x509_cert *cert, struct buf *out) {
    size_t start = out->n;
    for (size_t i = 0; i < cert->alt.dns.n; i++) {
        if (out->n > start)
            buf_u8(out, '\n');
        for (size_t k = 0; k < cert->alt.dns.items[i].n; k++) /* foreign: one line each */
            buf_u8(out, cert->alt.dns.items[i].p[k] == '\n' ? ' ' : cert->alt.dns.items[i].p[k]);
    }
    for (size_t i = 0; i < cert->alt.ip.n; i++) {
        if (out->n > start)
            buf_u8(out, '\n');
        x509_ip_text(cert->alt.ip.items[i], out);
    }
}

static int compare_lines(const void *a, const void *b) {
    const struct bytes *x = a, *y = b;
    return bytes_compare(*x, *y);
}

/* The key of the names as a set, with the kind of issuer; zeros where there are none. `room` is
 * empty, before and behind. */
static enum err names_key(struct arena *a, struct bytes names, bool self_issued, struct buf *room,
                          uint8_t out[INVENTORY_ID_SIZE]) {
    size_t n = 1;
    memset(out, 0, INVENTORY_ID_SIZE);
    if (names.n == 0)
        return ERR_OK;
    uint8_t *lower = arena_alloc(a, names.n);
    for (size_t i = 0; i < names.n; i++)
        n += names.p[i] == '\n';
    struct bytes *lines = arena_array(a, n, sizeof *lines);
    if (lower == NULL || lines == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < names.n; i++)
        lower[i] = (uint8_t)ascii_lower((char)names.p[i]);
    struct cur c = cur_open(bytes_of(lower, names.n));
    for (size_t i = 0; i < n; i++)
        lines[i] = cur_until(&c, '\n');
    qsort(lines, n, sizeof *lines, compare_lines);
    uint8_t hash[SHA256_SIZE];
    buf_text(room, self_issued ? "self\n" : "other\n");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && bytes_equal(lines[i], lines[i - 1]))
            continue;
        buf_put(room, lines[i]);
        buf_u8(room, '\n');
    }
    enum err code = room->err;
    hash_of(HASH_SHA256, buf_bytes(room), hash);
    memcpy(out, hash, INVENTORY_ID_SIZE);
    buf_reset(room);
    return code;
}

static void put_key(const struct x509_key *key, struct buf *out) {
    buf_text(out, key->algorithm);
    if (key->curve != NULL) {
        buf_u8(out, ' ');
        buf_text(out, key->curve);
    } else if (key->bits > 0 && bytes_starts(bytes_text(key->algorithm), "RSA")) {
        buf_u8(out, ' ');
        number_put(out, key->bits);
    }
}

/* Behind "subject\nnames\n" the name, where it is not a part of them. No text is empty: so
 * their places are in the order of the rows. */
static void add_name(struct state_maker *k, struct bytes name, struct state_cert *out) {
    size_t at = bytes_find(buf_bytes(&k->names), name);
    if (at == SIZE_MAX) {
        at = k->names.n;
        buf_put(&k->names, name);
        buf_u8(&k->names, '\n');
    }
    out->name_at = (uint32_t)at;
    out->name_n = (uint32_t)name.n;
}

static enum err make_names(struct state_maker *k, const struct x509_cert *cert,
                           struct state_cert *out) {
    struct buf *names = &k->names;
    x509_name_text(cert->subject, names);
    out->subject_n = (uint32_t)names->n;
    buf_u8(names, '\n');
    size_t names_at = names->n;
    put_names(cert, names);
    out->names_n = (uint32_t)(names->n - names_at);
    buf_u8(names, '\n');
    enum err code = names_key(&k->scratch, bytes_part(buf_bytes(names), names_at, out->names_n),
                              cert->self_issued, &k->words, out->names_key);
    x509_cert_display_name(cert, &k->words);
    add_name(k, buf_bytes(&k->words), out);
    buf_reset(&k->words);
    return code;
}

static enum err make_fields(struct state_maker *k, const struct x509_cert *cert,
                            struct state_made *out) {
    struct state_cert *c = &out->cert;
    x509_spki_sha256(cert, c->spki_sha256);
    c->version = (uint8_t)cert->version;
    c->has_not_before = cert->has_not_before;
    c->has_not_after = cert->has_not_after;
    c->not_before_s = cert->not_before;
    c->not_after_s = cert->not_after;
    c->is_ca = cert->has_basic_constraints && cert->is_ca;
    out->serial = cert->serial;
    enum err code = make_names(k, cert, c);
    x509_name_text(cert->issuer, &k->words);
    size_t key_at = k->words.n;
    put_key(&cert->key, &k->words);
    size_t signature_at = k->words.n;
    buf_text(&k->words, cert->signature_algorithm);
    struct bytes words = buf_bytes(&k->words);
    out->issuer = bytes_part(words, 0, key_at);
    out->key = bytes_part(words, key_at, signature_at - key_at);
    out->signature = bytes_part(words, signature_at, words.n);
    return code;
}

/* Kept all the same: its bytes are what somebody serves. */
static void make_bad(struct state_maker *k, struct state_cert *out) {
    out->bad = true;
    buf_text(&k->names, "\n\n");
    buf_text(&k->words, "bad certificate ");
    hex_put(&k->words, bytes_of(out->sha256, 8));
    add_name(k, buf_bytes(&k->words), out);
}

void state_maker_init(struct state_maker *k) {
    arena_init(&k->scratch, (size_t)64 << 20);
    buf_init(&k->names, TEXTS_MAX);
    buf_init(&k->words, 2 * (size_t)TEXTS_MAX); /* names as lines, and what stands before */
}

void state_maker_clear(struct state_maker *k) {
    arena_clear(&k->scratch);
    buf_clear(&k->names);
    buf_clear(&k->words);
}

enum err state_make_cert(struct state_maker *k, const struct record_certificate *r,
                         struct state_made *out) {
    struct x509_cert cert;
    struct fault f;
    arena_reset(&k->scratch);
    buf_reset(&k->names);
    buf_reset(&k->words);
    *out = (struct state_made){.agent = r->agent};
    out->cert.self_signed = (uint8_t)r->self_signed;
    hash_of(HASH_SHA256, r->der, out->cert.sha256);
    enum err code = x509_cert_read(&k->scratch, r->der, &cert, &f);
    if (code == ERR_MEMORY)
        return code;
    if (code != ERR_OK)
        make_bad(k, &out->cert);
    else if (make_fields(k, &cert, out) != ERR_OK)
        return ERR_MEMORY;
    out->names = buf_bytes(&k->names);
    return k->names.err != ERR_OK || k->words.err != ERR_OK ? ERR_MEMORY : ERR_OK;
}

static enum err keep_word(struct state *s, struct bytes text, uint32_t *out) {
    *out = state_word(s, text);
    return *out == ROWS_NONE ? ERR_MEMORY : ERR_OK;
}

enum err state_keep_cert(struct state *s, const struct state_made *made, struct state_cert *out) {
    *out = made->cert;
    enum err code = texts_add(&s->names, made->names, 0, &out->names);
    if (code == ERR_OK)
        code = state_keep(s, made->serial, &out->serial);
    if (code == ERR_OK)
        code = keep_word(s, made->issuer, &out->issuer);
    if (code == ERR_OK)
        code = keep_word(s, made->key, &out->key);
    return code == ERR_OK ? keep_word(s, made->signature, &out->signature) : code;
}

/* The names as a certificate's are kept; the common name where there is none, since it is
 * then what the names are made of. */
static enum err take_request(struct state *s, const struct x509_cert *asked, struct buf *text,
                             struct buf *word, struct state_request *out) {
    x509_name_text(asked->subject, text);
    enum err code = text->err;
    if (code == ERR_OK)
        code = state_keep(s, buf_bytes(text), &out->subject);
    buf_reset(text);
    put_names(asked, text);
    if (text->n == 0 && x509_name_count(asked->subject, OID_COMMON_NAME) == 1)
        x509_name_attribute(asked->subject, OID_COMMON_NAME, text);
    if (code == ERR_OK)
        code = text->err;
    if (code == ERR_OK)
        code = state_keep(s, buf_bytes(text), &out->names);
    put_key(&asked->key, word);
    if (code == ERR_OK)
        code = word->err;
    return code == ERR_OK ? keep_word(s, buf_bytes(word), &out->key) : code;
}

enum err state_read_request(struct state *s, struct bytes csr, struct state_request *out) {
    struct x509_request request;
    struct fault f;
    struct buf text, word;
    buf_init(&text, TEXTS_MAX);
    buf_init(&word, TEXTS_MAX);
    enum err code = x509_request_read(&s->scratch, csr, &request, &f);
    if (code == ERR_OK)
        code = take_request(s, &request.asked, &text, &word, out);
    else if (code != ERR_MEMORY)
        code = ERR_FORMAT;
    buf_clear(&text);
    buf_clear(&word);
    return code;
}
