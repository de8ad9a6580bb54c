/* Writes ClientHellos, and the second one after a HelloRetryRequest. See inner.h.
 *
 * RFC 8446, 4.1.2; RFC 5246, 7.4.1.2. Left out: session tickets and PSK (nothing is
 * ever resumed), compression of certificates, early data, GREASE, padding.
 */
#include "tls/inner.h"

#include "base/text.h"

enum { NAME_MAX = 253, ALPN_MAX = 1024 };

struct tls_ask tls_ask_default(void) {
    return (struct tls_ask){
        .shape = TLS_SHAPE_FULL,
        .asked = TLS_ASKED_ANY,
        .version_min = TLS_1_0,
        .version_max = TLS_1_3,
        .ocsp = true,
        .handshake_max = TLS_HANDSHAKE_MAX,
    };
}

enum err tls_hello_versions(const struct tls_ask *ask, uint16_t *min, uint16_t *max) {
    static const uint16_t shape_max[] = {TLS_1_3, TLS_1_2, TLS_1_0};
    uint16_t highest = shape_max[ask->shape];
    *min = ask->version_min < TLS_1_0 ? TLS_1_0 : ask->version_min;
    *max = ask->version_max > highest ? highest : ask->version_max;
    if (ask->asked == TLS_ASKED_ML_DSA || ask->group != 0)
        *min = TLS_1_3;
    return *min <= *max ? ERR_OK : ERR_USAGE;
}

/* ---- cipher suites ---- */

static bool signer_is_asked(enum tls_signer signer, enum tls_asked asked) {
    if (signer == TLS_SIGNER_ANY || asked == TLS_ASKED_ANY)
        return true;
    return (signer == TLS_SIGNER_RSA && asked == TLS_ASKED_RSA) ||
           (signer == TLS_SIGNER_ECDSA && asked == TLS_ASKED_ECDSA);
}

static void put_suites(const struct tls_ask *ask, uint16_t min, uint16_t max, struct buf *out) {
    size_t mark = buf_open_vec(out, 2);
    for (size_t i = 0; i < tls_suites_n; i++) {
        const struct tls_suite *s = &tls_suites[i];
        bool is_13 = s->exchange == TLS_EXCHANGE_13;
        if ((s->shapes & 1u << ask->shape) != 0 && s->since <= max && (is_13 || min < TLS_1_3) &&
            signer_is_asked(s->signer, ask->asked))
            buf_u16(out, s->code);
    }
    buf_close_vec(out, mark, 2);
}

/* ---- extensions ---- */

/* Browsers' rule (WHATWG URL, "ends in a number"): the last label is all digits. */
static bool is_address(struct bytes name) {
    bool digits = false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ':')
            return true;
        if (name.p[i] == '.')
            digits = true;
        else if (!ascii_is_digit(name.p[i]))
            digits = false;
        else if (i == 0)
            digits = true;
    }
    return digits;
}

/* RFC 6066, 3: ASCII, no dot at the end. Underscores are no host names and in use. */
static bool is_name(struct bytes name) {
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '.' && name.p[i] != '-' && name.p[i] != '_')
            return false;
    return name.n > 0 && name.n <= NAME_MAX;
}

static enum err put_name(struct bytes sni, struct buf *out) {
    if (sni.n > 0 && sni.p[sni.n - 1] == '.')
        sni.n--;
    if (sni.n == 0 || is_address(sni))
        return ERR_OK;
    if (!is_name(sni))
        return ERR_USAGE;
    buf_u16(out, TLS_EXT_SERVER_NAME);
    size_t ext = buf_open_vec(out, 2), list = buf_open_vec(out, 2);
    buf_u8(out, 0); /* host_name */
    buf_vec(out, 2, sni);
    buf_close_vec(out, list, 2);
    buf_close_vec(out, ext, 2);
    return ERR_OK;
}

