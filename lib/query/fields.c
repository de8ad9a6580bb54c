/* The fields and the words of `is:`, as rows. See query.h. */
#include "query/inner.h"

#include "base/text.h"

#include <string.h>

#define CERTS QUERY_CERTIFICATES
#define ENDS (QUERY_CERTIFICATES | QUERY_ENDPOINTS)
#define SEEN (QUERY_CERTIFICATES | QUERY_ENDPOINTS | QUERY_OBSERVATIONS)
#define ASKED (QUERY_CERTIFICATES | QUERY_ENDPOINTS | QUERY_REQUESTS)
#define CARED (QUERY_CERTIFICATES | QUERY_ENDPOINTS | QUERY_SERVICES)
#define KNOWN (QUERY_CERTIFICATES | QUERY_ENDPOINTS | QUERY_OBSERVATIONS | QUERY_AGENTS)
#define SENT (KNOWN | QUERY_REQUESTS)

/* clang-format off */
static const struct query_field_row fields[] = {
    {"subject",  QUERY_SUBJECT,  QUERY_TEXT,        ASKED, false, NULL, "subject:\"O=Example\"", "Subject as RFC 4514 writes it"},
    {"san",      QUERY_SAN,      QUERY_TEXT,        ASKED, false, NULL, "san:*.example.com", "A DNS name or address that it names"},
    {"issuer",   QUERY_ISSUER,   QUERY_TEXT,        ENDS,  false, NULL, "issuer:\"Example CA\"", "Who signed it"},
    {"chain",    QUERY_CHAIN,    QUERY_PATH,        CERTS, false, NULL, "chain:\"Example Root\"", "Any certificate of the path as served: name, SHA-256 or SPKI"},
    {"serial",   QUERY_SERIAL,   QUERY_HEX,         ENDS,  false, NULL, "serial:3a:91:7c:02", "Serial number"},
    {"sha256",   QUERY_SHA256,   QUERY_HEX,         SEEN,  false, NULL, "sha256:3a917c02*", "Fingerprint"},
    {"spki",     QUERY_SPKI,     QUERY_HEX,         ENDS,  false, NULL, "spki:3a917c02*", "SHA-256 of the public key"},
    {"key",      QUERY_KEY,      QUERY_KEY_TYPE,    ASKED, false, NULL, "key:rsa<2048", "Kind and size of the key"},
    {"sig",      QUERY_SIG,      QUERY_TEXT,        ENDS,  false, NULL, "sig:sha1", "Signature algorithm"},
    {"version",  QUERY_VERSION,  QUERY_NUMBER,      CERTS, false, NULL, "version:1", "Version of the certificate, 1 to 3"},
    {"expires",  QUERY_EXPIRES,  QUERY_TIME,        ENDS,  false, NULL, "expires<30d", "Its end"},
    {"issued",   QUERY_ISSUED,   QUERY_TIME,        ASKED, false, NULL, "issued>-7d", "Its begin; of a request: when it was made"},
    {"seen",     QUERY_SEEN,     QUERY_TIME,        KNOWN, false, NULL, "seen>2026-01-01", "When it was seen last"},
    {"host",     QUERY_HOST,     QUERY_TEXT,        SEEN,  true,  NULL, "host:mail", "Name or address of an endpoint, path of a file"},
    {"ip",       QUERY_IP,       QUERY_ADDRESS,     SEEN,  true,  NULL, "ip:10.0.0.0/8", "Address connected to"},
    {"port",     QUERY_PORT,     QUERY_NUMBER,      SEEN,  true,  NULL, "port:993", "Port of an endpoint"},
    {"protocol", QUERY_PROTOCOL, QUERY_WORD,        SEEN,  true,  NULL, "protocol:smtp", "What is spoken there before TLS; tls where nothing"},
    {"tls",      QUERY_TLS,      QUERY_TLS_VERSION, SEEN,  true,  NULL, "tls<1.2", "TLS version that was agreed"},
    {"outcome",  QUERY_OUTCOME,  QUERY_WORD,        SEEN,  true,  NULL, "outcome:refused", "How the last look ended"},
    {"agent",    QUERY_AGENT,    QUERY_WORD,        SENT,  true,  NULL, "agent:dc1*", "Name or id of the agent that saw it last"},
    {"network",  QUERY_NETWORK,  QUERY_WORD,        KNOWN, true,  NULL, "network:default", "Label of the agent's network"},
    {"service",  QUERY_SERVICE,  QUERY_WORD,        CARED, false, NULL, "service:5f2c*", "Id of the line of certificates that replace each other"},
    {"owner",    QUERY_OWNER,    QUERY_WORD,        CARED, false, NULL, "owner:none", "Owner of its service"},
    {"tag",      QUERY_TAG,      QUERY_WORD,        CARED, false, NULL, "tag:prod", "Tag of its service"},
    {"finding",  QUERY_FINDING,  QUERY_WORD,        CERTS, false, "findings are not kept in the store yet", "finding:weak-key", "A rule that fires"},
    {"renewal",  QUERY_RENEWAL,  QUERY_WORD,        CERTS, false, "how it is renewed is not kept in the store yet", "renewal:agent", "How it is renewed"},
    {"is",       QUERY_IS,       QUERY_STATE,       ENDS,  false, NULL, "is:served", "A state"},
};

