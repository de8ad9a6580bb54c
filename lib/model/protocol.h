/* What is spoken before the ClientHello, and on which port, as rows.
 * Names are those of `openssl s_client -starttls` where it has one. */
#ifndef MODEL_PROTOCOL_H
#define MODEL_PROTOCOL_H

#include "base/bytes.h"

enum model_protocol {
    MODEL_PROTOCOL_NONE = 0, /* none of its own: the port's; null for files */
    MODEL_TLS,               /* TLS from the first byte */
    MODEL_SMTP,
    MODEL_LMTP,
    MODEL_IMAP,
    MODEL_POP3,
    MODEL_SIEVE,
    MODEL_FTP,
    MODEL_LDAP,
    MODEL_XMPP,
    MODEL_XMPP_SERVER,
    MODEL_NNTP,
    MODEL_IRC,
    MODEL_POSTGRES,
    MODEL_MYSQL,
    MODEL_TELNET,
    MODEL_MSSQL,
    MODEL_RDP,
    MODEL_HTTP_UPGRADE,
    MODEL_PROTOCOL_COUNT
};

struct model_protocol_row {
    const char *name;     /* for --protocol, files and JSON */
    const char *title;    /* for people */
    bool has_dialogue;    /* false: TLS at once */
    const char *document; /* "RFC 3207" */
};

/* Never NULL; a number outside the table gives the row of MODEL_PROTOCOL_NONE ("auto"). */
const struct model_protocol_row *model_protocol_row(enum model_protocol p);
const char *model_protocol_name(enum model_protocol p);
/* False for a name that is not in the table; "auto" is MODEL_PROTOCOL_NONE. */
bool model_protocol_read(struct bytes name, enum model_protocol *out);
/* The row's name that is nearest to a mistyped one; NULL where none is near. */
const char *model_protocol_near(struct bytes name);

/* "imap" of imap://host: what is spoken, and on which port where none is given. False for a
 * scheme that says neither (https and all that are TLS at once). */
bool model_scheme_read(struct bytes scheme, enum model_protocol *out, uint16_t *port);

/* Named sets of ports, as bits. */
enum model_port_set {
    MODEL_PORTS_DEFAULT = 1u << 0,
    MODEL_PORTS_STARTTLS = 1u << 1,
    MODEL_PORTS_DATABASE = 1u << 2,
};

struct model_port_row {
    uint16_t port;
    enum model_protocol protocol;
    unsigned sets;       /* enum model_port_set */
    const char *service; /* "https" */
};

/* All rows, ascending by port; a row of port 0 closes them. */
const struct model_port_row *model_port_rows(void);
/* What a port speaks unless its target says otherwise; MODEL_TLS where unknown. */
enum model_protocol model_protocol_of_port(uint16_t port);

#endif
