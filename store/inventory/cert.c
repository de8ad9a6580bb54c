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

/* The key of the names as a set, with the kind of issuer; zeros where there are none. */
static enum err names_key(struct arena *a, struct bytes names, bool self_issued,
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
    struct hash_run run;
    uint8_t hash[SHA256_SIZE];
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, self_issued ? bytes_text("self\n") : bytes_text("other\n"));
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && bytes_equal(lines[i], lines[i - 1]))
            continue;
        hash_add(&run, lines[i]);
        hash_add(&run, bytes_text("\n"));
    }
    hash_peek(&run, hash);
    memcpy(out, hash, INVENTORY_ID_SIZE);
    return ERR_OK;
}

static void put_key(const struct x509_key *key, struct buf *out) {
    buf_text(out, key->algorithm);
    if (key->curve != NULL)
        buf_printf(out, " %s", key->curve);
    else if (key->bits > 0 && bytes_starts(bytes_text(key->algorithm), "RSA"))
        buf_printf(out, " %u", key->bits);
}

static enum err take_word(struct state *s, struct buf *text, uint32_t *out) {
    *out = state_word(s, buf_bytes(text));
    enum err code = text->err != ERR_OK ? text->err : *out == ROWS_NONE ? ERR_MEMORY : ERR_OK;
    buf_reset(text);
    return code;
}

/* Behind "subject\nnames\n" the name, where it is not a part of them. No text is empty: so
 * their places are in the order of the rows. */
static enum err keep_names(struct state *s, struct buf *texts, const struct buf *name,
                           struct state_cert *out) {
    size_t at = bytes_find(buf_bytes(texts), buf_bytes(name));
    if (name->err != ERR_OK || texts->err != ERR_OK)
        return ERR_MEMORY;
    if (at == SIZE_MAX) {
        at = texts->n;
        buf_put(texts, buf_bytes(name));
        buf_u8(texts, '\n');
    }
    out->name_at = (uint32_t)at;
    out->name_n = (uint32_t)name->n;
    return texts->err != ERR_OK ? ERR_MEMORY
                                : texts_add(&s->names, buf_bytes(texts), 0, &out->names);
}

static enum err take_fields(struct state *s, const struct x509_cert *cert, struct buf *texts,
                            struct buf *word, struct state_cert *out) {
    x509_spki_sha256(cert, out->spki_sha256);
    out->version = (uint8_t)cert->version;
    out->has_not_before = cert->has_not_before;
    out->has_not_after = cert->has_not_after;
    out->not_before_s = cert->not_before;
    out->not_after_s = cert->not_after;
    out->is_ca = cert->has_basic_constraints && cert->is_ca;
    x509_name_text(cert->subject, texts);
    out->subject_n = (uint32_t)texts->n;
    buf_u8(texts, '\n');
    size_t names_at = texts->n;
    put_names(cert, texts);
    out->names_n = (uint32_t)(texts->n - names_at);
    buf_u8(texts, '\n');
    enum err code = names_key(&s->scratch, bytes_part(buf_bytes(texts), names_at, out->names_n),
                              cert->self_issued, out->names_key);
    x509_cert_display_name(cert, word);
    if (code == ERR_OK)
        code = keep_names(s, texts, word, out);
    buf_reset(word);
    if (code == ERR_OK)
        code = state_keep(s, cert->serial, &out->serial);
    x509_name_text(cert->issuer, word);
    if (code == ERR_OK)
        code = take_word(s, word, &out->issuer);
    put_key(&cert->key, word);
    if (code == ERR_OK)
        code = take_word(s, word, &out->key);
    buf_text(word, cert->signature_algorithm);
    return code == ERR_OK ? take_word(s, word, &out->signature) : code;
}

/* Kept all the same: its bytes are what somebody serves. */
static enum err take_bad(struct state *s, struct buf *texts, struct buf *word,
                         struct state_cert *out) {
    out->bad = true;
    enum err code = take_word(s, word, &out->issuer);
    out->key = out->signature = out->issuer;
    buf_text(texts, "\n\n");
    buf_text(word, "bad certificate ");
    hex_put(word, bytes_of(out->sha256, 8));
    return code == ERR_OK ? keep_names(s, texts, word, out) : code;
}

enum err state_read_cert(struct state *s, const struct record_certificate *r,
                         struct state_cert *out) {
    struct x509_cert cert;
    struct fault f;
    struct buf texts, word;
    buf_init(&texts, TEXTS_MAX);
    buf_init(&word, TEXTS_MAX);
    out->self_signed = (uint8_t)r->self_signed;
    enum err code = x509_cert_read(&s->scratch, r->der, &cert, &f);
    if (code == ERR_OK)
        code = take_fields(s, &cert, &texts, &word, out);
    else if (code != ERR_MEMORY)
        code = take_bad(s, &texts, &word, out);
    buf_clear(&texts);
    buf_clear(&word);
    return code;
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
    return code == ERR_OK ? take_word(s, word, &out->key) : code;
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
