/* TLS 1.2 for the server's connections: BearSSL's engine without I/O.
 *
 * Only ECDHE with AEAD; nothing below TLS 1.2, no renegotiation, ALPN
 * "http/1.1". Resumption by a bounded cache in memory. One thread at a time
 * for an identity and all that was opened with it.
 */
#ifndef HTTP_TLS_SERVER_H
#define HTTP_TLS_SERVER_H

#include "web/http/http.h"

/* Key and chain, counted: kept while a connection uses it. */
struct tls_identity;
enum err tls_identity_open(const struct http_identity *from, struct tls_identity **out,
                           struct fault *f) MUST_CHECK;
void tls_identity_close(struct tls_identity *identity); /* drops the opener's hold; NULL allowed */

struct tls_server; /* one connection */
/* NULL: no memory, or no randomness to be had. */
struct tls_server *tls_server_open(const struct env *env, struct tls_identity *identity);
void tls_server_close(struct tls_server *t); /* NULL allowed */

/* Ciphertext from the peer: how many bytes were taken; fewer than all where
 * plaintext must be fetched, or output be taken, first. */
size_t tls_server_feed(struct tls_server *t, struct bytes in);
/* Appends what is to be sent to the peer, at most about `most` bytes. */
void tls_server_output(struct tls_server *t, struct buf *out, size_t most);
/* Decrypted bytes, borrowed; tls_server_taken says how many of them are done with. */
struct bytes tls_server_plain(struct tls_server *t);
void tls_server_taken(struct tls_server *t, size_t n);
/* Plaintext to be sent: how many bytes were taken (0: take output first). */
size_t tls_server_put(struct tls_server *t, struct bytes plain);
void tls_server_flush(struct tls_server *t); /* ends the record under way */
void tls_server_end(struct tls_server *t);   /* close_notify is in the output then */

bool tls_server_is_open(const struct tls_server *t);   /* the handshake is done, not ended */
bool tls_server_is_closed(const struct tls_server *t); /* by either side or by an error */

#endif
