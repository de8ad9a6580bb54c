/* Certificates in PKCS#12 files (RFC 7292), in DER or BER.
 *
 *   PFX -> authSafe, an OCTET STRING -> a SEQUENCE of parts, each in the clear or encrypted
 *       -> SafeContents: a SEQUENCE of bags: certificates with a friendly name, keys,
 *          lists, or SafeContents again; and a MAC over the whole of authSafe.
 *
 * Keys are counted and never decrypted. The password: the one that is given, else the
 * empty one in both its forms (some programs write none at all where others write the
 * empty one), else what the caller is asked for. One opens the file where the first encrypted
 * part becomes a SEQUENCE of the right length; where then the MAC does not fit, the file
 * was changed. So a wrong password and damage are two answers, and the MAC, which costs as
 * much again, is not computed for wrong ones. What lies in the clear is told in any case.
 *
 * Not read: parts encrypted with a public key, authSafe signed with one.
 */
#include "base/ber.h"
#include "base/oid.h"
#include "base/text.h"
#include "crypto/pbe.h"
#include "x509/container_inner.h"

enum { VERSION = 3, DEPTH_MAX = 8, NAME_MAX_OCTETS = 4096, ASKED_MAX = 3 };

struct store {
    struct container_walk *walk;
    struct buf safe; /* authSafe in one piece */
    struct bytes parts;
    bool has_mac, is_encrypted; /* some part is */
    struct pbe_mac mac;
    uint8_t digest[HASH_SIZE_MAX];
    uint64_t rounds_left;
    bool is_out_of_rounds;
    /* What the password turned out to be. */
    bool is_open, is_changed; /* is_changed: it opens, and the MAC does not fit */
    struct pbe_password password;
};

static void fault(struct store *s, enum err code, const char *detail) {
    container_fault(s->walk, code, "PKCS#12", detail);
}

static void tell(struct store *s, const struct fault *f) {
    container_fault(s->walk, f->code, f->what, f->detail);
}

static enum oid take_oid(struct cur *c) {
    const struct oid_row *row = oid_find(OID_CONTENT, ber_take(c, DER_OID));
    return row != NULL ? row->id : OID_OTHER;
}

/* ---- Encrypted parts ---- */

/* EncryptedData (RFC 5652, 8): its cipher, and the octets to decrypt. */
static enum err read_encrypted(struct cur *part, struct pbe *pbe, struct buf *data,
                               struct fault *f) {
    struct cur content = ber_open(part, DER_CONTEXT_CONS);
    struct cur outer = ber_open(&content, DER_SEQUENCE);
    ber_u64(&outer);
    struct cur inner = ber_open(&outer, DER_SEQUENCE);
    ber_take(&inner, DER_OID);
    struct bytes algorithm = ber_take(&inner, DER_SEQUENCE);
    ber_octets(&inner, DER_CONTEXT, data);
    if (inner.bad)
        return fault_set(f, ERR_FORMAT, "PKCS#12", "%s", "an encrypted part does not parse");
    return pbe_read(algorithm, pbe, f);
}

static bool spend(struct store *s, uint64_t rounds) {
    s->is_out_of_rounds = s->is_out_of_rounds || rounds > s->rounds_left;
    s->rounds_left -= s->is_out_of_rounds ? 0 : rounds;
    return !s->is_out_of_rounds;
}

/* To SafeContents: one SEQUENCE that ends in the last block. Where it does, and the padding is
 * wrong all the same, the password was right and the end is damaged. */
static bool decrypt(struct store *s, const struct pbe *pbe, const struct pbe_password *password,
                    struct buf *data) {
    if (!spend(s, pbe_cost(pbe)))
        return false;
    bool is_padded = pbe_decrypt(pbe, password, data);
    struct cur c = cur_open(buf_bytes(data));
    ber_take(&c, DER_SEQUENCE);
    return !c.bad && c.rest.n <= (is_padded ? 0 : pbe->block_n);
}

