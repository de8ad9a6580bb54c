/* TLS 1.2 by BearSSL. See tls_server.h. */
#include "web/http/tls_server.h"

#include "crypto/crypto.h"

#include <bearssl.h>

#include <stdlib.h>
#include <string.h>

enum {
    SESSIONS = 512,      /* remembered for resumption */
    SESSION_BYTES = 100, /* each, as BearSSL documents */
    SEED_BYTES = 48,
};

struct tls_identity {
    unsigned holds;
    br_skey_decoder_context key;
    br_x509_certificate chain[HTTP_CHAIN_MAX];
    size_t chain_n;
    uint8_t *chain_storage;
    br_ssl_session_cache_lru cache;
    uint8_t cache_storage[SESSIONS * SESSION_BYTES];
};

struct tls_server {
    struct tls_identity *identity;
    bool opened; /* data could flow once: the handshake was done */
    br_ssl_server_context server;
    uint8_t buffer[BR_SSL_BUFSIZE_BIDI];
};

static size_t chain_size(const struct http_identity *from) {
    size_t n = 0;
    for (size_t i = 0; i < from->chain_n; i++)
        n += from->chain[i].n;
    return n;
}

static enum err copy_chain(struct tls_identity *identity, const struct http_identity *from,
                           struct fault *f) {
    if (from->chain_n == 0 || from->chain_n > HTTP_CHAIN_MAX)
        return fault_set(f, ERR_FORMAT, "certificate chain",
                         "%zu certificates, 1 to %d are possible", from->chain_n, HTTP_CHAIN_MAX);
    struct buf all;
    buf_init(&all, chain_size(from));
    for (size_t i = 0; i < from->chain_n; i++)
        buf_put(&all, from->chain[i]);
    if (all.err != ERR_OK)
        return fault_set(f, ERR_MEMORY, "certificate chain", "%s", "");
    identity->chain_storage = all.p; /* taken: freed with the identity */
    size_t at = 0;
    for (size_t i = 0; i < from->chain_n; i++) {
        identity->chain[i] = (br_x509_certificate){&all.p[at], from->chain[i].n};
        at += from->chain[i].n;
    }
    identity->chain_n = from->chain_n;
    return ERR_OK;
}

static enum err read_key(struct tls_identity *identity, struct bytes der, struct fault *f) {
    br_skey_decoder_init(&identity->key);
    br_skey_decoder_push(&identity->key, der.p, der.n);
    int error = br_skey_decoder_last_error(&identity->key);
    if (error != 0)
        return fault_set(f, ERR_FORMAT, "private key", "not a key that can be used (%d)", error);
    return ERR_OK;
}

static bool points_equal(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n) {
    return bytes_equal(bytes_of(a, a_n), bytes_of(b, b_n));
}

static bool ec_key_fits(const br_ec_private_key *key, const br_x509_pkey *of_certificate) {
    uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key derived;
    if (of_certificate->key_type != BR_KEYTYPE_EC || of_certificate->key.ec.curve != key->curve)
        return false;
    size_t n = br_ec_compute_pub(br_ec_get_default(), &derived, point, key);
    return n > 0 && points_equal(derived.q, derived.qlen, of_certificate->key.ec.q,
                                 of_certificate->key.ec.qlen);
}

/* The modulus is computed anew, since a private key may carry another's. */
static bool rsa_key_fits(const br_rsa_private_key *key, const br_x509_pkey *of_certificate) {
    uint8_t modulus[512];
    size_t n = br_rsa_compute_modulus_get_default()(NULL, key);
    if (of_certificate->key_type != BR_KEYTYPE_RSA || n == 0 || n > sizeof modulus)
        return false;
    br_rsa_compute_modulus_get_default()(modulus, key);
    return points_equal(modulus, n, of_certificate->key.rsa.n, of_certificate->key.rsa.nlen);
}

static void ignore_name(void *context, const void *p, size_t n) {
    (void)context;
    (void)p;
    (void)n;
}

