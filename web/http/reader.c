/* Framing of requests. See reader.h.
 *
 * States and transitions:
 *
 *   HEAD         collects lines up to the empty one; each ends in CR LF, neither
 *                stands alone. Two empty lines before the request are skipped.
 *                -> WAIT with READY_HEAD
 *   WAIT         until accept says how long the body may be
 *                -> LENGTH | SIZE | WHOLE
 *   LENGTH       Content-Length bytes                          -> WHOLE
 *   SIZE         hexadecimal digits of a chunk's size          -> EXTENSION
 *   EXTENSION    skipped up to CR LF                           -> DATA | TRAILER
 *   DATA         the chunk                                     -> DATA_END
 *   DATA_END     its CR LF                                     -> SIZE
 *   TRAILER      lines, skipped up to the empty one            -> WHOLE
 *   WHOLE        READY_REQUEST, until next                     -> HEAD
 *   FAILED       for good
 *
 * Lines are scanned byte by byte here, so that limits and bare line ends are
 * found at the byte where they happen, however the input was split.
 */
#include "web/http/reader.h"

#include "base/text.h"
#include "crypto/crypto.h"

enum state { HEAD, WAIT, LENGTH, SIZE, EXTENSION, DATA, DATA_END, TRAILER, WHOLE, FAILED };

enum {
    SIZE_DIGITS_MAX = 16,
    OVERHEAD_MAX = 8192,     /* of extensions and trailers in one body */
    KEEP_BODY_BYTES = 65536, /* a larger body's storage is given back at once */
    REQUEST_LINE_EXTRA = 32, /* method, version and blanks beside the target */
};

static enum http_event fail(struct http_reader *r, unsigned status, const char *why) {
    r->state = FAILED;
    r->status = status;
    r->why = why;
    return HTTP_BAD;
}

void http_reader_init(struct http_reader *r, const struct http_limits *limits,
                      struct http_budget *budget) {
    *r = (struct http_reader){.limits = limits, .budget = budget};
    buf_init(&r->head, limits->head_bytes);
    buf_init(&r->body, 0);
    r->head.wipe = r->body.wipe = crypto_wipe; /* cookies, tokens, passwords */
}

static void give_back_body(struct http_reader *r) {
    r->budget->used -= r->charged;
    r->charged = 0;
    if (r->body.cap > KEEP_BODY_BYTES)
        buf_clear(&r->body);
    buf_reset(&r->body);
    r->body.wipe = crypto_wipe;
}

void http_reader_clear(struct http_reader *r) {
    give_back_body(r);
    buf_clear(&r->head);
    buf_clear(&r->body);
}

void http_reader_next(struct http_reader *r) {
    give_back_body(r);
    buf_reset(&r->head);
    r->state = HEAD;
    r->line_bytes = r->lines = r->overhead = 0;
    r->after_cr = false;
}

bool http_reader_is_idle(const struct http_reader *r) {
    return r->state == HEAD && r->head.n == 0;
}

bool http_reader_in_body(const struct http_reader *r) {
    return r->state >= LENGTH && r->state < WHOLE;
}

/* What a byte of a line means. */
enum line { LINE_GOES_ON, LINE_ENDS, LINE_EMPTY, LINE_BAD };

static enum line line_byte(struct http_reader *r, uint8_t b) {
    bool was_cr = r->after_cr;
    r->after_cr = b == '\r';
    if (was_cr != (b == '\n') || (b < 0x20 && b != '\t' && b != '\r' && b != '\n') || b == 0x7f)
        return LINE_BAD;
    if (b != '\n') {
        r->line_bytes += b != '\r';
        return LINE_GOES_ON;
    }
    bool empty = r->line_bytes == 0;
    r->line_bytes = 0;
    return empty ? LINE_EMPTY : LINE_ENDS;
}

static enum http_event head_ready(struct http_reader *r, struct http_request *rq) {
    unsigned status = http_head_read(rq, buf_bytes(&r->head), &r->facts, &r->why);
    if (status != 0)
        return fail(r, status, r->why);
    r->state = WAIT;
    return HTTP_READY_HEAD;
}

static enum http_event head_byte(struct http_reader *r, struct http_request *rq, uint8_t b) {
    enum line line = line_byte(r, b);
    if (line == LINE_BAD)
        return fail(r, 400, "a control character or a bare line end in the head");
    if (r->lines == 0 && r->line_bytes > r->limits->target_bytes + REQUEST_LINE_EXTRA)
        return fail(r, 414, "the target is too long");
    buf_u8(&r->head, b);
    if (r->head.err != ERR_OK)
        return fail(r, 431, "the head is too long");
    if (line == LINE_EMPTY && r->lines == 0) {
        buf_reset(&r->head);
        return ++r->overhead > 2 ? fail(r, 400, "empty lines before the request") : HTTP_MORE;
    }
    if (line == LINE_EMPTY)
        return head_ready(r, rq);
    r->lines += line == LINE_ENDS;
    if (r->lines > HTTP_HEADERS_MAX + 1)
        return fail(r, 431, "too many header fields");
    return HTTP_MORE;
}

static enum http_event whole(struct http_reader *r, struct http_request *rq) {
    rq->body = buf_bytes(&r->body);
    r->state = WHOLE;
    return HTTP_READY_REQUEST;
}

