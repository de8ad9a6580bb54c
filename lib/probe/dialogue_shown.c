/* What a server speaks, by how it begins. See dialogue.h. */
#include "probe/dialogue_inner.h"

#include <string.h>

enum { TLS_RECORD_FIRST = 0x14, TLS_RECORD_LAST = 0x17, TELNET_IAC = 0xff, TELNET_SB = 0xfa };
enum { MYSQL_SEEN = 5, MYSQL_VERSION_10 = 10, MYSQL_ERROR = 0xff };

/* Greetings of lines. Those that say `whole` are told apart by the rest of their line. */
static const struct greeting {
    const char *start;
    enum model_protocol protocol;
    bool whole;
} greetings[] = {
    {"220",                MODEL_SMTP,  true }, /* or LMTP, FTP */
    {"* OK",               MODEL_IMAP,  false},
    {"* PREAUTH",          MODEL_IMAP,  false},
    {"* BYE",              MODEL_IMAP,  false},
    {"+OK",                MODEL_POP3,  false},
    {"200 ",               MODEL_NNTP,  false},
    {"201 ",               MODEL_NNTP,  false},
    {"\"IMPLEMENTATION\"", MODEL_SIEVE, false},
    {"NOTICE ",            MODEL_IRC,   false},
    {":",                  MODEL_IRC,   true }, /* :irc.example.com NOTICE ... */
};

static bool has_nocase(struct bytes line, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= line.n; i++)
        if (bytes_is_nocase(bytes_part(line, i, n), word))
            return true;
    return false;
}

static enum model_protocol of_line(const struct greeting *g, struct bytes line) {
    if (g->protocol == MODEL_IRC)
        return bytes_find(line, bytes_text(" NOTICE ")) != SIZE_MAX ? MODEL_IRC
                                                                    : MODEL_PROTOCOL_NONE;
    if (has_nocase(line, "SMTP"))
        return MODEL_SMTP;
    if (has_nocase(line, "LMTP"))
        return MODEL_LMTP;
    bool is_ftp = has_nocase(line, "FTP") || has_nocase(line, "FileZilla");
    return is_ftp ? MODEL_FTP : MODEL_SMTP;
}

static enum model_protocol of_text(struct bytes heard, bool *is_certain) {
    size_t end = bytes_find(heard, bytes_text("\n"));
    bool is_whole = end != SIZE_MAX || heard.n >= DIALOGUE_HEARD_MAX;
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        const struct greeting *g = &greetings[i];
        size_t n = strlen(g->start), common = heard.n < n ? heard.n : n;
        if (!bytes_equal(bytes_part(heard, 0, common), bytes_part(bytes_text(g->start), 0, common)))
            continue;
        *is_certain = heard.n >= n && (!g->whole || is_whole);
        if (!*is_certain)
            return MODEL_PROTOCOL_NONE;
        return g->whole ? of_line(g, bytes_part(heard, 0, end)) : g->protocol;
    }
    return MODEL_PROTOCOL_NONE;
}

/* The first packet: length of three bytes (the upper two are 0), number 0, then the
 * version of the protocol or an error. */
static bool may_be_mysql(struct bytes heard) {
    static const uint8_t zeros[3];
    struct bytes behind = bytes_part(heard, 1, 3);
    if (heard.n < 2 || !bytes_equal(behind, bytes_of(zeros, behind.n)))
        return false;
    return heard.n < MYSQL_SEEN || heard.p[4] == MYSQL_VERSION_10 || heard.p[4] == MYSQL_ERROR;
}

enum model_protocol dialogue_shown(struct bytes heard, bool *is_certain) {
    *is_certain = heard.n >= 2;
    if (heard.n == 0)
        return MODEL_PROTOCOL_NONE;
    if (heard.n >= 2 && heard.p[1] == 3 && heard.p[0] >= TLS_RECORD_FIRST &&
        heard.p[0] <= TLS_RECORD_LAST)
        return MODEL_TLS;
    if (heard.n >= 2 && heard.p[0] == TELNET_IAC && heard.p[1] >= TELNET_SB)
        return MODEL_TELNET;
    if (may_be_mysql(heard)) {
        *is_certain = heard.n >= MYSQL_SEEN;
        return *is_certain ? MODEL_MYSQL : MODEL_PROTOCOL_NONE;
    }
    return of_text(heard, is_certain);
}
