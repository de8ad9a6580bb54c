/* The walk over a segment: sound blocks, what is torn, what is damaged. See segment.h. */
#include "store/log/segment.h"

#include "base/zip.h"

#include <stdio.h>
#include <string.h>

enum { WINDOW = 1 << 18 };

/* n bytes of the file from `at`; fewer at its end. Valid until the next call. */
static enum err view(struct segment_walk *w, uint64_t at, size_t n, struct bytes *out,
                     struct fault *f) {
    uint64_t left = at < w->size ? w->size - at : 0;
    n = n < left ? n : (size_t)left;
    bool inside = at >= w->window_at && at - w->window_at + n <= w->window.n;
    if (!inside) {
        size_t want = n > WINDOW ? n : WINDOW;
        want = want < left ? want : (size_t)left;
        buf_reset(&w->window);
        uint8_t *room = buf_reserve(&w->window, want);
        if (room == NULL)
            return fault_set(f, w->window.err, "block", "%s", w->name);
        enum err code = file_read_at(&w->file, at, room, want, f);
        if (code != ERR_OK)
            return code;
        buf_commit(&w->window, want);
        w->window_at = at;
    }
    *out = bytes_part(buf_bytes(&w->window), (size_t)(at - w->window_at), n);
    return ERR_OK;
}

/* Whether a block's head stands there: whole, of this segment, of entries not yet read. */
static enum err head_at(struct segment_walk *w, uint64_t at, struct block_head *h, bool *is_head,
                        struct fault *f) {
    struct bytes b;
    enum err code = view(w, at, BLOCK_HEAD, &b, f);
    *is_head = false;
    if (code != ERR_OK || !block_head_read(b, h))
        return code;
    if (w->has_salt && memcmp(h->salt, w->salt, SEGMENT_SALT) != 0)
        return ERR_OK;
    *is_head = w->next == UINT64_MAX || h->first >= w->next;
    return ERR_OK;
}

/* The first block's head at or behind `at`; w->size where there is none. */
static enum err find_head(struct segment_walk *w, uint64_t at, uint64_t *found,
                          struct block_head *h, struct fault *f) {
    while (at + BLOCK_HEAD <= w->size) {
        struct bytes b;
        enum err code = view(w, at, WINDOW, &b, f);
        if (code != ERR_OK)
            return code;
        size_t hit = bytes_find(b, bytes_text("CLMb"));
        if (hit == SIZE_MAX) {
            at += b.n - 3; /* a mark may begin in the last three bytes */
            continue;
        }
        at += hit;
        bool is_head;
        code = head_at(w, at, h, &is_head, f);
        if (code != ERR_OK)
            return code;
        if (is_head) {
            *found = at;
            return ERR_OK;
        }
        at++;
    }
    *found = w->size;
    return ERR_OK;
}

/* Whether a block that begins a commit stands at or behind `at`. */
static enum err commit_follows(struct segment_walk *w, uint64_t at, bool *follows,
                               struct fault *f) {
    struct block_head h;
    for (;;) {
        enum err code = find_head(w, at, &at, &h, f);
        *follows = code == ERR_OK && at < w->size && (h.flags & BLOCK_FIRST) != 0;
        if (code != ERR_OK || at >= w->size || *follows)
            return code;
        at += BLOCK_HEAD;
    }
}

/* Whether some sector of [from, to) is all zero, as far as it lies in there. Sound data has
 * zeros too, so that a part of a few bytes proves nothing; but for the first bytes, which are
 * those of a head, and for the last of the file (of a segment's head 4 bytes at least). */
static enum err has_zero_sector(struct segment_walk *w, uint64_t from, uint64_t to, bool *has,
                                struct fault *f) {
    size_t at_end = from == 0 ? 4 : 1;
    *has = false;
    for (size_t least = 1; from < to && !*has; least = SEGMENT_ZEROS) {
        uint64_t end = (from / SEGMENT_SECTOR + 1) * SEGMENT_SECTOR;
        struct bytes b;
        if (to == w->size && end >= to && least > at_end)
            least = at_end;
        enum err code = view(w, from, (size_t)((end < to ? end : to) - from), &b, f);
        if (code != ERR_OK)
            return code;
        *has = b.n >= least;
        for (size_t i = 0; i < b.n && *has; i++)
            *has = b.p[i] == 0;
        from = end;
    }
    return ERR_OK;
}