/* Else clients would see a bad signature and nobody would know why. */
static enum err check_key_fits(const struct tls_identity *identity, struct fault *f) {
    br_x509_decoder_context decoder;
    bool fits = false;
    br_x509_decoder_init(&decoder, ignore_name, NULL);
    br_x509_decoder_push(&decoder, identity->chain[0].data, identity->chain[0].data_len);
    const br_x509_pkey *pkey = br_x509_decoder_get_pkey(&decoder);
    if (pkey == NULL)
        return fault_set(f, ERR_FORMAT, "certificate", "not one that can be used (%d)",
                         br_x509_decoder_last_error(&decoder));
    if (br_skey_decoder_key_type(&identity->key) == BR_KEYTYPE_EC)
        fits = ec_key_fits(br_skey_decoder_get_ec(&identity->key), pkey);
    else if (br_skey_decoder_key_type(&identity->key) == BR_KEYTYPE_RSA)
        fits = rsa_key_fits(br_skey_decoder_get_rsa(&identity->key), pkey);
    if (!fits)
        return fault_set(f, ERR_FORMAT, "private key", "%s",
                         "it does not belong to the certificate");
    return ERR_OK;
}

enum err tls_identity_open(const struct http_identity *from, struct tls_identity **out,
                           struct fault *f) {
    struct tls_identity *identity = calloc(1, sizeof *identity);
    if (identity == NULL)
        return fault_set(f, ERR_MEMORY, "TLS", "%s", "");
    identity->holds = 1;
    br_ssl_session_cache_lru_init(&identity->cache, identity->cache_storage,
                                  sizeof identity->cache_storage);
    enum err err = copy_chain(identity, from, f);
    if (err == ERR_OK)
        err = read_key(identity, from->key_der, f);
    if (err == ERR_OK)
        err = check_key_fits(identity, f);
    if (err != ERR_OK) {
        tls_identity_close(identity);
        return err;
    }
    *out = identity;
    return ERR_OK;
}

void tls_identity_close(struct tls_identity *identity) {
    if (identity == NULL || --identity->holds > 0)
        return;
    free(identity->chain_storage);
    crypto_wipe(identity, sizeof *identity);
    free(identity);
}

/* Hashes for signatures and the two PRFs; SHA-1 is left out. */
static void set_hashes(br_ssl_engine_context *engine) {
    br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf_sha256(engine, &br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(engine, &br_tls12_sha384_prf);
}

static void set_key(struct tls_server *t) {
    struct tls_identity *identity = t->identity;
    if (br_skey_decoder_key_type(&identity->key) == BR_KEYTYPE_EC)
        br_ssl_server_set_single_ec(&t->server, identity->chain, identity->chain_n,
                                    br_skey_decoder_get_ec(&identity->key), BR_KEYTYPE_SIGN, 0,
                                    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
    else
        br_ssl_server_set_single_rsa(&t->server, identity->chain, identity->chain_n,
                                     br_skey_decoder_get_rsa(&identity->key), BR_KEYTYPE_SIGN, 0,
                                     br_rsa_pkcs1_sign_get_default());
}

static void configure(struct tls_server *t) {
    static const uint16_t suites[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                      BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384};
    static const char *protocols[] = {"http/1.1"};
    br_ssl_engine_context *engine = &t->server.eng;

    br_ssl_server_zero(&t->server);
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(engine, suites, sizeof suites / sizeof suites[0]);
    br_ssl_engine_set_default_ec(engine);
    set_key(t);
    set_hashes(engine);
    br_ssl_engine_set_default_aes_gcm(engine);
    br_ssl_engine_set_default_chapol(engine);
    br_ssl_engine_set_protocol_names(engine, protocols, 1);
    br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION | BR_OPT_ENFORCE_SERVER_PREFERENCES |
                                        BR_OPT_FAIL_ON_ALPN_MISMATCH);
    br_ssl_server_set_cache(&t->server, &t->identity->cache.vtable);
    br_ssl_engine_set_buffer(engine, t->buffer, sizeof t->buffer, 1);
}

struct tls_server *tls_server_open(const struct env *env, struct tls_identity *identity) {
    uint8_t seed[SEED_BYTES];
    struct tls_server *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->identity = identity;
    identity->holds++;
    configure(t);
    bool ready = env->random(env->context, seed, sizeof seed);
    if (ready) {
        br_ssl_engine_inject_entropy(&t->server.eng, seed, sizeof seed);
        ready = br_ssl_server_reset(&t->server) == 1;
    }
    crypto_wipe(seed, sizeof seed);
    if (!ready) {
        tls_server_close(t);
        return NULL;
    }
    return t;
}

void tls_server_close(struct tls_server *t) {
    if (t == NULL)
        return;
    tls_identity_close(t->identity);
    crypto_wipe(t, sizeof *t);
    free(t);
}

static void note_state(struct tls_server *t) {
    if (br_ssl_engine_current_state(&t->server.eng) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP))
        t->opened = true;
}

