/* query: any text parses or names a column within it; what parses can be asked of any row,
 * and says the opposite behind a `not`. */
#include "query/query.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every field has the same two values: a text of the input, and the hour. */
static bool values(const void *context, enum query_field field, bool is_hex, query_take *take,
                   void *take_context) {
    struct query_value v = {.text = *(const struct bytes *)context, .number = 1798761600};
    (void)field;
    (void)is_hex;
    return take(take_context, &v);
}

static bool is(const void *context, enum query_state state, int64_t now_s) {
    (void)context;
    (void)now_s;
    return state == QUERY_SERVED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    unsigned kind = cur_u8(&c) % 6;
    struct bytes text = cur_until(&c, 0), value = c.rest;
    struct query_row row = {&value, values, is, NULL};
    const struct query *q;
    struct query_error e;
    struct arena a;
    arena_init(&a, 1 << 20);
    if (query_parse(&a, text, (enum query_rows)(1u << kind), 1798761600, &q, &e) == ERR_OK) {
        struct query_node not = {.kind = QUERY_NOT, .first = q->root};
        struct query opposite = {.root = &not, .rows = q->rows, .now_s = q->now_s};
        int64_t from, to;
        if (query_holds(q, &row) == query_holds(&opposite, &row))
            abort();
        (void)query_bounds(q, QUERY_EXPIRES, &from, &to);
    } else if (e.column < 1 || e.column > text.n + 1 || e.text[0] == 0) {
        abort();
    }
    arena_clear(&a);
    return 0;
}
