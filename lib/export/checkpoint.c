/* Signed heads of a log. See checkpoint.h. */
#include "export/checkpoint.h"

#include "base/text.h"

#include <string.h>

enum { ED25519 = 1, ID_SIZE = 4, SIGNATURE_SIZE = 64, LINE_MAX = 1000 };

static const char dash[] = "\xe2\x80\x94 "; /* an em dash and a blank */

/* ---- Keys ---- */

static bool is_name(struct bytes name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '+')
            return false;
    return name.n > 0 && name.n <= CHECKPOINT_NAME_MAX;
}

enum err checkpoint_key_set(struct checkpoint_key *key, struct bytes name,
                            const uint8_t public_key[32], struct fault *f) {
    static const uint8_t kind[] = {'\n', ED25519};
    struct hash_run run;
    uint8_t hash[SHA256_SIZE];
    if (!is_name(name))
        return fault_set(f, ERR_USAGE, "name of the log",
                         "1 to %d characters of ASCII without blanks and +", CHECKPOINT_NAME_MAX);
    *key = (struct checkpoint_key){0};
    memcpy(key->name, name.p, name.n);
    memcpy(key->public_key, public_key, sizeof key->public_key);
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, name);
    hash_add(&run, bytes_of(kind, sizeof kind));
    hash_add(&run, bytes_of(public_key, sizeof key->public_key));
    hash_peek(&run, hash);
    memcpy(key->id, hash, ID_SIZE);
    return ERR_OK;
}

void checkpoint_key_write(const struct checkpoint_key *key, struct buf *out) {
    uint8_t typed[1 + sizeof key->public_key] = {ED25519};
    memcpy(typed + 1, key->public_key, sizeof key->public_key);
    buf_printf(out, "%s+", key->name);
    hex_put(out, bytes_of(key->id, ID_SIZE));
    buf_u8(out, '+');
    base64_put(out, bytes_of(typed, sizeof typed));
}

enum err checkpoint_key_read(struct bytes line, struct checkpoint_key *out, struct fault *f) {
    struct cur c = cur_open(bytes_trim(line));
    struct bytes name = cur_until(&c, '+'), id = cur_until(&c, '+');
    uint8_t said[ID_SIZE], public_key[32];
    struct buf typed;
    buf_init(&typed, LINE_MAX);
    bool is_read = hex_read(id, said, ID_SIZE) && base64_read(c.rest, &typed) &&
                   typed.n == 1 + sizeof public_key && typed.p[0] == ED25519;
    if (is_read)
        memcpy(public_key, typed.p + 1, sizeof public_key);
    buf_clear(&typed);
    if (!is_read || checkpoint_key_set(out, name, public_key, f) != ERR_OK)
        return fault_set(f, ERR_FORMAT, "key of the log",
                         "NAME+ID+KEY is expected, with an Ed25519 key");
    return memcmp(said, out->id, ID_SIZE) == 0
               ? ERR_OK
               : fault_set(f, ERR_FORMAT, "key of the log", "its id does not belong to it");
}

/* ---- Writing ---- */

void checkpoint_write(const struct checkpoint *c, const struct checkpoint_key *key,
                      const uint8_t secret[64], struct buf *out) {
    uint8_t signed_id[ID_SIZE + SIGNATURE_SIZE];
    size_t from = out->n;
    buf_printf(out, "%s\n%llu\n", key->name, (unsigned long long)c->size);
    base64_put(out, bytes_of(c->root, sizeof c->root));
    buf_u8(out, '\n');
    if (out->err != ERR_OK)
        return;
    memcpy(signed_id, key->id, ID_SIZE);
    ed25519_sign(secret, bytes_part(buf_bytes(out), from, out->n), signed_id + ID_SIZE);
    buf_printf(out, "\n%s%s ", dash, key->name);
    base64_put(out, bytes_of(signed_id, sizeof signed_id));
    buf_u8(out, '\n');
}

/* ---- Reading ---- */

