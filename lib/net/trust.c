/* The X.509 engine of our own. See trust.h. */
#include "net/trust.h"

static struct trust *trust_of(const br_x509_class **context) {
    return (struct trust *)(void *)context;
}

static void start_chain(const br_x509_class **context, const char *server_name) {
    struct trust *t = trust_of(context);
    (void)server_name; /* the host of the URL is what must match, SNI or not */
    buf_reset(&t->chain);
    t->n = 0;
    t->too_much = false;
    t->verdict = TRUST_REFUSED;
}

static void start_cert(const br_x509_class **context, uint32_t size) {
    struct trust *t = trust_of(context);
    if (t->n == TRUST_CHAIN_MAX || size > TRUST_BYTES_MAX)
        t->too_much = true;
}

static void append(const br_x509_class **context, const unsigned char *p, size_t n) {
    struct trust *t = trust_of(context);
    if (!t->too_much)
        buf_put(&t->chain, bytes_of(p, n));
}

static void end_cert(const br_x509_class **context) {
    struct trust *t = trust_of(context);
    if (!t->too_much)
        t->ends[t->n++] = t->chain.n;
}

static enum err judge(struct trust *t, struct bytes chain[TRUST_CHAIN_MAX]) {
    struct arena arena;
    size_t from = 0;

    if (t->too_much || t->chain.err)
        return fault_set(&t->fault, ERR_LIMIT, "server certificate", "the chain is too long");
    if (t->n == 0)
        return fault_set(&t->fault, ERR_TLS, "server certificate", "none was sent");
    for (size_t i = 0; i < t->n; i++) {
        chain[i] = bytes_part(buf_bytes(&t->chain), from, t->ends[i] - from);
        from = t->ends[i];
    }
    arena_init(&arena, 4u << 20);
    enum err err =
        x509_chain_verify(&arena, chain, t->n, t->anchors, t->host, env_now_s(t->env), &t->fault);
    arena_clear(&arena);
    return err;
}

/* BearSSL reads the leaf once more: the handshake wants the key in its form. */
static bool read_key(struct trust *t, struct bytes leaf) {
    br_x509_decoder_init(&t->leaf, NULL, NULL);
    br_x509_decoder_push(&t->leaf, leaf.p, leaf.n);
    t->key = br_x509_decoder_get_pkey(&t->leaf);
    return t->key != NULL;
}

static unsigned end_chain(const br_x509_class **context) {
    struct trust *t = trust_of(context);
    struct bytes chain[TRUST_CHAIN_MAX];

    t->fault = (struct fault){0};
    if (judge(t, chain))
        return BR_ERR_X509_NOT_TRUSTED;
    if (!read_key(t, chain[0])) {
        fault_set(&t->fault, ERR_UNSUPPORTED, "server certificate",
                  "its key is neither RSA nor on P-256, P-384 or P-521");
        return BR_ERR_X509_UNSUPPORTED;
    }
    t->verdict = TRUST_GIVEN;
    return 0;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *context, unsigned *usages) {
    const struct trust *t = (const struct trust *)(const void *)context;
    if (usages)
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return t->verdict == TRUST_GIVEN ? t->key : NULL;
}

static const br_x509_class trust_class = {
    sizeof(struct trust), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

void trust_init(struct trust *t, const struct env *env, const struct x509_trust *anchors,
                struct bytes host) {
    *t = (struct trust){.vtable = &trust_class, .env = env, .anchors = anchors, .host = host};
    buf_init(&t->chain, TRUST_BYTES_MAX);
}

void trust_clear(struct trust *t) {
    buf_clear(&t->chain);
}

void trust_install(struct trust *t, br_ssl_client_context *client) {
    br_ssl_engine_set_x509(&client->eng, &t->vtable);
}
