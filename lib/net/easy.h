/* Private to the room: one libcurl handle over our TLS, for HTTP and for mail.
 *
 * What both share: the chain is judged by net/trust.h, TLS is 1.2, the stop flag ends
 * a transfer, and a failure becomes one clear fault. Options of the protocol are set
 * by the owner on `curl`.
 */
#ifndef NET_EASY_H
#define NET_EASY_H

#include "net/trust.h"

#include <curl/curl.h>

enum { EASY_HOST_MAX = 255 };

struct easy;
/* A line of the dialogue, as sent or as received; borrowed for the call. */
typedef void easy_line(struct easy *e, bool sent, struct bytes line);

struct easy {
    const struct env *env;
    CURL *curl;
    CURLM *multi; /* drives it, and keeps the connection */
    struct trust trust;
    char host[EASY_HOST_MAX + 1];
    br_ssl_client_context *client; /* curl's, while its connection lives */
    int tls_error;                 /* of the last connection that was closed */
    char text[CURL_ERROR_SIZE];    /* curl's words for the last failure */
    easy_line *line;               /* NULL: nobody listens */
};

/* Takes "SCHEME://host[:port][/]" apart: host without brackets; *port is left where
 * the URL has none. False where it is no such URL. */
bool easy_url_read(struct bytes url, const char *scheme, struct bytes *host, uint16_t *port);
/* The host is an address, without brackets. */
bool easy_is_address(const char *host);

/* `protocols` as curl takes them: "https". anchors is borrowed; NULL: nobody is trusted.
 * After an error there is nothing to close. */
enum err easy_open(struct easy *e, const struct env *env, struct bytes host,
                   const struct x509_trust *anchors, const char *protocols,
                   struct fault *f) MUST_CHECK;
void easy_close(struct easy *e); /* a zeroed one is allowed */

CURLcode easy_perform(struct easy *e);
/* The failure in words. `what` is who was asked ("server"), `where` its URL. */
enum err easy_fault(const struct easy *e, CURLcode code, const char *what, const char *where,
                    struct fault *f);
/* No line end and no control character: what a header, path or address must be. */
bool easy_is_line(const char *text);

#endif
