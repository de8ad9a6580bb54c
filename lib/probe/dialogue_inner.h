/* What the protocols' files share with the table and driver in dialogue.c. */
#ifndef PROBE_DIALOGUE_INNER_H
#define PROBE_DIALOGUE_INNER_H

#include "probe/dialogue.h"

enum {
    DIALOGUE_UNIT_MAX = 8 * 1024,   /* one line, message or tag */
    DIALOGUE_TOTAL_MAX = 64 * 1024, /* all that a server says */
    DIALOGUE_UNITS_MAX = 512,
    DIALOGUE_HEARD_MAX = 128,
    DIALOGUE_REPLY_SHOWN = 160, /* bytes of a reply that are kept for people */
};

/* What lies in d->in so far. */
enum dialogue_unit {
    UNIT_PART,
    UNIT_WHOLE,
    UNIT_SKIP, /* of no interest */
    UNIT_BAD,  /* no such unit begins like this */
};

/* One protocol. Called with every byte that comes, `unit` says when d->in is whole; then
 * `take` is given it, and speaks, or ends the dialogue by one of the functions below. */
struct dialogue_row {
    enum dialogue_unit (*unit)(const struct dialogue *d);
    void (*begin)(struct dialogue *d); /* says what a client says first; NULL: the server begins */
    void (*take)(struct dialogue *d, struct bytes unit);
    const char *goodbye; /* to a server that says no; NULL: nothing */
    const char *direct_alpn;
    bool is_wrapped;
};

struct dialogue {
    const struct dialogue_row *row;
    enum model_protocol protocol;
    enum dialogue_want want;
    unsigned step; /* the row's own, 0 at first */
    unsigned code; /* of a reply whose last line is not there yet */
    bool noted;    /* the row's own: STARTTLS was seen among what is offered */
    struct buf in, out, detail;
    size_t heard, units;
    uint8_t first[DIALOGUE_HEARD_MAX];
    uint8_t header[8]; /* dialogue_unwrap */
    size_t header_n, payload_left;
    struct bytes host, self; /* in text */
    char text[];
};

/* Ends. */
void dialogue_done(struct dialogue *d);
/* "what: reply", the reply escaped and cut; either may be empty. Says goodbye. */
void dialogue_refused(struct dialogue *d, const char *what, struct bytes reply);
void dialogue_bad(struct dialogue *d, const char *what, struct bytes reply);

void dialogue_say(struct dialogue *d, const char *text);
void dialogue_go(struct dialogue *d, unsigned step, const char *text); /* says, and waits in step */

/* dialogue_text.c: protocols of lines. */
enum dialogue_unit dialogue_unit_line(const struct dialogue *d);
void dialogue_smtp_take(struct dialogue *d, struct bytes line); /* and LMTP */
void dialogue_imap_take(struct dialogue *d, struct bytes line);
void dialogue_pop3_take(struct dialogue *d, struct bytes line);
void dialogue_sieve_take(struct dialogue *d, struct bytes line);
void dialogue_ftp_take(struct dialogue *d, struct bytes line);
void dialogue_nntp_take(struct dialogue *d, struct bytes line);
void dialogue_irc_begin(struct dialogue *d);
void dialogue_irc_take(struct dialogue *d, struct bytes line);
void dialogue_http_begin(struct dialogue *d);
void dialogue_http_take(struct dialogue *d, struct bytes line);

/* dialogue_xmpp.c */
enum dialogue_unit dialogue_unit_tag(const struct dialogue *d);
void dialogue_xmpp_begin(struct dialogue *d); /* client to server, and server to server */
void dialogue_xmpp_take(struct dialogue *d, struct bytes tag);

/* dialogue_binary.c: protocols of messages with a length. */
enum dialogue_unit dialogue_unit_ldap(const struct dialogue *d);
void dialogue_ldap_begin(struct dialogue *d);
void dialogue_ldap_take(struct dialogue *d, struct bytes message);
enum dialogue_unit dialogue_unit_postgres(const struct dialogue *d);
void dialogue_postgres_begin(struct dialogue *d);
void dialogue_postgres_take(struct dialogue *d, struct bytes message);
enum dialogue_unit dialogue_unit_mysql(const struct dialogue *d);
void dialogue_mysql_take(struct dialogue *d, struct bytes packet);
enum dialogue_unit dialogue_unit_rdp(const struct dialogue *d);
void dialogue_rdp_begin(struct dialogue *d);
void dialogue_rdp_take(struct dialogue *d, struct bytes packet);
enum dialogue_unit dialogue_unit_telnet(const struct dialogue *d);
void dialogue_telnet_begin(struct dialogue *d);
void dialogue_telnet_take(struct dialogue *d, struct bytes command);

/* dialogue_tds.c: MS SQL. */
enum dialogue_unit dialogue_unit_tds(const struct dialogue *d);
void dialogue_tds_begin(struct dialogue *d);
void dialogue_tds_take(struct dialogue *d, struct bytes packet);
void dialogue_tds_wrap(struct bytes plain, struct buf *out);
bool dialogue_tds_unwrap(struct dialogue *d, struct bytes *in, struct bytes *plain);

#endif
