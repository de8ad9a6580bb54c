/* model/ports, model/protocol: lists, sets, and what a port speaks. */
#include "test.h"

#include "model/ports.h"
#include "model/protocol.h"

static struct arena arena;

static const struct {
    const char *text, *canonical; /* NULL: refused */
    uint32_t count;
} lists[] = {
    {"443",                  "443",                                                        1    },
    {"8443,9443",            "8443,9443",                                                  2    },
    {"8000-9000,9443",       "8000-9000,9443",                                             1002 },
    {"9443 , 8000-9000",     "8000-9000,9443",                                             1002 },
    {"default",              "443,465,636,853,989,990,992,993,995",                        9    },
    {"Default,443",          "443,465,636,853,989,990,992,993,995",                        9    },
    {"1,2",                  "1,2",                                                        2    },
    {"1,2,3",                "1-3",                                                        3    },
    {"10-20,15-30,31",       "10-31",                                                      22   },
    {"1-65535",              "1-65535",                                                    65535},
    {"65535",                "65535",                                                      1    },
    {"database",             "1433,2379,3306,5432,6380,27017",                             6    },
    {"starttls",
     "21,23-25,110,119,143,389,587,631,1433,2525,3268,3306,3389,4190,5222,5269,5432,6667", 20   },
    {"all-known",            NULL,                                                         37   },
    {"443,,465,",            "443,465",                                                    2    },
    {"",                     NULL,                                                         0    },
    {" , ",                  NULL,                                                         0    },
    {"0",                    NULL,                                                         0    },
    {"65536",                NULL,                                                         0    },
    {"70000",                NULL,                                                         0    },
    {"-1",                   NULL,                                                         0    },
    {"1-",                   NULL,                                                         0    },
    {"9000-8000",            NULL,                                                         0    },
    {"0-10",                 NULL,                                                         0    },
    {"1-65536",              NULL,                                                         0    },
    {"https",                NULL,                                                         0    },
    {"443;465",              NULL,                                                         0    },
    {"4 43x",                NULL,                                                         0    },
    {"1-2-3",                NULL,                                                         0    },
    {"99999999999999999999", NULL,                                                         0    },
};

static void reads_and_writes_lists(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct model_ports p, again;
        struct fault f;
        enum err e = model_ports_read(&arena, bytes_text(lists[i].text), &p, &f);
        if ((e == ERR_OK) != (lists[i].count > 0))
            print_error("%s\n", lists[i].text);
        assert_int_equal(e, lists[i].count > 0 ? ERR_OK : ERR_USAGE);
        if (e != ERR_OK)
            continue;
        struct buf text;
        buf_init(&text, 10000);
        model_ports_write(&text, &p);
        assert_int_equal(model_ports_count(&p), lists[i].count);
        if (lists[i].canonical != NULL)
            assert_text(buf_bytes(&text), lists[i].canonical);
        assert_int_equal(model_ports_read(&arena, buf_bytes(&text), &again, &f), ERR_OK);
        assert_true(model_ports_equal(&p, &again));
        buf_clear(&text);
    }
}

static void names_the_bad_item(void **state) {
    (void)state;
    struct model_ports p;
    struct fault f;
    assert_int_equal(model_ports_read(&arena, bytes_text("443, 70000 ,465"), &p, &f), ERR_USAGE);
    assert_non_null(strstr(f.detail, "\"70000\""));
}

static void walks_and_joins(void **state) {
    (void)state;
    struct model_ports a, b, joined, nine = model_ports_default();
    assert_int_equal(model_ports_read(&arena, bytes_text("10-12,20"), &a, NULL), ERR_OK);
    assert_int_equal(model_ports_read(&arena, bytes_text("13,65535"), &b, NULL), ERR_OK);
    assert_int_equal(model_ports_next(&a, 0), 10);
    assert_int_equal(model_ports_next(&a, 11), 11);
    assert_int_equal(model_ports_next(&a, 13), 20);
    assert_int_equal(model_ports_next(&a, 21), 0);
    assert_int_equal(model_ports_next(&b, 65536), 0);
    assert_true(model_ports_has(&a, 12));
    assert_false(model_ports_has(&a, 13));
    assert_false(model_ports_has(&a, 0));
    assert_int_equal(model_ports_join(&arena, &a, &b, &joined), ERR_OK);
    assert_int_equal(joined.n, 3);
    assert_int_equal(model_ports_count(&joined), 6);
    assert_int_equal(model_ports_count(&nine), 9);

    uint8_t bits[MODEL_PORT_BITS] = {0};
    model_port_bits_add(bits, &joined);
    model_port_bits_drop(bits, &a);
    assert_int_equal(model_port_bits_count(bits), 2);
    assert_int_equal(model_port_bits_next(bits, 1), 13);
    assert_int_equal(model_port_bits_next(bits, 14), 65535);
    assert_int_equal(model_port_bits_next(bits, 65536), 0);
}

