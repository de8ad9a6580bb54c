/* store/log: heads, payloads, and a whole segment file made of foreign bytes. The
 * walk ends, tells harm for what does not hold, and never hands out what a block's
 * checksums do not cover. */
#include "base/os.h"
#include "base/text.h"
#include "base/zip.h"
#include "store/log/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static void try_heads(struct bytes in) {
    struct segment_head head;
    struct block_head block;
    struct buf out, again;
    size_t size = 0;
    buf_init(&out, SEGMENT_BLOCK_MAX);
    buf_init(&again, 4096);
    if (segment_head_read(in, &head, &size) == ERR_OK) {
        segment_head_write(&head, &again);
        demand(bytes_equal(buf_bytes(&again), bytes_part(in, 0, size)));
        buf_reset(&again);
    }
    if (block_head_read(in, &block)) {
        block_head_write(&block, &again);
        demand(bytes_equal(buf_bytes(&again), bytes_part(in, 0, BLOCK_HEAD)));
    }
    /* Any bytes as the payload of a block whose checksum holds. */
    for (uint8_t i = 0; i < 10; i++) {
        struct block_head h = {.version = 1, .kind = 1 + i % 2, .codec = i / 2, .count = 1};
        h.stored = (uint32_t)in.n;
        h.unpacked = (uint32_t)in.n;
        h.check = 0;
        (void)!block_unpack(&h, in, &out);
    }
    buf_clear(&out);
    buf_clear(&again);
}

static void try_table(struct bytes in) {
    struct log_places places = {.n = 0};
    struct buf again;
    buf_init(&again, in.n + 16);
    if (segment_table_read(in, UINT64_MAX, UINT64_MAX, 1, &places) == ERR_OK) {
        segment_table_write(&places, &again);
        demand(bytes_equal(buf_bytes(&again), in));
    }
    free(places.items);
    buf_clear(&again);
}

static void try_file(struct bytes in) {
    static char path[64];
    struct file file;
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    uint64_t next = 0;
    if (path[0] == '\0') {
        uint8_t salt[6] = {0};
        demand(os_random(salt, sizeof salt) && dir_make("build/tmp", 0755, &f) == ERR_OK);
        snprintf(path, sizeof path, "build/tmp/walk-%02x%02x%02x%02x%02x%02x", salt[0], salt[1],
                 salt[2], salt[3], salt[4], salt[5]);
    }
    demand(file_open(&file, path, FILE_APPEND, &f) == ERR_OK);
    demand(file_write_at(&file, 0, in, &f) == ERR_OK && file_truncate(&file, in.n, &f) == ERR_OK);
    file_close(&file);
    struct segment_walk w;
    demand(segment_walk_open(&w, path, 0, true, UINT64_MAX, &f) == ERR_OK);
    for (size_t steps = 0;; steps++) {
        enum segment_step step = segment_walk_next(&w, &f);
        demand(steps <= 2 * in.n + 4 && step != SEGMENT_ERROR);
        if (step == SEGMENT_END)
            break;
        demand(step != SEGMENT_BLOCK || w.block_at + BLOCK_HEAD + w.block.stored <= in.n);
    }
    segment_walk_close(&w);
    if (in.n % 64 == 0) { /* the reader waits where an end is torn */
        demand(store_reader_open(path, &r, &f) == ERR_OK);
        while (store_reader_next(r, &e, &f) == ERR_OK) {
            demand(e.number >= next);
            next = e.number + 1;
        }
        store_reader_close(r);
    }
    demand(file_remove(path, &f) == ERR_OK);
}

static void put_u32(uint8_t *at, uint32_t v) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Makes the checksums of all that looks like a block hold: else nothing but the
 * checksums would be tried. */
static void mend(uint8_t *p, size_t n) {
    for (size_t at = 0; at + BLOCK_HEAD <= n; at++) {
        struct bytes head = bytes_of(p + at, BLOCK_HEAD);
        if (!bytes_starts(head, "CLMb"))
            continue;
        struct cur c = cur_open(bytes_part(head, 28, 4));
        uint32_t stored = cur_u32(&c);
        put_u32(p + at + 36, zip_crc32(0, bytes_part(bytes_of(p, n), at + BLOCK_HEAD, stored)));
        put_u32(p + at + 40, zip_crc32(0, bytes_of(p + at, 40)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 16)
        return 0;
    try_heads(bytes_of(data, size));
    try_table(bytes_of(data, size));
    if (size % 2 == 0) {
        try_file(bytes_of(data, size));
        return 0;
    }
    uint8_t *copy = malloc(size);
    demand(copy != NULL);
    memcpy(copy, data, size);
    mend(copy, size);
    try_file(bytes_of(copy, size));
    free(copy);
    return 0;
}
