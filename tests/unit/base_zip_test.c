/* base/zip: round trips, bombs, cut and changed input; a CRC known from elsewhere. */
#include "test.h"

#include "base/zip.h"

static const char text[] = "subject CN=mail.example.com,O=Example GmbH,C=DE";

static void deflates_and_inflates_with_a_dictionary(void **state) {
    (void)state;
    struct bytes dictionary = bytes_text("O=Example GmbH,C=DE"), none = {NULL, 0};
    struct zip_deflater *z = zip_deflater_open(6);
    struct buf with, without, back;
    buf_init(&with, 10000);
    buf_init(&without, 10000);
    buf_init(&back, 10000);
    for (int round = 0; round < 3; round++) { /* the same deflater again */
        buf_reset(&with);
        buf_reset(&without);
        buf_reset(&back);
        assert_int_equal(zip_deflate(z, dictionary, bytes_text(text), &with), ERR_OK);
        assert_int_equal(zip_deflate(z, none, bytes_text(text), &without), ERR_OK);
        assert_true(with.n < without.n);
        assert_int_equal(zip_inflate(dictionary, buf_bytes(&with), &back), ERR_OK);
        assert_text(buf_bytes(&back), text);
    }
    zip_deflater_close(z);
    buf_clear(&with);
    buf_clear(&without);
    buf_clear(&back);
}

static void refuses_every_prefix_and_a_tail(void **state) {
    (void)state;
    struct buf packed, back;
    buf_init(&packed, 10000);
    buf_init(&back, 10000);
    assert_int_equal(gzip_pack(bytes_text(text), 9, &packed), ERR_OK);
    for (size_t n = 0; n < packed.n; n++) {
        buf_reset(&back);
        assert_int_not_equal(gzip_unpack(bytes_part(buf_bytes(&packed), 0, n), &back), ERR_OK);
    }
    buf_reset(&back);
    assert_int_equal(gzip_unpack(buf_bytes(&packed), &back), ERR_OK);
    assert_text(buf_bytes(&back), text);
    buf_u8(&packed, 0);
    buf_reset(&back);
    assert_int_equal(gzip_unpack(buf_bytes(&packed), &back), ERR_FORMAT);
    buf_clear(&packed);
    buf_clear(&back);
}

/* Of any length, also past the size of one step. */
static void a_marked_one_ends_with_no_zero(void **state) {
    (void)state;
    struct bytes none = {NULL, 0};
    struct zip_deflater *z = zip_deflater_open(6);
    struct buf in, plain, packed, back;
    unsigned zeros = 0;
    buf_init(&in, 1 << 20);
    buf_init(&plain, 1 << 20);
    buf_init(&packed, 1 << 20);
    buf_init(&back, 1 << 20);
    for (uint32_t i = 0; i < 40000; i += i < 60 ? 1 : 4999) {
        while (in.n < i)
            buf_u8(&in, (uint8_t)((uint32_t)in.n * 2654435761u >> 23));
        buf_reset(&plain);
        buf_reset(&packed);
        buf_reset(&back);
        assert_int_equal(zip_deflate(z, none, buf_bytes(&in), &plain), ERR_OK);
        assert_int_equal(zip_deflate_marked(z, none, buf_bytes(&in), &packed), ERR_OK);
        zeros += plain.p[plain.n - 1] == 0;
        assert_int_not_equal(packed.p[packed.n - 1], 0);
        assert_true(packed.n <= plain.n + 10);
        assert_int_equal(zip_inflate(none, buf_bytes(&packed), &back), ERR_OK);
        assert_true(bytes_equal(buf_bytes(&back), buf_bytes(&in)));
    }
    assert_true(zeros > 0);
    zip_deflater_close(z);
    buf_clear(&in);
    buf_clear(&plain);
    buf_clear(&packed);
    buf_clear(&back);
}

static void a_bomb_stops_at_the_maximum(void **state) {
    (void)state;
    struct buf plain, packed, back;
    buf_init(&plain, 1u << 20);
    buf_init(&packed, 1u << 20);
    buf_fill(&plain, 0, 1u << 20);
    assert_int_equal(gzip_pack(buf_bytes(&plain), 9, &packed), ERR_OK);
    buf_init(&back, (1u << 20) - 1);
    assert_int_equal(gzip_unpack(buf_bytes(&packed), &back), ERR_LIMIT);
    assert_true(back.cap <= 1u << 20);
    buf_clear(&back);
    buf_init(&back, 1u << 20); /* exactly enough */
    assert_int_equal(gzip_unpack(buf_bytes(&packed), &back), ERR_OK);
    assert_int_equal(back.n, 1u << 20);
    buf_clear(&back);
    buf_clear(&plain);
    buf_clear(&packed);
}