/* ---- Bags ---- */

static void read_contents(struct store *s, struct bytes contents, int depth);

/* friendlyName (RFC 2985, 5.5.1): a BMPString, as UTF-8. */
static void put_name(struct bytes attributes, struct buf *out) {
    struct cur c = cur_open(attributes);
    while (!c.bad && c.rest.n > 0) {
        struct cur attribute = ber_open(&c, DER_SEQUENCE);
        if (take_oid(&attribute) != OID_FRIENDLY_NAME)
            continue;
        struct cur set = ber_open(&attribute, DER_SET);
        struct cur text = ber_open(&set, DER_BMP_STRING);
        while (text.rest.n > 1 && !text.bad) {
            uint32_t unit = cur_u16(&text);
            if (unit >= 0xd800 && unit < 0xdc00 && text.rest.n > 1) {
                uint32_t low = cur_u16(&text);
                bool is_pair = low >= 0xdc00 && low < 0xe000;
                unit = is_pair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
            }
            utf8_put(out, unit);
        }
        return;
    }
}

static bool read_certificate(struct store *s, struct bytes value, struct bytes attributes) {
    struct cur c = cur_open(value), bag = ber_open(&c, DER_SEQUENCE);
    enum oid type = take_oid(&bag);
    struct cur content = ber_open(&bag, DER_CONTEXT_CONS);
    struct buf der, name;
    if (bag.bad)
        return false;
    if (type != OID_X509_CERTIFICATE) { /* SDSI */
        s->walk->account->others++;
        return true;
    }
    buf_init(&der, content.rest.n);
    buf_init(&name, NAME_MAX_OCTETS);
    ber_octets(&content, DER_OCTET_STRING, &der);
    put_name(attributes, &name);
    if (!content.bad)
        container_tell(s->walk, X509_CONTAINER_PKCS12, buf_bytes(&der), buf_bytes(&name));
    buf_clear(&der);
    buf_clear(&name);
    return !content.bad;
}

static bool read_bag(struct store *s, struct cur *c, int depth) {
    struct cur bag = ber_open(c, DER_SEQUENCE);
    enum oid type = take_oid(&bag);
    struct bytes value = ber_take(&bag, DER_CONTEXT_CONS), attributes = {0};
    ber_optional(&bag, DER_SET, &attributes);
    if (bag.bad)
        return false;
    switch (type) {
    case OID_CERT_BAG:
        return read_certificate(s, value, attributes);
    case OID_SAFE_CONTENTS_BAG:
        read_contents(s, value, depth + 1);
        return true;
    case OID_KEY_BAG:
    case OID_SHROUDED_KEY_BAG:
        s->walk->account->private_keys++;
        return true;
    default:
        s->walk->account->others++;
        return true;
    }
}

/* A bag that cannot be read loses no other, as long as its frame is whole. */
static void read_contents(struct store *s, struct bytes contents, int depth) {
    struct cur c = cur_open(contents), bags = ber_open(&c, DER_SEQUENCE);
    if (depth > DEPTH_MAX) {
        fault(s, ERR_LIMIT, "bags in bags, too deep");
        return;
    }
    while (!bags.bad && bags.rest.n > 0 && !s->walk->is_stopped)
        if (!read_bag(s, &bags, depth) && !bags.bad)
            fault(s, ERR_FORMAT, "an object does not parse");
    if (bags.bad)
        fault(s, ERR_FORMAT, "a list of objects does not parse");
}

/* ---- Parts ---- */

static void read_encrypted_part(struct store *s, struct cur *part) {
    struct pbe pbe;
    struct buf data;
    struct fault f;
    crypto_buf_init(&data, part->rest.n);
    if (read_encrypted(part, &pbe, &data, &f) != ERR_OK)
        tell(s, &f);
    else if (!s->is_open)
        ; /* told once for all parts */
    else if (decrypt(s, &pbe, &s->password, &data))
        read_contents(s, buf_bytes(&data), 0);
    else if (!s->is_out_of_rounds)
        fault(s, s->is_changed ? ERR_FORMAT : ERR_PASSWORD,
              s->is_changed ? "an encrypted part is damaged"
                            : "an encrypted part has another password");
    buf_clear(&data);
}