static const struct query_state_row states[] = {
    {"served",         QUERY_SERVED,         CERTS, true,  NULL, "Shown by an endpoint in its last looks"},
    {"gone",           QUERY_GONE,           CERTS, false, NULL, "Was seen, and is served nowhere now"},
    {"expired",        QUERY_EXPIRED,        ENDS,  false, NULL, "Its end has passed"},
    {"self-signed",    QUERY_SELF_SIGNED,    ENDS,  false, NULL, "Signed by its own key"},
    {"ca",             QUERY_CA,             ENDS,  false, NULL, "May sign others"},
    {"managed",        QUERY_MANAGED,        ENDS,  false, NULL, "Issued for a request made here"},
    {"revoked",        QUERY_REVOKED,        ENDS,  false, NULL, "Revoked here"},
    {"unreadable",     QUERY_UNREADABLE,     ENDS,  false, NULL, "Does not parse"},
    {"not-yet-served", QUERY_NOT_YET_SERVED, CERTS, false, NULL, "Issued here, and no scan has seen it"},
    {"archived",       QUERY_ARCHIVED,       CERTS, false, "nothing can be archived yet", "Put away by a person"},
    {"waived",         QUERY_WAIVED,         CERTS, false, "waivers are not kept in the store yet", "A person accepts its findings"},
};
/* clang-format on */

enum { FIELDS = sizeof fields / sizeof fields[0], STATES = sizeof states / sizeof states[0] };

const struct query_field_row *query_fields(size_t *n) {
    *n = FIELDS;
    return fields;
}

const struct query_state_row *query_states(size_t *n) {
    *n = STATES;
    return states;
}

const char *query_operators(enum query_type type) {
    switch (type) {
    case QUERY_TIME:
    case QUERY_NUMBER:
    case QUERY_TLS_VERSION:
        return ": = < <= > >=";
    case QUERY_STATE:
    case QUERY_KEY_TYPE:
    case QUERY_ADDRESS:
        return ":";
    default:
        return ": =";
    }
}

const struct query_field_row *query_field_find(struct bytes name) {
    for (size_t i = 0; i < FIELDS; i++)
        if (bytes_is_nocase(name, fields[i].name))
            return &fields[i];
    return NULL;
}

const char *query_field_near(struct bytes name) {
    char text[16];
    const char *near = NULL;
    unsigned best = 3;
    if (name.n == 0 || name.n >= sizeof text)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        text[i] = ascii_lower((char)name.p[i]);
    text[name.n] = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        unsigned distance = text_distance(text, fields[i].name);
        if (distance < best && distance < name.n) {
            best = distance;
            near = fields[i].name;
        }
    }
    return near;
}

const struct query_state_row *query_state_find(struct bytes name) {
    for (size_t i = 0; i < STATES; i++)
        if (bytes_is_nocase(name, states[i].name))
            return &states[i];
    return NULL;
}
