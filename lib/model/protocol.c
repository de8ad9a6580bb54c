/* Protocols and known ports as rows. See protocol.h. */
#include "model/protocol.h"

#include "base/text.h"

#include <string.h>

static const struct model_protocol_row protocols[MODEL_PROTOCOL_COUNT] = {
    [MODEL_PROTOCOL_NONE] = {"auto",         "as the port has it",     false, ""                              },
    [MODEL_TLS] = {"tls",          "TLS at once",            false, "RFC 8446"                      },
    [MODEL_SMTP] = {"smtp",         "SMTP, submission",       true,  "RFC 3207"                      },
    [MODEL_LMTP] = {"lmtp",         "LMTP",                   true,  "RFC 2033"                      },
    [MODEL_IMAP] = {"imap",         "IMAP",                   true,  "RFC 9051"                      },
    [MODEL_POP3] = {"pop3",         "POP3",                   true,  "RFC 2595"                      },
    [MODEL_SIEVE] = {"sieve",        "ManageSieve",            true,  "RFC 5804"                      },
    [MODEL_FTP] = {"ftp",          "FTP",                    true,  "RFC 4217"                      },
    [MODEL_LDAP] = {"ldap",         "LDAP",                   true,  "RFC 4511"                      },
    [MODEL_XMPP] = {"xmpp",         "XMPP, client to server", true,  "RFC 6120"                      },
    [MODEL_XMPP_SERVER] = {"xmpp-server",  "XMPP, server to server", true,  "RFC 6120"                      },
    [MODEL_NNTP] = {"nntp",         "NNTP",                   true,  "RFC 4642"                      },
    [MODEL_IRC] = {"irc",          "IRC",                    true,  "IRCv3 tls"                     },
    [MODEL_POSTGRES] = {"postgres",     "PostgreSQL",             true,  "PostgreSQL, protocol flow, SSL"},
    [MODEL_MYSQL] = {"mysql",        "MySQL, MariaDB",         true,  "MySQL, connection phase"       },
    [MODEL_TELNET] = {"telnet",       "Telnet",                 true,  "draft-altman-telnet-starttls"  },
    [MODEL_MSSQL] = {"mssql",        "MS SQL",                 true,  "MS-TDS"                        },
    [MODEL_RDP] = {"rdp",          "RDP",                    true,  "MS-RDPBCGR"                    },
    [MODEL_HTTP_UPGRADE] = {"http-upgrade", "IPP and HTTP upgrade",   true,  "RFC 2817"                      },
};

enum {
    NINE = MODEL_PORTS_DEFAULT,
    START = MODEL_PORTS_STARTTLS,
    DB = MODEL_PORTS_DATABASE,
};

static const struct model_port_row ports[] = {
    {21,    MODEL_FTP,           START,      "ftp"           },
    {23,    MODEL_TELNET,        START,      "telnet"        },
    {24,    MODEL_LMTP,          START,      "lmtp"          },
    {25,    MODEL_SMTP,          START,      "smtp"          },
    {110,   MODEL_POP3,          START,      "pop3"          },
    {119,   MODEL_NNTP,          START,      "nntp"          },
    {143,   MODEL_IMAP,          START,      "imap"          },
    {389,   MODEL_LDAP,          START,      "ldap"          },
    {443,   MODEL_TLS,           NINE,       "https"         },
    {465,   MODEL_TLS,           NINE,       "submissions"   },
    {587,   MODEL_SMTP,          START,      "submission"    },
    {631,   MODEL_HTTP_UPGRADE,  START,      "ipp"           },
    {636,   MODEL_TLS,           NINE,       "ldaps"         },
    {853,   MODEL_TLS,           NINE,       "domain-s"      },
    {989,   MODEL_TLS,           NINE,       "ftps-data"     },
    {990,   MODEL_TLS,           NINE,       "ftps"          },
    {992,   MODEL_TLS,           NINE,       "telnets"       },
    {993,   MODEL_TLS,           NINE,       "imaps"         },
    {995,   MODEL_TLS,           NINE,       "pop3s"         },
    {1433,  MODEL_MSSQL,         START | DB, "ms-sql"        },
    {2379,  MODEL_TLS,           DB,         "etcd"          },
    {2525,  MODEL_SMTP,          START,      "submission-alt"},
    {3268,  MODEL_LDAP,          START,      "ldap-gc"       },
    {3269,  MODEL_TLS,           0,          "ldaps-gc"      },
    {3306,  MODEL_MYSQL,         START | DB, "mysql"         },
    {3389,  MODEL_RDP,           START,      "rdp"           },
    {4190,  MODEL_SIEVE,         START,      "sieve"         },
    {5222,  MODEL_XMPP,          START,      "xmpp-client"   },
    {5269,  MODEL_XMPP_SERVER,   START,      "xmpp-server"   },
    {5432,  MODEL_POSTGRES,      START | DB, "postgresql"    },
    {5671,  MODEL_TLS,           0,          "amqps"         },
    {6380,  MODEL_TLS,           DB,         "redis-tls"     },
    {6443,  MODEL_TLS,           0,          "kubernetes"    },
    {6667,  MODEL_IRC,           START,      "irc"           },
    {8443,  MODEL_TLS,           0,          "https-alt"     },
    {8883,  MODEL_TLS,           0,          "mqtts"         },
    {27017, MODEL_TLS,           DB,         "mongodb"       },
    {0,     MODEL_PROTOCOL_NONE, 0,          NULL            },
};

