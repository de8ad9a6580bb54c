/* Reads the bodies of a server's handshake messages. See inner.h.
 *
 * Strict about structure (every vector must end where it says), liberal about what
 * a server may add: unknown extensions are passed over, as the standards want.
 */
#include "tls/inner.h"

#include <stdlib.h>

/* SHA-256 of "HelloRetryRequest": the random that marks one (RFC 8446, 4.1.3). */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* ProtocolNameList with exactly one name (RFC 7301, 3.1). */
static struct bytes read_alpn(struct cur *ext) {
    struct cur list = cur_open(cur_vec16(ext));
    struct bytes name = cur_vec8(&list);
    if (!cur_end(&list) || name.n == 0)
        cur_refuse(ext);
    return name;
}

/* SignedCertificateTimestampList (RFC 6962, 3.3): how many are in it. What is malformed
 * counts as none: it is no reason to lose a chain. Takes all of ext. */
static uint16_t read_timestamps(struct cur *ext) {
    struct cur c = cur_open(cur_take(ext, ext->rest.n)), list = cur_open(cur_vec16(&c));
    uint16_t n = 0; /* each has three bytes at least: it cannot overflow */
    for (; list.rest.n > 0 && !list.bad; n++)
        if (cur_vec16(&list).n == 0)
            cur_refuse(&list);
    return cur_end(&list) && cur_end(&c) ? n : 0;
}

static void read_server_extension(uint16_t type, struct cur *ext, struct tls_server_hello *out) {
    switch (type) {
    case TLS_EXT_VERSIONS:
        out->version = cur_u16(ext);
        break;
    case TLS_EXT_KEY_SHARE:
        out->group = cur_u16(ext);
        if (!out->is_retry)
            out->share = cur_vec16(ext);
        break;
    case TLS_EXT_COOKIE:
        out->cookie = cur_vec16(ext);
        if (out->cookie.n == 0)
            cur_refuse(ext);
        break;
    case TLS_EXT_ALPN:
        out->alpn = read_alpn(ext);
        break;
    case TLS_EXT_TIMESTAMPS:
        out->scts = read_timestamps(ext);
        break;
    default:
        (void)cur_take(ext, ext->rest.n);
    }
}

/* The bit under which an extension that is read here is remembered: twice is an error. */
static unsigned extension_bit(uint16_t type) {
    switch (type) {
    case TLS_EXT_VERSIONS:
        return 1;
    case TLS_EXT_KEY_SHARE:
        return 2;
    case TLS_EXT_COOKIE:
        return 4;
    case TLS_EXT_ALPN:
        return 8;
    case TLS_EXT_TIMESTAMPS:
        return 16;
    default:
        return 0;
    }
}

bool tls_read_server_hello(struct bytes body, struct tls_server_hello *out) {
    struct cur c = cur_open(body);
    unsigned seen = 0;
    *out = (struct tls_server_hello){.legacy_version = cur_u16(&c)};
    out->is_retry = bytes_equal(cur_take(&c, 32), bytes_of(retry_random, 32));
    out->session_id = cur_vec8(&c);
    out->cipher_suite = cur_u16(&c);
    out->compression = cur_u8(&c);
    if (out->session_id.n > 32)
        cur_refuse(&c);
    if (c.bad || c.rest.n == 0) /* before TLS 1.2 there may be no extensions at all */
        return cur_end(&c);

    struct cur list = cur_open(cur_vec16(&c));
    while (list.rest.n > 0 && !list.bad) {
        uint16_t type = cur_u16(&list);
        struct cur ext = cur_open(cur_vec16(&list));
        unsigned bit = extension_bit(type);
        read_server_extension(type, &ext, out);
        if (!cur_end(&ext) || (seen & bit) != 0)
            cur_refuse(&list);
        seen |= bit;
    }
    return cur_end(&list) && cur_end(&c);
}

bool tls_read_encrypted_extensions(struct bytes body, struct bytes *alpn) {
    struct cur c = cur_open(body), list = cur_open(cur_vec16(&c));
    while (list.rest.n > 0 && !list.bad) {
        uint16_t type = cur_u16(&list);
        struct cur ext = cur_open(cur_vec16(&list));
        if (type != TLS_EXT_ALPN)
            continue;
        *alpn = read_alpn(&ext);
        if (!cur_end(&ext))
            cur_refuse(&list);
    }
    return cur_end(&list) && cur_end(&c);
}

/* CertificateStatus: type ocsp, then the response (RFC 6066, 8). Another type is passed over. */
static void read_status(struct cur *c, struct bytes *ocsp) {
    if (cur_u8(c) == 1)
        *ocsp = cur_vec24(c);
    else
        (void)cur_take(c, c->rest.n);
}

bool tls_read_status(struct bytes body, struct bytes *ocsp) {
    struct cur c = cur_open(body);
    read_status(&c, ocsp);
    return cur_end(&c);
}

