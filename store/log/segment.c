/* Heads of segments and blocks, payloads, names. See segment.h. */
#include "store/log/segment.h"

#include "store/log/columns.h"

#include <stdio.h>
#include <string.h>

static const char segment_magic[] = "clmlog\r\n", block_magic[] = "CLMb";

void segment_head_write(const struct segment_head *h, struct buf *out) {
    size_t start = out->n;
    unsigned n = store_tree_range(h->tree.size);
    buf_text(out, segment_magic);
    buf_u16(out, SEGMENT_VERSION);
    buf_u16(out, (uint16_t)n);
    buf_u32(out, h->number);
    buf_u64(out, h->tree.size);
    buf_put(out, bytes_of(h->salt, SEGMENT_SALT));
    buf_put(out, bytes_of(h->tree.range, (size_t)n * 32));
    struct bytes all = buf_bytes(out);
    buf_u32(out, zip_crc32(0, bytes_part(all, start, all.n)));
}

enum err segment_head_read(struct bytes in, struct segment_head *out, size_t *size) {
    struct cur c = cur_open(in);
    if (in.n < SEGMENT_HEAD)
        return ERR_LIMIT;
    if (!bytes_is(cur_take(&c, 8), segment_magic))
        return ERR_FORMAT;
    uint16_t version = cur_u16(&c);
    unsigned n = cur_u16(&c);
    memset(out, 0, sizeof *out);
    out->number = cur_u32(&c);
    out->tree.size = cur_u64(&c);
    if (n != store_tree_range(out->tree.size) || n > STORE_TREE_RANGE_MAX)
        return ERR_FORMAT;
    memcpy(out->salt, cur_take(&c, SEGMENT_SALT).p, SEGMENT_SALT);
    *size = SEGMENT_HEAD + (size_t)n * 32;
    if (in.n < *size)
        return ERR_LIMIT;
    struct bytes range = cur_take(&c, (size_t)n * 32);
    if (range.n > 0)
        memcpy(out->tree.range, range.p, range.n);
    if (cur_u32(&c) != zip_crc32(0, bytes_part(in, 0, *size - 4)))
        return ERR_FORMAT;
    return version == SEGMENT_VERSION ? ERR_OK : ERR_UNSUPPORTED;
}

void block_head_write(const struct block_head *h, struct buf *out) {
    size_t start = out->n;
    buf_text(out, block_magic);
    buf_u8(out, h->version);
    buf_u8(out, h->kind);
    buf_u8(out, h->codec);
    buf_u8(out, h->flags);
    buf_put(out, bytes_of(h->salt, SEGMENT_SALT));
    buf_u64(out, h->first);
    buf_u32(out, h->count);
    buf_u32(out, h->stored);
    buf_u32(out, h->unpacked);
    buf_u32(out, h->check);
    struct bytes all = buf_bytes(out);
    buf_u32(out, zip_crc32(0, bytes_part(all, start, all.n)));
}

bool block_head_read(struct bytes in, struct block_head *out) {
    struct cur c = cur_open(bytes_part(in, 0, BLOCK_HEAD));
    if (!bytes_is(cur_take(&c, 4), block_magic))
        return false;
    out->version = cur_u8(&c);
    out->kind = cur_u8(&c);
    out->codec = cur_u8(&c);
    out->flags = cur_u8(&c);
    struct bytes salt = cur_take(&c, SEGMENT_SALT);
    out->first = cur_u64(&c);
    out->count = cur_u32(&c);
    out->stored = cur_u32(&c);
    out->unpacked = cur_u32(&c);
    out->check = cur_u32(&c);
    uint32_t check = cur_u32(&c);
    if (!cur_end(&c) || check != zip_crc32(0, bytes_part(in, 0, BLOCK_HEAD - 4)))
        return false;
    memcpy(out->salt, salt.p, SEGMENT_SALT);
    return out->stored <= SEGMENT_BLOCK_MAX && out->unpacked <= SEGMENT_BLOCK_MAX;
}

size_t block_begin(struct buf *out) {
    size_t begin = out->n;
    buf_fill(out, 0, BLOCK_HEAD);
    return begin;
}

enum err block_close(struct buf *out, size_t begin, struct block_head *h) {
    size_t end = out->n;
    struct bytes stored = bytes_part(buf_bytes(out), begin + BLOCK_HEAD, end);
    h->stored = (uint32_t)stored.n;
    h->check = zip_crc32(0, stored);
    block_head_write(h, out);
    if (out->err != ERR_OK)
        return out->err;
    memcpy(out->p + begin, out->p + end, BLOCK_HEAD);
    buf_cut(out, end);
    return ERR_OK;
}

