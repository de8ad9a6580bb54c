/* What the files of `clm-server digest` share. */
#ifndef CLM_SERVER_DIGEST_H
#define CLM_SERVER_DIGEST_H

#include "applets/clm-server/server.h"
#include "net/smtp.h"
#include "notify/digest.h"
#include "notify/mail.h"

/* What is served and ends, as the API's GET /digest tells it, in the arena. */
enum err digest_rows_read(struct arena *a, struct json_value answer, struct notify_digest *out,
                          struct fault *f) MUST_CHECK;

/* The mail keys of server.conf, checked. */
struct mail_way {
    const char *to[NET_SMTP_TO_MAX];
    size_t to_n;
    const char *from;
    const char *domain; /* of our own: for EHLO and message ids; an address is in brackets */
    struct net_smtp_server server; /* but for anchors and the password */
    const char *password_file, *ca;
};

bool mail_is_set(const struct settings *s); /* there is somebody to write to */
/* ERR_USAGE names the key. In the arena; borrows s. */
enum err mail_way_read(struct arena *a, const struct settings *s, struct mail_way *out,
                       struct fault *f) MUST_CHECK;
/* Writes the mail and hands it to the server; from, to and id->right are those of `way`. */
enum err mail_send(const struct env *env, const struct mail_way *way, const struct notify_mail *m,
                   uint64_t timeout_ms, struct fault *f) MUST_CHECK;

#endif
