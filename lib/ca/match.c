/* A request against a profile. See profile.h.
 *
 * Each check notes what differs and goes on, so that people see all of it at once; what
 * is granted is put together on the way and counts only where nothing was refused.
 */
#include "ca/inner.h"

#include "base/text.h"

enum { FOREIGN_SHOWN = 300, TEXT_MAX = 4096, COMMON_NAME_MAX = 64 /* RFC 5280: ub-common-name */ };

struct matching {
    struct arena *a;
    const struct x509_cert *asked;
    const struct ca_profile *profile;
    struct ca_verdict *out;
    struct ca_grant grant;
    struct ca_difference *refused, *others; /* CA_DIFFERENCES_MAX each */
    size_t refused_n, others_n;
};

const char *ca_effect_name(enum ca_effect effect) {
    static const char *const names[] = {"refused", "left_out", "added"};
    return names[effect];
}

/* "foreign text" or, without something foreign, "text". */
static const char *make_text(struct arena *a, struct bytes foreign, const char *text) {
    struct buf b;
    buf_init(&b, TEXT_MAX);
    text_escape(&b, bytes_part(foreign, 0, FOREIGN_SHOWN));
    buf_text(&b, foreign.n > FOREIGN_SHOWN ? "... " : foreign.n > 0 ? " " : "");
    buf_text(&b, text);
    const char *made = arena_cstr(a, buf_bytes(&b));
    buf_clear(&b);
    return made;
}

static void note(struct matching *m, enum ca_effect effect, const char *rule, struct bytes foreign,
                 const char *text) {
    bool is_refusal = effect == CA_REFUSED;
    struct ca_difference *list = is_refusal ? m->refused : m->others;
    size_t *n = is_refusal ? &m->refused_n : &m->others_n;
    m->out->refused += is_refusal;
    if (*n == CA_DIFFERENCES_MAX)
        m->out->untold++;
    else
        list[(*n)++] = (struct ca_difference){effect, rule, make_text(m->a, foreign, text)};
}

static void refuse(struct matching *m, const char *rule, struct bytes foreign, const char *text) {
    note(m, CA_REFUSED, rule, foreign, text);
}

static const struct bytes nothing;

static bool equal_nocase(struct bytes a, struct bytes b) {
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower((char)a.p[i]) != ascii_lower((char)b.p[i]))
            return false;
    return true;
}

/* ---- Proof, and parts that cannot be read ---- */

static void check_proof(struct matching *m, const struct x509_request *request) {
    switch (x509_request_verify(request)) {
    case ERR_OK:
        return;
    case ERR_CREDENTIALS:
        refuse(m, "signature", nothing, "the request is not signed by the key that it names");
        return;
    case ERR_UNSUPPORTED:
        refuse(m, "signature", bytes_text(m->asked->signature_algorithm),
               "with this key cannot be checked here");
        return;
    default:
        refuse(m, "signature", nothing, "the request's key or signature is malformed");
    }
}

