/* The extensions that are read when asked for. See x509.h; RFC 5280, 4.2; RFC 6962; RFC 7633.
 *
 * Each reader takes one extension's value and fills its part of the details; what it
 * wrote is thrown away again where the value turns out to be malformed. Qualifiers of
 * policies other than the first practice statement, reasons and issuers of
 * distribution points, and the bounds of constraints (which RFC 5280 fixes) are read
 * past. Relative names of distribution points are left out.
 */
#include "base/der.h"
#include "x509/inner.h"

#include <string.h>

/* A list that grows in the arena. */
struct list {
    struct arena *a;
    void *items;
    size_t n, room, size;
};

/* Room for one more, zeroed; NULL where there are too many or the arena has none. */
static void *list_add(struct list *l) {
    if (l->n == X509_ALT_NAMES_MAX)
        return NULL;
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 4 : l->room * 2;
        void *grown = arena_array(l->a, room, l->size);
        if (grown == NULL)
            return NULL;
        if (l->n > 0)
            memcpy(grown, l->items, l->n * l->size);
        l->items = grown;
        l->room = room;
    }
    return (uint8_t *)l->items + l->n++ * l->size;
}

static struct list list_of(struct arena *a, size_t item_size) {
    return (struct list){.a = a, .size = item_size};
}

static bool add_bytes(struct list *l, struct bytes item) {
    struct bytes *slot = list_add(l);
    if (slot != NULL)
        *slot = item;
    return slot != NULL;
}

static struct x509_names names_of(const struct list *l) {
    return (struct x509_names){.items = l->items, .n = l->n};
}

/* GeneralNames without their outer tag. */
static bool add_names(struct list *l, struct bytes content) {
    struct x509_general_name ignored;
    for (struct cur c = cur_open(content); c.rest.n > 0;) {
        struct bytes whole = der_any(&c).whole;
        if (!x509_general_name_read(whole, &ignored) || !add_bytes(l, whole))
            return false;
    }
    return true;
}

/* A cursor over the content of the one SEQUENCE that an extension's value is. */
static struct cur open_value(struct bytes value) {
    struct cur c = cur_open(value), inner = der_open(&c, DER_SEQUENCE);
    if (!cur_end(&c))
        cur_refuse(&inner);
    return inner;
}

static bool read_authority_key(struct arena *a, struct bytes value, struct x509_details *out) {
    struct cur c = open_value(value);
    struct list issuer = list_of(a, sizeof(struct bytes));
    struct bytes key_id, names = {0};
    der_optional(&c, DER_CONTEXT | 0, &key_id);
    der_optional(&c, DER_CONTEXT_CONS | 1, &names);
    der_optional(&c, DER_CONTEXT | 2, &out->authority_serial);
    if (!cur_end(&c) || !add_names(&issuer, names))
        return false;
    out->authority_issuer = names_of(&issuer);
    return true;
}

/* GeneralSubtrees: of each its base. */
static bool read_subtrees(struct arena *a, struct bytes content, struct x509_names *out) {
    struct list l = list_of(a, sizeof(struct bytes));
    for (struct cur c = cur_open(content); c.rest.n > 0;) {
        struct cur tree = der_open(&c, DER_SEQUENCE);
        struct bytes base = der_any(&tree).whole, bound;
        der_optional(&tree, DER_CONTEXT | 0, &bound);
        der_optional(&tree, DER_CONTEXT | 1, &bound);
        if (!cur_end(&tree) || !add_names(&l, base))
            return false;
    }
    *out = names_of(&l);
    return true;
}

static bool read_name_constraints(struct arena *a, struct bytes value, struct x509_details *out) {
    struct cur c = open_value(value);
    struct bytes permitted = {0}, excluded = {0};
    der_optional(&c, DER_CONTEXT_CONS | 0, &permitted);
    der_optional(&c, DER_CONTEXT_CONS | 1, &excluded);
    out->has_name_constraints = true;
    return cur_end(&c) && read_subtrees(a, permitted, &out->permitted) &&
           read_subtrees(a, excluded, &out->excluded);
}

