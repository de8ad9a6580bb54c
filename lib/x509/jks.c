/* Certificates in Java's own key stores, JKS and JCEKS.
 *
 * Byte order is big-endian; "text" is two octets of length and Java's UTF-8.
 *
 *   4  FEEDFEED (JKS) or CECECECE (JCEKS)
 *   4  version, 1 or 2
 *   4  number of entries; each:
 *        4  kind: 1 a key with its chain, 2 a certificate, 3 a secret key (JCEKS)
 *        .  alias, text
 *        8  when it was made
 *        1: 4 n, n octets of encrypted key, 4 number of certificates, the certificates
 *        2: one certificate
 *        3: a serialized Java object, whose length stands nowhere
 *      a certificate: in version 2 its type, text, "X.509"; 4 n, n octets of DER
 *  20  SHA-1 over the password as UTF-16, "Mighty Aphrodite", and all that stands before
 *
 * Certificates lie in the clear, so the password is asked for nothing; where one is given
 * the digest is checked. Secret keys end the reading, and what lies behind them is lost: that
 * is told. Keys are stepped over.
 */
#include "crypto/pbe.h"
#include "x509/container_inner.h"

static const uint32_t jks = 0xfeedfeed, jceks = 0xcececece;

enum {
    KEY = 1,
    CERTIFICATE = 2,
    SECRET = 3,
    DIGEST = 20,
};

struct store {
    struct container_walk *walk;
    struct cur c;
    bool has_types; /* version 2 */
};

bool container_jks_is(struct bytes file) {
    struct cur c = cur_open(file);
    uint32_t magic = cur_u32(&c);
    return !c.bad && (magic == jks || magic == jceks);
}

static void read_certificate(struct store *s, struct bytes alias) {
    struct bytes type = bytes_text("X.509");
    if (s->has_types)
        type = cur_vec16(&s->c);
    struct bytes der = cur_take(&s->c, cur_u32(&s->c));
    if (s->c.bad)
        return;
    if (bytes_is(type, "X.509") || bytes_is(type, "X509"))
        container_tell(s->walk, X509_CONTAINER_JKS, der, alias);
    else
        s->walk->account->others++;
}

/* False: nothing behind it can be read. */
static bool read_entry(struct store *s) {
    uint32_t kind = cur_u32(&s->c), chain = 1;
    struct bytes alias = cur_vec16(&s->c);
    cur_u64(&s->c);
    if (kind == SECRET && !s->c.bad) {
        s->walk->account->private_keys++;
        container_fault(s->walk, ERR_UNSUPPORTED, "JCEKS",
                        "a secret key, and what lies behind it, is not read");
        return false;
    }
    if (kind == KEY) {
        cur_take(&s->c, cur_u32(&s->c));
        chain = cur_u32(&s->c);
        s->walk->account->private_keys += !s->c.bad;
    } else if (kind != CERTIFICATE) {
        cur_refuse(&s->c);
    }
    for (uint32_t i = 0; i < chain && !s->c.bad && !s->walk->is_stopped; i++)
        read_certificate(s, alias);
    return !s->c.bad && !s->walk->is_stopped;
}

static void check_digest(struct container_walk *w, struct bytes file) {
    struct pbe_password password;
    struct hash_run run;
    uint8_t digest[DIGEST];
    bool is_made = pbe_password_make(*w->reader->password, &password);
    hash_begin(&run, HASH_SHA1);
    hash_add(&run, bytes_of(password.bmp, password.bmp_n - 2)); /* without its zeros */
    hash_add(&run, bytes_text("Mighty Aphrodite"));
    hash_add(&run, bytes_part(file, 0, file.n - DIGEST));
    hash_peek(&run, digest);
    crypto_wipe(&password, sizeof password);
    crypto_wipe(&run, sizeof run);
    if (!is_made || !crypto_equal(digest, bytes_part(file, file.n - DIGEST, DIGEST).p, DIGEST))
        container_fault(w, ERR_PASSWORD, "JKS", "not its password, or it was changed");
}

void container_jks(struct container_walk *w, struct bytes file) {
    struct store s = {.walk = w, .c = cur_open(file)};
    cur_u32(&s.c);
    uint32_t version = cur_u32(&s.c), entries = cur_u32(&s.c);
    w->account->type = X509_CONTAINER_JKS;
    s.has_types = version == 2;
    if (s.c.bad || (version != 1 && version != 2)) {
        container_fault(w, s.c.bad ? ERR_FORMAT : ERR_UNSUPPORTED, "JKS",
                        s.c.bad ? "it is cut off" : "a version that is not known");
        return;
    }
    bool goes_on = true;
    for (uint32_t i = 0; i < entries && goes_on; i++)
        goes_on = read_entry(&s);
    if (s.c.bad || (goes_on && s.c.rest.n != DIGEST))
        container_fault(w, ERR_FORMAT, "JKS", "it is cut off, or damaged");
    else if (goes_on && w->reader->password != NULL)
        check_digest(w, file);
}
