/* One entry by its number: which block, and its bytes. See private.h. */
#include "store/log/columns.h"
#include "store/log/private.h"

#include "base/zip.h"

#include <stdlib.h>

enum err log_places_reserve(struct log_places *p, size_t more) {
    size_t room = p->room == 0 ? 64 : p->room;
    while (room - p->n < more && room <= SIZE_MAX / 2 / sizeof *p->items)
        room *= 2;
    if (room - p->n < more)
        return ERR_LIMIT;
    if (room == p->room)
        return ERR_OK;
    struct store_place *items = realloc(p->items, room * sizeof *items);
    if (items == NULL)
        return ERR_MEMORY;
    p->items = items;
    p->room = room;
    return ERR_OK;
}

enum err log_places_add(struct log_places *p, struct store_place place) {
    enum err code = log_places_reserve(p, 1);
    if (code == ERR_OK)
        p->items[p->n++] = place;
    return code;
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

enum err block_part_load(const struct file *file, uint64_t at, size_t n, struct buf *out,
                         struct fault *f) {
    uint8_t *to = buf_reserve(out, n);
    if (to == NULL)
        return fault_set(f, out->err, "block", "at byte %llu", (unsigned long long)at);
    enum err code = file_read_at(file, at, to, n, f);
    if (code == ERR_OK)
        buf_commit(out, n);
    return code;
}

/* Blocks are unpacked in such parts up to the entry that is asked for. */
enum { FETCH_PART = 4 << 10 };

/* Takes entries of what is unpacked up to `count`; how many there were. */
static uint32_t take_entries(const struct block_head *h, struct bytes b, uint32_t count,
                             struct store_entry *out) {
    struct cur c = cur_open(b);
    uint32_t n = 0;
    while (n < count && block_entry_take(h, &c, out))
        n++;
    return n;
}

/* Where the bytes that were stored are those that were written, what comes out of them is
 * too: no more is unpacked than is wanted. */
static enum err unpack_entry(const struct block_head *h, struct bytes stored, uint32_t index,
                             struct buf *room, struct store_entry *out) {
    struct bytes dictionary = {NULL, 0};
    buf_reset(room);
    if (h->codec != BLOCK_DEFLATE && h->codec != BLOCK_DEFLATE_1) {
        enum err code = block_unpack(h, stored, room);
        if (code != ERR_OK)
            return code;
        return take_entries(h, buf_bytes(room), index + 1, out) == index + 1 ? ERR_OK : ERR_DAMAGED;
    }
    if (zip_crc32(0, stored) != h->check)
        return ERR_DAMAGED;
    if (!block_has_entries(h))
        return ERR_UNSUPPORTED;
    if (h->codec == BLOCK_DEFLATE_1)
        dictionary = store_dictionary_1();
    struct zip_inflater *z = zip_inflater_open(dictionary, stored);
    enum err code = z != NULL ? ERR_OK : ERR_MEMORY;
    bool found = false;
    while (code == ERR_OK && !found && room->n < h->unpacked) {
        size_t left = h->unpacked - room->n, before = room->n;
        size_t part =
            before < FETCH_PART ? FETCH_PART : before / 4; /* large entries: fewer turns */
        code = zip_inflate_next(z, part < left ? part : left, room);
        if (code == ERR_OK && room->n == before)
            break;
        if (code == ERR_OK)
            found = take_entries(h, buf_bytes(room), index + 1, out) == index + 1;
    }
    zip_inflater_close(z);
    if (code == ERR_OK)
        return found ? ERR_OK : ERR_DAMAGED;
    return code == ERR_MEMORY ? code : ERR_DAMAGED;
}

static enum err unpack_at(const struct file *file, uint64_t at, const struct block_head *h,
                          uint32_t index, struct buf *room, struct store_entry *out,
                          struct fault *f) {
    struct buf stored;
    if (h->codec == BLOCK_COLUMNS && block_has_entries(h))
        return columns_fetch(file, at, h, index, room, out, f);
    buf_init(&stored, SEGMENT_BLOCK_MAX);
    enum err code = block_part_load(file, at, h->stored, &stored, f);
    if (code == ERR_OK)
        code = unpack_entry(h, buf_bytes(&stored), index, room, out);
    buf_clear(&stored);
    return code;
}

static enum err fetch_at(const struct file *file, uint64_t at, uint64_t number, struct buf *room,
                         struct store_entry *out, struct fault *f) {
    struct block_head h = {0};
    enum err code = block_head_load(file, at, &h, f);
    if (code != ERR_OK)
        return code;
    if (number < h.first || number - h.first >= h.count)
        return fault_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)number);
    f->code = ERR_OK;
    code = unpack_at(file, at + BLOCK_HEAD, &h, (uint32_t)(number - h.first), room, out, f);
    out->number = number;
    if (code == ERR_OK || f->code != ERR_OK) /* of what was read, and could not be */
        return code;
    return fault_set(f, code, "block", "at byte %llu", (unsigned long long)at);
}

/* Where the segment's own table has the entry; false: it has none, or not the entry. */
static bool place_by_table(const struct file *file, uint32_t segment, uint64_t number,
                           struct store_place *out) {
    struct segment_table t = {.is_sealed = false};
    bool is_there = segment_table_load(file, segment, &t) == ERR_OK && t.is_sealed &&
                    number < t.end && log_places_find(&t.places, number, out);
    free(t.places.items);
    return is_there;
}

enum err log_fetch(const char *path, const struct store_place *place, uint64_t number,
                   struct buf *room, struct store_entry *out, struct fault *f) {
    struct file file;
    struct store_place now;
    enum err code = file_open(&file, path, FILE_READ, f);
    if (code != ERR_OK)
        return code;
    code = fetch_at(&file, place->at, number, room, out, f);
    /* The segment may have been sealed since the place was noted. */
    if ((code == ERR_DAMAGED || code == ERR_NOT_FOUND) &&
        place_by_table(&file, place->segment, number, &now) && now.at != place->at)
        code = fetch_at(&file, now.at, number, room, out, f);
    file_close(&file);
    return code;
}
