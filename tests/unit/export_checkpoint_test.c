/* export/checkpoint: signed notes as C2SP and Go's sumdb/note have them. */
#include "test.h"

#include "base/text.h"
#include "export/checkpoint.h"

#include <string.h>

/* The example of golang.org/x/mod/sumdb/note. */
static const char peter[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/* Of its private key "...+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz". */
static const char peter_seed[] = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";

static void reads_a_key(void **state) {
    struct checkpoint_key key;
    struct fault f;
    struct buf line;
    uint8_t seed[32], public_key[32], secret[64];
    (void)state;
    assert_int_equal(checkpoint_key_read(bytes_text(peter), &key, &f), ERR_OK);
    assert_string_equal(key.name, "PeterNeumann");
    assert_true(hex_read(bytes_text(peter_seed), seed, sizeof seed));
    ed25519_of_seed(seed, public_key, secret);
    assert_memory_equal(key.public_key, public_key, sizeof public_key);
    buf_init(&line, 1000);
    checkpoint_key_write(&key, &line);
    assert_string_equal(buf_cstr(&line), peter);
    buf_clear(&line);
}

static void refuses_keys(void **state) {
    static const char *const bad[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* id */
        "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* name */
        "PeterNeumann+c74f20a3+AhpcMQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* kind */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };
    struct checkpoint_key key;
    struct fault f;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (checkpoint_key_read(bytes_text(bad[i]), &key, &f) != ERR_FORMAT)
            fail_msg("%s", bad[i]);
}

struct signer {
    struct checkpoint_key key;
    uint8_t secret[64];
};

static struct signer signer_of(const char *name, uint8_t fill) {
    struct signer s;
    struct fault f;
    uint8_t seed[32], public_key[32];
    memset(seed, fill, sizeof seed);
    ed25519_of_seed(seed, public_key, s.secret);
    assert_int_equal(checkpoint_key_set(&s.key, bytes_text(name), public_key, &f), ERR_OK);
    return s;
}

static struct checkpoint head_of(uint64_t size) {
    struct checkpoint c = {.size = size};
    memset(c.root, 0xab, sizeof c.root);
    return c;
}

static void writes_and_reads(void **state) {
    struct signer s = signer_of("clm.example.com/log/1", 7);
    struct checkpoint c = head_of(20852163), back;
    struct fault f;
    struct buf note;
    (void)state;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    checkpoint_write(&c, &s.key, s.secret, &note);
    const char *text = buf_cstr(&note);
    assert_true(strncmp(text,
                        "clm.example.com/log/1\n20852163\n"
                        "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n\n"
                        "\xe2\x80\x94 clm.example.com/log/1 ",
                        31 + 46 + 4 + 22) == 0);
    assert_int_equal(text[note.n - 1], '\n');
    assert_int_equal(checkpoint_read(buf_bytes(&note), &s.key, &back, &f), ERR_OK);
    assert_int_equal(back.size, c.size);
    assert_memory_equal(back.root, c.root, sizeof c.root);
    buf_clear(&note);
}

/* Signatures of witnesses and lines of extensions do not disturb; line ends of Windows neither. */
static void passes_over_others(void **state) {
    struct signer s = signer_of("clm.example.com/log/1", 7), witness = signer_of("w.example", 9);
    struct checkpoint c = head_of(5), back;
    struct fault f;
    struct buf note, theirs, crlf;
    (void)state;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    buf_init(&theirs, CHECKPOINT_NOTE_MAX);
    buf_init(&crlf, CHECKPOINT_NOTE_MAX);
    checkpoint_write(&c, &witness.key, witness.secret, &theirs);
    checkpoint_write(&c, &s.key, s.secret, &note);
    size_t gap = bytes_find(buf_bytes(&note), bytes_text("\n\n")) + 2;
    size_t from = bytes_find(buf_bytes(&theirs), bytes_text("\n\n")) + 2;
    buf_put(&crlf, bytes_part(buf_bytes(&note), 0, gap));
    buf_put(&crlf, bytes_part(buf_bytes(&theirs), from, theirs.n));
    buf_put(&crlf, bytes_part(buf_bytes(&note), gap, note.n));
    assert_int_equal(checkpoint_read(buf_bytes(&crlf), &s.key, &back, &f), ERR_OK);
    buf_reset(&theirs);
    for (size_t i = 0; i < crlf.n; i++) {
        if (crlf.p[i] == '\n')
            buf_u8(&theirs, '\r');
        buf_u8(&theirs, crlf.p[i]);
    }
    assert_int_equal(checkpoint_read(buf_bytes(&theirs), &s.key, &back, &f), ERR_OK);
    assert_int_equal(back.size, 5);
    buf_clear(&note);
    buf_clear(&theirs);
    buf_clear(&crlf);
}

/* Whatever is cut off or changed, it no longer holds; and another log's is told as such. */
static void notices_every_change(void **state) {
    struct signer s = signer_of("clm.example.com/log/1", 7);
    struct signer other = signer_of("clm.example.com/log/2", 7), forger = s;
    struct checkpoint c = head_of(1042), back;
    struct fault f;
    struct buf note;
    (void)state;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    checkpoint_write(&c, &s.key, s.secret, &note);
    size_t padding = 3; /* "==" may be missing, and the last line end */
    for (size_t n = 0; n < note.n - padding; n++)
        assert_true(checkpoint_read(bytes_part(buf_bytes(&note), 0, n), &s.key, &back, &f) !=
                    ERR_OK);
    for (size_t i = 0; i + 1 < note.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            note.p[i] = (uint8_t)(note.p[i] ^ 1u << bit);
            enum err code = checkpoint_read(buf_bytes(&note), &s.key, &back, &f);
            note.p[i] = (uint8_t)(note.p[i] ^ 1u << bit);
            if (code == ERR_OK && (back.size != c.size || memcmp(back.root, c.root, 32) != 0))
                fail_msg("byte %zu, bit %u", i, bit);
        }
    assert_int_equal(checkpoint_read(buf_bytes(&note), &other.key, &back, &f), ERR_CONFLICT);
    forger.secret[0] ^= 1;
    buf_reset(&note);
    checkpoint_write(&c, &forger.key, signer_of("x", 8).secret, &note);
    assert_int_equal(checkpoint_read(buf_bytes(&note), &s.key, &back, &f), ERR_CREDENTIALS);
    buf_clear(&note);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_key),          cmocka_unit_test(refuses_keys),
        cmocka_unit_test(writes_and_reads),     cmocka_unit_test(passes_over_others),
        cmocka_unit_test(notices_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