static enum err put_alpn(const struct tls_ask *ask, struct buf *out) {
    size_t total = 0;
    if (ask->alpn_n == 0)
        return ERR_OK;
    buf_u16(out, TLS_EXT_ALPN);
    size_t ext = buf_open_vec(out, 2), list = buf_open_vec(out, 2);
    for (size_t i = 0; i < ask->alpn_n; i++) {
        struct bytes name = ask->alpn[i];
        total += 1 + name.n;
        if (name.n == 0 || name.n > 255 || total > ALPN_MAX)
            return ERR_USAGE;
        buf_u8(out, (uint8_t)name.n);
        buf_put(out, name);
    }
    buf_close_vec(out, list, 2);
    buf_close_vec(out, ext, 2);
    return ERR_OK;
}

/* An extension that is a list of 16-bit numbers with `width` bytes of length. */
static void put_numbers(struct buf *out, uint16_t type, const uint16_t *numbers, size_t n,
                        unsigned width) {
    buf_u16(out, type);
    size_t ext = buf_open_vec(out, 2), list = buf_open_vec(out, width);
    for (size_t i = 0; i < n; i++)
        buf_u16(out, numbers[i]);
    buf_close_vec(out, list, width);
    buf_close_vec(out, ext, 2);
}

#define PUT_NUMBERS(out, type, list, width)                                                        \
    put_numbers(out, type, list, sizeof list / sizeof list[0], width)

/* The curves after the first four are for servers of TLS 1.2 and below whose
 * certificate's key lies on one: TLS 1.3 gave those numbers up (RFC 8734). */
static void put_groups(const struct tls_ask *ask, uint16_t min, struct buf *out) {
    static const uint16_t numbers[] = {
        TLS_GROUP_X25519, TLS_GROUP_P256, TLS_GROUP_P384, TLS_GROUP_P521, 26, 27, 28, 22,
    };
    if (ask->group != 0)
        put_numbers(out, TLS_EXT_GROUPS, &ask->group, 1, 2);
    else
        put_numbers(out, TLS_EXT_GROUPS, numbers, min == TLS_1_3 ? 4 : 8, 2);
}

/* Every scheme that a certificate may be signed with: none is ever verified here. */
static const uint16_t schemes_any[] = {
    0x0403, 0x0503, 0x0603,         /* ecdsa_secp256r1_sha256, 384, 521 */
    0x0807, 0x0808,                 /* ed25519, ed448 */
    0x0804, 0x0805, 0x0806,         /* rsa_pss_rsae_sha256, 384, 512 */
    0x0809, 0x080a, 0x080b,         /* rsa_pss_pss_sha256, 384, 512 */
    0x0401, 0x0501, 0x0601,         /* rsa_pkcs1_sha256, 384, 512 */
    0x0904, 0x0905, 0x0906,         /* mldsa44, 65, 87 */
    0x081a, 0x081b, 0x081c,         /* ecdsa_brainpoolP256r1tls13_sha256, 384, 512 */
    0x0303, 0x0301, 0x0203, 0x0201, /* with SHA-224 and SHA-1 */
};
static const uint16_t schemes_rsa[] = {
    0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x0201,
};
static const uint16_t schemes_ecdsa[] = {
    0x0403, 0x0503, 0x0603, 0x081a, 0x081b, 0x081c, 0x0203,
};
static const uint16_t schemes_ml_dsa[] = {0x0904, 0x0905, 0x0906};

/* What the leaf's key may sign with is narrowed to what is asked; what its issuers
 * may have signed with stays wide, or a server would hold back a chain. */
