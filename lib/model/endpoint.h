/* Endpoint and face: the places where certificates are seen, and their identities.
 *
 * An endpoint's identity is the first 16 bytes of SHA-256 over
 *
 *   "clm endpoint 1" 00
 *   scope    u8  'n' and the network's label, or 'a' and the agent's id:  vec16
 *   kind     vec8   "tls", "file", "store"
 *   host     vec16  name or address in its one form; empty for files and stores
 *   port     u16    0 for files and stores
 *   path     vec16  empty for tls
 *   protocol vec8   its name; empty for files and stores
 *
 * and a face's over "clm face 1" 00, the 16 bytes of its endpoint, the address
 * (vec8 of 0, 4 or 16 bytes), the SNI (vec16) and what was asked for (vec8, its name).
 * vecN: length of N bits, big-endian, then the bytes. These layouts are in stores:
 * a change is a new version word, never an edit.
 *
 * What only one agent can see is scoped to that agent: loopback (127/8, ::1,
 * the unspecified addresses, names like localhost), link-local addresses, files
 * and certificate stores. Everything else is shared by the agents of a network.
 */
#ifndef MODEL_ENDPOINT_H
#define MODEL_ENDPOINT_H

#include "base/buf.h"
#include "base/ip.h"
#include "model/protocol.h"

enum model_kind { MODEL_KIND_TLS, MODEL_KIND_FILE, MODEL_KIND_STORE, MODEL_KIND_COUNT };

const char *model_kind_name(enum model_kind k);
bool model_kind_read(struct bytes name, enum model_kind *out);

/* Borrows its texts. */
struct model_endpoint {
    struct bytes network; /* the agent's label; empty is "default" */
    enum model_kind kind;
    struct bytes host;            /* configured name, else the address as text; empty for files */
    struct ip ip;                 /* where the host is an address; else size 0 */
    uint16_t port;                /* tls only */
    struct bytes path;            /* files and stores only */
    enum model_protocol protocol; /* tls only */
};

/* The key type that was asked for in the ClientHello. */
enum model_asked {
    MODEL_ASKED_ANY,
    MODEL_ASKED_RSA,
    MODEL_ASKED_ECDSA,
    MODEL_ASKED_ML_DSA,
    MODEL_ASKED_COUNT
};

const char *model_asked_name(enum model_asked asked);
bool model_asked_read(struct bytes name, enum model_asked *out);

struct model_face {
    struct model_endpoint endpoint;
    struct ip ip;     /* the one connected to; size 0 where none was (name look-up failed, files) */
    struct bytes sni; /* empty: none sent */
    enum model_asked asked;
};

/* True where the endpoint belongs to the agent alone. */
bool model_endpoint_is_private(const struct model_endpoint *e);

enum { MODEL_ID_SIZE = 16 };

struct model_ids {
    uint8_t endpoint[MODEL_ID_SIZE], face[MODEL_ID_SIZE];
};

/* agent_id: as text, in hex. */
void model_endpoint_id(const struct model_endpoint *e, struct bytes agent_id,
                       uint8_t out[MODEL_ID_SIZE]);
void model_face_ids(const struct model_face *face, struct bytes agent_id, struct model_ids *out);

/* "mail.example.com:443", "[2001:db8::1]:443", or the path. */
void model_endpoint_write(struct buf *out, const struct model_endpoint *e);

#endif
