/* The key that signs checkpoints: log.key, as PKCS#8 (RFC 8410), and log.pub, the line for
 * those who verify (export/checkpoint.h). See server.h.
 *
 * The log's name must stay as it is when the server is renamed, and must not be that of a log
 * that this server had before: so it is made once, with some digits of the key. It stands in
 * log.pub; where that is lost it is made of the server's name again. */
#include "applets/clm-server/server.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>

enum { KEY_MAX = 4096, SEED_SIZE = 32, NAME_DIGITS = 4 };

/* SEQUENCE { 0, { 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 } } up to the seed. */
static const uint8_t pkcs8[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static enum err make_key(const struct env *env, const char *path, struct fault *f) {
    uint8_t public_key[32], secret[64], der[sizeof pkcs8 + SEED_SIZE];
    struct buf text;
    if (!ed25519_make(env, public_key, secret))
        return fault_set(f, ERR_FAILED, "random bytes", "%s", path);
    memcpy(der, pkcs8, sizeof pkcs8);
    memcpy(der + sizeof pkcs8, secret, SEED_SIZE);
    crypto_buf_init(&text, KEY_MAX);
    pem_write(&text, "PRIVATE KEY", bytes_of(der, sizeof der));
    enum err code = text.err == ERR_OK ? file_replace(path, buf_bytes(&text), 0600, f)
                                       : fault_set(f, text.err, "key of the log", "%s", path);
    buf_clear(&text);
    crypto_wipe(der, sizeof der);
    crypto_wipe(secret, sizeof secret);
    return code;
}

static enum err read_key(const char *path, uint8_t public_key[32], uint8_t secret[64],
                         struct fault *f) {
    struct buf text, der;
    crypto_buf_init(&text, KEY_MAX);
    crypto_buf_init(&der, KEY_MAX);
    enum err code = file_read(path, &text, f);
    if (code == ERR_OK)
        code = pem_private_key(buf_bytes(&text), &der, f);
    if (code == ERR_OK &&
        (der.n != sizeof pkcs8 + SEED_SIZE || memcmp(der.p, pkcs8, sizeof pkcs8) != 0))
        code = fault_set(f, ERR_FORMAT, "key of the log", "%s is no Ed25519 key", path);
    if (code == ERR_OK)
        ed25519_of_seed(der.p + sizeof pkcs8, public_key, secret);
    buf_clear(&text);
    buf_clear(&der);
    return code;
}

static enum err write_pub(const char *path, const struct checkpoint_key *key, struct fault *f) {
    struct buf line;
    buf_init(&line, KEY_MAX);
    checkpoint_key_write(key, &line);
    buf_u8(&line, '\n');
    enum err code = file_replace(path, buf_bytes(&line), 0644, f);
    buf_clear(&line);
    return code;
}

static enum err make_pub(const struct settings *s, const char *path, const uint8_t public_key[32],
                         struct checkpoint_key *out, struct fault *f) {
    struct buf name;
    buf_init(&name, CHECKPOINT_NAME_MAX);
    buf_printf(&name, "%.100s/log/", s->names[0]);
    hex_put(&name, bytes_of(public_key, NAME_DIGITS));
    enum err code = checkpoint_key_set(out, buf_bytes(&name), public_key, f);
    buf_clear(&name);
    return code == ERR_OK ? write_pub(path, out, f) : code;
}

static enum err read_pub(const char *path, const uint8_t public_key[32], struct checkpoint_key *out,
                         struct fault *f) {
    struct buf line;
    struct fault why;
    buf_init(&line, KEY_MAX);
    enum err code = file_read(path, &line, f);
    if (code == ERR_OK && checkpoint_key_read(buf_bytes(&line), out, &why) != ERR_OK)
        code = fault_set(f, ERR_FORMAT, "key of the log", "%s: %s", path, why.detail);
    if (code == ERR_OK && memcmp(out->public_key, public_key, sizeof out->public_key) != 0)
        code = fault_set(f, ERR_CONFLICT, "key of the log", "%s is of another key", path);
    buf_clear(&line);
    return code;
}

enum err log_key_load(const struct env *env, struct arena *a, const struct settings *s,
                      struct api_log_key *out, struct fault *f) {
    const char *key = settings_path(a, s, "log.key"), *pub = settings_path(a, s, "log.pub");
    uint8_t public_key[32];
    enum err code = ERR_OK;
    if (!key || !pub)
        return fault_set(f, ERR_MEMORY, "key of the log", "%s", s->data);
    if (!file_exists(key))
        code = make_key(env, key, f);
    if (code == ERR_OK)
        code = read_key(key, public_key, out->secret, f);
    if (code != ERR_OK)
        return code;
    return file_exists(pub) ? read_pub(pub, public_key, &out->key, f)
                            : make_pub(s, pub, public_key, &out->key, f);
}
