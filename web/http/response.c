/* Responses: building them, and their head as bytes. See http.h, response.h. */
#include "web/http/response.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

static const struct {
    unsigned status;
    const char *text;
} phrases[] = {
    {100, "Continue"                       },
    {200, "OK"                             },
    {201, "Created"                        },
    {202, "Accepted"                       },
    {204, "No Content"                     },
    {303, "See Other"                      },
    {304, "Not Modified"                   },
    {307, "Temporary Redirect"             },
    {308, "Permanent Redirect"             },
    {400, "Bad Request"                    },
    {401, "Unauthorized"                   },
    {403, "Forbidden"                      },
    {404, "Not Found"                      },
    {405, "Method Not Allowed"             },
    {406, "Not Acceptable"                 },
    {408, "Request Timeout"                },
    {409, "Conflict"                       },
    {410, "Gone"                           },
    {412, "Precondition Failed"            },
    {413, "Content Too Large"              },
    {414, "URI Too Long"                   },
    {415, "Unsupported Media Type"         },
    {417, "Expectation Failed"             },
    {422, "Unprocessable Content"          },
    {423, "Locked"                         },
    {428, "Precondition Required"          },
    {429, "Too Many Requests"              },
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"          },
    {501, "Not Implemented"                },
    {502, "Bad Gateway"                    },
    {503, "Service Unavailable"            },
    {504, "Gateway Timeout"                },
    {505, "HTTP Version Not Supported"     },
    {507, "Insufficient Storage"           },
};

/* Sent with every response, whatever it holds. */
static const char security_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

static const char no_store[] = "no-store";

const char *http_status_text(unsigned status) {
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "Unknown";
}

void http_response_begin(struct http_response *response, size_t body_max) {
    *response = (struct http_response){.status = 200, .cache_control = no_store};
    buf_init(&response->body, body_max);
}

void http_response_clear(struct http_response *response) {
    buf_clear(&response->body);
}

void http_response_reset(struct http_request *rq, unsigned status) {
    struct buf body = rq->response.body;
    bool close = rq->response.close;
    buf_reset(&body);
    rq->response = (struct http_response){
        .status = status, .cache_control = no_store, .body = body, .close = close};
}

static bool is_field_value(struct bytes value) {
    for (size_t i = 0; i < value.n; i++)
        if ((value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
            return false;
    return true;
}

void http_response_header(struct http_request *rq, const char *name, const char *value) {
    struct http_response *response = &rq->response;
    struct bytes copy = arena_copy(&rq->arena, bytes_text(value));
    if (rq->arena.err != ERR_OK)
        response->err = rq->arena.err;
    else if (!is_field_value(copy))
        response->err = ERR_FORMAT;
    else if (response->headers_n == HTTP_RESPONSE_HEADERS_MAX)
        response->err = ERR_LIMIT;
    else
        response->headers[response->headers_n++] = (struct http_pair){bytes_text(name), copy};
}

void http_response_problem_status(struct http_request *rq, unsigned status, enum err code,
                                  const char *detail, const char *field) {
    struct http_response *response = &rq->response;
    http_response_reset(rq, status);
    response->content_type = "application/problem+json";
    struct json j = json_to(&response->body);
    json_object(&j, NULL);
    json_text(&j, "type", "about:blank");
    json_text(&j, "title", http_status_text(status));
    json_int(&j, "status", status);
    json_text(&j, "code", err_row(code)->name);
    json_text(&j, "detail", detail != NULL ? detail : err_row(code)->text);
    if (field != NULL)
        json_text(&j, "field", field);
    json_end(&j, '}');
    if (status == 401) /* RFC 9110, 15.5.2: one must be there; a name of our own asks no browser */
        http_response_header(rq, "WWW-Authenticate", "clm");
    if (status == 429 || status == 503)
        http_response_header(rq, "Retry-After", "5");
}

void http_response_problem(struct http_request *rq, enum err code, const char *detail,
                           const char *field) {
    http_response_problem_status(rq, (unsigned)err_row(code)->http_status, code, detail, field);
}

/* RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static void put_date(struct buf *out, int64_t unix_s) {
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (unix_s < 0)
        return;
    struct civil c = clock_to_civil(unix_s);
    buf_printf(out, "Date: %s, %02u %s %04d %02u:%02u:%02u GMT\r\n", days[unix_s / 86400 % 7],
               c.day, months[c.month - 1], (int)c.year, c.hour, c.minute, c.second);
}

static void put_header(struct buf *out, struct bytes name, struct bytes value) {
    buf_put(out, name);
    buf_text(out, ": ");
    buf_put(out, value);
    buf_text(out, "\r\n");
}

static void put_text_header(struct buf *out, const char *name, const char *value) {
    if (value != NULL)
        put_header(out, bytes_text(name), bytes_text(value));
}

/* A response that went wrong in the making says so, and nothing else. */
static void mend(struct http_request *rq) {
    enum err err = rq->response.err != ERR_OK ? rq->response.err : rq->response.body.err;
    if (err == ERR_OK)
        return;
    rq->response.err = ERR_OK;
    http_response_problem_status(rq, 500, ERR_FAILED, "the answer could not be made", NULL);
    if (rq->response.body.err != ERR_OK)
        http_response_reset(rq, 500);
}

static bool status_has_body(unsigned status) {
    return status >= 200 && status != 204 && status != 304;
}

void http_response_write(struct http_request *rq, const struct http_response_frame *frame,
                         struct buf *head, struct bytes *body) {
    mend(rq);
    const struct http_response *response = &rq->response;
    struct bytes content = buf_bytes(&response->body);
    if (response->asset != NULL)
        content = bytes_of(response->asset->bytes, response->asset->n);

    buf_printf(head, "HTTP/1.1 %u %s\r\n", response->status, http_status_text(response->status));
    put_date(head, frame->now_s);
    buf_text(head, security_headers);
    if (frame->hsts)
        buf_text(head, "Strict-Transport-Security: max-age=31536000\r\n");
    put_text_header(head, "Cache-Control", response->cache_control);
    for (size_t i = 0; i < response->headers_n; i++)
        put_header(head, response->headers[i].name, response->headers[i].value);
    if (frame->close)
        buf_text(head, "Connection: close\r\n");
    if (status_has_body(response->status)) {
        put_text_header(head, "Content-Type", response->content_type);
        buf_printf(head, "Content-Length: %zu\r\n", content.n);
    }
    buf_text(head, "\r\n");
    *body =
        status_has_body(response->status) && rq->method != HTTP_HEAD ? content : bytes_of(NULL, 0);
}
