/* crypto/rc2: the examples of RFC 2268, section 5. */
#include "crypto/rc2.h"
#include "tests/unit/hex.h"

/* clang-format off */
static const struct {
    unsigned effective_bits;
    const char *key, *plain, *cipher;
} rows[] = {
    {63,  "0000000000000000", "0000000000000000", "ebb773f993278eff"},
    {64,  "ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
    {64,  "3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
    {64,  "88", "0000000000000000", "61a8a244adacccf0"},
    {64,  "88bca90e90875a", "0000000000000000", "6ccf4308974c267f"},
    {64,  "88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "1a807d272bbe5db1"},
    {128, "88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
    {129, "88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", "0000000000000000", "5b78d3a43dfff1f1"},
};
/* clang-format on */

static void decrypts_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t key[64], block[RC2_BLOCK];
        struct rc2 r;
        rc2_init(&r, unhex(rows[i].key, key, sizeof key), rows[i].effective_bits);
        unhex(rows[i].cipher, block, sizeof block);
        rc2_decrypt(&r, block);
        assert_hex(block, sizeof block, rows[i].plain);
    }
}

/* Three blocks by `openssl enc -rc2-cbc -K ... -iv ... -nopad -provider legacy`. */
static void chains_blocks(void **state) {
    (void)state;
    uint8_t key[16], iv[RC2_BLOCK], data[24];
    struct rc2 r;
    rc2_init(&r, unhex("000102030405060708090a0b0c0d0e0f", key, sizeof key), 128);
    unhex("f0f1f2f3f4f5f6f7", iv, sizeof iv);
    unhex("782316da6e1bf0b2255f984e4e937552d45d7381be15e9f7", data, sizeof data);
    rc2_cbc_decrypt(&r, iv, data, sizeof data);
    assert_memory_equal(data, "eight by eight by eight.", sizeof data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decrypts_the_examples),
        cmocka_unit_test(chains_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