static enum segment_step harm(struct segment_walk *w, enum store_harm_kind kind, uint64_t at,
                              uint64_t to) {
    w->harm = (struct store_harm){.kind = kind, .at = at, .size = to - at, .next_entry = w->next};
    memcpy(w->harm.file, w->name, sizeof w->harm.file);
    w->at = to;
    return SEGMENT_HARM;
}

/* What begins at `at` does not hold; the next sound head is looked for from `from`
 * on. `is_cut`: the file ends before what stands at `at` does. */
static enum segment_step bad(struct segment_walk *w, uint64_t at, uint64_t from, bool is_cut,
                             struct fault *f) {
    struct block_head h;
    uint64_t found;
    bool follows = true, torn = is_cut;
    if (find_head(w, from, &found, &h, f) != ERR_OK)
        return SEGMENT_ERROR;
    if (w->is_last && commit_follows(w, found, &follows, f) != ERR_OK)
        return SEGMENT_ERROR;
    if (!follows && !torn && has_zero_sector(w, at, found, &torn, f) != ERR_OK)
        return SEGMENT_ERROR;
    if (!follows && torn)
        return harm(w, STORE_TORN, at, w->size);
    enum segment_step step = harm(w, STORE_DAMAGED, at, found);
    w->next = found < w->size ? h.first : UINT64_MAX;
    return step;
}

/* A commit of several blocks at the end of the log may be cut between two of them:
 * it is looked through before its first block is handed out. */
static enum segment_step look_ahead(struct segment_walk *w, uint64_t start, bool *is_whole,
                                    struct fault *f) {
    uint64_t at = start;
    struct block_head h = w->block;
    struct bytes stored;
    *is_whole = false;
    for (;;) {
        bool is_head = true, is_cut = at + BLOCK_HEAD + h.stored > w->size;
        if (is_cut)
            return bad(w, start, at + BLOCK_HEAD, true, f);
        if (view(w, at + BLOCK_HEAD, h.stored, &stored, f) != ERR_OK)
            return SEGMENT_ERROR;
        if (zip_crc32(0, stored) != h.check)
            break;
        at += BLOCK_HEAD + (uint64_t)h.stored;
        if (h.flags & BLOCK_LAST) {
            *is_whole = true;
            return SEGMENT_BLOCK;
        }
        is_cut = at + BLOCK_HEAD > w->size;
        if (is_cut)
            return bad(w, start, at, true, f);
        if (head_at(w, at, &h, &is_head, f) != ERR_OK)
            return SEGMENT_ERROR;
        if (!is_head || (h.flags & BLOCK_FIRST))
            break;
    }
    /* Bad in the middle. Torn: all of the commit goes. Damaged: what is sound of it
     * stays, and the bad block is met again when the walk gets there. */
    uint64_t next = w->next;
    enum segment_step step = bad(w, at, at + BLOCK_HEAD, false, f);
    w->next = next;
    if (step == SEGMENT_HARM && w->harm.kind == STORE_TORN)
        return harm(w, STORE_TORN, start, w->size);
    w->at = start;
    *is_whole = true;
    return step == SEGMENT_ERROR ? step : SEGMENT_BLOCK;
}

static enum segment_step block_at(struct segment_walk *w, uint64_t at, struct fault *f) {
    const struct block_head *h = &w->block;
    struct bytes stored;
    uint64_t end = at + BLOCK_HEAD + h->stored;
    if (end > w->size)
        return bad(w, at, at + BLOCK_HEAD, true, f);
    if (view(w, at + BLOCK_HEAD, h->stored, &stored, f) != ERR_OK)
        return SEGMENT_ERROR;
    enum err code = w->is_stored ? block_check(h, stored) : block_unpack(h, stored, &w->payload);
    if (code == ERR_MEMORY) {
        fault_set(f, code, "block", "%s", w->name);
        return SEGMENT_ERROR;
    }
    if (code == ERR_DAMAGED)
        return bad(w, at, end, false, f);
    if (code == ERR_UNSUPPORTED) {
        enum segment_step step = harm(w, STORE_UNSUPPORTED, at, end);
        w->next = h->first + h->count;
        return step;
    }
    if (w->next != UINT64_MAX && h->first != w->next) { /* blocks between are gone */
        enum segment_step step = harm(w, STORE_DAMAGED, at, at);
        w->next = h->first;
        return step;
    }
    w->block_at = at;
    w->at = end;
    w->next = h->first + h->count;
    memcpy(w->salt, h->salt, SEGMENT_SALT);
    w->has_salt = true;
    return SEGMENT_BLOCK;
}

