/* HTTP Message Signatures. See signature.h. */
#include "net/signature.h"

#include "base/text.h"

#include <string.h>

static const char label[] = "sig=";
static const char our_alg[] = "ecdsa-p256-sha256", our_tag[] = "clm";

struct signature_message signature_message_of(struct bytes method, struct bytes target,
                                              struct bytes content_digest,
                                              struct bytes content_encoding) {
    struct signature_message m = {0};
    size_t mark = bytes_find(target, bytes_text("?"));
    struct bytes path = bytes_part(target, 0, mark);
    struct bytes query = mark == SIZE_MAX ? bytes_text("?") : bytes_part(target, mark, SIZE_MAX);

    /* 2.2.6, 2.2.7: an empty path is "/", an absent query is "?". */
    signature_message_add(&m, "@method", method);
    signature_message_add(&m, "@path", path.n > 0 ? path : bytes_text("/"));
    signature_message_add(&m, "@query", query);
    if (content_digest.p)
        signature_message_add(&m, "content-digest", content_digest);
    if (content_encoding.p)
        signature_message_add(&m, "content-encoding", content_encoding);
    return m;
}

bool signature_message_add(struct signature_message *m, const char *name, struct bytes value) {
    if (m->n == SIGNATURE_FIELDS_MAX)
        return false;
    m->fields[m->n++] = (struct signature_field){name, value};
    return true;
}

/* Structured fields (RFC 8941), as far as they are used. */

static bool next_is(const struct cur *c, char byte) {
    return c->rest.n > 0 && c->rest.p[0] == (uint8_t)byte;
}

static bool take_if(struct cur *c, char byte) {
    if (!next_is(c, byte))
        return false;
    cur_u8(c);
    return true;
}

static void take_exactly(struct cur *c, const char *text) {
    struct bytes got = cur_take(c, strlen(text));
    if (!bytes_is(got, text))
        cur_refuse(c);
}

/* A quoted string without escapes; its content. */
static struct bytes take_string(struct cur *c) {
    take_exactly(c, "\"");
    size_t end = bytes_find(c->rest, bytes_text("\""));
    if (end == SIZE_MAX)
        cur_refuse(c);
    struct bytes text = cur_take(c, end);
    take_exactly(c, "\"");
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e || text.p[i] == '\\')
            cur_refuse(c);
    return text;
}

static int64_t take_integer(struct cur *c) {
    size_t n = 0;
    while (n < c->rest.n && ascii_is_digit(c->rest.p[n]))
        n++;
    uint64_t value = 0;
    if (!number_read(cur_take(c, n), 999999999999999, &value)) /* RFC 8941: 15 digits */
        cur_refuse(c);
    return (int64_t)value;
}

static struct bytes take_key(struct cur *c) {
    size_t n = 0;
    while (n < c->rest.n && c->rest.p[n] >= 'a' && c->rest.p[n] <= 'z')
        n++;
    return cur_take(c, n);
}

static void take_covered(struct cur *c, struct signature_params *out) {
    take_exactly(c, "(");
    while (!c->bad && !take_if(c, ')')) {
        if (out->covered_n > 0)
            take_exactly(c, " ");
        struct bytes name = take_string(c);
        if (out->covered_n == SIGNATURE_FIELDS_MAX || name.n == 0)
            cur_refuse(c);
        if (!c->bad)
            out->covered[out->covered_n++] = name;
    }
}

static void take_parameter(struct cur *c, struct signature_params *out) {
    const struct {
        const char *key;
        struct bytes *value;
    } texts[] = {
        {"nonce", &out->nonce},
        {"keyid", &out->keyid},
        {"alg",   &out->alg  },
        {"tag",   &out->tag  }
    };

    struct bytes key = take_key(c);
    take_exactly(c, "=");
    if (bytes_is(key, "created")) {
        if (out->created_s != -1)
            cur_refuse(c);
        out->created_s = take_integer(c);
        return;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!bytes_is(key, texts[i].key))
            continue;
        if (texts[i].value->n > 0)
            cur_refuse(c);
        *texts[i].value = take_string(c);
        return;
    }
    cur_refuse(c);
}