static void read_plain_part(struct store *s, struct cur *part) {
    struct cur content = ber_open(part, DER_CONTEXT_CONS);
    struct buf data;
    crypto_buf_init(&data, content.rest.n);
    ber_octets(&content, DER_OCTET_STRING, &data);
    if (content.bad)
        fault(s, ERR_FORMAT, "a part does not parse");
    else
        read_contents(s, buf_bytes(&data), 0);
    buf_clear(&data);
}

static void read_parts(struct store *s) {
    struct cur c = cur_open(s->parts);
    while (!c.bad && c.rest.n > 0 && !s->walk->is_stopped) {
        struct cur part = ber_open(&c, DER_SEQUENCE);
        enum oid type = take_oid(&part);
        if (part.bad)
            fault(s, ERR_FORMAT, "a part does not parse");
        else if (type == OID_DATA)
            read_plain_part(s, &part);
        else if (type == OID_ENCRYPTED_DATA)
            read_encrypted_part(s, &part);
        else
            fault(s, ERR_UNSUPPORTED, "a part that is encrypted with a public key");
    }
}

/* ---- The password ---- */

enum trial { TRIAL_NONE, TRIAL_OPEN, TRIAL_SHUT };

/* Of the first part that is encrypted in a way that we know. */
static enum trial try_part(struct store *s, const struct pbe_password *password) {
    struct cur c = cur_open(s->parts);
    enum trial trial = TRIAL_NONE;
    while (!c.bad && c.rest.n > 0 && trial == TRIAL_NONE) {
        struct cur part = ber_open(&c, DER_SEQUENCE);
        struct pbe pbe;
        struct buf data;
        if (take_oid(&part) != OID_ENCRYPTED_DATA)
            continue;
        crypto_buf_init(&data, part.rest.n);
        if (read_encrypted(&part, &pbe, &data, NULL) == ERR_OK)
            trial = decrypt(s, &pbe, password, &data) ? TRIAL_OPEN : TRIAL_SHUT;
        buf_clear(&data);
    }
    return trial;
}

static bool is_mac_right(struct store *s, const struct pbe_password *password) {
    uint8_t digest[HASH_SIZE_MAX];
    if (!spend(s, pbe_mac_cost(&s->mac)))
        return false;
    pbe_mac(&s->mac, password, buf_bytes(&s->safe), digest);
    return crypto_equal(digest, s->digest, hash_size(s->mac.hash));
}

/* True: it opens the file, and the MAC fits if there is one. */
static bool try_password(struct store *s, const struct pbe_password *password) {
    enum trial trial = try_part(s, password);
    bool fits = trial != TRIAL_SHUT && (!s->has_mac || is_mac_right(s, password));
    if (!fits && (trial != TRIAL_OPEN || s->is_open))
        return false;
    s->is_open = true;
    s->is_changed = !fits;
    s->password = *password;
    return fits;
}

static bool try_text(struct store *s, struct bytes text) {
    struct pbe_password password;
    bool fits = pbe_password_make(text, &password) && try_password(s, &password);
    if (!fits && text.n == 0) { /* no password at all is another one */
        password.bmp_n = 0;
        try_password(s, &password);
    }
    crypto_wipe(&password, sizeof password);
    return s->is_open;
}