/* Any set, in one form: ranges in order, none touching the next. */
static struct model_ports draw_ports(uint32_t *seed, struct model_port_range *ranges, size_t most) {
    struct model_ports p = {ranges, 0};
    uint32_t from = 1;
    while (p.n < most && from < 300) {
        *seed = *seed * 1103515245u + 12345u;
        uint32_t first = from + (*seed >> 16) % 6, last = first + (*seed >> 24) % 5;
        if (p.n + 1 == most && (*seed & 1u << 20) != 0)
            last = 65535;
        ranges[p.n++] = (struct model_port_range){(uint16_t)first, (uint16_t)last};
        from = last + 2;
    }
    return p;
}

static void joining_is_adding_bits(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (size_t i = 0; i < 2000; i++) {
        struct model_port_range a_ranges[8], b_ranges[8];
        struct model_ports a = draw_ports(&seed, a_ranges, i % 9),
                           b = draw_ports(&seed, b_ranges, i / 9 % 9), joined;
        uint8_t sum[MODEL_PORT_BITS] = {0}, bits[MODEL_PORT_BITS] = {0};
        arena_reset(&arena);
        assert_int_equal(model_ports_join(&arena, &a, &b, &joined), ERR_OK);
        model_port_bits_add(sum, &a);
        model_port_bits_add(sum, &b);
        model_port_bits_add(bits, &joined);
        assert_memory_equal(bits, sum, sizeof bits);
        assert_int_equal(model_ports_count(&joined), model_port_bits_count(sum));
        for (size_t k = 1; k < joined.n; k++)
            assert_true(joined.ranges[k].first > joined.ranges[k - 1].last + 1);
    }
}

static void port_rows_are_in_order_and_agree(void **state) {
    (void)state;
    uint16_t last = 0;
    size_t nine = 0;
    for (const struct model_port_row *r = model_port_rows(); r->port != 0; r++) {
        assert_true(r->port > last);
        last = r->port;
        bool has_dialogue = model_protocol_row(r->protocol)->has_dialogue;
        assert_int_equal(has_dialogue, (r->sets & MODEL_PORTS_STARTTLS) != 0);
        nine += (r->sets & MODEL_PORTS_DEFAULT) != 0;
        assert_int_equal(model_protocol_of_port(r->port), r->protocol);
    }
    assert_int_equal(nine, 9);
    assert_int_equal(model_protocol_of_port(9443), MODEL_TLS);
    assert_int_equal(model_protocol_of_port(587), MODEL_SMTP);
}

static void protocols_have_names(void **state) {
    (void)state;
    for (unsigned i = 0; i < MODEL_PROTOCOL_COUNT; i++) {
        enum model_protocol p = MODEL_PROTOCOL_COUNT;
        assert_true(
            model_protocol_read(bytes_text(model_protocol_name((enum model_protocol)i)), &p));
        assert_int_equal(p, i);
    }
    enum model_protocol p = MODEL_FTP;
    assert_false(model_protocol_read(bytes_text("gopher"), &p));
    assert_false(model_protocol_read(bytes_text(""), &p));
    assert_int_equal(p, MODEL_FTP);
    assert_string_equal(model_protocol_near(bytes_text("smpt")), "smtp");
    assert_string_equal(model_protocol_near(bytes_text("postgre")), "postgres");
    assert_null(model_protocol_near(bytes_text("gopher")));
    assert_string_equal(model_protocol_name((enum model_protocol)999), "auto");
}

static int open_arena(void **state) {
    (void)state;
    arena_init(&arena, 1u << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_lists),
        cmocka_unit_test(names_the_bad_item),
        cmocka_unit_test(walks_and_joins),
        cmocka_unit_test(joining_is_adding_bits),
        cmocka_unit_test(port_rows_are_in_order_and_agree),
        cmocka_unit_test(protocols_have_names),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