enum err signature_input_read(struct bytes header, struct signature_params *out, struct fault *f) {
    struct signature_params params = {.created_s = -1};
    struct cur c = cur_open(header);

    if (header.n > SIGNATURE_HEADER_MAX)
        return fault_set(f, ERR_FORMAT, "Signature-Input", "longer than %d bytes",
                         SIGNATURE_HEADER_MAX);
    take_exactly(&c, label);
    params.text = c.rest;
    take_covered(&c, &params);
    while (!c.bad && take_if(&c, ';'))
        take_parameter(&c, &params);
    if (!cur_end(&c))
        return fault_set(f, ERR_FORMAT, "Signature-Input", "not of the form that is understood");
    *out = params;
    return ERR_OK;
}

static const struct signature_field *field_named(const struct signature_message *m,
                                                 struct bytes name) {
    for (size_t i = 0; i < m->n; i++)
        if (bytes_is(name, m->fields[i].name))
            return &m->fields[i];
    return NULL;
}

static bool is_one_line(struct bytes value) {
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < 0x20 || value.p[i] == 0x7f)
            return false;
    return true;
}

/* Each field once, and nothing else: the same number, each known, none twice. */
static enum err check_covered(const struct signature_message *m, const struct signature_params *p,
                              struct fault *f) {
    for (size_t i = 0; i < p->covered_n; i++) {
        if (!field_named(m, p->covered[i]))
            return fault_set(f, ERR_CREDENTIALS, "signature", "covers what the request has not");
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(p->covered[i], p->covered[k]))
                return fault_set(f, ERR_FORMAT, "signature", "covers a component twice");
    }
    if (p->covered_n != m->n)
        return fault_set(f, ERR_CREDENTIALS, "signature", "does not cover all that it must");
    return ERR_OK;
}

enum err signature_base(const struct signature_message *m, const struct signature_params *params,
                        struct buf *out, struct fault *f) {
    enum err err = check_covered(m, params, f);
    if (err)
        return err;
    for (size_t i = 0; i < params->covered_n; i++) {
        const struct signature_field *field = field_named(m, params->covered[i]);
        if (!is_one_line(field->value))
            return fault_set(f, ERR_FORMAT, "signature", "control bytes in a component");
        buf_text(out, "\"");
        buf_text(out, field->name);
        buf_text(out, "\": ");
        buf_put(out, field->value);
        buf_text(out, "\n");
    }
    buf_text(out, "\"@signature-params\": ");
    buf_put(out, params->text);
    return out->err ? fault_set(f, out->err, "signature base", "%s", "") : ERR_OK;
}

/* ":base64:", padded, and the only text for these bytes. */
static bool read_byte_sequence(struct bytes text, uint8_t *out, size_t n) {
    struct buf decoded, again;
    buf_init(&decoded, SIGNATURE_HEADER_MAX);
    buf_init(&again, SIGNATURE_HEADER_MAX);

    bool good = text.n >= 2 && text.p[0] == ':' && text.p[text.n - 1] == ':';
    struct bytes inner = good ? bytes_part(text, 1, text.n - 2) : (struct bytes){0};
    good = good && base64_read(inner, &decoded) && decoded.n == n;
    if (good) {
        base64_put(&again, buf_bytes(&decoded));
        good = again.err == ERR_OK && bytes_equal(buf_bytes(&again), inner);
    }
    if (good)
        memcpy(out, decoded.p, n);
    buf_clear(&decoded);
    buf_clear(&again);
    return good;
}

bool signature_value_read(struct bytes header, uint8_t out[SIGNATURE_RAW_SIZE]) {
    if (!bytes_starts(header, label))
        return false;
    return read_byte_sequence(bytes_part(header, strlen(label), SIZE_MAX), out, SIGNATURE_RAW_SIZE);
}

static void put_byte_sequence(struct buf *out, struct bytes b) {
    buf_text(out, ":");
    base64_put(out, b);
    buf_text(out, ":");
}

static void hash_spki(struct bytes spki, char keyid[2 * SHA256_SIZE + 1]) {
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, spki, digest);
    hex_write(keyid, bytes_of(digest, sizeof digest));
}