static const struct {
    const char *name;
    enum model_protocol protocol;
    uint16_t port;
} schemes[] = {
    {"smtp",        MODEL_SMTP,         25  },
    {"submission",  MODEL_SMTP,         587 },
    {"lmtp",        MODEL_LMTP,         24  },
    {"imap",        MODEL_IMAP,         143 },
    {"pop",         MODEL_POP3,         110 },
    {"pop3",        MODEL_POP3,         110 },
    {"sieve",       MODEL_SIEVE,        4190},
    {"ftp",         MODEL_FTP,          21  },
    {"ldap",        MODEL_LDAP,         389 },
    {"xmpp",        MODEL_XMPP,         5222},
    {"xmpp-server", MODEL_XMPP_SERVER,  5269},
    {"nntp",        MODEL_NNTP,         119 },
    {"news",        MODEL_NNTP,         119 },
    {"irc",         MODEL_IRC,          6667},
    {"postgres",    MODEL_POSTGRES,     5432},
    {"postgresql",  MODEL_POSTGRES,     5432},
    {"mysql",       MODEL_MYSQL,        3306},
    {"mariadb",     MODEL_MYSQL,        3306},
    {"mssql",       MODEL_MSSQL,        1433},
    {"sqlserver",   MODEL_MSSQL,        1433},
    {"rdp",         MODEL_RDP,          3389},
    {"telnet",      MODEL_TELNET,       23  },
    {"ipp",         MODEL_HTTP_UPGRADE, 631 },
};

bool model_scheme_read(struct bytes scheme, enum model_protocol *out, uint16_t *port) {
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (bytes_is_nocase(scheme, schemes[i].name)) {
            *out = schemes[i].protocol;
            *port = schemes[i].port;
            return true;
        }
    }
    return false;
}

const struct model_protocol_row *model_protocol_row(enum model_protocol p) {
    return &protocols[(unsigned)p < MODEL_PROTOCOL_COUNT ? p : MODEL_PROTOCOL_NONE];
}

const char *model_protocol_name(enum model_protocol p) {
    return model_protocol_row(p)->name;
}

bool model_protocol_read(struct bytes name, enum model_protocol *out) {
    for (unsigned i = 0; i < MODEL_PROTOCOL_COUNT; i++) {
        if (bytes_is(name, protocols[i].name)) {
            *out = (enum model_protocol)i;
            return true;
        }
    }
    return false;
}

const char *model_protocol_near(struct bytes name) {
    char word[32];
    if (name.n >= sizeof word)
        return NULL;
    if (name.n > 0)
        memcpy(word, name.p, name.n);
    word[name.n] = '\0';
    const char *best = NULL;
    unsigned least = 3; /* two slips of the finger, not a different word */
    for (unsigned i = 0; i < MODEL_PROTOCOL_COUNT; i++) {
        unsigned d = text_distance(word, protocols[i].name);
        if (d < least && d < strlen(protocols[i].name) - 1) {
            least = d;
            best = protocols[i].name;
        }
    }
    return best;
}

const struct model_port_row *model_port_rows(void) {
    return ports;
}

enum model_protocol model_protocol_of_port(uint16_t port) {
    for (const struct model_port_row *r = ports; r->port != 0; r++)
        if (r->port == port)
            return r->protocol;
    return MODEL_TLS;
}
