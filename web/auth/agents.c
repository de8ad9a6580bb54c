/* Signed requests of agents: whether they are fresh, whole and theirs. See auth.h.
 *
 * What is covered and how it is spelled is net/signature's; judged here is the
 * clock, the digest against the body, and that no nonce comes twice.
 */
#include "web/auth/auth_private.h"

#include "base/text.h"

#include <inttypes.h>

enum { NONCE_TEXT_MIN = 16, NONCE_TEXT_MAX = 128 };

static enum err check_clock(const struct auth *a, const struct signature_params *params,
                            struct fault *f) {
    int64_t now_s = env_now_s(a->env);
    if (params->created_s < now_s - AUTH_CLOCK_S || params->created_s > now_s + AUTH_CLOCK_S)
        return fault_set(f, ERR_CLOCK, "created", "off by %" PRId64 " s, at most %d are allowed",
                         params->created_s - now_s, AUTH_CLOCK_S);
    return ERR_OK;
}

enum err auth_signature_read(const struct auth *a, const struct auth_signed *rq,
                             struct signature_params *params, uint8_t keyid[AUTH_KEYID_SIZE],
                             struct fault *f) {
    if (!rq->signature_input.p || !rq->signature.p)
        return fault_set(f, ERR_CREDENTIALS, "signature", "the request is not signed");
    struct fault why = {0};
    if (signature_input_read(rq->signature_input, params, &why) != ERR_OK)
        return fault_set(f, ERR_CREDENTIALS, "signature-input", "%s", why.detail);
    if (!hex_read(params->keyid, keyid, AUTH_KEYID_SIZE))
        return fault_set(f, ERR_CREDENTIALS, "keyid", "64 hex digits are wanted");
    if (params->nonce.n < NONCE_TEXT_MIN || params->nonce.n > NONCE_TEXT_MAX)
        return fault_set(f, ERR_CREDENTIALS, "nonce", "%d to %d characters are wanted",
                         NONCE_TEXT_MIN, NONCE_TEXT_MAX);
    if (params->created_s < 0)
        return fault_set(f, ERR_CREDENTIALS, "created", "missing");
    return check_clock(a, params, f);
}

enum err auth_signature_check(struct auth *a, const struct auth_signed *rq,
                              const struct signature_params *params, struct bytes spki,
                              struct fault *f) {
    uint8_t keyid[AUTH_KEYID_SIZE];
    hash_of(HASH_SHA256, spki, keyid);
    if (rq->has_body && !rq->content_digest.p)
        return fault_set(f, ERR_CREDENTIALS, "content-digest", "missing");
    if (rq->content_digest.p && !content_digest_holds(rq->content_digest, rq->body))
        return fault_set(f, ERR_CREDENTIALS, "content-digest", "the body is another one");
    struct signature_message message =
        signature_message_of(rq->method, rq->target, rq->content_digest, rq->content_encoding);
    struct fault why = {0};
    if (signature_check(spki, &message, params, rq->signature, &why) != ERR_OK)
        return fault_set(f, ERR_CREDENTIALS, "signature", "%s",
                         why.detail[0] ? why.detail : "does not match");
    /* Once more: nonces are remembered from now on, and the body may have taken long. */
    enum err code = check_clock(a, params, f);
    if (code != ERR_OK)
        return code;
    return nonces_add(a, keyid, params->nonce, f);
}