static void put_params(struct buf *out, const struct signature_message *m, int64_t created_s,
                       const uint8_t nonce[SIGNATURE_NONCE_SIZE], const char *keyid) {
    buf_text(out, "(");
    for (size_t i = 0; i < m->n; i++)
        buf_printf(out, "%s\"%s\"", i ? " " : "", m->fields[i].name);
    buf_printf(out, ");created=%lld;nonce=\"", (long long)created_s);
    base64_put(out, bytes_of(nonce, SIGNATURE_NONCE_SIZE));
    buf_printf(out, "\";keyid=\"%s\";alg=\"%s\";tag=\"%s\"", keyid, our_alg, our_tag);
}

enum err signature_sign(const struct signing_key *key, const struct signature_message *m,
                        int64_t created_s, const uint8_t nonce[SIGNATURE_NONCE_SIZE],
                        struct buf *input, struct buf *value) {
    struct buf spki, own, base;
    char keyid[2 * SHA256_SIZE + 1];
    uint8_t signature[SIGNATURE_RAW_SIZE];
    struct signature_params params;

    buf_init(&spki, 1024);
    buf_init(&own, SIGNATURE_HEADER_MAX);
    buf_init(&base, 64 * 1024);
    signing_key_spki(key, &spki);
    hash_spki(buf_bytes(&spki), keyid);
    buf_text(&own, label);
    put_params(&own, m, created_s, nonce, keyid);

    enum err err = spki.err ? spki.err : own.err;
    if (!err)
        err = signature_input_read(buf_bytes(&own), &params, NULL);
    if (!err)
        err = signature_base(m, &params, &base, NULL);
    if (!err && !signing_key_sign_raw(key, buf_bytes(&base), signature))
        err = ERR_UNSUPPORTED;
    if (!err) {
        buf_put(input, buf_bytes(&own));
        buf_text(value, label);
        put_byte_sequence(value, bytes_of(signature, sizeof signature));
        err = input->err ? input->err : value->err;
    }
    buf_clear(&base);
    buf_clear(&own);
    buf_clear(&spki);
    return err;
}

enum err signature_check(struct bytes spki, const struct signature_message *m,
                         const struct signature_params *params, struct bytes signature_header,
                         struct fault *f) {
    char keyid[2 * SHA256_SIZE + 1];
    uint8_t signature[SIGNATURE_RAW_SIZE];
    struct buf base;

    if (!bytes_is(params->alg, our_alg))
        return fault_set(f, ERR_CREDENTIALS, "signature", "alg must be %s", our_alg);
    if (!bytes_is(params->tag, our_tag))
        return fault_set(f, ERR_CREDENTIALS, "signature", "tag must be %s", our_tag);
    hash_spki(spki, keyid);
    if (!bytes_is(params->keyid, keyid))
        return fault_set(f, ERR_CREDENTIALS, "signature", "made with another key");
    if (!signature_value_read(signature_header, signature))
        return fault_set(f, ERR_FORMAT, "Signature", "not sig=:64 bytes in base64:");

    buf_init(&base, 64 * 1024);
    enum err err = signature_base(m, params, &base, f);
    if (!err &&
        !signature_raw_verify(spki, buf_bytes(&base), bytes_of(signature, sizeof signature)))
        err = fault_set(f, ERR_CREDENTIALS, "signature", "does not fit the request");
    buf_clear(&base);
    return err;
}

void content_digest_write(struct bytes body, struct buf *out) {
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, body, digest);
    buf_text(out, "sha-256=");
    put_byte_sequence(out, bytes_of(digest, sizeof digest));
}

bool content_digest_is(struct bytes field_value, const uint8_t sha256[SHA256_SIZE]) {
    uint8_t said[SHA256_SIZE];
    if (!bytes_starts(field_value, "sha-256="))
        return false;
    if (!read_byte_sequence(bytes_part(field_value, strlen("sha-256="), SIZE_MAX), said,
                            sizeof said))
        return false;
    return crypto_equal(said, sha256, sizeof said);
}

bool content_digest_holds(struct bytes field_value, struct bytes body) {
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, body, digest);
    return content_digest_is(field_value, digest);
}
