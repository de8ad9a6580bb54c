/* store/inventory: who reads all rows does not keep others from writing, nor they it from telling
 * every row once. */
#include "shop_push.h"

#include "base/thread.h"
#include "store/inventory/private.h"

#include <stdlib.h>

enum { FIRST = 120, LATER = 120, READERS = 3 };

struct sea {
    struct shop shop;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct bytes ders[FIRST + LATER];
    uint8_t sha256[FIRST + LATER][SHA256_SIZE];
    struct mutex *mutex; /* guards is_over */
    bool is_over;
};

static bool is_over(struct sea *s) {
    mutex_lock(s->mutex);
    bool over = s->is_over;
    mutex_unlock(s->mutex);
    return over;
}

/* Names and ends are mixed, so that what comes later lies between what was there. */
static struct sea *sea_make(uint32_t breath) {
    struct sea *s = calloc(1, sizeof *s);
    assert_non_null(s);
    shop_start(&s->shop);
    s->shop.inv->breath = breath;
    s->mutex = mutex_open();
    enrol(&s->shop, "one", "", "key one", s->agent);
    for (unsigned i = 0; i < FIRST + LATER; i++) {
        char name[24];
        snprintf(name, sizeof name, "c%03u.example.com", i * 89 % (FIRST + LATER));
        s->ders[i] = make_cert(&s->shop, name, name, i * 53 % 240, (uint8_t)i, false);
        hash_of(HASH_SHA256, s->ders[i], s->sha256[i]);
    }
    assert_int_equal(push(&s->shop, s->agent, "first", s->ders, FIRST, NULL, 0, false).code,
                     ERR_OK);
    return s;
}

static void sea_free(struct sea *s) {
    mutex_close(s->mutex);
    shop_end(&s->shop);
    free(s);
}

static void write_later(void *argument) {
    struct sea *s = argument;
    for (unsigned i = FIRST; i < FIRST + LATER; i++) {
        struct arena a;
        struct fault f;
        struct inventory_der der = {.der = s->ders[i]};
        struct inventory_result result;
        char batch[16];
        snprintf(batch, sizeof batch, "later-%u", i);
        struct inventory_push push = {.agent = s->agent,
                                      .batch = bytes_text(batch),
                                      .certificates = &der,
                                      .certificates_n = 1};
        arena_init(&a, 16 << 20);
        if (inventory_push(s->shop.inv, &push, &a, &result, NULL, NULL, &f) != ERR_OK ||
            result.certificates_new != 1)
            abort();
        arena_clear(&a);
    }
    mutex_lock(s->mutex);
    s->is_over = true;
    mutex_unlock(s->mutex);
}

static unsigned number_of(const struct sea *s, const uint8_t sha256[SHA256_SIZE]) {
    unsigned i = 0;
    while (i < FIRST + LATER && memcmp(s->sha256[i], sha256, SHA256_SIZE) != 0)
        i++;
    if (i == FIRST + LATER)
        abort();
    return i;
}

/* What has to come at some time is there once, and nothing twice. */
static void read_all_pages(struct sea *s, const char *words, enum inventory_sort sort,
                           bool descending) {
    unsigned seen[FIRST + LATER] = {0};
    struct arena a;
    arena_init(&a, 16 << 20);
    struct inventory_query q = {.where = query_of(&a, words, QUERY_CERTIFICATES, 1767225600),
                                .sort = sort,
                                .descending = descending,
                                .limit = 17};
    struct inventory_page page;
    do {
        struct inventory_cert *rows;
        size_t n;
        struct fault f;
        if (inventory_certs(s->shop.inv, &q, &a, &rows, &n, &page, &f) != ERR_OK ||
            page.total < FIRST || page.total > FIRST + LATER)
            abort();
        for (size_t i = 0; i < n; i++)
            if (seen[number_of(s, rows[i].sha256)]++ > 0)
                abort();
        q.cursor = page.next;
    } while (page.next.n > 0);
    for (unsigned i = 0; i < FIRST; i++)
        if (seen[i] != 1)
            abort();
    arena_clear(&a);
}

/* "key:" has no look-up, "example" has a set, "" is everything. */
static const char *const searches[] = {"key:P-256", "example", ""};

static void read_on(void *argument) {
    static const enum inventory_sort sorts[] = {INVENTORY_BY_END, INVENTORY_BY_NAME,
                                                INVENTORY_BY_FIRST};
    struct sea *s = argument;
    for (unsigned round = 0; round < 18 || !is_over(s); round++)
        read_all_pages(s, searches[round % COUNT_OF(searches)], sorts[round / 3 % 3],
                       round / 9 % 2 != 0);
}

/* Several read, since it is readers who put what is new into an order. */
static void each_row_is_told_once(void **state) {
    struct sea *s = sea_make(1);
    struct thread *readers[READERS];
    (void)state;
    for (size_t i = 0; i < READERS; i++)
        readers[i] = thread_start(read_on, s);
    write_later(s);
    for (size_t i = 0; i < READERS; i++)
        thread_join(readers[i]);
    assert_int_equal(s->shop.inv->state.certs.n, FIRST + LATER);
    sea_free(s);
}

static void groups_count_what_was_there(void **state) {
    struct sea *s = sea_make(1);
    (void)state;
    struct thread *writer = thread_start(write_later, s);
    do {
        static const enum inventory_group groups[] = {INVENTORY_PER_WEEK, INVENTORY_PER_ISSUER,
                                                      INVENTORY_PER_KEY, INVENTORY_PER_AGENT};
        for (size_t i = 0; i < 8; i++) {
            struct arena a;
            struct inventory_groups out;
            struct fault f;
            arena_init(&a, 16 << 20);
            const struct query *q = query_of(&a, searches[i / 4], QUERY_CERTIFICATES, 1767225600);
            assert_int_equal(
                inventory_certs_group(s->shop.inv, q, groups[i % 4], 1767225600, 10, &a, &out, &f),
                ERR_OK);
            assert_in_range(out.total, FIRST, FIRST + LATER);
            arena_clear(&a);
        }
    } while (!is_over(s));
    thread_join(writer);
    sea_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_told_once),
        cmocka_unit_test(groups_count_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