enum err block_deflate(struct zip_deflater *z, struct bytes entries, struct buf *out,
                       uint8_t *codec) {
    size_t mark = out->n;
    enum err code = zip_deflate(z, store_dictionary_1(), entries, out);
    *codec = BLOCK_DEFLATE_1;
    if (code != ERR_OK || out->n - mark < entries.n)
        return code;
    *codec = BLOCK_STORED;
    buf_cut(out, mark);
    buf_put(out, entries);
    return out->err;
}

static enum err unpack(const struct block_head *h, struct bytes stored, struct buf *out) {
    struct bytes none = {NULL, 0};
    switch (h->codec) {
    case BLOCK_STORED:
        buf_put(out, stored);
        return out->err;
    case BLOCK_DEFLATE:
        return zip_inflate(none, stored, out);
    case BLOCK_DEFLATE_1:
        return zip_inflate(store_dictionary_1(), stored, out);
    case BLOCK_COLUMNS:
        return columns_unpack(h, stored, out);
    default:
        return ERR_UNSUPPORTED;
    }
}

bool block_has_entries(const struct block_head *h) {
    return h->version == BLOCK_VERSION && (h->kind == BLOCK_ENTRIES || h->kind == BLOCK_KEPT);
}

bool block_entry_take(const struct block_head *h, struct cur *c, struct store_entry *e) {
    return h->kind == BLOCK_KEPT ? store_entry_take_kept(c, e) : store_entry_take(c, e);
}

enum err block_check(const struct block_head *h, struct bytes stored) {
    if (zip_crc32(0, stored) != h->check)
        return ERR_DAMAGED;
    if (h->kind >= BLOCK_KINDS_IGNORED)
        return ERR_OK;
    return block_has_entries(h) && h->codec <= BLOCK_COLUMNS ? ERR_OK : ERR_UNSUPPORTED;
}

enum err block_unpack(const struct block_head *h, struct bytes stored, struct buf *out) {
    buf_reset(out);
    enum err code = block_check(h, stored);
    if (code != ERR_OK || h->kind >= BLOCK_KINDS_IGNORED)
        return code;
    code = unpack(h, stored, out);
    if (code == ERR_MEMORY || code == ERR_UNSUPPORTED)
        return code;
    struct cur c = cur_open(buf_bytes(out));
    struct store_entry e;
    for (uint32_t i = 0; code == ERR_OK && i < h->count; i++)
        if (!block_entry_take(h, &c, &e))
            break;
    return code == ERR_OK && cur_end(&c) && out->n == h->unpacked ? ERR_OK : ERR_DAMAGED;
}

void segment_name(uint32_t number, char out[24]) {
    snprintf(out, 24, "%08u.seg", (unsigned)number);
}

bool segment_name_read(const char *name, uint32_t *number) {
    char again[24];
    uint32_t n = 0;
    for (const char *p = name; *p >= '0' && *p <= '9' && n < UINT32_MAX / 10 - 9; p++)
        n = n * 10 + (uint32_t)(*p - '0');
    segment_name(n, again);
    *number = n;
    return n > 0 && strcmp(again, name) == 0;
}

struct listing {
    struct buf numbers;
};

static bool list_one(void *context, const char *name, bool is_dir) {
    struct listing *l = context;
    uint32_t number;
    if (!is_dir && segment_name_read(name, &number))
        buf_put(&l->numbers, bytes_of(&number, sizeof number));
    return true;
}

enum err segment_list_read(const char *dir, struct arena *a, struct segment_list *out,
                           struct fault *f) {
    struct listing l;
    buf_init(&l.numbers, (size_t)64 << 20);
    enum err code = dir_list(dir, list_one, &l, f);
    if (code == ERR_OK && l.numbers.err != ERR_OK)
        code = fault_set(f, l.numbers.err, "list", "%s", dir);
    out->n = l.numbers.n / sizeof *out->numbers;
    out->numbers = NULL;
    if (code == ERR_OK && out->n > 0) {
        out->numbers = arena_array(a, out->n, sizeof *out->numbers);
        if (out->numbers == NULL)
            code = fault_set(f, ERR_MEMORY, "list", "%s", dir);
        else
            memcpy(out->numbers, l.numbers.p, l.numbers.n);
    }
    buf_clear(&l.numbers);
    return code;
}