void http_reader_accept(struct http_reader *r, size_t body_max) {
    static const unsigned next[] = {
        [HTTP_NO_BODY] = LENGTH, [HTTP_LENGTH] = LENGTH, [HTTP_CHUNKED] = SIZE};
    if (r->state != WAIT)
        return;
    r->state = next[r->facts.framing];
    r->body_max = body_max;
    r->body.max = body_max;
    r->left = r->facts.framing == HTTP_LENGTH ? r->facts.length : 0;
    r->size_digits = 0;
    r->overhead = 0;
    if (r->left > body_max)
        fail(r, 413, "the body is too long");
}

static enum http_event take_body(struct http_reader *r, struct bytes piece) {
    if (piece.n > r->budget->max - r->budget->used)
        return fail(r, 503, "too many bodies at once");
    if (r->body.n + piece.n > KEEP_BODY_BYTES) /* a scan, no password */
        r->body.wipe = NULL;
    buf_put(&r->body, piece);
    if (r->body.err == ERR_LIMIT)
        return fail(r, 413, "the body is too long");
    if (r->body.err != ERR_OK)
        return fail(r, 503, "no memory for the body");
    r->budget->used += piece.n;
    r->charged += piece.n;
    r->left -= piece.n;
    return HTTP_MORE;
}

static struct bytes take_at_most(struct cur *c, uint64_t n) {
    return cur_take(c, n < c->rest.n ? (size_t)n : c->rest.n);
}

/* The digits end at ';' (extension), a blank before it, or CR. */
static enum http_event size_byte(struct http_reader *r, uint8_t b) {
    uint8_t digit = 0;
    if (r->size_digits == 0)
        r->left = 0;
    bool is_digit = hex_read(
        (struct bytes){
            (const uint8_t[]){'0', b},
             2
    },
        &digit, 1);
    if (is_digit && ++r->size_digits <= SIZE_DIGITS_MAX && r->left <= r->body_max) {
        r->left = r->left * 16 + digit;
        return HTTP_MORE;
    }
    if (is_digit)
        return fail(r, 413, "the chunk is too long");
    if (r->size_digits == 0 || (b != ';' && b != '\r' && b != ' ' && b != '\t'))
        return fail(r, 400, "the chunk's size is malformed");
    if (r->left > r->body_max - r->body.n)
        return fail(r, 413, "the body is too long");
    r->state = EXTENSION;
    r->after_cr = b == '\r';
    r->line_bytes = 1;
    return HTTP_MORE;
}

static enum http_event extension_byte(struct http_reader *r, uint8_t b) {
    enum line line = line_byte(r, b);
    if (line == LINE_BAD || ++r->overhead > OVERHEAD_MAX)
        return fail(r, 400, "the chunk's extension is malformed or too long");
    if (line == LINE_GOES_ON)
        return HTTP_MORE;
    r->state = r->left > 0 ? DATA : TRAILER;
    r->size_digits = 0;
    r->line_bytes = 0;
    return HTTP_MORE;
}

static enum http_event data_end_byte(struct http_reader *r, uint8_t b) {
    enum line line = line_byte(r, b);
    if (line == LINE_BAD || (line == LINE_GOES_ON && b != '\r'))
        return fail(r, 400, "the chunk does not end where it should");
    if (line == LINE_EMPTY)
        r->state = SIZE;
    return HTTP_MORE;
}

static enum http_event trailer_byte(struct http_reader *r, struct http_request *rq, uint8_t b) {
    enum line line = line_byte(r, b);
    if (line == LINE_BAD || ++r->overhead > OVERHEAD_MAX)
        return fail(r, 400, "the trailer is malformed or too long");
    return line == LINE_EMPTY ? whole(r, rq) : HTTP_MORE;
}

static enum http_event step(struct http_reader *r, struct http_request *rq, struct cur *c) {
    enum http_event event;
    switch ((enum state)r->state) {
    case HEAD:
        return head_byte(r, rq, cur_u8(c));
    case LENGTH:
        event = take_body(r, take_at_most(c, r->left));
        return event == HTTP_MORE && r->left == 0 ? whole(r, rq) : event;
    case SIZE:
        return size_byte(r, cur_u8(c));
    case EXTENSION:
        return extension_byte(r, cur_u8(c));
    case DATA:
        event = take_body(r, take_at_most(c, r->left));
        if (event == HTTP_MORE && r->left == 0)
            r->state = DATA_END;
        return event;
    case DATA_END:
        return data_end_byte(r, cur_u8(c));
    case TRAILER:
        return trailer_byte(r, rq, cur_u8(c));
    case WAIT:
        return HTTP_READY_HEAD;
    case WHOLE:
        return HTTP_READY_REQUEST;
    case FAILED:
        break;
    }
    return HTTP_BAD;
}

/* A body of no bytes is whole without input. */
static bool is_empty_body(const struct http_reader *r) {
    return r->state == LENGTH && r->left == 0;
}

enum http_event http_reader_feed(struct http_reader *r, struct http_request *rq, struct bytes in,
                                 size_t *taken) {
    struct cur c = cur_open(in);
    enum http_event event = r->state == FAILED ? HTTP_BAD : HTTP_MORE;
    while (event == HTTP_MORE && (c.rest.n > 0 || is_empty_body(r)))
        event = step(r, rq, &c);
    *taken = in.n - c.rest.n;
    return event;
}