/* As long as the handshake's own last flight waits to be sent, the engine takes data
 * of the application for an error. Browsers do not wait for that flight (False Start,
 * RFC 7918), so their request may stand right behind their Finished. */
static bool must_send_first(const struct tls_server *t) {
    return !t->opened && (br_ssl_engine_current_state(&t->server.eng) & BR_SSL_SENDREC) != 0;
}

size_t tls_server_feed(struct tls_server *t, struct bytes in) {
    struct cur c = cur_open(in);
    while (c.rest.n > 0 && !must_send_first(t)) {
        size_t room;
        uint8_t *at = br_ssl_engine_recvrec_buf(&t->server.eng, &room);
        if (at == NULL || room == 0)
            break;
        struct bytes piece = cur_take(&c, room < c.rest.n ? room : c.rest.n);
        memcpy(at, piece.p, piece.n);
        br_ssl_engine_recvrec_ack(&t->server.eng, piece.n);
    }
    note_state(t);
    return in.n - c.rest.n;
}

void tls_server_output(struct tls_server *t, struct buf *out, size_t most) {
    size_t n;
    uint8_t *at;
    while (out->n < most && (at = br_ssl_engine_sendrec_buf(&t->server.eng, &n)) != NULL) {
        buf_put(out, bytes_of(at, n));
        if (out->err != ERR_OK)
            return;
        br_ssl_engine_sendrec_ack(&t->server.eng, n);
    }
    note_state(t);
}

struct bytes tls_server_plain(struct tls_server *t) {
    size_t n = 0;
    uint8_t *at = br_ssl_engine_recvapp_buf(&t->server.eng, &n);
    return bytes_of(at, at == NULL ? 0 : n);
}

void tls_server_taken(struct tls_server *t, size_t n) {
    if (n > 0)
        br_ssl_engine_recvapp_ack(&t->server.eng, n);
}

size_t tls_server_put(struct tls_server *t, struct bytes plain) {
    size_t room = 0;
    uint8_t *at = br_ssl_engine_sendapp_buf(&t->server.eng, &room);
    size_t n = room < plain.n ? room : plain.n;
    if (at == NULL || n == 0)
        return 0;
    memcpy(at, plain.p, n);
    br_ssl_engine_sendapp_ack(&t->server.eng, n);
    return n;
}

void tls_server_flush(struct tls_server *t) {
    br_ssl_engine_flush(&t->server.eng, 0);
}

void tls_server_end(struct tls_server *t) {
    br_ssl_engine_close(&t->server.eng);
}

bool tls_server_is_open(const struct tls_server *t) {
    return t->opened && !tls_server_is_closed(t);
}

bool tls_server_is_closed(const struct tls_server *t) {
    return br_ssl_engine_current_state(&t->server.eng) == BR_SSL_CLOSED;
}
