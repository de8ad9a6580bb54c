/* Names of numbers, as IANA's registries and RFC 8446 spell them. See tls.h. */
#include "tls/inner.h"

struct number_name {
    int number;
    const char *name;
};

static const struct number_name versions[] = {
    {TLS_SSL_3, "SSLv3"  },
    {TLS_1_0,   "TLSv1.0"},
    {TLS_1_1,   "TLSv1.1"},
    {TLS_1_2,   "TLSv1.2"},
    {TLS_1_3,   "TLSv1.3"},
};

/* Also those never offered: servers of TLS 1.2 and below may take one all the same. */
static const struct number_name groups[] = {
    {1,      "sect163k1"         },
    {2,      "sect163r1"         },
    {3,      "sect163r2"         },
    {4,      "sect193r1"         },
    {5,      "sect193r2"         },
    {6,      "sect233k1"         },
    {7,      "sect233r1"         },
    {8,      "sect239k1"         },
    {9,      "sect283k1"         },
    {10,     "sect283r1"         },
    {11,     "sect409k1"         },
    {12,     "sect409r1"         },
    {13,     "sect571k1"         },
    {14,     "sect571r1"         },
    {15,     "secp160k1"         },
    {16,     "secp160r1"         },
    {17,     "secp160r2"         },
    {18,     "secp192k1"         },
    {19,     "secp192r1"         },
    {20,     "secp224k1"         },
    {21,     "secp224r1"         },
    {22,     "secp256k1"         },
    {23,     "secp256r1"         },
    {24,     "secp384r1"         },
    {25,     "secp521r1"         },
    {26,     "brainpoolP256r1"   },
    {27,     "brainpoolP384r1"   },
    {28,     "brainpoolP512r1"   },
    {29,     "x25519"            },
    {30,     "x448"              },
    {0x0200, "MLKEM512"          },
    {0x0201, "MLKEM768"          },
    {0x0202, "MLKEM1024"         },
    {0x11eb, "SecP256r1MLKEM768" },
    {0x11ec, "X25519MLKEM768"    },
    {0x11ed, "SecP384r1MLKEM1024"},
};

static const struct number_name alerts[] = {
    {0,   "close_notify"                   },
    {10,  "unexpected_message"             },
    {20,  "bad_record_mac"                 },
    {21,  "decryption_failed"              },
    {22,  "record_overflow"                },
    {30,  "decompression_failure"          },
    {40,  "handshake_failure"              },
    {41,  "no_certificate"                 },
    {42,  "bad_certificate"                },
    {43,  "unsupported_certificate"        },
    {44,  "certificate_revoked"            },
    {45,  "certificate_expired"            },
    {46,  "certificate_unknown"            },
    {47,  "illegal_parameter"              },
    {48,  "unknown_ca"                     },
    {49,  "access_denied"                  },
    {50,  "decode_error"                   },
    {51,  "decrypt_error"                  },
    {52,  "too_many_cids_requested"        },
    {60,  "export_restriction"             },
    {70,  "protocol_version"               },
    {71,  "insufficient_security"          },
    {80,  "internal_error"                 },
    {86,  "inappropriate_fallback"         },
    {90,  "user_canceled"                  },
    {100, "no_renegotiation"               },
    {109, "missing_extension"              },
    {110, "unsupported_extension"          },
    {111, "certificate_unobtainable"       },
    {112, "unrecognized_name"              },
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"     },
    {115, "unknown_psk_identity"           },
    {116, "certificate_required"           },
    {120, "no_application_protocol"        },
    {121, "ech_required"                   },
};

static const struct number_name outcomes[] = {
    {TLS_OUTCOME_PENDING,        "pending"       },
    {TLS_OUTCOME_OK,             "ok"            },
    {TLS_OUTCOME_CLOSED,         "closed"        },
    {TLS_OUTCOME_NOT_TLS,        "not_tls"       },
    {TLS_OUTCOME_TLS_ALERT,      "tls_alert"     },
    {TLS_OUTCOME_TLS_ERROR,      "tls_error"     },
    {TLS_OUTCOME_UNSUPPORTED,    "unsupported"   },
    {TLS_OUTCOME_NO_CERTIFICATE, "no_certificate"},
    {TLS_OUTCOME_LIMIT,          "limit"         },
    {TLS_OUTCOME_LOCAL,          "local"         },
};

static const struct number_name stages[] = {
    {TLS_STAGE_NONE,        "connect"    },
    {TLS_STAGE_HELLO,       "hello"      },
    {TLS_STAGE_CERTIFICATE, "certificate"},
    {TLS_STAGE_DONE,        "done"       },
};

static const char *find(const struct number_name *rows, size_t n, int number, const char *none) {
    for (size_t i = 0; i < n; i++)
        if (rows[i].number == number)
            return rows[i].name;
    return none;
}

#define FIND(rows, number, none) find(rows, sizeof rows / sizeof rows[0], (int)(number), none)

const char *tls_version_name(uint16_t version) {
    return FIND(versions, version, NULL);
}

const char *tls_group_name(uint16_t group) {
    return FIND(groups, group, NULL);
}

const char *tls_alert_name(int alert) {
    return FIND(alerts, alert, NULL);
}

const char *tls_outcome_name(enum tls_outcome outcome) {
    return FIND(outcomes, outcome, "local");
}

const char *tls_stage_name(enum tls_stage stage) {
    return FIND(stages, stage, "connect");
}