static void check_form(struct matching *m) {
    static const struct {
        unsigned deviation;
        const char *text;
    } rows[] = {
        {X509_DEV_EXTENSION_UNREADABLE, "an extension that is asked for cannot be read"},
        {X509_DEV_EXTENSION_TRAILING,   "bytes follow behind the value of an extension"},
        {X509_DEV_EXTENSION_TWICE,      "an extension is asked for twice"              },
        {X509_DEV_KEY_UNREADABLE,       "the public key cannot be read"                },
        {X509_DEV_KEY_NEGATIVE,         "a number of the public key is negative"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((m->asked->deviations & rows[i].deviation) != 0)
            refuse(m, "form", nothing, rows[i].text);
}

/* ---- Names ---- */

/* The common name, in the arena; empty where there is none, or more than one. */
static struct bytes common_name(struct matching *m) {
    struct bytes name = nothing;
    struct buf text;
    if (x509_name_count(m->asked->subject, OID_COMMON_NAME) != 1)
        return name;
    buf_init(&text, TEXT_MAX);
    if (x509_name_attribute(m->asked->subject, OID_COMMON_NAME, &text) && text.err == ERR_OK)
        name = arena_copy(m->a, buf_bytes(&text));
    buf_clear(&text);
    return name;
}

/* The names asked for; without any, the common name: many devices know no other way. */
static void take_names(struct matching *m, struct bytes cn) {
    const struct x509_alt_names *alt = &m->asked->alt;
    struct bytes *one;
    struct ip ip;
    m->grant.dns = alt->dns;
    m->grant.ip = alt->ip;
    bool is_empty =
        alt->dns.n + alt->ip.n + alt->email.n + alt->uri.n + alt->directory.n + alt->other.n == 0;
    if (!is_empty || cn.n == 0)
        return;
    one = arena_array(m->a, 1, sizeof *one);
    if (one == NULL)
        return;
    if (ip_read(cn, &ip)) {
        *one = arena_copy(m->a, bytes_of(ip.bytes, ip.size));
        m->grant.ip = (struct x509_names){one, 1};
    } else {
        *one = cn;
        m->grant.dns = (struct x509_names){one, 1};
    }
    note(m, CA_ADDED, "names", cn, "is the common name, taken for the alternative name asked for");
}

static bool pattern_has(struct bytes pattern, struct bytes name) {
    if (bytes_starts(pattern, "."))
        return name.n > pattern.n &&
               equal_nocase(bytes_part(name, name.n - pattern.n, pattern.n), pattern);
    if (!bytes_starts(pattern, "*."))
        return equal_nocase(name, pattern);
    size_t dot = bytes_find(name, bytes_text("."));
    return dot != SIZE_MAX && dot > 0 &&
           equal_nocase(bytes_part(name, dot, name.n), bytes_part(pattern, 1, pattern.n));
}

static bool profile_has(const struct ca_profile *p, struct bytes name) {
    bool found = p->any_dns;
    for (size_t i = 0; i < p->dns.n && !found; i++)
        found = pattern_has(p->dns.items[i], name);
    return found;
}

static void check_dns(struct matching *m) {
    for (size_t i = 0; i < m->grant.dns.n; i++) {
        struct bytes name = m->grant.dns.items[i];
        const char *fault = ca_dns_fault(name, true);
        if (fault != NULL) {
            refuse(m, "dns", name, make_text(m->a, bytes_text("is no DNS name: it"), fault));
            continue;
        }
        if (bytes_starts(name, "*.") && !m->profile->wildcards)
            refuse(m, "wildcards", name, "is a wildcard, and the profile has none");
        if (!profile_has(m->profile, name))
            refuse(m, "dns", name, "is not among the names of the profile");
    }
}

static bool range_has(const struct ca_profile *p, const struct ip *ip) {
    for (size_t i = 0; i < p->ip_n; i++)
        if (ip_range_has(&p->ip[i], ip))
            return true;
    return false;
}

static void check_ip(struct matching *m) {
    for (size_t i = 0; i < m->grant.ip.n; i++) {
        char text[IP_TEXT_MAX];
        struct ip ip = ip_of(m->grant.ip.items[i]);
        if (ip.size == 0)
            refuse(m, "ip", nothing, "an address with neither 4 nor 16 octets");
        else if (!range_has(m->profile, &ip))
            refuse(m, "ip", bytes_text(ip_write(&ip, text)),
                   "is not among the addresses of the profile");
    }
}

static void check_other_names(struct matching *m) {
    const struct x509_alt_names *alt = &m->asked->alt;
    for (size_t i = 0; i < alt->email.n; i++)
        refuse(m, "names", alt->email.items[i], "is an e-mail address, which no profile has");
    for (size_t i = 0; i < alt->uri.n; i++)
        refuse(m, "names", alt->uri.items[i], "is a URI, which no profile has");
    if (alt->directory.n + alt->other.n > 0)
        refuse(m, "names", nothing, "a directory name or a kind of its own, which no profile has");
    if (m->grant.dns.n + m->grant.ip.n == 0)
        refuse(m, "names", nothing, "no DNS name and no address is asked for");
}

/* ---- Subject ---- */

static bool is_granted_name(const struct matching *m, struct bytes text) {
    struct ip ip;
    for (size_t i = 0; i < m->grant.dns.n; i++)
        if (equal_nocase(m->grant.dns.items[i], text))
            return true;
    if (!ip_read(text, &ip))
        return false;
    for (size_t i = 0; i < m->grant.ip.n; i++)
        if (bytes_equal(m->grant.ip.items[i], bytes_of(ip.bytes, ip.size)))
            return true;
    return false;
}

static void grant_common_name(struct matching *m, struct bytes cn) {
    struct x509_attribute attribute = {OID_COMMON_NAME, arena_cstr(m->a, cn)};
    struct buf name;
    buf_init(&name, TEXT_MAX);
    if (attribute.value != NULL)
        x509_name_write(&name, &attribute, cn.n > 0 ? 1 : 0);
    m->grant.subject = arena_copy(m->a, buf_bytes(&name));
    buf_clear(&name);
}

/* What else stands in the subject names people and firms, which nobody here has checked. */
static void check_common_name(struct matching *m, struct bytes cn) {
    size_t names = x509_name_count(m->asked->subject, OID_COMMON_NAME);
    size_t all = x509_name_count(m->asked->subject, OID_OTHER);
    if (names > 1)
        refuse(m, "subject", nothing, "more than one common name");
    else if (names == 1 && cn.n == 0)
        refuse(m, "subject", nothing, "the common name is empty, or cannot be read");
    else if (names == 1 && !is_granted_name(m, cn))
        refuse(m, "subject", cn, "is the common name, and none of the names asked for");
    if (all > names) {
        struct buf text;
        buf_init(&text, X509_DER_MAX);
        x509_name_text(m->asked->subject, &text);
        note(m, CA_LEFT_OUT, "subject", buf_bytes(&text),
             "is the subject, of which only the common name is given");
        buf_clear(&text);
    }
    if (cn.n > COMMON_NAME_MAX) {
        note(m, CA_LEFT_OUT, "subject", cn, "is longer than a common name may be");
        cn = nothing;
    }
    grant_common_name(m, cn);
}

static void check_subject(struct matching *m, struct bytes cn) {
    if (!m->profile->any_subject) {
        check_common_name(m, cn);
        return;
    }
    if ((m->asked->deviations & X509_DEV_NAME_CHARACTERS) != 0)
        refuse(m, "subject", nothing, "a string holds characters that its type does not allow");
    m->grant.subject = m->asked->subject;
}

/* ---- Key ---- */

static struct bytes key_text(const struct x509_key *key, struct buf *text) {
    size_t row;
    buf_text(text, ca_key_row(key, &row) ? ca_key_name(row) : key->algorithm);
    if (!ca_key_row(key, &row) && key->curve != NULL)
        buf_printf(text, " %s", key->curve);
    else if (!ca_key_row(key, &row) && key->bits > 0)
        buf_printf(text, " %u", key->bits);
    return buf_bytes(text);
}

/* A public exponent below 65537 is within the standard and has been the way into many a
 * faulty implementation (SP 800-56B). */
static bool has_small_exponent(const struct x509_key *key) {
    uint32_t e = 0;
    for (size_t i = 0; i < key->exponent.n && key->exponent.n <= 4; i++)
        e = e << 8 | key->exponent.p[i];
    return key->id == OID_RSA && key->exponent.n <= 4 && e < 65537;
}

static void check_key(struct matching *m) {
    const struct x509_key *key = &m->asked->key;
    size_t row;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (!ca_key_row(key, &row) || (m->profile->keys & 1u << row) == 0)
        refuse(m, "key", key_text(key, &text), "is not among the keys of the profile");
    if (has_small_exponent(key))
        refuse(m, "key", nothing, "an RSA key with a public exponent below 65537");
    buf_clear(&text);
}

/* ---- Usages and other extensions ---- */

static bool profile_has_usage(const struct ca_profile *p, const char *name) {
    for (size_t i = 0; i < p->usage_n; i++)
        if (bytes_is(bytes_text(name), oid_row(p->usage[i])->name))
            return true;
    return false;
}

static bool asks_for_usage(const struct x509_cert *asked, enum oid usage) {
    for (size_t i = 0; i < asked->extended_key_usage_n; i++)
        if (bytes_is(bytes_text(asked->extended_key_usage[i]), oid_row(usage)->name))
            return true;
    return false;
}

/* Those asked for; all of the profile where none is. */
static void check_usage(struct matching *m) {
    const struct ca_profile *p = m->profile;
    for (size_t i = 0; i < m->asked->extended_key_usage_n; i++)
        if (!profile_has_usage(p, m->asked->extended_key_usage[i]))
            refuse(m, "usage", bytes_text(m->asked->extended_key_usage[i]),
                   "is not among the usages of the profile");
    enum oid *given = arena_array(m->a, p->usage_n, sizeof *given);
    for (size_t i = 0; i < p->usage_n && given != NULL; i++)
        if (m->asked->extended_key_usage_n == 0 || asks_for_usage(m->asked, p->usage[i]))
            given[m->grant.usage_n++] = p->usage[i];
    m->grant.usage = given;
}

/* RSA key exchange of TLS 1.2 enciphers with a server's key; all else signs. */
static unsigned usable(const struct matching *m) {
    bool is_server = false;
    for (size_t i = 0; i < m->grant.usage_n; i++)
        is_server = is_server || m->grant.usage[i] == OID_SERVER_AUTH;
    return X509_KU_DIGITAL_SIGNATURE |
           (m->asked->key.id == OID_RSA && is_server ? X509_KU_KEY_ENCIPHERMENT : 0u);
}

static void check_key_usage(struct matching *m) {
    unsigned given = usable(m), asked = m->asked->has_key_usage ? m->asked->key_usage : given;
    if ((asked & (X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN)) != 0)
        refuse(m, "ca", nothing, "the key usage of an authority (keyCertSign, cRLSign)");
    for (unsigned bit = 0; x509_key_usage_name(bit) != NULL; bit++)
        if ((asked & ~given & 1u << bit) != 0)
            note(m, CA_LEFT_OUT, "key usage", bytes_text(x509_key_usage_name(bit)),
                 "is not given to such a key");
    if ((asked & given) == 0)
        refuse(m, "key usage", nothing, "nothing is asked for that such a key is given");
    m->grant.key_usage = asked & given;
}

static bool is_looked_at(enum oid id) {
    static const enum oid ids[] = {OID_BASIC_CONSTRAINTS, OID_KEY_USAGE, OID_EXTENDED_KEY_USAGE,
                                   OID_SUBJECT_ALT_NAME, OID_SUBJECT_KEY_ID};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void check_extensions(struct matching *m) {
    if (m->asked->is_ca)
        refuse(m, "ca", nothing, "a certificate for an authority is asked for");
    for (size_t i = 0; i < m->asked->extensions_n; i++) {
        const struct x509_extension *x = &m->asked->extensions[i];
        if (is_looked_at(x->id))
            continue;
        note(m, x->critical ? CA_REFUSED : CA_LEFT_OUT, "extension", bytes_text(x->name),
             x->critical ? "is asked for as critical, and not given" : "is not given");
    }
}

/* ---- All ---- */

static void put_together(struct matching *m) {
    struct ca_verdict *out = m->out;
    struct ca_difference *all = m->refused;
    size_t n = m->refused_n;
    for (size_t i = 0; i < m->others_n; i++) {
        if (n == CA_DIFFERENCES_MAX)
            out->untold++;
        else
            all[n++] = m->others[i];
    }
    out->items = all;
    out->n = n;
    if (out->refused == 0)
        out->grant = m->grant;
}

enum err ca_match(struct arena *a, const struct x509_request *request,
                  const struct ca_profile *profile, struct ca_verdict *out, struct fault *f) {
    struct matching m = {.a = a, .asked = &request->asked, .profile = profile, .out = out};
    *out = (struct ca_verdict){0};
    m.grant.lifetime_s = profile->lifetime_s;
    m.refused = arena_array(a, CA_DIFFERENCES_MAX, sizeof *m.refused);
    m.others = arena_array(a, CA_DIFFERENCES_MAX, sizeof *m.others);
    if (m.refused == NULL || m.others == NULL)
        return fault_set(f, a->err, "request", "%s", "no room for what differs");
    struct bytes cn = common_name(&m);
    take_names(&m, cn);
    check_proof(&m, request);
    check_form(&m);
    check_dns(&m);
    check_ip(&m);
    check_other_names(&m);
    check_subject(&m, cn);
    check_key(&m);
    check_usage(&m);
    check_key_usage(&m);
    check_extensions(&m);
    put_together(&m);
    return a->err == ERR_OK ? ERR_OK
                            : fault_set(f, a->err, "request", "%s", "no room for what differs");
}
