/* The table of blocks at the end of a sealed segment. See segment.h. */
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_ROW = 16, TABLE_TAIL = 4 };

void segment_table_write(const struct log_places *places, struct buf *out) {
    for (size_t i = 0; i < places->n; i++) {
        buf_u64(out, places->items[i].first);
        buf_u64(out, places->items[i].at);
    }
    buf_u32(out, (uint32_t)(places->n * TABLE_ROW + TABLE_TAIL));
}

enum err segment_table_read(struct bytes payload, uint64_t end, uint64_t at, uint32_t segment,
                            struct log_places *out) {
    struct cur c = cur_open(payload);
    uint64_t behind = SEGMENT_HEAD;
    out->n = 0;
    while (c.rest.n > TABLE_TAIL) {
        struct store_place place = {.segment = segment};
        place.first = cur_u64(&c);
        place.at = cur_u64(&c);
        bool is_first = out->n == 0;
        if (c.bad || place.at < behind || place.at >= at || place.first >= end ||
            (!is_first && place.first <= out->items[out->n - 1].first))
            return ERR_FORMAT;
        behind = place.at + BLOCK_HEAD;
        enum err code = log_places_add(out, place);
        if (code != ERR_OK)
            return code;
    }
    return cur_u32(&c) == payload.n && cur_end(&c) ? ERR_OK : ERR_FORMAT;
}

/* The block's head, where the end of the file leads to one. */
static bool find_table(const struct file *file, struct segment_table *t, struct block_head *h,
                       struct fault *f) {
    uint64_t size;
    uint8_t tail[TABLE_TAIL];
    if (file_size(file, &size, f) != ERR_OK || size < SEGMENT_HEAD + BLOCK_HEAD + TABLE_TAIL ||
        file_read_at(file, size - TABLE_TAIL, tail, TABLE_TAIL, f) != ERR_OK)
        return false;
    struct cur c = cur_open(bytes_of(tail, TABLE_TAIL));
    uint32_t n = cur_u32(&c);
    if (n < TABLE_TAIL || n > size - SEGMENT_HEAD - BLOCK_HEAD)
        return false;
    t->at = size - n - BLOCK_HEAD;
    t->size = size;
    return block_head_load(file, t->at, h, f) == ERR_OK && h->kind == BLOCK_TABLE &&
           h->version == BLOCK_VERSION && h->codec == BLOCK_STORED && h->stored == n;
}

enum err segment_is_sealed(const struct file *file, uint32_t segment, bool *out, struct fault *f) {
    struct segment_table t = {.is_sealed = false};
    enum err code = segment_table_load(file, segment, &t);
    *out = code == ERR_OK && t.is_sealed;
    free(t.places.items);
    return code == ERR_OK ? code : fault_set(f, code, "log", "table of blocks");
}

enum err segment_table_load(const struct file *file, uint32_t segment, struct segment_table *out) {
    struct block_head h;
    struct fault ignored;
    struct buf payload;
    out->is_sealed = false;
    out->places.n = 0;
    if (!find_table(file, out, &h, &ignored))
        return ERR_OK;
    buf_init(&payload, SEGMENT_BLOCK_MAX);
    uint8_t *room = buf_reserve(&payload, h.stored);
    enum err code = room != NULL ? ERR_OK : ERR_MEMORY;
    if (code == ERR_OK &&
        file_read_at(file, out->at + BLOCK_HEAD, room, h.stored, &ignored) == ERR_OK) {
        buf_commit(&payload, h.stored);
        struct bytes b = buf_bytes(&payload);
        if (zip_crc32(0, b) == h.check)
            code = segment_table_read(b, h.first, out->at, segment, &out->places);
        out->is_sealed = code == ERR_OK && zip_crc32(0, b) == h.check;
    }
    buf_clear(&payload);
    memcpy(out->salt, h.salt, SEGMENT_SALT);
    out->end = h.first;
    return code == ERR_FORMAT ? ERR_OK : code;
}
