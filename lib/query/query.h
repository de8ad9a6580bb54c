/* The search language of the GUI, the API and the export: one parser, one meaning.
 *
 *   issuer:"Example CA" expires<30d (key:rsa<2048 or sig:sha1) not owner:none
 *
 *   query = and { "or" and }        and  = not { ["and"] not }
 *   not   = "not" not | one         one  = "(" query ")" | field op value | text
 *   op    = ":" "=" "<" "<=" ">" ">="
 *
 * A value is a word, or a text in quotes (\" and \\ within). In a word `*` stands for
 * anything; in quotes it is a star. Letters' case is ignored (ASCII). Without a field a
 * text is looked for in the names, the issuer and, where it is hex, in serial and fingerprint.
 *
 *   texts    `:` anywhere within, `=` the whole; with `*` always the whole
 *   words    the whole (agent, network, owner, tag, ...); `owner:none`: there is none
 *   hex      colons, blanks, upper case, leading zeros do not count: numbers
 *   times    2026, 2026-12, 2026-12-01, 2026-12-01T10:00:00Z are spans, `today` too; 30d and -7d
 *            are moments from now (h d w y), `now` too. `<` before its begin, `<=` before its end
 *   numbers  993, 8000-9000, and by < and >
 *   key      rsa, rsa2048, ec, p-256, rsa<2048 (bits)
 *
 * Places. What is said of places (host, port, agent, is:served, ...) side by side is said
 * of one and the same place; `not port:993` is said of all of them.
 *
 * Texts are foreign. Strict limits; no I/O; any thread, an arena one thread at a time. What
 * is parsed is not changed by matching: one query serves many threads.
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "base/arena.h"
#include "base/ip.h"

enum {
    QUERY_LENGTH_MAX = 2048, /* bytes */
    QUERY_DEPTH_MAX = 16,    /* of parentheses and `not` */
    QUERY_TERMS_MAX = 64,
    QUERY_ERROR_MAX = 200,
};

/* What a query is asked of. Bits. */
enum query_rows {
    QUERY_CERTIFICATES = 1u << 0,
    QUERY_ENDPOINTS = 1u << 1,
    QUERY_OBSERVATIONS = 1u << 2,
    QUERY_REQUESTS = 1u << 3,
    QUERY_SERVICES = 1u << 4,
    QUERY_AGENTS = 1u << 5,
};

enum query_field {
    QUERY_ANY, /* a text without a field */
    QUERY_SUBJECT,
    QUERY_SAN,
    QUERY_ISSUER,
    QUERY_CHAIN,
    QUERY_SERIAL,
    QUERY_SHA256,
    QUERY_SPKI,
    QUERY_KEY,
    QUERY_SIG,
    QUERY_VERSION,
    QUERY_EXPIRES,
    QUERY_ISSUED,
    QUERY_SEEN,
    QUERY_HOST,
    QUERY_IP,
    QUERY_PORT,
    QUERY_PROTOCOL,
    QUERY_TLS,
    QUERY_OUTCOME,
    QUERY_AGENT,
    QUERY_NETWORK,
    QUERY_SERVICE,
    QUERY_OWNER,
    QUERY_TAG,
    QUERY_FINDING,
    QUERY_RENEWAL,
    QUERY_IS,
    QUERY_FIELD_COUNT
};

enum query_type {
    QUERY_TEXT,
    QUERY_WORD,
    QUERY_HEX,
    QUERY_TIME,
    QUERY_NUMBER,
    QUERY_ADDRESS,
    QUERY_KEY_TYPE,
    QUERY_TLS_VERSION,
    QUERY_PATH, /* a text, or a fingerprint: of chain */
    QUERY_STATE /* a word of query_words */
};

struct query_field_row {
    const char *name;
    enum query_field field;
    enum query_type type;
    unsigned rows;       /* enum query_rows: that have it */
    bool of_place;       /* of a certificate: said of the places where it is seen */
    const char *missing; /* why nobody can answer it yet; NULL: it is answered */
    const char *example, *help;
};
/* In the order of the manual; QUERY_ANY is not among them. */
const struct query_field_row *query_fields(size_t *n);
const char *query_operators(enum query_type type); /* ": = < <= > >=" */

enum query_state {
    QUERY_SERVED,
    QUERY_GONE,
    QUERY_EXPIRED,
    QUERY_SELF_SIGNED,
    QUERY_CA,
    QUERY_MANAGED,
    QUERY_REVOKED,
    QUERY_UNREADABLE,
    QUERY_NOT_YET_SERVED,
    QUERY_ARCHIVED,
    QUERY_WAIVED,
    QUERY_STATE_COUNT
};