/* Extensions of a CertificateEntry; only those of the leaf are wanted. */
static void read_entry_extensions(struct cur *list, bool is_leaf, struct tls_beside *beside) {
    struct cur c = cur_open(cur_vec16(list));
    while (c.rest.n > 0 && !c.bad) {
        uint16_t type = cur_u16(&c);
        struct cur ext = cur_open(cur_vec16(&c));
        if (!is_leaf || (type != TLS_EXT_STATUS_REQUEST && type != TLS_EXT_TIMESTAMPS))
            continue;
        if (type == TLS_EXT_STATUS_REQUEST)
            read_status(&ext, &beside->ocsp);
        else
            beside->scts = read_timestamps(&ext);
        if (!cur_end(&ext))
            cur_refuse(&c);
    }
    if (!cur_end(&c))
        cur_refuse(list);
}

/* Goes through the list; counts, and where `items` is not NULL fills it. */
static bool walk_chain(struct bytes body, bool is_13, struct bytes *items, size_t *count,
                       struct tls_beside *beside) {
    struct cur c = cur_open(body);
    if (is_13 && cur_vec8(&c).n > 0) /* certificate_request_context: empty for a server */
        cur_refuse(&c);
    struct cur list = cur_open(cur_vec24(&c));
    *count = 0;
    while (list.rest.n > 0 && !list.bad) {
        struct bytes der = cur_vec24(&list);
        if (der.n == 0)
            cur_refuse(&list);
        if (is_13)
            read_entry_extensions(&list, *count == 0, beside);
        if (items != NULL && *count < TLS_CHAIN_MAX)
            items[*count] = der;
        ++*count;
    }
    return cur_end(&list) && cur_end(&c);
}

enum err tls_read_certificate(struct bytes body, bool is_13, struct tls_chain *out,
                              struct tls_beside *beside) {
    *out = (struct tls_chain){NULL, 0, 0};
    if (!walk_chain(body, is_13, NULL, &out->sent, beside))
        return ERR_FORMAT;
    out->n = out->sent < TLS_CHAIN_MAX ? out->sent : TLS_CHAIN_MAX;
    if (out->n == 0)
        return ERR_OK;
    out->items = calloc(out->n, sizeof out->items[0]);
    if (out->items == NULL)
        return ERR_MEMORY;
    size_t again;
    (void)walk_chain(body, is_13, out->items, &again, beside);
    return ERR_OK;
}

static uint16_t bits_of(struct bytes number) {
    size_t i = 0;
    while (i < number.n && number.p[i] == 0)
        i++;
    if (i == number.n)
        return 0;
    size_t bits = (number.n - i) * 8;
    for (uint8_t top = number.p[i]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits > UINT16_MAX ? UINT16_MAX : (uint16_t)bits;
}

/* The signature behind the parameters is not looked at. */
bool tls_read_key_exchange(struct bytes body, enum tls_exchange exchange, uint16_t *group,
                           uint16_t *dh_bits) {
    enum { NAMED_CURVE = 3 };
    struct cur c = cur_open(body);
    *group = *dh_bits = 0;
    if (exchange == TLS_EXCHANGE_DHE) {
        *dh_bits = bits_of(cur_vec16(&c));
        (void)cur_vec16(&c);
        (void)cur_vec16(&c);
    } else if (exchange == TLS_EXCHANGE_ECDHE && cur_u8(&c) == NAMED_CURVE) {
        *group = cur_u16(&c);
        (void)cur_vec8(&c);
    }
    return !c.bad;
}

static size_t read_names(struct cur *c, struct bytes *names) {
    struct cur list = cur_open(cur_vec16(c));
    size_t n = 0;
    *names = list.rest;
    while (list.rest.n > 0 && !list.bad) {
        (void)cur_vec16(&list);
        n++;
    }
    if (!cur_end(&list))
        cur_refuse(c);
    return n;
}

static void read_request_13(struct cur *c, size_t *ca_names, struct bytes *names) {
    (void)cur_vec8(c); /* context */
    struct cur list = cur_open(cur_vec16(c));
    while (list.rest.n > 0 && !list.bad) {
        uint16_t type = cur_u16(&list);
        struct cur ext = cur_open(cur_vec16(&list));
        if (type != TLS_EXT_AUTHORITIES)
            continue;
        *ca_names = read_names(&ext, names);
        if (!cur_end(&ext))
            cur_refuse(&list);
    }
    if (!cur_end(&list))
        cur_refuse(c);
}

bool tls_read_request(struct bytes body, uint16_t version, size_t *ca_names, struct bytes *names) {
    struct cur c = cur_open(body);
    *ca_names = 0;
    *names = (struct bytes){NULL, 0};
    if (version == TLS_1_3) {
        read_request_13(&c, ca_names, names);
    } else {
        (void)cur_vec8(&c); /* types */
        if (version == TLS_1_2)
            (void)cur_vec16(&c); /* schemes */
        *ca_names = read_names(&c, names);
    }
    return cur_end(&c);
}