/* SEGMENT_BLOCK: there is one. */
static enum segment_step take_head(struct segment_walk *w, struct fault *f) {
    struct bytes b;
    size_t size = 0;
    w->begun = true;
    if (view(w, 0, SEGMENT_HEAD + STORE_TREE_RANGE_MAX * 32, &b, f) != ERR_OK)
        return SEGMENT_ERROR;
    enum err code = segment_head_read(b, &w->head, &size);
    if (code == ERR_UNSUPPORTED)
        return harm(w, STORE_UNSUPPORTED, 0, w->size);
    if (code != ERR_OK)
        return bad(w, 0, 8, code == ERR_LIMIT, f);
    w->has_head = w->has_salt = true;
    memcpy(w->salt, w->head.salt, SEGMENT_SALT);
    w->at = size;
    return SEGMENT_BLOCK;
}

enum segment_step segment_walk_from(struct segment_walk *w, uint64_t at, uint64_t next,
                                    struct fault *f) {
    enum segment_step step = take_head(w, f);
    if (step == SEGMENT_BLOCK && at > 0) { /* 0: behind the head */
        w->at = at;
        w->next = next;
    }
    return step;
}

static enum segment_step head_step(struct segment_walk *w, struct fault *f) {
    enum segment_step step = take_head(w, f);
    if (step != SEGMENT_BLOCK)
        return step;
    if (w->next != UINT64_MAX && w->head.tree.size != w->next) {
        step = harm(w, STORE_DAMAGED, w->at, w->at);
        w->next = w->head.tree.size;
        return step;
    }
    w->next = w->head.tree.size;
    return segment_walk_next(w, f);
}

enum segment_step segment_walk_next(struct segment_walk *w, struct fault *f) {
    bool is_head;
    if (!w->begun)
        return head_step(w, f);
    uint64_t at = w->at;
    if (at >= w->size)
        return SEGMENT_END;
    if (at + BLOCK_HEAD > w->size)
        return bad(w, at, w->size, true, f);
    if (head_at(w, at, &w->block, &is_head, f) != ERR_OK)
        return SEGMENT_ERROR;
    if (!is_head)
        return bad(w, at, at + 1, false, f);
    bool begins = (w->block.flags & (BLOCK_FIRST | BLOCK_LAST)) == BLOCK_FIRST;
    bool is_whole = true;
    if (w->is_last && begins) {
        enum segment_step step = look_ahead(w, at, &is_whole, f);
        if (!is_whole)
            return step;
    }
    return block_at(w, at, f);
}

enum err segment_walk_open(struct segment_walk *w, const char *path, uint32_t number, bool is_last,
                           uint64_t next, struct fault *f) {
    memset(w, 0, sizeof *w);
    w->is_last = is_last;
    w->next = next;
    snprintf(w->name, sizeof w->name, "%s", path_base(path));
    if (number > 0)
        segment_name(number, w->name);
    buf_init(&w->window, WINDOW + SEGMENT_BLOCK_MAX);
    buf_init(&w->payload, SEGMENT_BLOCK_MAX);
    enum err code = file_open(&w->file, path, FILE_READ, f);
    if (code == ERR_OK)
        code = file_size(&w->file, &w->size, f);
    if (code != ERR_OK)
        segment_walk_close(w);
    return code;
}

void segment_walk_close(struct segment_walk *w) {
    file_close(&w->file);
    buf_clear(&w->window);
    buf_clear(&w->payload);
}
