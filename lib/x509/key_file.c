/* Private keys as PEM, in texts and in files of their own. See x509.h. */
#include "base/file.h"
#include "crypto/crypto.h"
#include "x509/x509.h"

enum { KEY_FILE_MAX = 64 * 1024, KEY_DER_MAX = 16 * 1024 };

enum err x509_key_text_read(struct bytes text, struct signing_key **out, struct fault *f) {
    struct buf der;
    crypto_buf_init(&der, KEY_DER_MAX);
    enum err code = pem_private_key(text, &der, f);
    if (code == ERR_OK)
        code = signing_key_read(buf_bytes(&der), out, f);
    buf_clear(&der);
    return code;
}

enum err x509_key_text_write(const struct signing_key *key, struct buf *out, struct fault *f) {
    struct buf der;
    crypto_buf_init(&der, KEY_DER_MAX);
    signing_key_write(key, &der);
    pem_write(out, "PRIVATE KEY", buf_bytes(&der));
    enum err code = der.err != ERR_OK ? der.err : out->err;
    buf_clear(&der);
    return code == ERR_OK ? ERR_OK : fault_set(f, code, "private key", "%s", "no room");
}

enum err x509_key_file_read(const char *path, struct signing_key **out, struct fault *f) {
    struct buf text;
    struct fault why = {0};
    char words[FAULT_DETAIL_MAX];
    crypto_buf_init(&text, KEY_FILE_MAX);
    enum err code = file_read(path, &text, f);
    if (code == ERR_OK && (code = x509_key_text_read(buf_bytes(&text), out, &why)) != ERR_OK)
        code = fault_set(f, code == ERR_NOT_FOUND ? ERR_FORMAT : code, "private key", "%s: %s",
                         path, fault_text(&why, words, sizeof words));
    buf_clear(&text);
    return code;
}

enum err x509_key_file_write(const char *path, const struct signing_key *key, struct fault *f) {
    struct buf text;
    crypto_buf_init(&text, KEY_FILE_MAX);
    enum err code = x509_key_text_write(key, &text, f);
    if (code == ERR_OK)
        code = file_replace(path, buf_bytes(&text), 0600, f);
    buf_clear(&text);
    return code;
}
