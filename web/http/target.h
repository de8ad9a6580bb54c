/* Request targets (RFC 9112, 3.2): origin-form, absolute-form, "*". */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "web/http/http.h"

/* Fills the path, query and params of rq (and host, for the absolute form);
 * decoded text goes to rq's arena, the rest borrows target. False: malformed,
 * or of a form that we refuse on purpose (see http.h). rq->method is known. */
bool http_target_read(struct http_request *rq, struct bytes target);

/* "name", "name:port", "192.0.2.1", "[::1]:8443" and nothing else. */
bool http_host_valid(struct bytes host);

#endif