/* id-qt-cps, 1.3.6.1.5.5.7.2.1 */
static bool is_cps(struct bytes oid) {
    static const uint8_t cps[] = {0x2b, 6, 1, 5, 5, 7, 2, 1};
    return bytes_equal(oid, bytes_of(cps, sizeof cps));
}

static struct bytes first_cps(struct cur *policy) {
    struct cur qualifiers = der_open(policy, DER_SEQUENCE);
    struct bytes cps = {0};
    while (qualifiers.rest.n > 0) {
        struct cur one = der_open(&qualifiers, DER_SEQUENCE);
        struct bytes oid = der_oid(&one), content = der_any(&one).content;
        if (!cur_end(&one))
            cur_refuse(policy);
        if (qualifiers.bad || one.bad)
            break;
        if (cps.n == 0 && is_cps(oid))
            cps = content;
    }
    return cps;
}

static bool read_policies(struct arena *a, struct bytes value, struct x509_details *out) {
    struct list l = list_of(a, sizeof(struct x509_policy));
    struct cur c = open_value(value);
    while (c.rest.n > 0 && !c.bad) {
        struct cur one = der_open(&c, DER_SEQUENCE);
        struct x509_policy *policy = list_add(&l);
        if (policy == NULL)
            return false;
        policy->oid = der_oid(&one);
        policy->name = x509_inner_oid_name(a, OID_POLICY, policy->oid);
        if (one.rest.n > 0)
            policy->cps = first_cps(&one);
        if (policy->name == NULL || !cur_end(&one))
            return false;
    }
    out->policies = l.items;
    out->policies_n = l.n;
    return cur_end(&c);
}

static bool read_access(struct arena *a, struct bytes value, struct x509_details *out) {
    struct list l = list_of(a, sizeof(struct x509_access));
    struct x509_general_name ignored;
    struct cur c = open_value(value);
    while (c.rest.n > 0 && !c.bad) {
        struct cur one = der_open(&c, DER_SEQUENCE);
        struct x509_access *access = list_add(&l);
        if (access == NULL)
            return false;
        access->method = x509_inner_oid_name(a, OID_ACCESS, der_oid(&one));
        access->location = der_any(&one).whole;
        if (access->method == NULL || !cur_end(&one) ||
            !x509_general_name_read(access->location, &ignored))
            return false;
    }
    out->access = l.items;
    out->access_n = l.n;
    return cur_end(&c);
}

/* DistributionPointName: fullName [0], or a name relative to the issuer's [1]. */
static bool add_point(struct list *l, struct bytes content) {
    struct cur c = cur_open(content);
    struct bytes names;
    if (der_optional(&c, DER_CONTEXT_CONS | 0, &names))
        return cur_end(&c) && add_names(l, names);
    der_take(&c, DER_CONTEXT_CONS | 1);
    return cur_end(&c);
}

static bool read_crl_points(struct arena *a, struct bytes value, struct x509_details *out) {
    struct list l = list_of(a, sizeof(struct bytes));
    struct cur c = open_value(value);
    while (c.rest.n > 0 && !c.bad) {
        struct cur one = der_open(&c, DER_SEQUENCE);
        struct bytes name, rest;
        if (der_optional(&one, DER_CONTEXT_CONS | 0, &name) && !add_point(&l, name))
            return false;
        der_optional(&one, DER_CONTEXT | 1, &rest);
        der_optional(&one, DER_CONTEXT_CONS | 2, &rest);
        if (!cur_end(&one))
            return false;
    }
    out->crl = names_of(&l);
    return cur_end(&c);
}

