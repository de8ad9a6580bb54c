/* Profiles: what may be asked for, and what is then given; whether a request fits.
 *
 * A text file that people edit: UTF-8, `#` begins a comment, one section a profile:
 *
 *     [server]
 *     dns = www.example.com, *.dc1.example.com, .lab.example.com
 *     ip = 10.0.0.0/8, 192.0.2.1-192.0.2.9
 *     lifetime = 90d
 *
 *   key        value                                                     if it is left out
 *   dns        names that may be asked for: a name; "*.x" for one label   none
 *              before x; ".x" for all below x at any depth; any
 *   ip         addresses, CIDR, a-b; any                                  none
 *   wildcards  yes, no: whether "*.x" may be asked for. It may where      no
 *              all names that it stands for may
 *   key        ec-p256 ec-p384 ec-p521 rsa-2048 rsa-3072 rsa-4096         ec-p256, rsa-3072,
 *              ed25519                                                    rsa-4096
 *   lifetime   1h to 3653d, from not_before to not_after, both included   90d
 *   usage      serverAuth clientAuth                                      serverAuth
 *   subject    names: the common name alone, and that must be one of      names
 *              the names asked for; any: as asked, whatever it says
 *   approval   none, one: how many people must agree                      one
 *
 * dns or ip must be there. Lists are comma separated. No I/O; any thread.
 */
#ifndef CA_PROFILE_H
#define CA_PROFILE_H

#include "base/ip.h"
#include "x509/x509.h"

/* Limits; past them ERR_LIMIT. */
enum {
    CA_PROFILE_TEXT_MAX = 1 << 18,
    CA_PROFILES_MAX = 100,
    CA_PROFILE_NAME_MAX = 32, /* small letters, digits, hyphens */
    CA_PATTERNS_MAX = 1000,   /* words of one list */
    CA_DIFFERENCES_MAX = 64,  /* told of one request; those beyond are counted */
};

enum ca_approval { CA_APPROVAL_NONE, CA_APPROVAL_ONE };

struct ca_profile {
    const char *name;
    unsigned line; /* of its [name] */
    bool any_dns;
    struct x509_names dns; /* small letters: "www.x", "*.x", ".x" */
    const struct ip_range *ip;
    size_t ip_n;
    bool wildcards;
    unsigned keys; /* bit i: row i of ca_key_name */
    int64_t lifetime_s;
    const enum oid *usage;
    size_t usage_n;
    bool any_subject;
    enum ca_approval approval;
};

struct ca_profiles {
    const struct ca_profile *items;
    size_t n;
};

/* `file` is what errors call it. ERR_FORMAT: f->what is "profile", the detail
 * "FILE line 12: lifetime: ...". What is read lives in the arena. */
enum err ca_profiles_read(struct arena *a, struct bytes text, const char *file,
                          struct ca_profiles *out, struct fault *f) MUST_CHECK;
/* NULL: none of this name. */
const struct ca_profile *ca_profile_find(const struct ca_profiles *profiles, struct bytes name);
/* The file to begin with: profiles that ask a person each time. */
const char *ca_profiles_default(void);

/* "ec-p256" for row 0 ...; NULL past the last. */
const char *ca_key_name(size_t row);

/* ---- Whether a request fits ---- */

enum ca_effect {
    CA_REFUSED,  /* outside the profile: nothing is issued */
    CA_LEFT_OUT, /* asked for, and not given */
    CA_ADDED,    /* given, and not asked for */
};
const char *ca_effect_name(enum ca_effect effect); /* "refused", "left_out", "added" */

struct ca_difference {
    enum ca_effect effect;
    const char *rule; /* key of the profile that decides, or "signature", "form", "names",
                       * "key usage", "extension", "ca" */
    const char *text; /* for people, one line, foreign parts escaped; in the arena */
};

/* What the certificate will say; views into the request's DER or the arena. */
struct ca_grant {
    struct bytes subject; /* Name DER */
    struct x509_names dns, ip;
    unsigned key_usage;
    const enum oid *usage;
    size_t usage_n;
    int64_t lifetime_s;
};

struct ca_verdict {
    const struct ca_difference *items; /* refusals first */
    size_t n;
    size_t refused;        /* refusals in all, also those that are not listed */
    size_t untold;         /* differences beyond CA_DIFFERENCES_MAX */
    struct ca_grant grant; /* only where nothing is refused */
};

/* Compares a request with a profile: proof of possession, names, wildcards, addresses,
 * key, usages, subject, extensions. Names are equal where their letters are, without
 * regard to case; nothing is normalised. A request without alternative names is taken to
 * ask for its common name. The proof may be signed with SHA-1, as devices do: it protects
 * nothing that lasts. E-mail addresses, URIs and other kinds of names are in no
 * profile. All differences are told, not just the first. Fails only where the arena is full. */
enum err ca_match(struct arena *a, const struct x509_request *request,
                  const struct ca_profile *profile, struct ca_verdict *out,
                  struct fault *f) MUST_CHECK;

#endif
