/* One entry by its number: which block, and its bytes. See private.h. */
#include "store/log/private.h"

#include <stdlib.h>

enum err log_places_add(struct log_places *p, struct store_place place) {
    if (p->n == p->room) {
        size_t room = p->room == 0 ? 64 : p->room * 2;
        if (room > SIZE_MAX / sizeof *p->items)
            return ERR_LIMIT;
        struct store_place *items = realloc(p->items, room * sizeof *items);
        if (items == NULL)
            return ERR_MEMORY;
        p->items = items;
        p->room = room;
    }
    p->items[p->n++] = place;
    return ERR_OK;
}

bool log_places_find(const struct log_places *p, uint64_t number, struct store_place *out) {
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->items[middle].first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *out = p->items[low - 1];
    return true;
}

enum err block_head_load(const struct file *file, uint64_t at, struct block_head *out,
                         struct fault *f) {
    uint8_t head[BLOCK_HEAD];
    enum err code = file_read_at(file, at, head, BLOCK_HEAD, f);
    if (code == ERR_OK && !block_head_read(bytes_of(head, BLOCK_HEAD), out))
        code = fault_set(f, ERR_DAMAGED, "block", "at byte %llu", (unsigned long long)at);
    return code;
}

static enum err read_block(const struct file *file, uint64_t at, struct buf *stored,
                           struct block_head *h, struct buf *room, struct fault *f) {
    enum err code = block_head_load(file, at, h, f);
    if (code != ERR_OK)
        return code;
    uint8_t *to = buf_reserve(stored, h->stored);
    if (to == NULL)
        return fault_set(f, stored->err, "block", "at byte %llu", (unsigned long long)at);
    code = file_read_at(file, at + BLOCK_HEAD, to, h->stored, f);
    if (code != ERR_OK)
        return code;
    buf_commit(stored, h->stored);
    code = block_unpack(h, buf_bytes(stored), room);
    if (code != ERR_OK)
        fault_set(f, code, "block", "at byte %llu", (unsigned long long)at);
    return code;
}

enum err log_fetch(const char *path, const struct store_place *place, uint64_t number,
                   struct buf *room, struct store_entry *out, struct fault *f) {
    struct block_head h = {0};
    struct file file;
    struct buf stored;
    enum err code = file_open(&file, path, FILE_READ, f);
    if (code != ERR_OK)
        return code;
    buf_init(&stored, SEGMENT_BLOCK_MAX);
    code = read_block(&file, place->at, &stored, &h, room, f);
    if (code == ERR_OK && (number < h.first || number - h.first >= h.count))
        code = fault_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)number);
    struct cur c = cur_open(buf_bytes(room));
    for (uint64_t i = h.first; code == ERR_OK && i <= number; i++)
        if (!store_entry_take(&c, out))
            code = fault_set(f, ERR_DAMAGED, "entry", "%llu", (unsigned long long)number);
    out->number = number;
    file_close(&file);
    buf_clear(&stored);
    return code;
}
