/* zlib behind one file. See zip.h. */
#include "base/zip.h"

#include "base/crc_x86.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { CHUNK = 16384, RAW = -15, GZIP = 15 + 16 };

struct zip_deflater {
    z_stream stream;
};

static void give_input(z_stream *s, struct bytes in) {
    s->next_in = (z_const Bytef *)(uintptr_t)in.p;
    s->avail_in = (uInt)in.n;
}

struct zip_deflater *zip_deflater_open(int level) {
    struct zip_deflater *z = calloc(1, sizeof *z);
    if (z != NULL &&
        deflateInit2(&z->stream, level, Z_DEFLATED, RAW, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

void zip_deflater_close(struct zip_deflater *z) {
    if (z == NULL)
        return;
    deflateEnd(&z->stream);
    free(z);
}

/* One step of deflate() or inflate() into the room that is left. With none left
 * one spare byte shows whether more would come: then ERR_LIMIT. */
static enum err step(int (*run)(z_streamp, int), z_stream *s, int flush, struct buf *out,
                     int *status) {
    size_t room = buf_room(out, CHUNK);
    uint8_t spare;
    uint8_t *at = room > 0 ? buf_reserve(out, room) : &spare;
    if (at == NULL)
        return out->err;
    s->next_out = at;
    s->avail_out = room > 0 ? (uInt)room : 1;
    *status = run(s, flush);
    size_t made = (size_t)(s->next_out - at);
    if (made > 0 && room == 0)
        return out->err = ERR_LIMIT;
    buf_commit(out, made);
    return ERR_OK;
}

static enum err run_deflate(z_stream *s, struct bytes in, struct buf *out) {
    int status = Z_OK;
    enum err code = ERR_OK;
    if (in.n > INT_MAX)
        return ERR_LIMIT;
    give_input(s, in);
    while (status == Z_OK && code == ERR_OK)
        code = step(deflate, s, Z_FINISH, out, &status);
    return code != ERR_OK ? code : status == Z_STREAM_END ? ERR_OK : ERR_FAILED;
}

static enum err begin_deflate(struct zip_deflater *z, struct bytes dictionary) {
    if (deflateReset(&z->stream) != Z_OK)
        return ERR_FAILED;
    if (dictionary.n > 0 &&
        deflateSetDictionary(&z->stream, dictionary.p, (uInt)dictionary.n) != Z_OK)
        return ERR_FAILED;
    return ERR_OK;
}

enum err zip_deflate(struct zip_deflater *z, struct bytes dictionary, struct bytes in,
                     struct buf *out) {
    enum err code = begin_deflate(z, dictionary);
    return code == ERR_OK ? run_deflate(&z->stream, in, out) : code;
}

enum err zip_deflate_marked(struct zip_deflater *z, struct bytes dictionary, struct bytes in,
                            struct buf *out) {
    static const uint8_t end[] = {0x01, 0x00, 0x00, 0xff, 0xff}; /* stored, final, empty */
    int status = Z_OK;
    enum err code = begin_deflate(z, dictionary);
    if (in.n > INT_MAX)
        return ERR_LIMIT;
    give_input(&z->stream, in);
    do {
        if (code == ERR_OK)
            code = step(deflate, &z->stream, Z_SYNC_FLUSH, out, &status);
    } while (code == ERR_OK && status == Z_OK && z->stream.avail_out == 0);
    buf_put(out, bytes_of(end, sizeof end));
    return code == ERR_OK ? out->err : code;
}

/* No memory says nothing about the bytes: they must not be taken for damaged. */
static enum err wrong(int status) {
    return status == Z_MEM_ERROR ? ERR_MEMORY : ERR_FORMAT;
}

static enum err run_inflate(z_stream *s, struct bytes in, struct buf *out) {
    int status = Z_OK;
    enum err code = ERR_OK;
    give_input(s, in);
    while (status == Z_OK && code == ERR_OK) {
        code = step(inflate, s, Z_NO_FLUSH, out, &status);
        if (status == Z_OK && s->avail_in == 0 && s->avail_out > 0)
            return ERR_FORMAT; /* cut short */
    }
    if (code != ERR_OK)
        return code;
    return status == Z_STREAM_END && s->avail_in == 0 ? ERR_OK : wrong(status);
}

static enum err inflate_as(int window, struct bytes dictionary, struct bytes in, struct buf *out) {
    z_stream s = {0};
    if (in.n > INT_MAX)
        return ERR_LIMIT;
    if (inflateInit2(&s, window) != Z_OK)
        return ERR_MEMORY;
    enum err code = ERR_OK;
    int status = Z_OK;
    if (dictionary.n > 0)
        status = inflateSetDictionary(&s, dictionary.p, (uInt)dictionary.n);
    if (status != Z_OK)
        code = wrong(status);
    if (code == ERR_OK)
        code = run_inflate(&s, in, out);
    inflateEnd(&s);
    return code;
}

enum err zip_inflate(struct bytes dictionary, struct bytes in, struct buf *out) {
    return inflate_as(RAW, dictionary, in, out);
}

struct zip_inflater {
    z_stream stream;
    bool is_ended;
};

struct zip_inflater *zip_inflater_open(struct bytes dictionary, struct bytes in) {
    struct zip_inflater *z = in.n > INT_MAX ? NULL : calloc(1, sizeof *z);
    if (z == NULL || inflateInit2(&z->stream, RAW) != Z_OK) {
        free(z);
        return NULL;
    }
    give_input(&z->stream, in);
    if (dictionary.n > 0 &&
        inflateSetDictionary(&z->stream, dictionary.p, (uInt)dictionary.n) != Z_OK) {
        zip_inflater_close(z);
        return NULL;
    }
    return z;
}

void zip_inflater_close(struct zip_inflater *z) {
    if (z == NULL)
        return;
    inflateEnd(&z->stream);
    free(z);
}

enum err zip_inflate_next(struct zip_inflater *z, size_t n, struct buf *out) {
    if (n > INT_MAX)
        return ERR_LIMIT;
    uint8_t *at = z->is_ended || n == 0 ? NULL : buf_reserve(out, n);
    if (at == NULL)
        return z->is_ended ? ERR_OK : out->err;
    z->stream.next_out = at;
    z->stream.avail_out = (uInt)n;
    int status = inflate(&z->stream, Z_NO_FLUSH);
    buf_commit(out, n - z->stream.avail_out);
    z->is_ended = status == Z_STREAM_END;
    return z->is_ended || (status == Z_OK && z->stream.avail_out == 0) ? ERR_OK : wrong(status);
}

enum err zip_inflate_exact(struct zip_inflater *z, struct bytes dictionary, struct bytes in,
                           uint8_t *out, size_t n) {
    z_stream *s = &z->stream;
    int status = in.n <= INT_MAX && n <= INT_MAX ? inflateReset(s) : Z_DATA_ERROR;
    if (status == Z_OK && dictionary.n > 0)
        status = inflateSetDictionary(s, dictionary.p, (uInt)dictionary.n);
    if (status != Z_OK)
        return wrong(status);
    give_input(s, in);
    s->next_out = out;
    s->avail_out = (uInt)n;
    status = inflate(s, Z_FINISH);
    return status == Z_STREAM_END && s->avail_in == 0 && s->avail_out == 0 ? ERR_OK : wrong(status);
}

enum err gzip_pack(struct bytes in, int level, struct buf *out) {
    z_stream s = {0};
    if (deflateInit2(&s, level, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_MEMORY;
    enum err code = run_deflate(&s, in, out);
    deflateEnd(&s);
    return code;
}

enum err gzip_unpack(struct bytes in, struct buf *out) {
    return inflate_as(GZIP, (struct bytes){NULL, 0}, in, out);
}

uint32_t zip_crc32(uint32_t seed, struct bytes b) {
    size_t n = crc_x86(&seed, b);
    struct bytes left = bytes_part(b, n, b.n);
    return n > 0 && left.n == 0 ? seed : (uint32_t)crc32_z(seed, left.p, left.n);
}