/* The bytes of TLS (RFC 6962, 3.2) inside of an OCTET STRING. */
static bool read_timestamp(struct bytes sct, struct x509_timestamp *out) {
    enum { LOG_ID_SIZE = 32 };
    struct cur c = cur_open(sct);
    out->version = cur_u8(&c) + 1u;
    if (out->version != 1)
        return !c.bad;
    out->log_id = cur_take(&c, LOG_ID_SIZE);
    out->time_ms = cur_u64(&c);
    cur_vec16(&c); /* extensions */
    cur_u16(&c);   /* hash and signature algorithm */
    cur_vec16(&c); /* signature */
    return cur_end(&c);
}

static bool read_timestamps(struct arena *a, struct bytes value, struct x509_details *out) {
    struct list l = list_of(a, sizeof(struct x509_timestamp));
    struct cur c = cur_open(value), inner = cur_open(der_take(&c, DER_OCTET_STRING));
    struct cur list = cur_open(cur_vec16(&inner));
    while (list.rest.n > 0 && !list.bad) {
        struct x509_timestamp *sct = list_add(&l);
        if (sct == NULL || !read_timestamp(cur_vec16(&list), sct))
            return false;
    }
    out->timestamps = l.items;
    out->timestamps_n = l.n;
    return cur_end(&c) && cur_end(&inner) && !list.bad;
}

static bool read_tls_features(struct arena *a, struct bytes value, struct x509_details *out) {
    enum { STATUS_REQUEST = 5 };
    struct list l = list_of(a, sizeof(uint16_t));
    struct cur c = open_value(value);
    while (c.rest.n > 0 && !c.bad) {
        uint64_t feature = der_u64(&c);
        uint16_t *slot = list_add(&l);
        if (slot == NULL || feature > UINT16_MAX)
            return false;
        *slot = (uint16_t)feature;
        out->must_staple = out->must_staple || feature == STATUS_REQUEST;
    }
    out->tls_features = l.items;
    out->tls_features_n = l.n;
    return cur_end(&c);
}

static bool read_poison(struct arena *a, struct bytes value, struct x509_details *out) {
    (void)a;
    struct cur c = cur_open(value);
    bool good = der_take(&c, DER_NULL).n == 0;
    out->is_precertificate = true;
    return good && cur_end(&c);
}

static const struct {
    enum oid id;
    bool (*read)(struct arena *a, struct bytes value, struct x509_details *out);
} readers[] = {
    {OID_AUTHORITY_KEY_ID,        read_authority_key   },
    {OID_NAME_CONSTRAINTS,        read_name_constraints},
    {OID_CERTIFICATE_POLICIES,    read_policies        },
    {OID_AUTHORITY_INFO_ACCESS,   read_access          },
    {OID_CRL_DISTRIBUTION_POINTS, read_crl_points      },
    {OID_TIMESTAMPS,              read_timestamps      },
    {OID_TLS_FEATURE,             read_tls_features    },
    {OID_PRECERTIFICATE_POISON,   read_poison          },
};
enum { READERS = sizeof readers / sizeof readers[0] };

static void read_one(struct arena *a, const struct x509_extension *x, size_t reader,
                     struct x509_details *out) {
    struct bytes value = x509_inner_first(x->value, &out->deviations);
    struct x509_details read = *out;
    if (readers[reader].read(a, value, &read))
        *out = read;
    else
        out->deviations |= X509_DEV_EXTENSION_UNREADABLE;
}

enum err x509_details_read(struct arena *a, const struct x509_cert *cert,
                           struct x509_details *out) {
    bool seen[READERS] = {false}; /* the first of its kind counts */
    *out = (struct x509_details){.deviations = cert->deviations};
    for (size_t i = 0; i < cert->extensions_n; i++) {
        const struct x509_extension *x = &cert->extensions[i];
        for (size_t k = 0; k < READERS; k++) {
            if (readers[k].id != x->id || seen[k])
                continue;
            seen[k] = true;
            read_one(a, x, k, out);
        }
    }
    return a->err;
}