static void put_schemes(const struct tls_ask *ask, struct buf *out) {
    switch (ask->asked) {
    case TLS_ASKED_ANY:
        PUT_NUMBERS(out, TLS_EXT_SIGNATURES, schemes_any, 2);
        return;
    case TLS_ASKED_RSA:
        PUT_NUMBERS(out, TLS_EXT_SIGNATURES, schemes_rsa, 2);
        break;
    case TLS_ASKED_ECDSA:
        PUT_NUMBERS(out, TLS_EXT_SIGNATURES, schemes_ecdsa, 2);
        break;
    case TLS_ASKED_ML_DSA:
        PUT_NUMBERS(out, TLS_EXT_SIGNATURES, schemes_ml_dsa, 2);
        break;
    }
    if (ask->shape == TLS_SHAPE_FULL)
        PUT_NUMBERS(out, TLS_EXT_SIGNATURES_CERT, schemes_any, 2);
}

static void put_share_entry(struct buf *out, uint16_t group, const struct ecdh_key *share) {
    buf_u16(out, group);
    buf_u16(out, (uint16_t)share->public_n);
    buf_put(out, bytes_of(share->public_key, share->public_n));
}

static void put_share(struct buf *out, uint16_t group, const struct ecdh_key *share) {
    buf_u16(out, TLS_EXT_KEY_SHARE);
    size_t ext = buf_open_vec(out, 2), list = buf_open_vec(out, 2);
    put_share_entry(out, group, share);
    buf_close_vec(out, list, 2);
    buf_close_vec(out, ext, 2);
}

static void put_13(const struct tls_ask *ask, uint16_t min, uint16_t max,
                   const struct ecdh_key *share, struct buf *out) {
    static const uint16_t versions[] = {TLS_1_3, TLS_1_2, TLS_1_1, TLS_1_0};
    put_numbers(out, TLS_EXT_VERSIONS, versions, (size_t)(max - min) + 1, 1);
    buf_put(out, bytes_of("\0\x2d\0\2\1\1", 6)); /* psk_key_exchange_modes: psk_dhe_ke */
    if (ask->group != 0)
        buf_put(out, bytes_of("\0\x33\0\2\0\0", 6)); /* key_share: none yet */
    else
        put_share(out, TLS_GROUP_X25519, share);
}

/* Some servers fail when the last extension is an empty one: key_share, the
 * schemes or the groups come last. */
static enum err put_extensions(const struct tls_ask *ask, uint16_t min, uint16_t max,
                               const struct ecdh_key *share, struct buf *out) {
    size_t mark = buf_open_vec(out, 2);
    enum err err = put_name(ask->sni, out);
    if (err == ERR_OK)
        err = put_alpn(ask, out);
    if (err != ERR_OK)
        return err;
    if (min < TLS_1_3) {
        buf_put(out, bytes_of("\0\x17\0\0", 4));     /* extended_master_secret */
        buf_put(out, bytes_of("\xff\1\0\1\0", 5));   /* renegotiation_info, initial */
        buf_put(out, bytes_of("\0\x0b\0\2\1\0", 6)); /* ec_point_formats: uncompressed */
    }
    if (ask->ocsp)
        buf_put(out, bytes_of("\0\5\0\5\1\0\0\0\0", 9)); /* status_request: ocsp */
    if (ask->shape == TLS_SHAPE_FULL)
        buf_put(out, bytes_of("\0\x12\0\0", 4)); /* signed_certificate_timestamp */
    put_groups(ask, min, out);
    if (max >= TLS_1_2)
        put_schemes(ask, out);
    if (max >= TLS_1_3)
        put_13(ask, min, max, share, out);
    buf_close_vec(out, mark, 2);
    return ERR_OK;
}

enum err tls_hello_write(const struct tls_ask *ask, const struct ecdh_key *share,
                         const uint8_t random[64], struct buf *out) {
    uint16_t min, max;
    enum err err = tls_hello_versions(ask, &min, &max);
    if (err != ERR_OK)
        return err;

    buf_u8(out, TLS_CLIENT_HELLO);
    size_t mark = buf_open_vec(out, 3);
    buf_u16(out, max > TLS_1_2 ? TLS_1_2 : max);
    buf_put(out, bytes_of(random, 32));
    /* The random session id makes TLS 1.3 look like a resumed 1.2 to boxes on the
     * way (RFC 8446, D.4); where 1.3 is not offered it would ask for a session. */
    size_t session = max >= TLS_1_3 ? 32 : 0;
    buf_u8(out, (uint8_t)session);
    buf_put(out, bytes_of(random + 32, session));
    put_suites(ask, min, max, out);
    buf_put(out, bytes_of("\1\0", 2)); /* no compression */
    if (ask->shape != TLS_SHAPE_OLD)
        err = put_extensions(ask, min, max, share, out);
    buf_close_vec(out, mark, 3);
    return err != ERR_OK ? err : out->err;
}