/* The note without carriage returns, which some mail programs and editors add. */
static void put_plain(struct buf *out, struct bytes note) {
    struct cur c = cur_open(note);
    while (c.rest.n > 0) {
        bool has_end = bytes_find(c.rest, bytes_text("\n")) < c.rest.n;
        struct bytes line = cur_until(&c, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        buf_put(out, line);
        if (has_end)
            buf_u8(out, '\n');
    }
}

static enum err no_note(const char *why, struct fault *f) {
    return fault_set(f, ERR_FORMAT, "checkpoint", "%s", why);
}

static enum err read_body(struct bytes body, const struct checkpoint_key *key,
                          struct checkpoint *out, struct fault *f) {
    struct cur c = cur_open(body);
    struct bytes origin = cur_until(&c, '\n'), size = cur_until(&c, '\n');
    struct buf root;
    if (!is_name(origin) || !number_read(size, UINT64_MAX >> 1, &out->size) ||
        (size.n > 1 && size.p[0] == '0'))
        return no_note("a log's name and a number of entries are expected", f);
    if (!bytes_is(origin, key->name))
        return fault_set(f, ERR_CONFLICT, "checkpoint", "is of the log %.*s, not of %s",
                         (int)origin.n, (const char *)origin.p, key->name);
    buf_init(&root, LINE_MAX);
    bool is_read = base64_read(cur_until(&c, '\n'), &root) && root.n == sizeof out->root;
    if (is_read)
        memcpy(out->root, root.p, sizeof out->root);
    buf_clear(&root);
    return is_read ? ERR_OK : no_note("the root is no SHA-256 in base64", f);
}

/* Whether a line is this key's signature, and one that holds. */
static bool is_signature(struct bytes line, struct bytes body, const struct checkpoint_key *key) {
    struct cur c = cur_open(line);
    struct buf raw;
    if (!bytes_starts(line, dash))
        return false;
    cur_take(&c, sizeof dash - 1);
    if (!bytes_is(cur_until(&c, ' '), key->name))
        return false;
    buf_init(&raw, LINE_MAX);
    bool holds = base64_read(c.rest, &raw) && raw.n == ID_SIZE + SIGNATURE_SIZE &&
                 memcmp(raw.p, key->id, ID_SIZE) == 0 &&
                 ed25519_verify(bytes_of(key->public_key, sizeof key->public_key), body,
                                bytes_of(raw.p + ID_SIZE, SIGNATURE_SIZE));
    buf_clear(&raw);
    return holds;
}

static enum err read_plain(struct bytes note, const struct checkpoint_key *key,
                           struct checkpoint *out, struct fault *f) {
    size_t gap = bytes_find(note, bytes_text("\n\n"));
    if (gap >= note.n)
        return no_note("there is no empty line before the signatures", f);
    struct bytes body = bytes_part(note, 0, gap + 1);
    struct cur c = cur_open(bytes_part(note, gap + 2, note.n));
    enum err code = read_body(body, key, out, f);
    if (code != ERR_OK)
        return code;
    while (c.rest.n > 0)
        if (is_signature(cur_until(&c, '\n'), body, key))
            return ERR_OK;
    return fault_set(f, ERR_CREDENTIALS, "checkpoint", "no signature of %s that holds", key->name);
}

enum err checkpoint_read(struct bytes note, const struct checkpoint_key *key,
                         struct checkpoint *out, struct fault *f) {
    struct buf plain;
    if (note.n > CHECKPOINT_NOTE_MAX)
        return fault_set(f, ERR_LIMIT, "checkpoint", "more than %d bytes", CHECKPOINT_NOTE_MAX);
    buf_init(&plain, CHECKPOINT_NOTE_MAX + 1);
    put_plain(&plain, note);
    enum err code = plain.err == ERR_OK ? read_plain(buf_bytes(&plain), key, out, f)
                                        : fault_set(f, plain.err, "checkpoint", "no memory");
    buf_clear(&plain);
    return code;
}