struct query_state_row {
    const char *name;
    enum query_state state;
    unsigned rows;
    bool of_place;
    const char *missing, *help;
};
const struct query_state_row *query_states(size_t *n);

/* ---- The tree ---- */

/* Parts with anything between them; see query_pattern_holds. */
struct query_part {
    struct bytes text;    /* lower case */
    const uint16_t *back; /* how far to fall back in it (Knuth, Morris, Pratt) */
};
struct query_pattern {
    const struct query_part *parts;
    size_t n;
    bool whole; /* else its one part may stand anywhere */
};

enum query_op { QUERY_IN, QUERY_EQUAL, QUERY_BELOW, QUERY_UPTO, QUERY_ABOVE, QUERY_FROM };

struct query_term {
    enum query_field field;
    enum query_type type;
    enum query_op op;
    bool none; /* owner:none: holds where the field has no value */
    struct query_pattern pattern;
    struct bytes hex;      /* digits without leading zeros; empty: it is no number */
    bool hex_whole;        /* else the digits may stand anywhere */
    int64_t from, to;      /* numbers and times: from <= v < to */
    struct ip_range range; /* addresses; size 0: by the pattern */
    enum query_state state;
};

enum query_kind {
    QUERY_ALL, /* the empty query: everything */
    QUERY_AND,
    QUERY_OR,
    QUERY_NOT,
    QUERY_TERM,
    QUERY_PLACE /* its one child holds at one place of the row */
};

struct query_node {
    enum query_kind kind;
    bool of_place;                 /* nothing but terms of places below */
    struct query_node *first;      /* children; NULL: none */
    struct query_node *next;       /* of the same parent */
    const struct query_term *term; /* QUERY_TERM */
};

struct query {
    struct query_node *root;
    unsigned rows;
    int64_t now_s; /* what times were counted from */
};

struct query_error {
    enum err code; /* ERR_USAGE; ERR_LIMIT, ERR_UNSUPPORTED, ERR_MEMORY */
    size_t column; /* in characters, from 1 */
    char text[QUERY_ERROR_MAX];
};

/* Parses a query about one kind of rows; the tree lives in the arena. On failure the
 * column and what was expected there are in *e; a field that cannot be answered for these
 * rows is one (ERR_UNSUPPORTED), never an empty result. */
enum err query_parse(struct arena *a, struct bytes text, enum query_rows rows, int64_t now_s,
                     const struct query **out, struct query_error *e) MUST_CHECK;
/* "column 5: ..." as a fault of the option or parameter `what`. Returns its code. */
enum err query_fault(const struct query_error *e, const char *what, struct fault *f);

/* A moment or span as a query writes it: [from, to). False: none. For options like --as-of. */
bool query_time_read(struct bytes text, int64_t now_s, int64_t *from, int64_t *to);

/* Bits of a key as lists show it ("RSA 2048", "EC P-256"); 0: not known. */
int64_t query_key_bits(struct bytes text);

/* ---- Matching ---- */

/* One value of a field: texts, words, hex (raw bytes), addresses (4 or 16 raw bytes), keys
 * ("RSA 2048") and TLS versions in `text`; times (seconds) and numbers in `number`. */
struct query_value {
    struct bytes text;
    int64_t number;
};
/* True: enough, no more values are wanted. */
typedef bool query_take(void *context, const struct query_value *v);

/* A row as the matcher sees it: store/inventory and clm-export each have one. */
struct query_row {
    const void *context;
    /* Hands over every value of the field; what it has not has none. Returns true as
     * soon as `take` did. QUERY_ANY: the texts that a search without a field looks at.
     * QUERY_CHAIN: names as texts; fingerprints and keys' fingerprints by `is_hex`. */
    bool (*values)(const void *context, enum query_field field, bool is_hex, query_take *take,
                   void *take_context);
    bool (*is)(const void *context, enum query_state state, int64_t now_s); /* NULL: in none */
    /* Each place of the row, until `visit` returns true; NULL: the row is its one place. */
    bool (*places)(const void *context,
                   bool (*visit)(void *visit_context, const struct query_row *place),
                   void *visit_context);
};

bool query_holds(const struct query *q, const struct query_row *row);
bool query_pattern_holds(const struct query_pattern *p, struct bytes text);

/* For a planner. What holds for every row that matches: from <= field < to, as the terms
 * say that are joined by "and" at the top. False: nothing is said of it. An index that has
 * the field in order hands over only those rows; matching them stays as it is. Other plans
 * (candidates by name, by fingerprint) walk the tree in the same way. */
bool query_bounds(const struct query *q, enum query_field field, int64_t *from, int64_t *to);

#endif
