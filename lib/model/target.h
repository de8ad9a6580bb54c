/* Targets: what a person configured, and the endpoints it unfolds to.
 *
 * Paths are files, folders, and the system's stores of certificates, which are written
 * "cert:MY" (of the computer, also "cert:\\LocalMachine\\MY") and "cert:CurrentUser\\MY".
 *
 * A target's key is its identity among targets: the name in its one form, the
 * address, CIDR or range as ip_range_write has it, or the path. Texts and
 * ports live in the arena that was handed in.
 */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "base/ip.h"
#include "model/endpoint.h"
#include "model/ports.h"

enum model_target_kind {
    MODEL_TARGET_NAME,
    MODEL_TARGET_ADDRESS,
    MODEL_TARGET_RANGE,
    MODEL_TARGET_PATH
};

const char *
model_target_kind_name(enum model_target_kind k); /* "name", "address", "range", "path" */

struct model_target {
    enum model_target_kind kind;
    struct bytes key;
    struct ip_range range; /* address and range */
    bool has_ports;        /* ports of its own; else it follows the default list */
    struct model_ports ports;
    enum model_protocol protocol; /* MODEL_PROTOCOL_NONE: each port's own */
    struct bytes sni;             /* empty: the name, if it is one */
    bool is_large_wanted;         /* more than MODEL_ADDRESSES_MAX were asked for knowingly */
    bool is_gone;                 /* marked for model_target_file_sweep */
    bool is_remote;               /* set at the server: in no file of a person */
};

/* Addresses that a target may have without a word for it (--yes-large). */
#define MODEL_ADDRESSES_MAX (UINT64_C(1) << 20)
/* Nor more than this with it. */
#define MODEL_ADDRESSES_LARGE_MAX (UINT64_C(1) << 40)

/* Which tokens are taken. */
enum model_form {
    MODEL_FORM_NAME = 1u << 0,
    MODEL_FORM_ADDRESS = 1u << 1,
    MODEL_FORM_RANGE = 1u << 2, /* CIDR and a-b */
    MODEL_FORM_PORT = 1u << 3,  /* host:port, [v6]:port */
    MODEL_FORM_URL = 1u << 4,   /* host and port of it are kept, and what imap:// says */
    MODEL_FORM_PATH = 1u << 5,  /* absolute; cert:STORE */

    MODEL_FORMS_SERVERS = MODEL_FORM_NAME | MODEL_FORM_ADDRESS | MODEL_FORM_PORT | MODEL_FORM_URL,
    MODEL_FORMS_IPS = MODEL_FORM_ADDRESS | MODEL_FORM_RANGE,
    MODEL_FORMS_WORDS = MODEL_FORMS_SERVERS | MODEL_FORM_RANGE, /* without an option before it */
    MODEL_FORMS_LINE =
        MODEL_FORM_NAME | MODEL_FORM_ADDRESS | MODEL_FORM_PORT | MODEL_FORM_RANGE | MODEL_FORM_PATH,
};

/* Reads one token. `forms` are enum model_form; *dropped (may be NULL) tells
 * that a part of a URL was left out. ERR_USAGE names the token, and the option
 * that would take it where there is one. */
enum err model_target_read(struct arena *a, struct bytes token, unsigned forms,
                           struct model_target *out, bool *dropped, struct fault *f) MUST_CHECK;

/* ERR_USAGE where it has more than MODEL_ADDRESSES_MAX addresses and
 * is_large_wanted is not set, or more than 2^40, which no scan would end. */
enum err model_target_check(const struct model_target *t, struct fault *f) MUST_CHECK;

/* Two words for one target: ERR_USAGE where they name different protocols, for it has one. */
enum err model_target_check_joined(const struct model_target *a, const struct model_target *b,
                                   struct fault *f) MUST_CHECK;

/* What must never be looked at: wins over every target. A target with ports
 * excludes those ports only. */
struct model_exclusions {
    const struct model_target *items;
    size_t n;
};

/* For addresses that a name led to as well: the probe asks before it connects.
 * `host` may be empty, ip NULL or none, where they are not known. */
bool model_excluded(const struct model_exclusions *x, struct bytes host, const struct ip *ip,
                    uint16_t port);

/* Is it a store of the system, "cert:..."? */
bool model_path_is_store(struct bytes path);

/* The path, or a folder above it. */
bool model_excluded_path(const struct model_exclusions *x, struct bytes path);

struct model_count {
    uint64_t addresses; /* 1 for names and paths */
    uint64_t ports;     /* 0 for paths */
    uint64_t excluded;  /* endpoints left out */
    uint64_t endpoints; /* addresses * ports - excluded; 1 for a path */
};

/* `defaults` serve targets without ports of their own; x may be NULL. ERR_LIMIT past 64 bits,
 * which a target that passed model_target_check never is. */
enum err model_target_count(const struct model_target *t, const struct model_ports *defaults,
                            const struct model_exclusions *x, struct model_count *out) MUST_CHECK;
/* Adds up counts; what passes 64 bits stays at UINT64_MAX. */
uint64_t model_count_add(uint64_t a, uint64_t b);

/* The endpoints of a target one after the other, in constant memory. Ports are
 * the outer loop, so that one host is not asked a thousand times in a row. A path is one
 * endpoint of kind file, or store: whoever reads it unfolds a folder. Borrows all that it is given.
 */
struct model_unfold {
    const struct model_target *target;
    const struct model_exclusions *exclusions;
    struct model_ports ports;
    struct ip_range span; /* addresses with the same ports left */
    struct ip at;
    uint32_t port;
    bool is_done;
    uint8_t left[MODEL_PORT_BITS]; /* ports of the span that are not excluded */
    char host[IP_TEXT_MAX];
};

void model_unfold_open(struct model_unfold *u, const struct model_target *t,
                       const struct model_ports *defaults, const struct model_exclusions *x);
/* False at the end. *out borrows from *u until the next call; its network is left empty. */
bool model_unfold_next(struct model_unfold *u, struct model_endpoint *out);

#endif