/* The bytes asked for stay in `asked` as long as the password is in use. */
static void find_password(struct store *s, struct buf *asked) {
    const struct x509_container_reader *r = s->walk->reader;
    bool is_needed = s->is_encrypted, is_given = r->password != NULL;
    if (!is_needed && (!is_given || !s->has_mac))
        return;
    bool is_open = try_text(s, is_given ? *r->password : (struct bytes){0});
    for (int i = 0; i < ASKED_MAX && is_needed && !is_open && !s->is_out_of_rounds; i++) {
        buf_reset(asked);
        if (r->ask == NULL || !r->ask(r->context, asked))
            break;
        is_given = true;
        is_open = try_text(s, buf_bytes(asked));
    }
    if (s->is_out_of_rounds)
        fault(s, ERR_LIMIT, "its password takes too many rounds");
    else if (!is_open)
        fault(s, ERR_PASSWORD, is_given ? "the password does not open it" : "it needs a password");
    else if (s->is_changed)
        fault(s, ERR_FORMAT, "its MAC does not fit: it was damaged or changed");
}

/* ---- The frame ---- */

/* MacData (RFC 7292, 4). One of a kind that is not known is as none, and told. */
static bool read_mac(struct store *s, struct bytes content) {
    struct cur c = cur_open(content), info = ber_open(&c, DER_SEQUENCE);
    struct bytes algorithm = ber_take(&info, DER_SEQUENCE);
    struct bytes digest = ber_take(&info, DER_OCTET_STRING);
    struct bytes salt = ber_take(&c, DER_OCTET_STRING);
    uint64_t rounds = c.rest.n > 0 ? ber_u64(&c) : 1;
    struct fault f;
    if (info.bad || c.bad)
        return false;
    enum err e = pbe_mac_read(algorithm, salt, rounds, &s->mac, &f);
    if (e != ERR_OK) {
        tell(s, &f);
        return true;
    }
    struct cur octets = cur_open(digest);
    size_t n = hash_size(s->mac.hash);
    if (digest.n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        s->digest[i] = cur_u8(&octets);
    s->has_mac = true;
    return true;
}

static bool has_encrypted(struct bytes parts) {
    struct cur c = cur_open(parts);
    while (!c.bad && c.rest.n > 0) {
        struct cur part = ber_open(&c, DER_SEQUENCE);
        if (take_oid(&part) == OID_ENCRYPTED_DATA)
            return true;
    }
    return false;
}

static bool read_frame(struct store *s, struct bytes whole) {
    struct cur c = cur_open(whole), pfx = ber_open(&c, DER_SEQUENCE);
    uint64_t version = ber_u64(&pfx);
    struct cur info = ber_open(&pfx, DER_SEQUENCE);
    enum oid type = take_oid(&info);
    if (pfx.bad || info.bad)
        return false;
    if (version != VERSION || type != OID_DATA) {
        fault(s, ERR_UNSUPPORTED,
              version != VERSION ? "a version that is not known"
                                 : "signed with a key, not with a password");
        return true;
    }
    struct cur content = ber_open(&info, DER_CONTEXT_CONS);
    struct bytes mac;
    ber_octets(&content, DER_OCTET_STRING, &s->safe);
    struct cur safe = cur_open(buf_bytes(&s->safe));
    s->parts = ber_take(&safe, DER_SEQUENCE);
    if (content.bad || safe.bad)
        return false;
    if (ber_optional(&pfx, DER_SEQUENCE, &mac) && !read_mac(s, mac))
        return false;
    s->is_encrypted = has_encrypted(s->parts);
    return !pfx.bad;
}

void container_pkcs12(struct container_walk *w, struct bytes whole) {
    struct store s = {.walk = w, .rounds_left = X509_CONTAINER_ROUNDS_MAX};
    struct buf asked;
    if (w->reader->rounds_max > 0)
        s.rounds_left = w->reader->rounds_max;
    crypto_buf_init(&s.safe, whole.n);
    crypto_buf_init(&asked, PBE_PASSWORD_MAX);
    if (!read_frame(&s, whole)) {
        fault(&s, ERR_FORMAT, "it does not parse");
    } else {
        find_password(&s, &asked);
        read_parts(&s);
    }
    buf_clear(&s.safe);
    buf_clear(&asked);
    crypto_wipe(&s.password, sizeof s.password);
}
