/* store/log/columns: what others wrote is refused or unpacks to what it says, the same as a whole
 * and by single entries; and any entries come back as they were. */
#include "base/os.h"
#include "base/zip.h"
#include "store/log/columns.h"
#include "store/log/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static const char *path(void) {
    static char path[64];
    uint8_t salt[6] = {0};
    struct fault f;
    if (path[0] == '\0') {
        demand(os_random(salt, sizeof salt) && dir_make("build/tmp", 0755, &f) == ERR_OK);
        snprintf(path, sizeof path, "build/tmp/columns-%02x%02x%02x%02x%02x%02x", salt[0], salt[1],
                 salt[2], salt[3], salt[4], salt[5]);
    }
    return path;
}

/* The payload of these columns, with checksums that hold. */
static void write_payload(const struct bytes columns[COLUMNS_DEFLATED], struct bytes raw,
                          struct buf *out) {
    static struct zip_deflater *z;
    struct buf front, deflated;
    if (z == NULL)
        z = zip_deflater_open(1);
    buf_init(&front, SEGMENT_BLOCK_MAX);
    buf_init(&deflated, SEGMENT_BLOCK_MAX);
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++) {
        size_t mark = deflated.n;
        demand(zip_deflate(z, columns_dictionary((enum column)i), columns[i], &deflated) == ERR_OK);
        buf_u32(&front, (uint32_t)columns[i].n);
        buf_u32(&front, (uint32_t)(deflated.n - mark));
    }
    buf_u32(&front, (uint32_t)raw.n);
    for (size_t at = 0; at < raw.n; at += COLUMNS_PIECE)
        buf_u32(&front, zip_crc32(0, bytes_part(raw, at, COLUMNS_PIECE)));
    buf_put(&front, buf_bytes(&deflated));
    buf_u32(out, zip_crc32(0, buf_bytes(&front)));
    buf_put(out, buf_bytes(&front));
    buf_put(out, raw);
    buf_clear(&front);
    buf_clear(&deflated);
}

/* Of a sound payload each entry is found; of another one nothing is promised but an end. */
static void fetch_all(const struct block_head *h, struct bytes payload, struct bytes entries,
                      bool is_sound) {
    struct cur c = cur_open(entries);
    struct file file;
    struct buf room;
    struct fault f;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    demand(file_open(&file, path(), FILE_APPEND, &f) == ERR_OK &&
           file_truncate(&file, 0, &f) == ERR_OK && file_write_at(&file, 0, payload, &f) == ERR_OK);
    for (uint32_t i = 0; i < h->count && i < 40; i++) {
        struct store_entry e, want;
        enum err code = columns_fetch(&file, 0, h, i, &room, &e, &f);
        if (!is_sound)
            continue;
        demand(code == ERR_OK && store_entry_take_kept(&c, &want));
        demand(e.type == want.type && e.version == want.version && e.time_ms == want.time_ms &&
               bytes_equal(e.payload, want.payload) && e.is_dropped == want.is_dropped &&
               bytes_equal(e.rest, want.rest));
    }
    file_close(&file);
    demand(file_remove(path(), &f) == ERR_OK);
    buf_clear(&room);
}

static struct block_head head_of(struct bytes payload, uint32_t count, uint32_t unpacked) {
    return (struct block_head){.version = BLOCK_VERSION,
                               .kind = BLOCK_KEPT,
                               .codec = BLOCK_COLUMNS,
                               .count = count,
                               .stored = (uint32_t)payload.n,
                               .unpacked = unpacked,
                               .check = zip_crc32(0, payload)};
}

static void try_payload(struct bytes payload, uint32_t count, uint32_t unpacked) {
    struct block_head h = head_of(payload, count, unpacked);
    struct buf out;
    buf_init(&out, SEGMENT_BLOCK_MAX);
    enum err code = block_unpack(&h, payload, &out);
    demand(code == ERR_OK || code == ERR_DAMAGED);
    demand(code != ERR_OK || out.n == unpacked);
    fetch_all(&h, payload, buf_bytes(&out), code == ERR_OK);
    buf_clear(&out);
}

/* Columns made of the input: their lengths, then what they hold. */
static void try_columns(struct bytes in) {
    struct cur c = cur_open(in);
    struct bytes columns[COLUMNS_DEFLATED];
    uint32_t count = cur_u8(&c), unpacked = cur_u16(&c);
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++)
        columns[i] = cur_vec8(&c);
    if (c.bad)
        return;
    struct buf payload;
    buf_init(&payload, SEGMENT_BLOCK_MAX);
    write_payload(columns, c.rest, &payload);
    try_payload(buf_bytes(&payload), count, unpacked);
    buf_clear(&payload);
}

static void try_entries(struct bytes in) {
    struct cur c = cur_open(in);
    struct zip_deflater *z = zip_deflater_open(1);
    struct buf entries, payload, out;
    uint32_t count = 0;
    buf_init(&entries, SEGMENT_BLOCK_MAX);
    buf_init(&payload, SEGMENT_BLOCK_MAX);
    buf_init(&out, SEGMENT_BLOCK_MAX);
    for (; c.rest.n > 4; count++) {
        struct store_entry e = {.type = cur_u8(&c), .version = 1};
        e.time_ms = cur_u8(&c);
        size_t n = cur_u16(&c);
        e.payload = cur_take(&c, n < c.rest.n ? n : c.rest.n);
        if (e.type >= 0x80 && e.payload.n >= STORE_HASH_SIZE) { /* its place is kept */
            e.is_dropped = true;
            e.rest = bytes_part(e.payload, STORE_HASH_SIZE, e.payload.n);
            e.payload = bytes_part(e.payload, 0, STORE_HASH_SIZE);
        }
        store_entry_write(&e, &entries);
    }
    demand(columns_pack(z, buf_bytes(&entries), &payload) == ERR_OK);
    struct block_head h = head_of(buf_bytes(&payload), count, (uint32_t)entries.n);
    demand(block_unpack(&h, buf_bytes(&payload), &out) == ERR_OK);
    demand(bytes_equal(buf_bytes(&out), buf_bytes(&entries)));
    fetch_all(&h, buf_bytes(&payload), buf_bytes(&entries), true);
    zip_deflater_close(z);
    buf_clear(&entries);
    buf_clear(&payload);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 1 << 16)
        return 0;
    struct bytes in = bytes_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_columns(in);
        break;
    case 1:
        try_entries(in);
        break;
    default: /* as it comes: hardly past the checksums */
        try_payload(in, data[0], (uint32_t)in.n);
    }
    return 0;
}