static void unpacks_as_far_as_is_asked(void **state) {
    (void)state;
    struct bytes dictionary = bytes_text("O=Example GmbH,C=DE");
    struct zip_deflater *z = zip_deflater_open(6);
    struct buf packed, back;
    buf_init(&packed, 10000);
    buf_init(&back, 10000);
    assert_int_equal(zip_deflate(z, dictionary, bytes_text(text), &packed), ERR_OK);
    for (size_t part = 1; part < sizeof text + 5; part++) {
        struct zip_inflater *i = zip_inflater_open(dictionary, buf_bytes(&packed));
        buf_reset(&back);
        for (size_t n = 0; n < sizeof text - 1; n += part) {
            assert_int_equal(
                zip_inflate_next(i, part < sizeof text - 1 - n ? part : sizeof text - 1 - n, &back),
                ERR_OK);
            assert_true(bytes_starts(bytes_text(text), (const char *)buf_cstr(&back)));
        }
        assert_text(buf_bytes(&back), text);
        zip_inflater_close(i);
    }
    for (size_t n = 0; n < packed.n; n++) { /* cut: never more than there is */
        struct zip_inflater *i =
            zip_inflater_open(dictionary, bytes_part(buf_bytes(&packed), 0, n));
        buf_reset(&back);
        enum err code = zip_inflate_next(i, sizeof text, &back);
        assert_true(code == ERR_FORMAT && back.n < sizeof text);
        zip_inflater_close(i);
    }
    zip_inflater_close(NULL);
    zip_deflater_close(z);
    buf_clear(&packed);
    buf_clear(&back);
}

static void unpacks_exactly_what_is_told(void **state) {
    (void)state;
    struct bytes dictionary = bytes_text("O=Example GmbH,C=DE"), none = {NULL, 0};
    struct zip_deflater *z = zip_deflater_open(9);
    struct zip_inflater *i = zip_inflater_open(none, none);
    for (unsigned round = 0; round < 4; round++) { /* one inflater for all */
        struct bytes with = round % 2 == 0 ? dictionary : none;
        struct bytes whole = round < 2 ? bytes_text(text) : none;
        uint8_t back[sizeof text + 1];
        struct buf packed;
        buf_init(&packed, 10000);
        assert_int_equal(zip_deflate(z, with, whole, &packed), ERR_OK);
        struct bytes all = buf_bytes(&packed);
        assert_int_equal(zip_inflate_exact(i, with, all, back, whole.n), ERR_OK);
        if (whole.n > 0)
            assert_memory_equal(back, whole.p, whole.n);
        assert_int_equal(zip_inflate_exact(i, with, all, back, whole.n + 1), ERR_FORMAT);
        for (size_t n = 0; n < whole.n; n++)
            assert_int_equal(zip_inflate_exact(i, with, all, back, n), ERR_FORMAT);
        for (size_t n = 0; n < all.n; n++)
            assert_int_equal(zip_inflate_exact(i, with, bytes_part(all, 0, n), back, whole.n),
                             ERR_FORMAT);
        buf_u8(&packed, 0); /* a tail */
        assert_int_equal(zip_inflate_exact(i, with, buf_bytes(&packed), back, whole.n), ERR_FORMAT);
        buf_clear(&packed);
    }
    zip_inflater_close(i);
    zip_deflater_close(z);
}

static void the_crc_is_the_standard_one(void **state) {
    (void)state;
    assert_int_equal(zip_crc32(0, bytes_text("123456789")),
                     0xcbf43926); /* the catalogue's check value */
}

/* Bit by bit, as the polynomial says. */
static uint32_t crc_by_bits(uint32_t crc, struct bytes b) {
    crc = ~crc;
    for (size_t i = 0; i < b.n; i++) {
        crc ^= b.p[i];
        for (unsigned k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* Lengths around those that the processor's instructions take at once, at any place. */
static void the_crc_is_the_same_by_bits(void **state) {
    (void)state;
    uint8_t bytes[700];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
    for (size_t at = 0; at < 17; at++)
        for (size_t n = 1; at + n <= sizeof bytes; n += n < 300 ? 1 : 37) {
            struct bytes b = bytes_of(bytes + at, n);
            uint32_t whole = zip_crc32(0, b);
            assert_int_equal(whole, crc_by_bits(0, b));
            size_t part = n * 2 / 3;
            uint32_t begun = zip_crc32(0, bytes_part(b, 0, part));
            if (part > 0)
                assert_int_equal(zip_crc32(begun, bytes_part(b, part, n)), whole);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deflates_and_inflates_with_a_dictionary),
        cmocka_unit_test(refuses_every_prefix_and_a_tail),
        cmocka_unit_test(a_marked_one_ends_with_no_zero),
        cmocka_unit_test(a_bomb_stops_at_the_maximum),
        cmocka_unit_test(unpacks_as_far_as_is_asked),
        cmocka_unit_test(unpacks_exactly_what_is_told),
        cmocka_unit_test(the_crc_is_the_standard_one),
        cmocka_unit_test(the_crc_is_the_same_by_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
