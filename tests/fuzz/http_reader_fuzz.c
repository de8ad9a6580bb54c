/* web/http/reader: any bytes, in one piece and in pieces, give the same requests. */
#include "web/http/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {.head_bytes = 1024, .target_bytes = 256};
enum { BODY_MAX = 512 };

static void note(struct buf *out, const struct http_request *rq) {
    buf_printf(out, "%s %zu %zu ", http_method_name(rq->method), rq->headers_n, rq->params_n);
    buf_put(out, rq->path);
    for (size_t i = 0; i < rq->headers_n; i++)
        buf_put(out, rq->headers[i].value);
    buf_put(out, http_cookie(rq, "a"));
    buf_put(out, rq->body);
    buf_text(out, "\n");
    if (rq->path.n == 0 || rq->body.n > BODY_MAX)
        abort();
}

static void run(struct bytes in, size_t piece, struct buf *out) {
    struct http_budget budget = {.max = 1 << 16};
    struct http_reader reader;
    struct http_request rq = {.time_s = 0};
    struct cur c = cur_open(in);
    enum http_event event = HTTP_MORE;

    http_reader_init(&reader, &limits, &budget);
    arena_init(&rq.arena, 1 << 16);
    while (event != HTTP_BAD && (c.rest.n > 0 || event != HTTP_MORE)) {
        size_t taken;
        event = http_reader_feed(&reader, &rq, bytes_part(c.rest, 0, piece), &taken);
        cur_take(&c, taken);
        if (event == HTTP_READY_HEAD)
            http_reader_accept(&reader, BODY_MAX);
        if (event == HTTP_READY_REQUEST) {
            note(out, &rq);
            arena_clear(&rq.arena);
            rq = (struct http_request){.time_s = 0};
            arena_init(&rq.arena, 1 << 16);
            http_reader_next(&reader);
        }
    }
    buf_printf(out, "%u %d", reader.status, http_reader_is_idle(&reader));
    arena_clear(&rq.arena);
    http_reader_clear(&reader);
    if (budget.used != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf whole, pieces;
    if (size == 0)
        return 0;
    struct bytes in = bytes_part(bytes_of(data, size), 1, size);
    buf_init(&whole, 1 << 20);
    buf_init(&pieces, 1 << 20);
    run(in, SIZE_MAX, &whole);
    run(in, 1 + data[0] % 16, &pieces);
    if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)))
        abort();
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