/* ---- reading our own hello ---- */

struct parts {
    struct bytes head; /* version to compression methods */
    struct bytes session_id, suites, extensions;
};

static bool read_parts(struct bytes message, struct parts *out) {
    struct cur m = cur_open(message);
    if (cur_u8(&m) != TLS_CLIENT_HELLO)
        return false;
    struct cur c = cur_open(cur_vec24(&m));
    struct bytes body = c.rest;
    (void)cur_take(&c, 2 + 32);
    out->session_id = cur_vec8(&c);
    out->suites = cur_vec16(&c);
    (void)cur_vec8(&c);
    out->head = bytes_part(body, 0, body.n - c.rest.n);
    out->extensions = c.rest.n > 0 ? cur_vec16(&c) : bytes_of(NULL, 0);
    return cur_end(&m) && cur_end(&c);
}

bool tls_hello_read(struct bytes message, struct tls_offer *out) {
    struct parts parts;
    if (!read_parts(message, &parts))
        return false;
    *out = (struct tls_offer){.session_id = parts.session_id, .suites = parts.suites};
    struct cur c = cur_open(parts.extensions);
    while (c.rest.n > 0 && !c.bad) {
        uint16_t type = cur_u16(&c);
        struct cur ext = cur_open(cur_vec16(&c));
        if (type == TLS_EXT_GROUPS)
            out->groups = cur_vec16(&ext);
        if (type == TLS_EXT_KEY_SHARE) {
            struct cur list = cur_open(cur_vec16(&ext));
            out->share = cur_u16(&list);
        }
    }
    return !c.bad;
}

bool tls_offer_has(struct bytes numbers, uint16_t number) {
    struct cur c = cur_open(numbers);
    while (c.rest.n > 0 && !c.bad)
        if (cur_u16(&c) == number && !c.bad)
            return true;
    return false;
}

enum err tls_hello_retry(struct buf *hello, uint16_t group, const struct ecdh_key *share,
                         struct bytes cookie) {
    struct parts parts;
    if (!read_parts(buf_bytes(hello), &parts))
        return ERR_FORMAT;
    struct buf again;
    buf_init(&again, hello->max);
    buf_u8(&again, TLS_CLIENT_HELLO);
    size_t message = buf_open_vec(&again, 3);
    buf_put(&again, parts.head);
    size_t extensions = buf_open_vec(&again, 2);
    struct cur c = cur_open(parts.extensions);
    while (c.rest.n > 0 && !c.bad) {
        uint16_t type = cur_u16(&c);
        struct bytes ext = cur_vec16(&c);
        if (type == TLS_EXT_KEY_SHARE && share != NULL) {
            put_share(&again, group, share);
        } else {
            buf_u16(&again, type);
            buf_u16(&again, (uint16_t)ext.n);
            buf_put(&again, ext);
        }
    }
    if (cookie.n > 0) {
        buf_u16(&again, TLS_EXT_COOKIE);
        size_t ext = buf_open_vec(&again, 2);
        buf_vec(&again, 2, cookie);
        buf_close_vec(&again, ext, 2);
    }
    buf_close_vec(&again, extensions, 2);
    buf_close_vec(&again, message, 3);

    enum err err = again.err;
    if (err == ERR_OK) {
        struct buf old = *hello;
        *hello = again;
        again = old;
    }
    buf_clear(&again);
    return err;
}
