/* What is done, said as it is done, for those who want to follow. See probe.h. */
#include "probe/inner.h"

#include <stdarg.h>

enum { STEP_MAX = 2048 };

void step_say(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
              const char *format, ...) {
    struct buf text;
    va_list args;
    if (!r->watch->step)
        return;
    buf_init(&text, STEP_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    struct probe_step step = {.endpoint = endpoint, .text = buf_cstr(&text)};
    if (ip)
        step.ip = *ip;
    r->watch->step(r->watch->context, &step);
    buf_clear(&text);
}

static const char *kind_of(enum tls_asked asked) {
    static const char *const words[] = {
        [TLS_ASKED_ANY] = "any kind of key",
        [TLS_ASKED_RSA] = "RSA keys alone",
        [TLS_ASKED_ECDSA] = "ECDSA keys alone",
        [TLS_ASKED_ML_DSA] = "ML-DSA keys alone",
    };
    return words[asked];
}

void step_hello(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
                const struct tls_ask *ask) {
    static const char *const shapes[] = {
        [TLS_SHAPE_FULL] = "ClientHello",
        [TLS_SHAPE_PLAIN] = "plain ClientHello",
        [TLS_SHAPE_OLD] = "ClientHello without extensions",
    };
    static const uint16_t highest[] = {TLS_1_3, TLS_1_2, TLS_1_0};
    uint16_t max = ask->version_max < highest[ask->shape] ? ask->version_max : highest[ask->shape];
    bool is_named = ask->sni.n > 0 && ask->shape != TLS_SHAPE_OLD;
    if (ask->group != 0) {
        step_say(r, endpoint, ip, "%s: TLSv1.3 with %s and no other group", shapes[ask->shape],
                 tls_group_name(ask->group));
        return;
    }
    step_say(r, endpoint, ip, "%s: up to %s, %s%.*s, %s", shapes[ask->shape], tls_version_name(max),
             is_named ? "for " : "no name", is_named ? (int)ask->sni.n : 0,
             (const char *)ask->sni.p, kind_of(ask->asked));
}

/* The server's answer; `words` says what became of the look. */
void step_answer(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
                 const struct tls_result *result, const struct finding *f) {
    const char *outcome = model_outcome_row(f->outcome)->text;
    const char *detail = f->detail ? f->detail : "";
    if (f->outcome == MODEL_OK && result) {
        const char *suite = tls_cipher_suite_name(result->cipher_suite);
        const char *group = result->group ? tls_group_name(result->group) : NULL;
        step_say(r, endpoint, ip, "%s, %s%s%s: %zu certificate%s%s%s",
                 tls_version_name(result->version), suite ? suite : "unknown suite",
                 group ? ", " : "", group ? group : "", result->chain_n,
                 result->chain_n == 1 ? "" : "s", detail[0] ? "; " : "", detail);
        return;
    }
    if (f->alert >= 0)
        step_say(r, endpoint, ip, "alert %d, %s", f->alert, detail);
    else
        step_say(r, endpoint, ip, "%s%s%s", outcome, detail[0] ? ": " : "", detail);
}
