/* probe/dialogue: whatever a server says in whatever protocol. The first byte chooses the
 * protocol, the second how small the parts are. Fed whole and in parts must come to the same,
 * what is sent included; what comes behind the dialogue is unwrapped the same way. */
#include "probe/dialogue.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
    struct dialogue *d;
    enum dialogue_want want;
    struct buf said, plain;
    bool is_wrong; /* the wrapping */
};

static void feed(struct end *e, struct bytes in) {
    if (e->want == DIALOGUE_DONE) {
        while (in.n > 0 && !e->is_wrong) {
            struct bytes plain;
            e->is_wrong = !dialogue_unwrap(e->d, &in, &plain);
            buf_put(&e->plain, e->is_wrong ? (struct bytes){0} : plain);
        }
        return;
    }
    e->want = dialogue_feed(e->d, in);
    buf_put(&e->said, dialogue_output(e->d));
    dialogue_sent(e->d);
}

static struct end play(enum model_protocol p, struct bytes in, size_t step) {
    struct dialogue_ask ask = {p, bytes_text("host.test"), bytes_text("[192.0.2.1]")};
    struct end e = {.d = dialogue_open(&ask), .want = DIALOGUE_MORE};
    if (!e.d)
        abort();
    buf_init(&e.said, 1 << 20);
    buf_init(&e.plain, 1 << 20);
    for (size_t at = 0; at < in.n; at += step)
        feed(&e, bytes_part(in, at, step));
    return e;
}

static void check(const struct end *e) {
    const char *detail = dialogue_detail(e->d);
    if (e->want == DIALOGUE_LOCAL || e->said.err || e->plain.err || strlen(detail) > 1024)
        abort();
    for (const char *c = detail; *c; c++)
        if ((unsigned char)*c < ' ')
            abort(); /* a byte of the server's that is not escaped */
    if ((e->want == DIALOGUE_NOT_OFFERED || e->want == DIALOGUE_LIMIT) && !detail[0])
        abort();
}

static void clear(struct end *e) {
    dialogue_close(e->d);
    buf_clear(&e->said);
    buf_clear(&e->plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    enum model_protocol p = (enum model_protocol)(cur_u8(&c) % MODEL_PROTOCOL_COUNT);
    size_t step = 1 + cur_u8(&c) % 32u;
    bool is_certain;
    if (c.bad || p == MODEL_TLS)
        return 0;
    struct end whole = play(p, c.rest, SIZE_MAX / 2), parts = play(p, c.rest, step);
    check(&whole);
    check(&parts);
    if (whole.want != parts.want || !bytes_equal(buf_bytes(&whole.said), buf_bytes(&parts.said)))
        abort();
    if (whole.want != DIALOGUE_DONE &&
        strcmp(dialogue_detail(whole.d), dialogue_detail(parts.d)) != 0)
        abort();
    (void)dialogue_shown(dialogue_heard(whole.d), &is_certain);
    clear(&whole);
    clear(&parts);
    return 0;
}
