/* Copies of files. See copy.h. */
#include "store/backup/copy.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 };

/* Hashes the first out->size bytes, and writes them where `to` is open. */
static enum err pass(const struct file *from, const struct file *to, struct copy_end *out,
                     struct fault *f) {
    struct hash_run run;
    uint8_t *piece = malloc(PIECE);
    enum err code = ERR_OK;
    if (piece == NULL)
        return fault_set(f, ERR_MEMORY, "copy", "%d bytes", PIECE);
    hash_begin(&run, HASH_SHA256);
    for (uint64_t at = 0; at < out->size && code == ERR_OK;) {
        size_t n = out->size - at < PIECE ? (size_t)(out->size - at) : PIECE;
        code = file_read_at(from, at, piece, n, f);
        hash_add(&run, bytes_of(piece, code == ERR_OK ? n : 0));
        if (code == ERR_OK && to != NULL)
            code = file_write_at(to, at, bytes_of(piece, n), f);
        at += n;
    }
    hash_peek(&run, out->sha256);
    free(piece);
    return code;
}

enum err copy_open(struct copy_from *from, const char *path, uint64_t size, struct copy_end *out,
                   struct fault *f) {
    enum err code = file_open(&from->file, path, FILE_READ, f);
    if (code != ERR_OK)
        return code;
    out->size = size;
    if (size == UINT64_MAX)
        code = file_size(&from->file, &out->size, f);
    if (code == ERR_OK)
        code = pass(&from->file, NULL, out, f);
    if (code != ERR_OK)
        file_close(&from->file);
    return code;
}

enum err copy_hash(const char *path, uint64_t size, struct copy_end *out, struct fault *f) {
    struct copy_from from;
    enum err code = copy_open(&from, path, size, out, f);
    if (code == ERR_OK)
        copy_close(&from);
    return code;
}

enum err copy_to(const struct copy_from *from, const char *path, const struct copy_end *expected,
                 struct fault *f) {
    struct file to;
    struct copy_end end = {.size = expected->size};
    enum err code = file_remove(path, f);
    if (code == ERR_OK)
        code = file_open(&to, path, FILE_APPEND, f);
    if (code != ERR_OK)
        return code;
    code = pass(&from->file, &to, &end, f);
    if (code == ERR_OK)
        code = file_sync(&to, f);
    file_close(&to);
    if (code == ERR_OK && memcmp(end.sha256, expected->sha256, sizeof end.sha256) != 0)
        code = fault_set(f, ERR_DAMAGED, "copy", "%s: the bytes changed while it was made", path);
    return code;
}

void copy_close(struct copy_from *from) {
    file_close(&from->file);
}
