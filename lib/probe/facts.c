/* What a handshake showed, as an observation tells it. See inner.h. */
#include "probe/inner.h"

static struct bytes text_or_none(const char *text) {
    return text ? bytes_text(text) : (struct bytes){0};
}

/* One Name as text; what does not parse is shown as the writer shows it. */
static struct bytes name_text(struct arena *a, struct bytes der) {
    struct buf text;
    buf_init(&text, 64 * 1024);
    x509_name_text(der, &text);
    struct bytes kept = arena_copy(a, bytes_part(buf_bytes(&text), 0, MODEL_TLS_TEXT_MAX));
    buf_clear(&text);
    return kept;
}

/* The first MODEL_CLIENT_CAS_MAX of them: some servers name all roots of the world. */
static void fill_client_cas(struct arena *a, struct bytes list, struct model_tls_facts *facts) {
    struct cur c = cur_open(list);
    struct bytes *names = list.n > 0 ? arena_array(a, MODEL_CLIENT_CAS_MAX, sizeof *names) : NULL;
    size_t n = 0;
    while (names && c.rest.n > 0 && !c.bad && n < MODEL_CLIENT_CAS_MAX) {
        struct bytes text = name_text(a, cur_vec16(&c));
        if (text.n > 0)
            names[n++] = text;
    }
    facts->client_cas = names;
    facts->client_cas_n = n;
}

void facts_fill(struct arena *a, const struct tls_result *result, struct model_observation *o) {
    if (result->version == 0)
        return;
    o->has_tls = true;
    o->tls = (struct model_tls_facts){
        .version = text_or_none(tls_version_name(result->version)),
        .alpn = result->alpn,
        .ocsp_stapled = result->ocsp.n > 0,
        .client_certificate = result->client_certificate_asked,
        .scts = result->scts,
    };
    if (result->cipher_suite)
        o->tls.cipher_suite = text_or_none(tls_cipher_suite_name(result->cipher_suite));
    if (result->group)
        o->tls.group = text_or_none(tls_group_name(result->group));
    fill_client_cas(a, result->client_ca_list, &o->tls);
}
