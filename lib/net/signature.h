/* Signed requests: HTTP Message Signatures (RFC 9421) over a Content-Digest
 * (RFC 9530). Agents sign with them, the server checks; both build the very
 * same base here. No I/O, no clock: what `created` and `nonce` are worth is the
 * caller's to judge.
 *
 * One request has one signature, under the label "sig":
 *
 *     Content-Digest: sha-256=:base64:
 *     Signature-Input: sig=("@method" "@path" "@query" "content-digest" "content-encoding");
 *         created=1764000000;nonce="base64";keyid="hex";alg="ecdsa-p256-sha256";tag="clm"
 *     Signature: sig=:base64 of r||s:
 *
 * (Signature-Input in one line.) The reader takes only the canonical form that
 * the writer makes, without optional blanks, component parameters or escapes in
 * strings; parameters may stand in any order, unknown ones are refused.
 */
#ifndef NET_SIGNATURE_H
#define NET_SIGNATURE_H

#include "crypto/crypto.h"

enum { SIGNATURE_FIELDS_MAX = 8, SIGNATURE_NONCE_SIZE = 16, SIGNATURE_HEADER_MAX = 1024 };

/* What of a message is covered: component name, as in RFC 9421, and its value. */
struct signature_field {
    const char *name; /* lower case, borrowed */
    struct bytes value;
};

struct signature_message {
    struct signature_field fields[SIGNATURE_FIELDS_MAX];
    size_t n;
};

/* The fields of a request in the order in which we cover them. `target` is that
 * of the request line, "/path?query". A header field that the message does not
 * have is given as a view with p NULL. Borrows all. */
struct signature_message signature_message_of(struct bytes method, struct bytes target,
                                              struct bytes content_digest,
                                              struct bytes content_encoding);
/* One more field; false when there is no room. */
bool signature_message_add(struct signature_message *m, const char *name, struct bytes value);

/* The value of Signature-Input, taken apart. Views borrow it. */
struct signature_params {
    struct bytes covered[SIGNATURE_FIELDS_MAX]; /* names without quotes, in order */
    size_t covered_n;
    int64_t created_s;                   /* -1: not given */
    struct bytes nonce, keyid, alg, tag; /* without quotes; empty: not given */
    struct bytes text;                   /* behind "sig=": the value of @signature-params */
};

/* ERR_FORMAT, and the fault says what. */
enum err signature_input_read(struct bytes header, struct signature_params *out,
                              struct fault *f) MUST_CHECK;

/* The signature base (RFC 9421, 2.5) of the message under these parameters.
 * Every field of the message must be covered, once, and nothing else:
 * ERR_CREDENTIALS where one is not; ERR_FORMAT for values with control bytes. */
enum err signature_base(const struct signature_message *m, const struct signature_params *params,
                        struct buf *out, struct fault *f) MUST_CHECK;

/* "sig=:base64:" of exactly 64 bytes. False: none. */
bool signature_value_read(struct bytes header, uint8_t out[SIGNATURE_RAW_SIZE]);

/* Signs: appends the values of Signature-Input and Signature. keyid is the hex
 * SHA-256 of the key's SPKI. Only P-256 keys. */
enum err signature_sign(const struct signing_key *key, const struct signature_message *m,
                        int64_t created_s, const uint8_t nonce[SIGNATURE_NONCE_SIZE],
                        struct buf *input, struct buf *value) MUST_CHECK;
/* Checks the signature of params over m, made with the key of this
 * SubjectPublicKeyInfo: alg and tag must be ours, keyid must be the key's.
 * ERR_OK, or ERR_CREDENTIALS or ERR_FORMAT with the reason in the fault. */
enum err signature_check(struct bytes spki, const struct signature_message *m,
                         const struct signature_params *params, struct bytes signature_header,
                         struct fault *f) MUST_CHECK;

/* Appends "sha-256=:base64:" of the body as sent. */
void content_digest_write(struct bytes body, struct buf *out);
/* True where the field's value is exactly that of this body. */
bool content_digest_holds(struct bytes field_value, struct bytes body);
/* The same where the body was hashed while it came in. */
bool content_digest_is(struct bytes field_value, const uint8_t sha256[SHA256_SIZE]);

#endif
