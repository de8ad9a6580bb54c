/* Private keys in files of their own. See x509.h. */
#include "base/file.h"
#include "crypto/crypto.h"
#include "x509/x509.h"

enum { KEY_FILE_MAX = 64 * 1024 };

static void wipe(struct buf *b) {
    if (b->p != NULL)
        crypto_wipe(b->p, b->cap);
    buf_clear(b);
}

enum err x509_key_file_read(const char *path, struct signing_key **out, struct fault *f) {
    struct buf text, der;
    buf_init(&text, KEY_FILE_MAX);
    buf_init(&der, KEY_FILE_MAX);
    enum err code = file_read(path, &text, f);
    if (code == ERR_OK)
        code = pem_private_key(buf_bytes(&text), &der, f);
    if (code == ERR_OK)
        code = signing_key_read(buf_bytes(&der), out, f);
    wipe(&text);
    wipe(&der);
    return code;
}

enum err x509_key_file_write(const char *path, const struct signing_key *key, struct fault *f) {
    struct buf text, der;
    buf_init(&text, KEY_FILE_MAX);
    buf_init(&der, KEY_FILE_MAX);
    signing_key_write(key, &der);
    pem_write(&text, "PRIVATE KEY", buf_bytes(&der));
    enum err code = der.err != ERR_OK ? der.err : text.err;
    code = code != ERR_OK ? fault_set(f, code, "private key", "%s", path)
                          : file_replace(path, buf_bytes(&text), 0600, f);
    wipe(&text);
    wipe(&der);
    return code;
}
